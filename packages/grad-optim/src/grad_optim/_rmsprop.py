"""RMSProp."""

import math
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from ._checks import FLAG, FRACTION, LR, NOT_NEGATIVE, Rule
from ._flat import Run
from ._optimizer import Group, Optimizer

__all__ = ["RMSProp", "RMSprop"]


class RMSProp(Optimizer):
    """Divide each gradient by a running root mean square of its size.

    For each parameter p with gradient g, with s, a and b zero at first:

    ```text
    g <- -g                                  if maximize
    g <- g + weight_decay * p
    s <- alpha * s + (1 - alpha) * g * g
    a <- alpha * a + (1 - alpha) * g         if centered
    d  = g / (sqrt(s) + eps)                 if not centered
         g / (sqrt(s - a * a) + eps)         if centered
    b <- momentum * b + d                    if momentum > 0; d <- b then
    p <- p - lr * d
    ```

    From T. Tieleman and G. Hinton, Lecture 6.5 of "Neural Networks for Machine Learning" (2012); centered as in A.
    Graves, "Generating Sequences With Recurrent Neural Networks" (2013). All numbers are those of
    ``torch.optim.RMSprop`` (`eps` outside the root); ``RMSprop`` is another name for the class. Different from PyTorch:
    where rounding makes s - a * a negative it counts as 0 instead of giving NaN, and elements of states of magnitude
    under 2**20 times the smallest normal number (1.2e-32 in float32) become 0.

    Choose it for recurrent networks and reinforcement learning, where momentum disturbs. It keeps one array less than
    ``Adam``.

    Args:
        params: tensors, (name, tensor) pairs, or groups; see ``Optimizer``.
        lr: learning rate, at least 0.
        alpha: share of the running averages that is kept, in [0, 1).
        eps: added to the root against division by 0, at least 0.
        weight_decay: strength of the L2 penalty ``weight_decay / 2 * p**2``, at least 0.
        momentum: share of the earlier direction that is kept, at least 0.
        centered: divide by the standard deviation instead.
        maximize: climb instead of descend.

    Raises:
        TypeError, ValueError: see ``Optimizer``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> w = gd.tensor([3.0, -300.0], requires_grad=True)
        >>> optimizer = optim.RMSProp([w], lr=0.5, alpha=0.75, eps=0.0)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.detach()
        tensor([   2., -299.])
    """

    rules: ClassVar[dict[str, Rule]] = {
        "lr": LR,
        "alpha": FRACTION,
        "eps": NOT_NEGATIVE,
        "weight_decay": NOT_NEGATIVE,
        "momentum": NOT_NEGATIVE,
        "centered": FLAG,
        "maximize": FLAG,
    }
    state_names: ClassVar[tuple[str, ...]] = ("square_avg", "grad_avg", "momentum_buffer")
    parallel: ClassVar[bool] = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "alpha": alpha,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "centered": centered,
                "maximize": maximize,
            },
        )

    def states(self, group: Group) -> tuple[str, ...]:
        """The averages, and what `centered` and momentum add."""
        centered = ("grad_avg",) if group["centered"] else ()
        momentum = ("momentum_buffer",) if group["momentum"] else ()
        return ("square_avg", *centered, *momentum)

    def factors(self, group: Group) -> dict[str, float]:
        """With S = s / (1 - alpha), A and B alike, each new term is added without a factor."""
        rate = 1 - group["alpha"]
        return {"square_avg": rate, "grad_avg": rate, "momentum_buffer": 1 / math.sqrt(rate)}

    def update(self, group: Group, run: Run) -> None:
        """One step; s = rate * S, and so sqrt(s) + eps = root * (sqrt(S) + eps / root) with root = sqrt(rate)."""
        rate = 1 - group["alpha"]
        root = math.sqrt(rate)
        alpha, lift, size, momentum, share = run.numbers(
            group["alpha"], group["eps"] / root, group["lr"] / root, group["momentum"], rate
        )
        centered = group["centered"]
        moving = group["momentum"] != 0
        for p, g, states, (t,) in run:
            square = states[0]
            np.multiply(g, g, t)
            np.multiply(square, alpha, square)
            np.add(square, t, square)
            if centered:
                mean = states[1]
                np.multiply(mean, alpha, mean)
                np.add(mean, g, mean)
                np.multiply(mean, mean, t)
                np.multiply(t, share, t)
                np.subtract(square, t, t)
                np.maximum(t, 0, out=t)
                np.sqrt(t, t)
            else:
                np.sqrt(square, t)
            np.add(t, lift, t)
            np.divide(g, t, t)
            if moving:
                b = states[-1]
                np.multiply(b, momentum, b)
                np.add(b, t, b)
                np.multiply(b, size, t)
            else:
                np.multiply(t, size, t)
            np.subtract(p, t, p)


RMSprop = RMSProp
