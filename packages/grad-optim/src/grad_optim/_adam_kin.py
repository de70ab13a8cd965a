"""NAdam, RAdam and Adamax: Adam with another momentum, another start, another norm."""

import math
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from ._checks import FLAG, FRACTIONS, LR, NOT_NEGATIVE, Rule
from ._flat import Run
from ._optimizer import Group, Optimizer

__all__ = ["Adamax", "NAdam", "RAdam"]


class NAdam(Optimizer):
    """Adam with Nesterov momentum, whose share grows over the first steps.

    For each parameter p with gradient g, at its step t = 1, 2, ..., with m and v zero and c = 1 at first:

    ```text
    g <- -g                                            if maximize
    g <- g + weight_decay * p                          if not decoupled_weight_decay
    p <- p - lr * weight_decay * p                     if decoupled_weight_decay
    u  = beta1 * (1 - 0.96**(t * momentum_decay) / 2)
    u' = beta1 * (1 - 0.96**((t + 1) * momentum_decay) / 2)
    c <- c * u
    m <- beta1 * m + (1 - beta1) * g
    v <- beta2 * v + (1 - beta2) * g * g
    d  = (1 - u) / (1 - c) * g + u' / (1 - c * u') * m
    p <- p - lr * d / (sqrt(v / (1 - beta2**t)) + eps)
    ```

    From T. Dozat, "Incorporating Nesterov Momentum into Adam" (2016). All numbers are those of ``torch.optim.NAdam``.
    Different from it: c (``"mu_product"`` in state dicts) is kept in float64 instead of float32, and elements of states
    of magnitude under 2**20 times the smallest normal number (1.2e-32 in float32) become 0.

    Choose it where Adam with a large beta1 reacts too late to the gradient of the moment, as in recurrent networks.

    Args:
        params: tensors, (name, tensor) pairs, or groups; see ``Optimizer``.
        lr: learning rate, at least 0; about the length of a step per element.
        betas: shares of the running averages m and v that are kept, each in [0, 1).
        eps: added to the root against division by 0, at least 0.
        weight_decay: strength of the L2 penalty ``weight_decay / 2 * p**2``, at least 0.
        momentum_decay: how fast the share of momentum grows, at least 0.
        decoupled_weight_decay: shrink the parameters directly, as ``AdamW`` does.
        maximize: climb instead of descend.

    Raises:
        TypeError, ValueError: see ``Optimizer``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> w = gd.tensor([3.0, -300.0], requires_grad=True)
        >>> optimizer = optim.NAdam([w], lr=0.5, betas=(0.5, 0.75), eps=0.0, momentum_decay=0.0)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> gd.round(w.detach() * 30)
        tensor([   73., -8983.])
    """

    rules: ClassVar[dict[str, Rule]] = {
        "lr": LR,
        "betas": FRACTIONS,
        "eps": NOT_NEGATIVE,
        "weight_decay": NOT_NEGATIVE,
        "momentum_decay": NOT_NEGATIVE,
        "decoupled_weight_decay": FLAG,
        "maximize": FLAG,
    }
    state_names: ClassVar[tuple[str, ...]] = ("exp_avg", "exp_avg_sq")
    parallel: ClassVar[bool] = True
    scalar_names: ClassVar[dict[str, float]] = {"mu_product": 1.0}
    scratch: ClassVar[int] = 2

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum_decay": momentum_decay,
                "decoupled_weight_decay": decoupled_weight_decay,
                "maximize": maximize,
            },
        )

    def factors(self, group: Group) -> dict[str, float]:
        """With M = m / (1 - beta1) and V = v / (1 - beta2), each new term is added without a factor."""
        beta1, beta2 = group["betas"]
        return {"exp_avg": 1 - beta1, "exp_avg_sq": 1 - beta2}

    def update(self, group: Group, run: Run) -> None:
        """One step, as the class says."""
        beta1, beta2 = group["betas"]
        now, after = [beta1 * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"])) for t in (run.step, run.step + 1)]
        run.scalars["mu_product"] *= now
        product = run.scalars["mu_product"]
        root = math.sqrt((1 - beta2) / (1 - beta2**run.step))
        size = group["lr"] / root
        decay1, decay2, lift, of_g, of_m, shrink = run.numbers(
            beta1,
            beta2,
            group["eps"] / root,
            size * (1 - now) / (1 - product),
            size * after / (1 - product * after) * (1 - beta1),
            1 - group["lr"] * group["weight_decay"],
        )
        shrinks = group["decoupled_weight_decay"] and group["weight_decay"] != 0
        for p, g, (m, v), (t, u) in run:
            if shrinks:
                np.multiply(p, shrink, p)
            np.multiply(m, decay1, m)
            np.add(m, g, m)
            np.multiply(g, g, t)
            np.multiply(v, decay2, v)
            np.add(v, t, v)
            np.multiply(g, of_g, t)
            np.multiply(m, of_m, u)
            np.add(t, u, t)
            np.sqrt(v, u)
            np.add(u, lift, u)
            np.divide(t, u, t)
            np.subtract(p, t, p)


class RAdam(Optimizer):
    """Adam that begins as plain momentum, until enough squares have been seen to divide by their root.

    For each parameter p with gradient g, at its step t = 1, 2, ..., with m and v zero at first:

    ```text
    g <- -g                                            if maximize
    g <- g + weight_decay * p                          if not decoupled_weight_decay
    p <- p - lr * weight_decay * p                     if decoupled_weight_decay
    m <- beta1 * m + (1 - beta1) * g
    v <- beta2 * v + (1 - beta2) * g * g
    h  = 2 / (1 - beta2) - 1
    n  = h - 2 * t * beta2**t / (1 - beta2**t)         how many squares v averages
    r  = sqrt((n - 4) * (n - 2) * h / ((h - 4) * (h - 2) * n)) * sqrt(1 - beta2**t) / (sqrt(v) + eps)    if n > 5
         1                                                                                               if n <= 5
    p <- p - lr * m / (1 - beta1**t) * r
    ```

    From L. Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond" (2020), with PyTorch's limit of 5 for
    n instead of 4. All numbers are those of ``torch.optim.RAdam``. Different from it: elements of states of magnitude
    under 2**20 times the smallest normal number (1.2e-32 in float32) become 0.

    Choose it where Adam needs a warm-up of the learning rate and you would rather not tune one.

    Args:
        params: tensors, (name, tensor) pairs, or groups; see ``Optimizer``.
        lr: learning rate, at least 0.
        betas: shares of the running averages m and v that are kept, each in [0, 1).
        eps: added to the root against division by 0, at least 0.
        weight_decay: strength of the L2 penalty ``weight_decay / 2 * p**2``, at least 0.
        decoupled_weight_decay: shrink the parameters directly, as ``AdamW`` does.
        maximize: climb instead of descend.

    Raises:
        TypeError, ValueError: see ``Optimizer``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> w = gd.tensor([3.0, -300.0], requires_grad=True)
        >>> optimizer = optim.RAdam([w], lr=0.25)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> gd.round(w.detach(), 3)
        tensor([   1.5, -150. ])
    """

    rules: ClassVar[dict[str, Rule]] = {
        "lr": LR,
        "betas": FRACTIONS,
        "eps": NOT_NEGATIVE,
        "weight_decay": NOT_NEGATIVE,
        "decoupled_weight_decay": FLAG,
        "maximize": FLAG,
    }
    state_names: ClassVar[tuple[str, ...]] = ("exp_avg", "exp_avg_sq")
    parallel: ClassVar[bool] = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "decoupled_weight_decay": decoupled_weight_decay,
                "maximize": maximize,
            },
        )

    def factors(self, group: Group) -> dict[str, float]:
        """With M = m / (1 - beta1) and V = v / (1 - beta2), each new term is added without a factor."""
        beta1, beta2 = group["betas"]
        return {"exp_avg": 1 - beta1, "exp_avg_sq": 1 - beta2}

    def update(self, group: Group, run: Run) -> None:
        """One step, as the class says."""
        beta1, beta2 = group["betas"]
        longest = 2 / (1 - beta2) - 1
        gone = beta2**run.step
        length = longest - 2 * run.step * gone / (1 - gone)
        root = math.sqrt(1 - beta2)
        size = group["lr"] * (1 - beta1) / (1 - beta1**run.step)
        divides = length > 5
        if divides:
            above = (length - 4) * (length - 2) * longest
            size *= math.sqrt(above / ((longest - 4) * (longest - 2) * length)) * math.sqrt(1 - gone) / root
        decay1, decay2, lift, scale, shrink = run.numbers(
            beta1, beta2, group["eps"] / root, size, 1 - group["lr"] * group["weight_decay"]
        )
        shrinks = group["decoupled_weight_decay"] and group["weight_decay"] != 0
        for p, g, (m, v), (t,) in run:
            if shrinks:
                np.multiply(p, shrink, p)
            np.multiply(m, decay1, m)
            np.add(m, g, m)
            np.multiply(g, g, t)
            np.multiply(v, decay2, v)
            np.add(v, t, v)
            if divides:
                np.sqrt(v, t)
                np.add(t, lift, t)
                np.divide(m, t, t)
                np.multiply(t, scale, t)
            else:
                np.multiply(m, scale, t)
            np.subtract(p, t, p)


