"""Adagrad and Adadelta: steps by what each number has seen so far."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ._checks import FLAG, FRACTION, LR, NOT_NEGATIVE, Rule
from ._flat import Run
from ._optimizer import Group, Optimizer

__all__ = ["Adadelta", "Adagrad"]


class Adagrad(Optimizer):
    """Divide each gradient by the root of the sum of all its squares so far.

    For each parameter p with gradient g, at its step t = 1, 2, ..., with s = initial_accumulator_value at first:

    ```text
    g <- -g                                            if maximize
    g <- g + weight_decay * p
    s <- s + g * g
    p <- p - lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)
    ```

    From J. Duchi et al., "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization" (2011). All
    numbers are those of ``torch.optim.Adagrad``. Different from it: state dicts say nothing of parameters before their
    first step, and elements of s under 2**20 times the smallest normal number (1.2e-32 in float32) become 0.

    Choose it for convex problems and for features that are rare, as words are: a number that is seldom moved takes
    longer steps. On deep networks its steps become too short; take ``RMSProp`` or ``Adam`` there.

    Args:
        params: tensors, (name, tensor) pairs, or groups; see ``Optimizer``.
        lr: learning rate, at least 0; the length of the first step per element.
        lr_decay: how fast the learning rate falls, at least 0.
        weight_decay: strength of the L2 penalty ``weight_decay / 2 * p**2``, at least 0.
        initial_accumulator_value: s at first, at least 0.
        eps: added to the root against division by 0, at least 0.
        maximize: climb instead of descend.

    Raises:
        TypeError, ValueError: see ``Optimizer``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> w = gd.tensor([3.0, -300.0], requires_grad=True)
        >>> optimizer = optim.Adagrad([w], lr=0.5, eps=0.0)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.detach()
        tensor([   2.5, -299.5])
    """

    rules: ClassVar[dict[str, Rule]] = {
        "lr": LR,
        "lr_decay": NOT_NEGATIVE,
        "weight_decay": NOT_NEGATIVE,
        "initial_accumulator_value": NOT_NEGATIVE,
        "eps": NOT_NEGATIVE,
        "maximize": FLAG,
    }
    state_names: ClassVar[tuple[str, ...]] = ("sum",)
    parallel: ClassVar[bool] = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "eps": eps,
                "maximize": maximize,
            },
        )

    def initial(self, group: Group) -> dict[str, float]:
        """What the sum begins with."""
        return {"sum": group["initial_accumulator_value"]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` gave; see ``Optimizer``. PyTorch has entries before the first step, too.

        Example:
            >>> import grad_core as gd
            >>> import grad_optim as optim
            >>> saved = optim.Adagrad([gd.zeros(3, requires_grad=True)], lr=0.25).state_dict()
            >>> optimizer = optim.Adagrad([gd.zeros(3, requires_grad=True)])
            >>> optimizer.load_state_dict(saved)
            >>> optimizer.param_groups[0]["lr"]
            0.25
        """
        if isinstance(state_dict, Mapping) and isinstance(state_dict.get("state"), Mapping):
            begun = {
                key: entry
                for key, entry in state_dict["state"].items()
                if not (isinstance(entry, Mapping) and np.array_equal(entry.get("step", 1), 0))
            }
            state_dict = {**state_dict, "state": begun}
        super().load_state_dict(state_dict)

    def update(self, group: Group, run: Run) -> None:
        """One step, as the class says."""
        lr, lift = run.numbers(group["lr"] / (1 + (run.step - 1) * group["lr_decay"]), group["eps"])
        for p, g, (s,), (t,) in run:
            np.multiply(g, g, t)
            np.add(s, t, s)
            np.sqrt(s, t)
            np.add(t, lift, t)
            np.divide(g, t, t)
            np.multiply(t, lr, t)
            np.subtract(p, t, p)


class Adadelta(Optimizer):
    """Give each step the root mean square of the steps before it, whatever the scale of the gradient.

    For each parameter p with gradient g, with s and a zero at first:

    ```text
    g <- -g                                            if maximize
    g <- g + weight_decay * p
    s <- rho * s + (1 - rho) * g * g
    d  = sqrt(a + eps) / sqrt(s + eps) * g
    a <- rho * a + (1 - rho) * d * d
    p <- p - lr * d
    ```

    From M. Zeiler, "ADADELTA: An Adaptive Learning Rate Method" (2012), which has no `lr`. All numbers are those of
    ``torch.optim.Adadelta``. Different from it: elements of states of magnitude under 2**20 times the smallest normal
    number (1.2e-32 in float32) become 0.

    Choose it where no learning rate at all shall be tuned; it starts slowly, since `eps` makes its first steps.

    Args:
        params: tensors, (name, tensor) pairs, or groups; see ``Optimizer``.
        lr: factor of every step, at least 0.
        rho: share of the running averages that is kept, in [0, 1).
        eps: the square of the first step's size, and against division by 0; at least 0.
        weight_decay: strength of the L2 penalty ``weight_decay / 2 * p**2``, at least 0.
        maximize: climb instead of descend.

    Raises:
        TypeError, ValueError: see ``Optimizer``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> w = gd.tensor([3.0, -300.0], requires_grad=True)
        >>> optimizer = optim.Adadelta([w], rho=0.75, eps=0.25)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> gd.round(w.detach(), 1)
        tensor([   2., -299.])
    """

    rules: ClassVar[dict[str, Rule]] = {
        "lr": LR,
        "rho": FRACTION,
        "eps": NOT_NEGATIVE,
        "weight_decay": NOT_NEGATIVE,
        "maximize": FLAG,
    }
    state_names: ClassVar[tuple[str, ...]] = ("square_avg", "acc_delta")
    parallel: ClassVar[bool] = True
    counts: ClassVar[bool] = False
    scratch: ClassVar[int] = 2

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize})

    def factors(self, group: Group) -> dict[str, float]:
        """With S = s / (1 - rho) and A = a / (1 - rho), each new term is added without a factor."""
        return {"square_avg": 1 - group["rho"], "acc_delta": 1 - group["rho"]}

    def update(self, group: Group, run: Run) -> None:
        """One step; the factor 1 - rho of both averages cancels in d, but for its eps."""
        rho, lift, lr = run.numbers(group["rho"], group["eps"] / (1 - group["rho"]), group["lr"])
        for p, g, (s, a), (t, u) in run:
            np.multiply(g, g, t)
            np.multiply(s, rho, s)
            np.add(s, t, s)
            np.add(s, lift, t)
            np.add(a, lift, u)
            np.divide(u, t, t)
            np.sqrt(t, t)
            np.multiply(t, g, t)
            np.multiply(t, t, u)
            np.multiply(a, rho, a)
            np.add(a, u, a)
            np.multiply(t, lr, t)
            np.subtract(p, t, p)
