"""Schedules that multiply: by a function, or by a number now and then."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from grad_optim._checks import COUNT
from grad_optim._optimizer import Optimizer

from ._base import LRScheduler, attributes_of, per_group

__all__ = ["ExponentialLR", "LambdaLR", "MultiStepLR", "MultiplicativeLR", "StepLR"]

Function = Callable[[int], float]


class LambdaLR(LRScheduler):
    """A function of the step: ``lr = base_lr * lr_lambda(t)``.

    As ``torch.optim.lr_scheduler.LambdaLR``. State dicts do not hold functions; of an object that is called, they hold
    its attributes.

    Args:
        optimizer: whose learning rates are set.
        lr_lambda: from the number of steps to a factor; one for all groups, or a list of one for each.
        last_epoch: see ``LRScheduler``.

    Raises:
        TypeError, ValueError: see ``LRScheduler``; also for something that cannot be called.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0)
        >>> scheduler = optim.lr_scheduler.LambdaLR(optimizer, lambda t: 1 / (1 + t))
        >>> optimizer.step()
        >>> scheduler.step()
        >>> scheduler.get_last_lr()
        [0.5]
    """

    outside: ClassVar[tuple[str, ...]] = ("optimizer", "lr_lambdas")

    def __init__(self, optimizer: Optimizer, lr_lambda: Function | list[Function], last_epoch: int = -1) -> None:
        title = type(self).__name__
        self.lr_lambdas = per_group(title, "lr_lambda", lr_lambda, self.take(optimizer))
        for function in self.lr_lambdas:
            if not callable(function):
                raise TypeError(f"{title}: lr_lambda is a {type(function).__name__}, and a function is expected")
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """As ``LRScheduler.state_dict``, with the attributes of objects that are called.

        Example:
            >>> import grad_core as gd
            >>> import grad_optim as optim
            >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0)
            >>> optim.lr_scheduler.LambdaLR(optimizer, lambda t: 1.0).state_dict()["lr_lambdas"]
            [None]
        """
        return {**super().state_dict(), "lr_lambdas": [attributes_of(f) for f in self.lr_lambdas]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As ``LRScheduler.load_state_dict``; functions stay as they are.

        Raises:
            ValueError: it does not fit, and nothing has been changed.

        Example:
            >>> import grad_core as gd
            >>> import grad_optim as optim
            >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0)
            >>> scheduler = optim.lr_scheduler.LambdaLR(optimizer, lambda t: 1.0)
            >>> scheduler.load_state_dict(scheduler.state_dict())
        """
        given = self.checked(state_dict)
        for function, attributes in zip(self.lr_lambdas, given.pop("lr_lambdas"), strict=True):
            if attributes is not None:
                vars(function).update(attributes)
        vars(self).update(given)

    def get_lr(self) -> list[float]:
        """As the class says."""
        return [lr * f(self.last_epoch) for f, lr in zip(self.lr_lambdas, self.base_lrs, strict=True)]


class MultiplicativeLR(LambdaLR):
    """A factor for each step: ``lr <- lr * lr_lambda(t)``, from the first step on.

    As ``torch.optim.lr_scheduler.MultiplicativeLR``.

    Args:
        optimizer: whose learning rates are set.
        lr_lambda: from the number of steps to a factor; one for all groups, or a list of one for each.
        last_epoch: see ``LRScheduler``.

    Raises:
        TypeError, ValueError: see ``LambdaLR``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0)
        >>> scheduler = optim.lr_scheduler.MultiplicativeLR(optimizer, lambda t: 0.5)
        >>> optimizer.step()
        >>> scheduler.step()
        >>> scheduler.get_last_lr()
        [0.5]
    """

    def get_lr(self) -> list[float]:
        """As the class says."""
        if self._is_initial:
            return self._rates()
        return [lr * f(self.last_epoch) for f, lr in zip(self.lr_lambdas, self._rates(), strict=True)]


class StepLR(LRScheduler):
    """Multiply by `gamma` every `step_size` steps: ``lr = base_lr * gamma**(t // step_size)``.

    As ``torch.optim.lr_scheduler.StepLR``: the factor is applied to the rate that is there, so that other changes stay.

    Args:
        optimizer: whose learning rates are set.
        step_size: steps between two changes, at least 1.
        gamma: the factor.
        last_epoch: see ``LRScheduler``.

    Raises:
        TypeError, ValueError: see ``LRScheduler``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0)
        >>> scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
        >>> for epoch in range(4):
        ...     optimizer.step()
        ...     scheduler.step()
        ...     print(scheduler.get_last_lr())
        [1.0]
        [0.5]
        [0.5]
        [0.25]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        if not COUNT.holds(step_size):
            raise ValueError(f"StepLR: step_size must be {COUNT.expected}, and {step_size!r} was given")
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """As the class says."""
        if self.last_epoch == 0 or self.last_epoch % self.step_size:
            return self._rates()
        return [lr * self.gamma for lr in self._rates()]

    def closed_form(self) -> list[float]:
        """From the base rates."""
        return [lr * self.gamma ** (self.last_epoch // self.step_size) for lr in self.base_lrs]


class MultiStepLR(LRScheduler):
    """Multiply by `gamma` at each of some steps: ``lr = base_lr * gamma**(how many milestones t has reached)``.

    As ``torch.optim.lr_scheduler.MultiStepLR``.

    Args:
        optimizer: whose learning rates are set.
        milestones: the numbers of these steps; one that stands there twice counts twice.
        gamma: the factor.
        last_epoch: see ``LRScheduler``.

    Raises:
        TypeError, ValueError: see ``LRScheduler``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0)
        >>> scheduler = optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1, 3], gamma=0.5)
        >>> for epoch in range(3):
        ...     optimizer.step()
        ...     scheduler.step()
        ...     print(scheduler.get_last_lr())
        [0.5]
        [0.5]
        [0.25]
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """As the class says."""
        if self.last_epoch not in self.milestones:
            return self._rates()
        return [lr * self.gamma ** self.milestones[self.last_epoch] for lr in self._rates()]

    def closed_form(self) -> list[float]:
        """From the base rates."""
        reached = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [lr * self.gamma**reached for lr in self.base_lrs]


class ExponentialLR(LRScheduler):
    """Multiply by `gamma` in each step: ``lr = base_lr * gamma**t``.

    As ``torch.optim.lr_scheduler.ExponentialLR``.

    Args:
        optimizer: whose learning rates are set.
        gamma: the factor.
        last_epoch: see ``LRScheduler``.

    Raises:
        TypeError, ValueError: see ``LRScheduler``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0)
        >>> scheduler = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
        >>> optimizer.step()
        >>> scheduler.step()
        >>> scheduler.get_last_lr()
        [0.5]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """As the class says."""
        if self._is_initial:
            return self._rates()
        return [lr * self.gamma for lr in self._rates()]

    def closed_form(self) -> list[float]:
        """From the base rates."""
        return [lr * self.gamma**self.last_epoch for lr in self.base_lrs]