class Adamax(Optimizer):
    """Adam with the largest gradient of late, instead of a root mean square, to divide by.

    For each parameter p with gradient g, at its step t = 1, 2, ..., with m and u zero at first:

    ```text
    g <- -g                                            if maximize
    g <- g + weight_decay * p
    m <- beta1 * m + (1 - beta1) * g
    u <- max(beta2 * u, |g| + eps)
    p <- p - lr / (1 - beta1**t) * m / u
    ```

    From D. Kingma and J. Ba, "Adam: A Method for Stochastic Optimization" (2015), section 7.1. All numbers are those of
    ``torch.optim.Adamax``. Different from it: elements of states of magnitude under 2**20 times the smallest normal
    number (1.2e-32 in float32) become 0.

    Choose it for gradients that are 0 most of the time, as of embeddings: a rare large one makes the step of its number
    small for long, and no square can overflow.

    Args:
        params: tensors, (name, tensor) pairs, or groups; see ``Optimizer``.
        lr: learning rate, at least 0; the greatest length of a step per element.
        betas: shares of m and u that are kept, each in [0, 1).
        eps: added to the size of the gradient against division by 0, at least 0.
        weight_decay: strength of the L2 penalty ``weight_decay / 2 * p**2``, at least 0.
        maximize: climb instead of descend.

    Raises:
        TypeError, ValueError: see ``Optimizer``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> w = gd.tensor([3.0, -300.0], requires_grad=True)
        >>> optimizer = optim.Adamax([w], lr=0.5, betas=(0.5, 0.75), eps=0.0)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.detach()
        tensor([   2.5, -299.5])
    """

    rules: ClassVar[dict[str, Rule]] = {
        "lr": LR,
        "betas": FRACTIONS,
        "eps": NOT_NEGATIVE,
        "weight_decay": NOT_NEGATIVE,
        "maximize": FLAG,
    }
    state_names: ClassVar[tuple[str, ...]] = ("exp_avg", "exp_inf")
    parallel: ClassVar[bool] = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        )

    def factors(self, group: Group) -> dict[str, float]:
        """With M = m / (1 - beta1), each new term is added without a factor."""
        return {"exp_avg": 1 - group["betas"][0]}

    def update(self, group: Group, run: Run) -> None:
        """One step, as the class says."""
        beta1, beta2 = group["betas"]
        size = group["lr"] * (1 - beta1) / (1 - beta1**run.step)
        decay1, decay2, lift, scale = run.numbers(beta1, beta2, group["eps"], size)
        for p, g, (m, u), (t,) in run:
            np.multiply(m, decay1, m)
            np.add(m, g, m)
            np.abs(g, t)
            np.add(t, lift, t)
            np.multiply(u, decay2, u)
            np.maximum(u, t, out=u)
            np.divide(m, u, t)
            np.multiply(t, scale, t)
            np.subtract(p, t, p)
