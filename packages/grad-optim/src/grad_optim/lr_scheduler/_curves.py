"""Schedules that follow a curve."""

import math

from grad_optim._checks import COUNT, NOT_NEGATIVE
from grad_optim._optimizer import Optimizer

from ._base import LRScheduler, refuse

__all__ = ["ConstantLR", "CosineAnnealingLR", "LinearLR", "NoamLR", "PolynomialLR"]


class ConstantLR(LRScheduler):
    """A smaller rate for the first steps: ``lr = base_lr * factor`` while t < total_iters, and base_lr from then on.

    As ``torch.optim.lr_scheduler.ConstantLR``.

    Args:
        optimizer: whose learning rates are set.
        factor: in (0, 1].
        total_iters: for how many steps.
        last_epoch: see ``LRScheduler``.

    Raises:
        TypeError, ValueError: see ``LRScheduler``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0)
        >>> scheduler = optim.lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=1)
        >>> scheduler.get_last_lr()
        [0.5]
        >>> optimizer.step()
        >>> scheduler.step()
        >>> scheduler.get_last_lr()
        [1.0]
    """

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5, last_epoch: int = -1) -> None:
        if not 0 < factor <= 1:
            raise ValueError(f"ConstantLR: factor must be above 0 and at most 1, and {factor!r} was given")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """As the class says."""
        if self.last_epoch == 0:
            return [lr * self.factor for lr in self._rates()]
        if self.last_epoch != self.total_iters:
            return self._rates()
        return [lr * (1.0 / self.factor) for lr in self._rates()]

    def closed_form(self) -> list[float]:
        """From the base rates."""
        factor = self.factor + (self.last_epoch >= self.total_iters) * (1 - self.factor)
        return [lr * factor for lr in self.base_lrs]


class LinearLR(LRScheduler):
    """A straight line: ``lr = base_lr * (start + (end - start) * min(t, n) / n)`` with n = total_iters.

    As ``torch.optim.lr_scheduler.LinearLR``. The usual warm-up; see ``SequentialLR`` for what comes after.

    Args:
        optimizer: whose learning rates are set.
        start_factor: in (0, 1].
        end_factor: in [0, 1].
        total_iters: the steps of the way.
        last_epoch: see ``LRScheduler``.

    Raises:
        TypeError, ValueError: see ``LRScheduler``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0)
        >>> scheduler = optim.lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=2)
        >>> for epoch in range(2):
        ...     optimizer.step()
        ...     scheduler.step()
        ...     print(scheduler.get_last_lr())
        [0.75]
        [1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        problems = []
        if not 0 < start_factor <= 1:
            problems.append(f"start_factor must be above 0 and at most 1, and {start_factor!r} was given")
        if not 0 <= end_factor <= 1:
            problems.append(f"end_factor must be between 0 and 1, and {end_factor!r} was given")
        refuse("LinearLR", problems)
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """As the class says."""
        if self.last_epoch == 0:
            return [lr * self.start_factor for lr in self._rates()]
        if self._is_initial or self.last_epoch > self.total_iters:
            return self._rates()
        rise = self.end_factor - self.start_factor
        factor = 1.0 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise)
        return [lr * factor for lr in self._rates()]

    def closed_form(self) -> list[float]:
        """From the base rates."""
        share = min(self.total_iters, self.last_epoch) / self.total_iters
        factor = self.start_factor + (self.end_factor - self.start_factor) * share
        return [lr * factor for lr in self.base_lrs]


class PolynomialLR(LRScheduler):
    """Down to 0 in `total_iters` steps: ``lr = base_lr * (1 - min(t, total_iters) / total_iters)**power``.

    As ``torch.optim.lr_scheduler.PolynomialLR``.

    Args:
        optimizer: whose learning rates are set.
        total_iters: the steps of the way, at least 1.
        power: 1 is a straight line.
        last_epoch: see ``LRScheduler``.

    Raises:
        TypeError, ValueError: see ``LRScheduler``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0)
        >>> scheduler = optim.lr_scheduler.PolynomialLR(optimizer, total_iters=4, power=2.0)
        >>> optimizer.step()
        >>> scheduler.step()
        >>> scheduler.get_last_lr()
        [0.5625]
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        if not COUNT.holds(total_iters):
            raise ValueError(f"PolynomialLR: total_iters must be {COUNT.expected}, and {total_iters!r} was given")
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """As the class says."""
        if self._is_initial or self.last_epoch > self.total_iters:
            return self._rates()
        left = 1.0 - self.last_epoch / self.total_iters
        factor = (left / (1.0 - (self.last_epoch - 1) / self.total_iters)) ** self.power
        return [lr * factor for lr in self._rates()]

    def closed_form(self) -> list[float]:
        """From the base rates."""
        factor = (1.0 - min(self.total_iters, self.last_epoch) / self.total_iters) ** self.power
        return [lr * factor for lr in self.base_lrs]


