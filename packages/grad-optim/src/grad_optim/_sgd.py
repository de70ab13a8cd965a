"""Stochastic gradient descent, with momentum."""

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from ._checks import FLAG, LR, NOT_NEGATIVE, NUMBER, Rule
from ._flat import Run
from ._optimizer import Group, Optimizer

__all__ = ["SGD"]


class SGD(Optimizer):
    """Stochastic gradient descent, optionally with momentum or Nesterov momentum.

    For each parameter p with gradient g, at its step t = 1, 2, ...:

    ```text
    g <- -g                                    if maximize
    g <- g + weight_decay * p
    b <- g                                     if t = 1
         momentum * b + (1 - dampening) * g    if t > 1
    d  = g                                     if momentum = 0
         g + momentum * b                      if nesterov
         b                                     otherwise
    p <- p - lr * d
    ```

    Momentum is that of Sutskever et al., "On the importance of initialization and momentum in deep learning" (2013),
    with the learning rate outside, as in PyTorch: a change of `lr` acts at once on all of b. All numbers are those of
    ``torch.optim.SGD``. Different from it: state dicts also hold ``"step"``, and elements of b of magnitude under
    2**20 times the smallest normal number (1.2e-32 in float32) become 0.

    With ``dampening=momentum``, b is a running average of gradients, the EMA form, which begins with the first one.

    Choose it, with ``momentum=0.9`` and a schedule, for convolutional networks when there is time to tune the learning
    rate: it often ends a little better than ``Adam``, and needs less memory and time.

    Args:
        params: tensors, (name, tensor) pairs, or groups; see ``Optimizer``.
        lr: learning rate, at least 0.
        momentum: share of the earlier direction that is kept, at least 0.
        dampening: share of the gradient that momentum leaves out.
        weight_decay: strength of the L2 penalty ``weight_decay / 2 * p**2``, at least 0.
        nesterov: look ahead by one more step of momentum; needs momentum > 0 and dampening 0.
        maximize: climb instead of descend.

    Raises:
        TypeError, ValueError: see ``Optimizer``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> w = gd.tensor([4.0, -8.0], requires_grad=True)
        >>> optimizer = optim.SGD([w], lr=0.25, momentum=0.5)
        >>> for _ in range(2):
        ...     optimizer.zero_grad()
        ...     (w * w).sum().backward()
        ...     optimizer.step()
        >>> w.detach()
        tensor([0., 0.])
    """

    rules: ClassVar[dict[str, Rule]] = {
        "lr": LR,
        "momentum": NOT_NEGATIVE,
        "dampening": NUMBER,
        "weight_decay": NOT_NEGATIVE,
        "nesterov": FLAG,
        "maximize": FLAG,
    }
    state_names: ClassVar[tuple[str, ...]] = ("momentum_buffer",)
    parallel: ClassVar[bool] = True
    counts: ClassVar[bool] = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
            },
        )

    def check(self, group: Group) -> list[str]:
        """Nesterov momentum needs momentum, undampened."""
        if group["nesterov"] and (group["momentum"] == 0 or group["dampening"] != 0):
            given = f"momentum={group['momentum']!r} and dampening={group['dampening']!r} were given"
            return [f"nesterov=True needs momentum > 0 and dampening = 0, and {given}: try momentum=0.9"]
        return []

    def states(self, group: Group) -> tuple[str, ...]:
        """Nothing without momentum."""
        return self.state_names if group["momentum"] else ()

    def update(self, group: Group, run: Run) -> None:
        """One step, as the class says."""
        lr, momentum, share = run.numbers(group["lr"], group["momentum"], 1 - group["dampening"])
        damped = share != 1 and run.step > 1
        nesterov = group["nesterov"]
        for p, g, states, (t,) in run:
            if states:
                (b,) = states
                np.multiply(b, momentum, b)  # of zeros at the first step
                np.add(b, np.multiply(g, share, t) if damped else g, b)
                if nesterov:
                    np.multiply(b, momentum, t)
                    np.add(t, g, t)
                    np.multiply(t, lr, t)
                else:
                    np.multiply(b, lr, t)
            else:
                np.multiply(g, lr, t)
            np.subtract(p, t, p)
