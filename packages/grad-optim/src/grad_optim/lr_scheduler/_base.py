"""LRScheduler: what all schedules have in common."""

import copy
import warnings
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, ClassVar

from grad_optim._optimizer import Optimizer

__all__ = ["LRScheduler", "Momentum", "attributes_of", "per_group", "refuse"]

# what PyTorch's schedulers have in their state dicts besides their state
_IGNORED = ("_get_lr_called_within_step", "_is_initial")


def refuse(title: str, problems: list[str]) -> None:
    """Raise a ValueError with these problems, if there are any."""
    if problems:
        raise ValueError(f"{title}: {'; '.join(problems)}")


def attributes_of(function: Callable[..., Any] | None) -> dict[str, Any] | None:
    """What a state dict holds of a function: the attributes of an object that is called, and nothing of a plain one."""
    return None if function is None or isinstance(function, FunctionType) else dict(getattr(function, "__dict__", {}))


def per_group(title: str, name: str, value: Any, optimizer: Optimizer) -> list[Any]:
    """One value for each group: a number for all of them, or a list."""
    count = len(optimizer.param_groups)
    if not isinstance(value, list | tuple):
        return [value] * count
    if len(value) != count:
        raise ValueError(f"{title}: {name} has {len(value)} values, and the optimizer has {count} parameter groups")
    return list(value)


class LRScheduler:
    """The base of all schedules: they set ``lr`` in the groups of an optimizer, at once and with each ``step``.

    A new schedule is a class with ``get_lr``, which returns one learning rate for each group, from ``last_epoch``, the
    number of steps so far, and ``base_lrs``.

    Args:
        optimizer: whose groups are changed. The learning rates they have now are noted there as ``initial_lr``.
        last_epoch: -1, or for a training that goes on, how many steps were made before; the groups have ``initial_lr``
            then. It is simpler to make the schedule anew and to call ``load_state_dict``.

    Attributes:
        optimizer: the optimizer.
        last_epoch: how many steps have been made.
        base_lrs: the learning rates at first, one for each group.

    Raises:
        TypeError: `optimizer` is none.
        ValueError: a value makes no sense, or with ``last_epoch``, a group has no ``initial_lr``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> class Halving(optim.lr_scheduler.LRScheduler):
        ...     def get_lr(self):
        ...         return [lr * 0.5**self.last_epoch for lr in self.base_lrs]
        >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0)
        >>> scheduler = Halving(optimizer)
        >>> for epoch in range(3):
        ...     optimizer.step()
        ...     scheduler.step()
        ...     print(scheduler.get_last_lr())
        [0.5]
        [0.25]
        [0.125]
    """

    # attributes that are no state: what they are belongs to the program
    outside: ClassVar[tuple[str, ...]] = ("optimizer",)

    base_lrs: list[float]
    last_epoch: int

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = self.take(optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise ValueError(
                    f"{type(self).__name__}: last_epoch={last_epoch} goes on with a training, but group {i} of the "
                    "optimizer has no 'initial_lr': load the state dict of the optimizer first, or leave last_epoch out"
                )
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._initial_step()

    def take(self, optimizer: Any) -> Optimizer:
        """The optimizer, if it is one."""
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"{type(self).__name__}: optimizer is a {type(optimizer).__name__}, and one of grad_optim is expected"
            )
        return optimizer

    def get_lr(self) -> list[float]:
        """The learning rates of this step, one for each group."""
        raise NotImplementedError(f"{type(self).__name__} has no get_lr()")

    def closed_form(self) -> list[float] | None:
        """The same from ``last_epoch`` alone, where ``get_lr`` continues from the rates that are there."""
        return None

    def step(self) -> None:
        """Go on by one step, after ``optimizer.step()``: once in each epoch, or in each batch, as the schedule counts.

        Example:
            >>> import grad_core as gd
            >>> import grad_optim as optim
            >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0)
            >>> scheduler = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
            >>> optimizer.step()
            >>> scheduler.step()
            >>> optimizer.param_groups[0]["lr"]
            0.5
        """
        if self._step_count == 1 and not self.optimizer._stepped:
            warnings.warn(
                f"{type(self).__name__}.step() was called before optimizer.step(), so the first learning rate is never "
                "used: call optimizer.step() first",
                stacklevel=2,
            )
        self._step_count += 1
        self.last_epoch += 1
        self._set(self.get_lr())

    def get_last_lr(self) -> list[float]:
        """The learning rates that were set last, one for each group."""
        return self._last_lr

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on later, as numbers, strings, lists and dicts; not the optimizer, and no functions.

        Example:
            >>> import grad_core as gd
            >>> import grad_optim as optim
            >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0)
            >>> optim.lr_scheduler.StepLR(optimizer, 10).state_dict()["last_epoch"]
            0
        """
        return {key: copy.deepcopy(value) for key, value in vars(self).items() if key not in self.outside + _IGNORED}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` gave, or PyTorch's schedule of the same name.

        The rates themselves are in the state dict of the optimizer.

        Raises:
            ValueError: it does not fit. The message lists everything that does not, and nothing has been changed.

        Example:
            >>> import grad_core as gd
            >>> import grad_optim as optim
            >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0)
            >>> saved = optim.lr_scheduler.StepLR(optimizer, 10).state_dict()
            >>> scheduler = optim.lr_scheduler.StepLR(optimizer, 20)
            >>> scheduler.load_state_dict(saved)
            >>> scheduler.step_size
            10
        """
        vars(self).update(copy.deepcopy(self.checked(state_dict)))

    def checked(self, state_dict: Any) -> dict[str, Any]:
        """What of a state dict is state, after it was found to fit."""
        title = f"{type(self).__name__}: this state dict does not fit, and nothing was loaded"
        if not isinstance(state_dict, Mapping):
            raise ValueError(f"{title}: it is a {type(state_dict).__name__} and not a dict")
        own = self.state_dict()
        given = {key: value for key, value in state_dict.items() if key not in _IGNORED}
        problems = [f"it has no {key!r}" for key in own if key not in given]
        problems += [f"it has {key!r}, which this schedule does not know" for key in given if key not in own]
        for key in ("base_lrs", "_last_lr"):
            if key in given and key in own and len(given[key]) != len(own[key]):
                problems.append(f"{key!r} has {len(given[key])} rates, and the optimizer has {len(own[key])} groups")
        refuse(title, problems)
        return given

    # Inside

    _is_initial = False

    def _initial_step(self) -> None:
        """Set the rates of the beginning."""
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            del self._is_initial

    def _restart(self) -> None:
        """Begin at 0 now, as a part of a longer schedule."""
        self.last_epoch = 0
        closed = self.closed_form()
        self._set(self.get_lr() if closed is None else closed)

    def _set(self, rates: list[float]) -> None:
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = lr
        self._last_lr = self._rates()

    def _rates(self) -> list[float]:
        return [group["lr"] for group in self.optimizer.param_groups]


class Momentum:
    """The option of an optimizer that a cycle turns the other way round: `momentum`, or the first of `betas`."""

    def __init__(self, title: str, optimizer: Optimizer) -> None:
        if "betas" not in optimizer.defaults and "momentum" not in optimizer.defaults:
            raise ValueError(
                f"{title}: {type(optimizer).__name__} has neither 'momentum' nor 'betas' to cycle: "
                "set cycle_momentum=False"
            )
        self.in_betas = "betas" in optimizer.defaults

    def set(self, group: dict[str, Any], value: float) -> None:
        """Change it in one group."""
        if self.in_betas:
            group["betas"] = (value, *group["betas"][1:])
        else:
            group["momentum"] = value
