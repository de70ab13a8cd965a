"""Schedules that go up and down."""

import math
from collections.abc import Callable
from typing import Any, ClassVar, Literal

from grad_optim._checks import COUNT, NOT_NEGATIVE
from grad_optim._optimizer import Optimizer

from ._base import LRScheduler, Momentum, attributes_of, per_group, refuse

__all__ = ["CosineAnnealingWarmRestarts", "CyclicLR", "OneCycleLR"]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Half a wave down, again and again: ``lr = eta_min + (base_lr - eta_min) * (1 + cos(pi * T_cur / T_i)) / 2``.

    T_cur counts the steps since the last restart; the first wave is T_0 steps long, and each T_mult times the last one.

    From I. Loshchilov and F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (2017); as
    ``torch.optim.lr_scheduler.CosineAnnealingWarmRestarts``.

    Args:
        optimizer: whose learning rates are set.
        T_0: the steps of the first wave, at least 1.
        T_mult: how much longer each wave is than the one before, a whole number of at least 1.
        eta_min: the lowest rate.
        last_epoch: see ``LRScheduler``.

    Raises:
        TypeError, ValueError: see ``LRScheduler``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0)
        >>> scheduler = optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2)
        >>> for epoch in range(3):
        ...     optimizer.step()
        ...     scheduler.step()
        ...     print([round(lr, 6) for lr in scheduler.get_last_lr()])
        [0.5]
        [1.0]
        [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,  # noqa: N803 - PyTorch's name
        T_mult: int = 1,  # noqa: N803 - PyTorch's name
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        given = {"T_0": T_0, "T_mult": T_mult}
        wrong = [
            f"{name} must be {COUNT.expected}, and {n!r} was given" for name, n in given.items() if not COUNT.holds(n)
        ]
        refuse("CosineAnnealingWarmRestarts", wrong)
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """As the class says."""
        height = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (lr - self.eta_min) * height for lr in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Go on by one step, or to a point in time.

        Args:
            epoch: the time, as in ``scheduler.step(epoch + batch / batches)``, which changes the rate in each batch.

        Raises:
            ValueError: a time before 0.

        Example:
            >>> import grad_core as gd
            >>> import grad_optim as optim
            >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0)
            >>> scheduler = optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=1)
            >>> scheduler.step(0.5)
            >>> [round(lr, 6) for lr in scheduler.get_last_lr()]
            [0.5]
        """
        self._step_count += 1
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        elif epoch < 0:
            raise ValueError(f"CosineAnnealingWarmRestarts.step: epoch must be at least 0, and {epoch!r} was given")
        else:
            self.T_i, self.T_cur = self.T_0, epoch
            if self.T_mult == 1:
                self.T_cur = epoch % self.T_0
            while self.T_cur >= self.T_i:
                self.T_cur -= self.T_i
                self.T_i *= self.T_mult
        self.last_epoch = math.floor(epoch)
        self._set(self.get_lr())


class CyclicLR(LRScheduler):
    """Up from `base_lr` to `max_lr` in `step_size_up` steps, down in `step_size_down`, and again.

    With h from 0 to 1 and back over a cycle, c = 1, 2, ... the number of the cycle and t the number of the step:

    ```text
    lr       = base_lr + (max_lr - base_lr) * h * scale
    momentum = max_momentum - (max_momentum - base_momentum) * h * scale     if cycle_momentum
    scale    = 1                 if mode = "triangular"
               1 / 2**(c - 1)    if mode = "triangular2"
               gamma**t          if mode = "exp_range"
    ```

    From L. Smith, "Cyclical Learning Rates for Training Neural Networks" (2017); as
    ``torch.optim.lr_scheduler.CyclicLR``. Step after each batch.

    Args:
        optimizer: whose learning rates are set.
        base_lr: the lowest rate; for all groups, or a list of one for each.
        max_lr: the highest rate, alike.
        step_size_up: the steps of the way up.
        step_size_down: the steps of the way down; None is as many.
        mode: how cycles get smaller; not used with `scale_fn`.
        gamma: of "exp_range".
        scale_fn: a function of your own for the scale, of c or t.
        scale_mode: "cycle" or "iterations": which of the two `scale_fn` gets.
        cycle_momentum: whether `momentum`, or the first of `betas`, goes the other way.
        base_momentum: the lowest momentum; for all groups, or a list of one for each.
        max_momentum: the highest, alike.
        last_epoch: see ``LRScheduler``; it counts batches here.

    Raises:
        TypeError, ValueError: see ``LRScheduler``; also for an optimizer without momentum to cycle.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0, momentum=0.9)
        >>> scheduler = optim.lr_scheduler.CyclicLR(optimizer, base_lr=1.0, max_lr=3.0, step_size_up=2)
        >>> for batch in range(4):
        ...     optimizer.step()
        ...     scheduler.step()
        ...     print(scheduler.get_last_lr())
        [2.0]
        [3.0]
        [2.0]
        [1.0]
    """

    outside: ClassVar[tuple[str, ...]] = ("optimizer", "_momentum", "_scale_fn_custom")

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: float = 2000,
        step_size_down: float | None = None,
        mode: Literal["triangular", "triangular2", "exp_range"] = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: Literal["cycle", "iterations"] = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        groups = self.take(optimizer).param_groups
        problems = []
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            problems.append(f"mode must be 'triangular', 'triangular2' or 'exp_range', and {mode!r} was given")
        if scale_mode not in ("cycle", "iterations"):
            problems.append(f"scale_mode must be 'cycle' or 'iterations', and {scale_mode!r} was given")
        if not step_size_up > 0 or not (step_size_down is None or step_size_down > 0):
            problems.append(f"step sizes must be above 0, and {step_size_up!r} and {step_size_down!r} were given")
        refuse("CyclicLR", problems)
        base_lrs = per_group("CyclicLR", "base_lr", base_lr, optimizer)
        self.max_lrs = per_group("CyclicLR", "max_lr", max_lr, optimizer)
        up = float(step_size_up)
        self.total_size = up + (up if step_size_down is None else float(step_size_down))
        self.step_ratio = up / self.total_size
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        if scale_fn is None:
            scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.scale_mode = scale_mode
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._momentum = Momentum("CyclicLR", optimizer)
            self.use_beta1 = self._momentum.in_betas
            self.base_momentums = per_group("CyclicLR", "base_momentum", base_momentum, optimizer)
            self.max_momentums = per_group("CyclicLR", "max_momentum", max_momentum, optimizer)
        if last_epoch == -1:
            for lr, group in zip(base_lrs, groups, strict=True):
                group["lr"] = lr
            if cycle_momentum:
                for low, high, group in zip(self.base_momentums, self.max_momentums, groups, strict=True):
                    self._momentum.set(group, high)
                    group.update(max_momentum=high, base_momentum=low)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """The height of a cycle, from its number or that of the step."""
        if self._scale_fn_custom is not None:
            return float(self._scale_fn_custom(x))
        if self.mode == "triangular":
            return 1.0
        return 1 / 2.0 ** (x - 1) if self.mode == "triangular2" else float(self.gamma**x)

    def get_lr(self) -> list[float]:
        """As the class says; momentum is set here as well."""
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            pairs = zip(self.base_momentums, self.max_momentums, self.optimizer.param_groups, strict=True)
            for low, high, group in pairs:
                self._momentum.set(group, high - (high - low) * height * scale)
        return [low + (high - low) * height * scale for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """As ``LRScheduler.state_dict``, with the attributes of a `scale_fn` that is an object.

        Example:
            >>> import grad_core as gd
            >>> import grad_optim as optim
            >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0, momentum=0.9)
            >>> optim.lr_scheduler.CyclicLR(optimizer, 1.0, 3.0).state_dict()["total_size"]
            4000.0
        """
        return {**super().state_dict(), "_scale_fn_custom": attributes_of(self._scale_fn_custom)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As ``LRScheduler.load_state_dict``; `scale_fn` stays as it is.

        Raises:
            ValueError: it does not fit, and nothing has been changed.

        Example:
            >>> import grad_core as gd
            >>> import grad_optim as optim
            >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0, momentum=0.9)
            >>> scheduler = optim.lr_scheduler.CyclicLR(optimizer, 1.0, 3.0)
            >>> scheduler.load_state_dict(scheduler.state_dict())
        """
        given = self.checked(state_dict)
        attributes = given.pop("_scale_fn_custom")
        if attributes is not None and self._scale_fn_custom is not None:
            vars(self._scale_fn_custom).update(attributes)
        vars(self).update(given)


