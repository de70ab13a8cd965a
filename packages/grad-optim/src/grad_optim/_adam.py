"""Adam and AdamW."""

import math
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from ._checks import FLAG, FRACTIONS, LR, NOT_NEGATIVE, Rule
from ._flat import Run
from ._optimizer import Group, Optimizer

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
    """Momentum, divided by a running root mean square of the gradient, both corrected for their start at zero.

    For each parameter p with gradient g, at its step t = 1, 2, ..., with m and v zero at first:

    ```text
    g <- -g                                            if maximize
    g <- g + weight_decay * p                          if not decoupled_weight_decay
    p <- p - lr * weight_decay * p                     if decoupled_weight_decay
    m <- beta1 * m + (1 - beta1) * g
    v <- beta2 * v + (1 - beta2) * g * g
    w  = max of v so far                               if amsgrad, else v
    p <- p - lr * (m / (1 - beta1**t)) / (sqrt(w / (1 - beta2**t)) + eps)
    ```

    From D. Kingma and J. Ba, "Adam: A Method for Stochastic Optimization" (2015); amsgrad from Reddi et al., "On the
    Convergence of Adam and Beyond" (2018), with the maximum taken before the correction. All numbers are those of
    ``torch.optim.Adam``. Different from it: elements of states of magnitude under 2**20 times the smallest normal
    number (1.2e-32 in float32) become 0.

    Choose it first: it works with its defaults on most networks, as the length of a step hardly depends on the scale of
    the loss. With weight decay, choose ``AdamW``.

    Choose it first: it works with its defaults on most networks, as the length of a step hardly depends on the scale of
    the loss. With weight decay, choose ``AdamW``.

    Args:
        params: tensors, (name, tensor) pairs, or groups; see ``Optimizer``.
        lr: learning rate, at least 0; about the length of a step per element.
        betas: shares of the running averages m and v that are kept, each in [0, 1).
        eps: added to the root against division by 0, at least 0.
        weight_decay: strength of the L2 penalty ``weight_decay / 2 * p**2``, at least 0.
        amsgrad: divide by the largest running average so far.
        maximize: climb instead of descend.
        decoupled_weight_decay: shrink the parameters directly, as ``AdamW`` does, instead of adding to the gradient.

    Raises:
        TypeError, ValueError: see ``Optimizer``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> w = gd.tensor([3.0, -300.0], requires_grad=True)
        >>> optimizer = optim.Adam([w], lr=0.5, betas=(0.5, 0.75), eps=0.0)
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
        "amsgrad": FLAG,
        "maximize": FLAG,
        "decoupled_weight_decay": FLAG,
    }
    state_names: ClassVar[tuple[str, ...]] = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")
    parallel: ClassVar[bool] = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
                "decoupled_weight_decay": decoupled_weight_decay,
            },
        )

    def states(self, group: Group) -> tuple[str, ...]:
        """The two averages, and what amsgrad adds."""
        return self.state_names if group["amsgrad"] else self.state_names[:2]

    def factors(self, group: Group) -> dict[str, float]:
        """With M = m / (1 - beta1) and V = v / (1 - beta2), each new term is added without a factor."""
        beta1, beta2 = group["betas"]
        return {"exp_avg": 1 - beta1, "exp_avg_sq": 1 - beta2, "max_exp_avg_sq": 1 - beta2}

    def update(self, group: Group, run: Run) -> None:
        """One step in ten passes; sqrt(v / (1 - beta2**t)) + eps = root * (sqrt(V) + eps / root)."""
        beta1, beta2 = group["betas"]
        root = math.sqrt((1 - beta2) / (1 - beta2**run.step))
        size = group["lr"] * (1 - beta1) / (1 - beta1**run.step)
        decay1, decay2, lift, scale, shrink = run.numbers(
            beta1, beta2, group["eps"] / root, size / root, 1 - group["lr"] * group["weight_decay"]
        )
        shrinks = group["decoupled_weight_decay"] and group["weight_decay"] != 0
        for p, g, (m, v, *maximum), (t,) in run:
            if shrinks:
                np.multiply(p, shrink, p)
            np.multiply(m, decay1, m)
            np.add(m, g, m)
            np.multiply(g, g, t)
            np.multiply(v, decay2, v)
            np.add(v, t, v)
            if maximum:
                v = np.maximum(maximum[0], v, out=maximum[0])
            np.sqrt(v, t)
            np.add(t, lift, t)
            np.divide(m, t, t)
            np.multiply(t, scale, t)
            np.subtract(p, t, p)


class AdamW(Adam):
    """Adam with weight decay that shrinks the parameters directly, not through the averages.

    For each parameter p with gradient g, at its step t = 1, 2, ..., with m and v zero at first:

    ```text
    g <- -g                                            if maximize
    p <- p - lr * weight_decay * p
    m <- beta1 * m + (1 - beta1) * g
    v <- beta2 * v + (1 - beta2) * g * g
    w  = max of v so far                               if amsgrad, else v
    p <- p - lr * (m / (1 - beta1**t)) / (sqrt(w / (1 - beta2**t)) + eps)
    ```

    From I. Loshchilov and F. Hutter, "Decoupled Weight Decay Regularization" (2019); as in PyTorch, the decay is
    multiplied by `lr`. All numbers are those of ``torch.optim.AdamW``, but for small states, as in ``Adam``.

    Choose it for Transformers, and wherever ``Adam`` is wanted with weight decay: in Adam itself, numbers with large
    gradients hardly decay.

    Args:
        params: tensors, (name, tensor) pairs, or groups; see ``Optimizer``.
        lr: learning rate, at least 0; about the length of a step per element.
        betas: shares of the running averages m and v that are kept, each in [0, 1).
        eps: added to the root against division by 0, at least 0.
        weight_decay: share of a parameter, times `lr`, that is taken away in each step, at least 0.
        amsgrad: divide by the largest running average so far.
        maximize: climb instead of descend.

    Raises:
        TypeError, ValueError: see ``Optimizer``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> w = gd.tensor([4.0, -400.0], requires_grad=True)
        >>> optimizer = optim.AdamW([w], lr=0.5, betas=(0.5, 0.75), eps=0.0, weight_decay=0.5)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.detach()
        tensor([   2.5, -299.5])
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, decoupled_weight_decay=True)
