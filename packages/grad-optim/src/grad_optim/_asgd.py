"""ASGD."""

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from ._checks import FLAG, LR, NOT_NEGATIVE, NUMBER, Rule
from ._flat import Run
from ._optimizer import Group, Optimizer

__all__ = ["ASGD"]


class ASGD(Optimizer):
    """Stochastic gradient descent with falling steps, which also averages the parameters it went through.

    For each parameter p with gradient g, at its step t = 1, 2, ..., with e = lr and u = 1 at the first:

    ```text
    g <- -g                                            if maximize
    g <- g + weight_decay * p
    p <- p - lambd * e * p
    p <- p - e * g
    a <- p                                             if u = 1
         a + u * (p - a)                               otherwise
    e <- lr / (1 + lambd * lr * t)**alpha
    u <- 1 / max(1, t - t0)
    ```

    From B. Polyak and A. Juditsky, "Acceleration of Stochastic Approximation by Averaging" (1992). All numbers are
    those of ``torch.optim.ASGD``: the average a is ``"ax"`` in the state dict; the parameters themselves are not
    averaged. Different from it: e and u (``"eta"``, ``"mu"``) are kept in float64 instead of float32, and elements of a
    of magnitude under 2**20 times the smallest normal number (1.2e-32 in float32) become 0.

    Choose it where the noise of small batches keeps plain descent from settling, and take the average in the end.

    Args:
        params: tensors, (name, tensor) pairs, or groups; see ``Optimizer``.
        lr: learning rate, at least 0.
        lambd: how fast the step falls, and how much a parameter shrinks, at least 0.
        alpha: power with which the step falls.
        t0: the step from which on the average is taken.
        weight_decay: strength of the L2 penalty ``weight_decay / 2 * p**2``, at least 0.
        maximize: climb instead of descend.

    Raises:
        TypeError, ValueError: see ``Optimizer``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> w = gd.tensor([4.0, -8.0], requires_grad=True)
        >>> optimizer = optim.ASGD([w], lr=0.25, lambd=0.0)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.detach()
        tensor([ 2., -4.])
        >>> optimizer.state_dict()["state"][0]["ax"]
        array([ 2., -4.], dtype=float32)
    """

    rules: ClassVar[dict[str, Rule]] = {
        "lr": LR,
        "lambd": NOT_NEGATIVE,
        "alpha": NUMBER,
        "t0": NUMBER,
        "weight_decay": NOT_NEGATIVE,
        "maximize": FLAG,
    }
    state_names: ClassVar[tuple[str, ...]] = ("ax",)
    parallel: ClassVar[bool] = True
    scalar_names: ClassVar[dict[str, float]] = {"eta": 0.0, "mu": 1.0}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "lambd": lambd,
                "alpha": alpha,
                "t0": t0,
                "weight_decay": weight_decay,
                "maximize": maximize,
            },
        )

    def update(self, group: Group, run: Run) -> None:
        """One step, as the class says."""
        lr, lambd = group["lr"], group["lambd"]
        eta = lr if run.step == 1 else run.scalars["eta"]
        copies = run.scalars["mu"] == 1
        size, shrink, share = run.numbers(eta, 1 - lambd * eta, run.scalars["mu"])
        for p, g, (a,), (t,) in run:
            np.multiply(p, shrink, p)
            np.multiply(g, size, t)
            np.subtract(p, t, p)
            if copies:
                np.copyto(a, p)
            else:
                np.subtract(p, a, t)
                np.multiply(t, share, t)
                np.add(a, t, a)
        run.scalars["eta"] = lr / (1 + lambd * lr * run.step) ** group["alpha"]
        run.scalars["mu"] = 1 / max(1, run.step - group["t0"])