class CosineAnnealingLR(LRScheduler):
    """Half a wave down: ``lr = eta_min + (base_lr - eta_min) * (1 + cos(pi * t / T_max)) / 2``; up again after T_max.

    From I. Loshchilov and F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (2017), without restarts;
    as ``torch.optim.lr_scheduler.CosineAnnealingLR``, which applies the ratio of neighbours to the rate that is there.

    Args:
        optimizer: whose learning rates are set.
        T_max: the steps of the way down, at least 1.
        eta_min: the lowest rate.
        last_epoch: see ``LRScheduler``.

    Raises:
        TypeError, ValueError: see ``LRScheduler``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0)
        >>> scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=2)
        >>> optimizer.step()
        >>> scheduler.step()
        >>> [round(lr, 6) for lr in scheduler.get_last_lr()]
        [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_max: int,  # noqa: N803 - PyTorch's name
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        if not (NOT_NEGATIVE.holds(T_max) and T_max > 0):
            raise ValueError(f"CosineAnnealingLR: T_max must be a number above 0, and {T_max!r} was given")
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """As the class says."""
        if self._is_initial:
            return self._rates()
        low = self.eta_min
        if self._step_count == 1 and self.last_epoch > 0:
            return self.closed_form()
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # the last rate was the lowest: no ratio to it
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [lr + (base - low) * rise for base, lr in zip(self.base_lrs, self._rates(), strict=True)]
        ratio = self._height(self.last_epoch) / self._height(self.last_epoch - 1)
        return [ratio * (lr - low) + low for lr in self._rates()]

    def _height(self, t: int) -> float:
        return 1 + math.cos(math.pi * t / self.T_max)

    def closed_form(self) -> list[float]:
        """From the base rates."""
        return [self.eta_min + (lr - self.eta_min) * self._height(self.last_epoch) / 2 for lr in self.base_lrs]


class NoamLR(LRScheduler):
    """Up in a line and down as a root: ``lr = base_lr * d_model**-0.5 * min(n**-0.5, n * warmup_steps**-1.5)``.

    n is t + 1. The schedule of A. Vaswani et al., "Attention Is All You Need" (2017), for one step in each batch; give
    the optimizer ``lr=1.0`` for the paper's rates, which are highest, ``(d_model * warmup_steps)**-0.5``, after
    `warmup_steps` steps. PyTorch has none.

    Args:
        optimizer: whose learning rates are set.
        d_model: the width of the model, at least 1.
        warmup_steps: the steps of the way up, at least 1.
        last_epoch: see ``LRScheduler``.

    Raises:
        TypeError, ValueError: see ``LRScheduler``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> optimizer = optim.Adam([gd.zeros(3, requires_grad=True)], lr=1.0, betas=(0.9, 0.98), eps=1e-9)
        >>> scheduler = optim.lr_scheduler.NoamLR(optimizer, d_model=16, warmup_steps=4)
        >>> for batch in range(3):
        ...     optimizer.step()
        ...     scheduler.step()
        ...     print(scheduler.get_last_lr())
        [0.0625]
        [0.09375]
        [0.125]
    """

    def __init__(self, optimizer: Optimizer, d_model: int, warmup_steps: int = 4000, last_epoch: int = -1) -> None:
        given = {"d_model": d_model, "warmup_steps": warmup_steps}
        wrong = [f"{name} must be {COUNT.expected}, and {n!r} was given" for name, n in given.items()]
        refuse("NoamLR", [text for text, n in zip(wrong, given.values(), strict=True) if not COUNT.holds(n)])
        self.d_model = d_model
        self.warmup_steps = warmup_steps
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """As the class says."""
        n = self.last_epoch + 1
        factor = self.d_model**-0.5 * min(n**-0.5, n * self.warmup_steps**-1.5)
        return [lr * factor for lr in self.base_lrs]
