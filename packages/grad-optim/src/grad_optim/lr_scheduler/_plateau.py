"""A schedule that looks at what the training achieves."""

import math
from typing import Any, ClassVar, Literal, SupportsFloat

from grad_optim._checks import NOT_NEGATIVE
from grad_optim._optimizer import Optimizer

from ._base import LRScheduler, per_group, refuse

__all__ = ["Best", "ReduceLROnPlateau"]


class Best:
    """Whether a measure is better than the best so far, by a threshold."""

    def __init__(self, mode: str, threshold: float, relative: bool) -> None:
        self.sign = 1 if mode == "max" else -1
        self.threshold = threshold
        self.relative = relative

    @property
    def worst(self) -> float:
        """What everything is better than."""
        return -self.sign * math.inf

    def improves(self, measure: float, best: float) -> bool:
        """Better by more than the threshold; NaN is not."""
        margin = self.sign * self.threshold
        bound = best * (1.0 + margin) if self.relative else best + margin
        return measure > bound if self.sign > 0 else measure < bound


class ReduceLROnPlateau(LRScheduler):
    """Multiply by `factor` when a measure has not become better for more than `patience` steps.

    Better is, for a best value b so far: ``measure < b * (1 - threshold)`` (mode "min", "rel"), ``measure < b -
    threshold`` ("min", "abs"), ``measure > b * (1 + threshold)`` ("max", "rel"), ``measure > b + threshold`` ("max",
    "abs"). All numbers are those of ``torch.optim.lr_scheduler.ReduceLROnPlateau``.

    Args:
        optimizer: whose learning rates are set.
        mode: "min" for a loss, "max" for an accuracy.
        factor: below 1.
        patience: how many steps without improvement are borne.
        threshold: see above.
        threshold_mode: "rel" or "abs"; see above.
        cooldown: for how many steps after a change nothing is counted.
        min_lr: the lowest rate; for all groups, or a list of one for each.
        eps: smaller changes are not made.

    Attributes:
        best: the best value so far.
        num_bad_epochs: steps since then.

    Raises:
        TypeError, ValueError: see ``LRScheduler``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0)
        >>> scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
        >>> for loss in [3.0, 2.0, 2.0, 2.0]:
        ...     scheduler.step(loss)
        ...     print(scheduler.get_last_lr())
        [1.0]
        [1.0]
        [1.0]
        [0.5]
    """

    outside: ClassVar[tuple[str, ...]] = ("optimizer", "_best")

    def __init__(
        self,
        optimizer: Optimizer,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        self.optimizer = self.take(optimizer)
        problems = []
        if not (NOT_NEGATIVE.holds(factor) and factor < 1):
            problems.append(f"factor must be at least 0 and less than 1, and {factor!r} was given")
        if mode not in ("min", "max"):
            problems.append(f"mode must be 'min' or 'max', and {mode!r} was given")
        if threshold_mode not in ("rel", "abs"):
            problems.append(f"threshold_mode must be 'rel' or 'abs', and {threshold_mode!r} was given")
        refuse("ReduceLROnPlateau", problems)
        self.default_min_lr = None if isinstance(min_lr, list | tuple) else min_lr
        self.min_lrs = per_group("ReduceLROnPlateau", "min_lr", min_lr, optimizer)
        self.factor = factor
        self.patience = patience
        self.cooldown = cooldown
        self.eps = eps
        self.mode = mode
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self._best = Best(mode, threshold, threshold_mode == "rel")
        self.mode_worse = self._best.worst
        self.best = self.mode_worse
        self.last_epoch = 0
        self.cooldown_counter = 0
        self.num_bad_epochs = 0
        self._last_lr = self._rates()

    def step(self, metrics: SupportsFloat) -> None:  # type: ignore[override]  # as in PyTorch, it needs a measure
        """Look at a measure, once in each epoch.

        Args:
            metrics: the loss of the validation, or what else is measured: a number, or a tensor of one.

        Example:
            >>> import grad_core as gd
            >>> import grad_optim as optim
            >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0)
            >>> scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer)
            >>> scheduler.step(gd.tensor(2.5))
            >>> scheduler.best
            2.5
        """
        measure = float(metrics)
        self.last_epoch += 1
        if self._best.improves(measure, self.best):
            self.best = measure
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = self._rates()

    @property
    def in_cooldown(self) -> bool:
        """Whether steps are not counted now, as the last change was not long ago."""
        return self.cooldown_counter > 0

    def _reduce(self) -> None:
        groups = self.optimizer.param_groups
        if len(self.min_lrs) != len(groups):
            if self.default_min_lr is None:
                raise ValueError(
                    f"ReduceLROnPlateau: min_lr has {len(self.min_lrs)} values, and the optimizer has {len(groups)} "
                    "parameter groups by now: append to scheduler.min_lrs"
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, least in zip(groups, self.min_lrs, strict=True):
            lr = max(group["lr"] * self.factor, least)
            if group["lr"] - lr > self.eps:
                group["lr"] = lr

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As ``LRScheduler.load_state_dict``.

        Raises:
            ValueError: it does not fit, and nothing has been changed.

        Example:
            >>> import grad_core as gd
            >>> import grad_optim as optim
            >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0)
            >>> scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer)
            >>> scheduler.load_state_dict(scheduler.state_dict())
        """
        super().load_state_dict(state_dict)
        self._best = Best(self.mode, self.threshold, self.threshold_mode == "rel")
