"""Lion and Rprop: only the sign of a gradient counts."""

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from ._checks import FLAG, FRACTIONS, LR, NOT_NEGATIVE, Rule
from ._flat import Run
from ._optimizer import Group, Optimizer

__all__ = ["Lion", "Rprop"]

ETAS = Rule(
    lambda value: (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(map(NOT_NEGATIVE.holds, value))
        and 0 < value[0] < 1 < value[1]
    ),
    "two numbers, one between 0 and 1 and one above 1, such as (0.5, 1.2)",
)
SIZES = Rule(
    lambda value: (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(map(NOT_NEGATIVE.holds, value))
        and value[0] <= value[1]
    ),
    "two numbers of at least 0, the smaller one first, such as (1e-6, 50)",
)


class Lion(Optimizer):
    """Steps of one length for all numbers, in the direction of the sign of momentum.

    For each parameter p with gradient g, with m zero at first:

    ```text
    g <- -g                                            if maximize
    p <- p - lr * weight_decay * p
    p <- p - lr * sign(beta1 * m + (1 - beta1) * g)
    m <- beta2 * m + (1 - beta2) * g
    ```

    From X. Chen et al., "Symbolic Discovery of Optimization Algorithms" (2023), algorithm 2: decoupled weight decay, no
    correction of the start. PyTorch has none. Elements of m of magnitude under 2**20 times the smallest normal number
    (1.2e-32 in float32) become 0, and a number whose gradient stays 0 rests from then on.

    Choose it for large batches and where memory is scarce, as it keeps one number for each parameter where ``AdamW``
    keeps two. Take a learning rate 3 to 10 times smaller than for AdamW, and a weight decay larger by as much.

    Args:
        params: tensors, (name, tensor) pairs, or groups; see ``Optimizer``.
        lr: learning rate, at least 0; the length of every step per element.
        betas: shares of m that are kept, for the direction and for m itself, each in [0, 1).
        weight_decay: share of a parameter, times `lr`, that is taken away in each step, at least 0.
        maximize: climb instead of descend.

    Raises:
        TypeError, ValueError: see ``Optimizer``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> w = gd.tensor([3.0, -300.0], requires_grad=True)
        >>> optimizer = optim.Lion([w], lr=0.5)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.detach()
        tensor([   2.5, -299.5])
    """

    rules: ClassVar[dict[str, Rule]] = {"lr": LR, "betas": FRACTIONS, "weight_decay": NOT_NEGATIVE, "maximize": FLAG}
    state_names: ClassVar[tuple[str, ...]] = ("exp_avg",)
    parallel: ClassVar[bool] = True
    decoupled: ClassVar[bool] = True
    counts: ClassVar[bool] = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay, "maximize": maximize})

    def factors(self, group: Group) -> dict[str, float]:
        """With M = m / (1 - beta2), the new term is added without a factor."""
        return {"exp_avg": 1 - group["betas"][1]}

    def update(self, group: Group, run: Run) -> None:
        """One step; the sign is that of beta1 * (1 - beta2) / (1 - beta1) * M + g."""
        beta1, beta2 = group["betas"]
        lr, share, decay, shrink = run.numbers(
            group["lr"], beta1 * (1 - beta2) / (1 - beta1), beta2, 1 - group["lr"] * group["weight_decay"]
        )
        shrinks = group["weight_decay"] != 0
        for p, g, (m,), (t,) in run:
            if shrinks:
                np.multiply(p, shrink, p)
            np.multiply(m, share, t)
            np.add(t, g, t)
            np.sign(t, t)
            np.multiply(t, lr, t)
            np.subtract(p, t, p)
            np.multiply(m, decay, m)
            np.add(m, g, m)


class Rprop(Optimizer):
    """A step size for each number, which grows while the sign of its gradient stays and shrinks when it changes.

    For each parameter p with gradient g, with h zero and s = lr at its first step:

    ```text
    g <- -g                                            if maximize
    s <- s * eta2                                      if g * h > 0
         s * eta1                                      if g * h < 0
    s <- s clipped to step_sizes
    g <- 0                                             if g * h < 0
    p <- p - s * sign(g)
    h <- g
    ```

    From M. Riedmiller and H. Braun, "A Direct Adaptive Method for Faster Backpropagation Learning: The RPROP Algorithm"
    (1993), in the variant without weight backtracking. All numbers are those of ``torch.optim.Rprop``. Different from
    it: elements of h of magnitude under 2**20 times the smallest normal number (1.2e-32 in float32) become 0.

    Choose it for whole data sets at once and small networks, where it is quick and needs no tuning. With small batches
    the signs are mostly noise; take ``RMSProp`` then.

    Args:
        params: tensors, (name, tensor) pairs, or groups; see ``Optimizer``.
        lr: the first step size, at least 0.
        etas: factors eta1 in (0, 1) and eta2 > 1 of the step size.
        step_sizes: the smallest and the largest step size.
        maximize: climb instead of descend.

    Raises:
        TypeError, ValueError: see ``Optimizer``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> w = gd.tensor([3.0, -300.0], requires_grad=True)
        >>> optimizer = optim.Rprop([w], lr=0.5, etas=(0.5, 2.0))
        >>> for _ in range(2):
        ...     optimizer.zero_grad()
        ...     (w * w).sum().backward()
        ...     optimizer.step()
        >>> w.detach()
        tensor([   1.5, -298.5])
    """

    rules: ClassVar[dict[str, Rule]] = {"lr": LR, "etas": ETAS, "step_sizes": SIZES, "maximize": FLAG}
    state_names: ClassVar[tuple[str, ...]] = ("prev", "step_size")
    parallel: ClassVar[bool] = True
    scratch: ClassVar[int] = 2

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "etas": etas, "step_sizes": step_sizes, "maximize": maximize})

    def initial(self, group: Group) -> dict[str, float]:
        """The first step size."""
        return {"step_size": group["lr"]}

    def update(self, group: Group, run: Run) -> None:
        """One step, as the class says."""
        shorter, longer, least, most = run.numbers(*group["etas"], *group["step_sizes"])
        for p, g, (h, s), (t, u) in run:
            mask = u.view(np.bool_)[: u.size]  # scratch memory for true and false
            np.multiply(g, h, t)
            np.copyto(h, g)
            np.multiply(s, longer, s, where=np.greater(t, 0, mask))
            np.multiply(s, shorter, s, where=np.less(t, 0, mask))
            np.copyto(h, 0, where=mask)
            np.maximum(s, least, out=s)
            np.minimum(s, most, out=s)
            np.sign(h, t)
            np.multiply(t, s, t)
            np.subtract(p, t, p)
