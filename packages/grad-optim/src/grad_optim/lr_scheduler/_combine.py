"""Several schedules: one after the other, or all at once."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, ClassVar

from grad_optim._optimizer import Optimizer

from ._base import LRScheduler
from ._plateau import ReduceLROnPlateau

__all__ = ["ChainedScheduler", "SequentialLR"]


class _Several(LRScheduler):
    outside: ClassVar[tuple[str, ...]] = ("optimizer", "_schedulers")

    _schedulers: list[Any]

    def _take_all(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None) -> Optimizer:
        """Check the parts, and return the optimizer that is theirs."""
        title = type(self).__name__
        if not schedulers:
            raise ValueError(f"{title}: there is no scheduler in the list")
        for i, part in enumerate(schedulers):
            if not isinstance(part, LRScheduler):
                raise TypeError(f"{title}: item {i} is a {type(part).__name__} and not a scheduler")
            if isinstance(part, ReduceLROnPlateau):
                raise ValueError(
                    f"{title}: item {i} is a ReduceLROnPlateau, whose step needs a measure: step it by itself"
                )
            if part.optimizer is not (schedulers[0].optimizer if optimizer is None else optimizer):
                raise ValueError(f"{title}: item {i}, {type(part).__name__}, belongs to another optimizer")
        return self.take(schedulers[0].optimizer)

    def _initial_step(self) -> None:
        for part in self._schedulers:
            part._step_count = 0
        self.step()

    def state_dict(self) -> dict[str, Any]:
        """As ``LRScheduler.state_dict``, with the state dicts of the parts."""
        return {**super().state_dict(), "_schedulers": [part.state_dict() for part in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As ``LRScheduler.load_state_dict``.

        Raises:
            ValueError: it does not fit, and nothing has been changed.
        """
        given = self.checked(state_dict)
        parts = given.pop("_schedulers")
        if len(parts) != len(self._schedulers):
            raise ValueError(
                f"{type(self).__name__}: this state dict does not fit, and nothing was loaded: it has {len(parts)} "
                f"schedules, and there are {len(self._schedulers)}"
            )
        for part, state in zip(self._schedulers, parts, strict=True):
            part.checked(state)
        for part, state in zip(self._schedulers, parts, strict=True):
            part.load_state_dict(state)
        vars(self).update(given)


class SequentialLR(_Several):
    """One schedule after the other, each from its own beginning: the second from step ``milestones[0]`` on, and so on.

    As ``torch.optim.lr_scheduler.SequentialLR``. Its usual use is a warm-up.

    Args:
        optimizer: the optimizer of all of them.
        schedulers: at least one; no ``ReduceLROnPlateau``, and ``ChainedScheduler`` only as the first.
        milestones: for each schedule but the first, the number of its first step.
        last_epoch: for PyTorch's sake.

    Raises:
        TypeError, ValueError: something among the schedules that does not belong there, or not one milestone fewer.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> from grad_optim.lr_scheduler import ExponentialLR, LinearLR, SequentialLR
        >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0)
        >>> parts = [LinearLR(optimizer, 0.5, total_iters=2), ExponentialLR(optimizer, gamma=0.5)]
        >>> scheduler = SequentialLR(optimizer, parts, milestones=[2])
        >>> for epoch in range(4):
        ...     optimizer.step()
        ...     scheduler.step()
        ...     print(scheduler.get_last_lr())
        [0.75]
        [1.0]
        [0.5]
        [0.25]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int], last_epoch: int = -1
    ) -> None:
        self.take(optimizer)
        self.optimizer = self._take_all(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"SequentialLR: {len(schedulers)} schedules need {len(schedulers) - 1} milestones, and "
                f"{len(milestones)} were given"
            )
        for i, part in enumerate(schedulers):
            if i and isinstance(part, ChainedScheduler):
                raise ValueError(
                    f"SequentialLR: item {i} is a ChainedScheduler, which cannot begin later: "
                    "chain several SequentialLR instead"
                )
        self._schedulers = list(schedulers)
        self._milestones = list(milestones)
        self.last_epoch = last_epoch + 1
        # each part has made its first step when it was made: take these back, and make that of the first part
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        _undo(self)
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:
        """Go on by one step, after ``optimizer.step()``."""
        self.last_epoch += 1
        i = bisect_right(self._milestones, self.last_epoch)
        part = self._schedulers[i]
        if i > 0 and self._milestones[i - 1] == self.last_epoch:
            part._restart()
        else:
            part.step()
        self._last_lr = part.get_last_lr()


class ChainedScheduler(_Several):
    """All schedules in each step, one on top of the other: their factors are multiplied.

    As ``torch.optim.lr_scheduler.ChainedScheduler``. Schedules that compute the rate from nothing, such as ``LambdaLR``
    and ``CosineAnnealingWarmRestarts``, undo those before them.

    Args:
        schedulers: at least one, of the same optimizer; no ``ReduceLROnPlateau``.
        optimizer: theirs; it need not be given.

    Raises:
        TypeError, ValueError: something among the schedules that does not belong there.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> from grad_optim.lr_scheduler import ChainedScheduler, ConstantLR, ExponentialLR
        >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0)
        >>> scheduler = ChainedScheduler([ConstantLR(optimizer, 0.25, total_iters=2), ExponentialLR(optimizer, 0.5)])
        >>> for epoch in range(2):
        ...     optimizer.step()
        ...     scheduler.step()
        ...     print(scheduler.get_last_lr())
        [0.125]
        [0.25]
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self.optimizer = self._take_all(schedulers, optimizer)
        self._schedulers = list(schedulers)
        self._last_lr = self._rates()

    def step(self) -> None:
        """Go on by one step, after ``optimizer.step()``."""
        for part in self._schedulers:
            part.step()
        self._last_lr = self._rates()


def _undo(scheduler: Any) -> None:
    """Take back the first step of a schedule, or of its parts."""
    if isinstance(scheduler, _Several):
        for part in scheduler._schedulers:
            _undo(part)
    else:
        scheduler.last_epoch -= 1