class OneCycleLR(LRScheduler):
    """One way up to `max_lr`, one down to nearly nothing, over the whole training.

    With ``initial = max_lr / div_factor`` and ``lowest = initial / final_div_factor``:

    ```text
    steps                                          lr                    momentum
    0 to pct_start * total_steps - 1               initial to max_lr     max_momentum to base_momentum
    from there to total_steps - 1                  max_lr to lowest      base_momentum to max_momentum
    ```

    and with `three_phase` first back to ``initial``, in as many steps as up, and then to ``lowest``. From a to b,
    with x from 0 to 1: ``b + (a - b) / 2 * (1 + cos(pi * x))``, or ``a + (b - a) * x`` for "linear".

    From L. Smith and N. Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates"
    (2018), by default in fast.ai's form of two phases; as ``torch.optim.lr_scheduler.OneCycleLR``. Step after each
    batch.

    Args:
        optimizer: whose learning rates are set.
        max_lr: the highest rate; for all groups, or a list of one for each.
        total_steps: the steps of the training; or give the next two.
        epochs: of the training.
        steps_per_epoch: batches in each.
        pct_start: the share of the way up, a number from 0 to 1.
        anneal_strategy: "cos" or "linear".
        cycle_momentum: whether `momentum`, or the first of `betas`, goes the other way.
        base_momentum: the lowest momentum; for all groups, or a list of one for each.
        max_momentum: the highest, alike.
        div_factor: what `max_lr` is divided by at first.
        final_div_factor: what that is divided by in the end.
        three_phase: see above.
        last_epoch: see ``LRScheduler``; it counts batches here.

    Raises:
        TypeError, ValueError: see ``LRScheduler``; also for an optimizer without momentum to cycle, and for a step
            after the last.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0, momentum=0.9)
        >>> scheduler = optim.lr_scheduler.OneCycleLR(optimizer, 25.0, 6, pct_start=0.5, anneal_strategy="linear")
        >>> for batch in range(3):
        ...     optimizer.step()
        ...     scheduler.step()
        ...     print([round(lr, 3) for lr in scheduler.get_last_lr()])
        [13.0]
        [25.0]
        [16.667]
    """

    outside: ClassVar[tuple[str, ...]] = ("optimizer", "_momentum")

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        groups = self.take(optimizer).param_groups
        problems = []
        if total_steps is None and (epochs is None or steps_per_epoch is None):
            problems.append("it needs total_steps, or epochs and steps_per_epoch")
        given = {"total_steps": total_steps, "epochs": epochs, "steps_per_epoch": steps_per_epoch}
        problems += [
            f"{name} must be {COUNT.expected}, and {n!r} was given"
            for name, n in given.items()
            if n is not None and not COUNT.holds(n)
        ]
        if not (NOT_NEGATIVE.holds(pct_start) and pct_start <= 1):
            problems.append(f"pct_start must be a number from 0 to 1, and {pct_start!r} was given")
        if anneal_strategy not in ("cos", "linear"):
            problems.append(f"anneal_strategy must be 'cos' or 'linear', and {anneal_strategy!r} was given")
        refuse("OneCycleLR", problems)
        self.total_steps = int(total_steps if total_steps is not None else (epochs or 0) * (steps_per_epoch or 0))
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        self._anneal_func_type = anneal_strategy
        max_lrs = per_group("OneCycleLR", "max_lr", max_lr, optimizer)
        highs = per_group("OneCycleLR", "max_momentum", max_momentum, optimizer)
        lows = per_group("OneCycleLR", "base_momentum", base_momentum, optimizer)
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._momentum = Momentum("OneCycleLR", optimizer)
            self.use_beta1 = self._momentum.in_betas
        if last_epoch == -1:
            for lr, low, high, group in zip(max_lrs, lows, highs, groups, strict=True):
                initial = lr / div_factor
                group.update(initial_lr=initial, max_lr=lr, min_lr=initial / final_div_factor)
                if cycle_momentum:
                    self._momentum.set(group, high)
                    group.update(max_momentum=high, base_momentum=low)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """As the class says; momentum is set here as well."""
        t = self.last_epoch
        if t > self.total_steps:
            raise ValueError(
                f"OneCycleLR: this is step {t}, and the cycle ends after {self.total_steps}: step once in each batch, "
                "and make total_steps epochs * batches"
            )
        start = 0.0
        phase = self._schedule_phases[-1]
        for phase in self._schedule_phases:
            if t <= phase["end_step"]:
                break
            if phase is not self._schedule_phases[-1]:
                start = phase["end_step"]
        share = (t - start) / (phase["end_step"] - start)
        if self.cycle_momentum:
            for group in self.optimizer.param_groups:
                self._momentum.set(
                    group, self._between(group[phase["start_momentum"]], group[phase["end_momentum"]], share)
                )
        return [
            self._between(group[phase["start_lr"]], group[phase["end_lr"]], share)
            for group in self.optimizer.param_groups
        ]

    def _between(self, a: float, b: float, x: float) -> float:
        if self._anneal_func_type == "cos":
            return b + (a - b) / 2.0 * (math.cos(math.pi * x) + 1)
        return (b - a) * x + a


def _phases(total: int, share: float, three: bool) -> list[dict[str, Any]]:
    """The ways up and down: when each ends, and between which options of a group it goes."""
    ends = [
        (float(share * total) - 1, "initial_lr", "max_lr", "max_momentum", "base_momentum"),
        *([(float(2 * share * total) - 2, "max_lr", "initial_lr", "base_momentum", "max_momentum")] if three else []),
        (
            total - 1,
            "initial_lr" if three else "max_lr",
            "min_lr",
            "max_momentum" if three else "base_momentum",
            "max_momentum",
        ),
    ]
    names = ("end_step", "start_lr", "end_lr", "start_momentum", "end_momentum")
    return [dict(zip(names, values, strict=True)) for values in ends]
