"""LAMB and Muon: a parameter is one thing, not so many numbers."""

import math
from collections.abc import Iterable
from typing import Any, ClassVar

import grad_core as gd
import numpy as np

from ._checks import COUNT, FLAG, FRACTION, FRACTIONS, LR, NOT_NEGATIVE, NUMBER, Rule, one_of
from ._flat import Run
from ._optimizer import Group, Optimizer

__all__ = ["LAMB", "Muon"]

Array = np.ndarray[Any, Any]

THREE = Rule(
    lambda value: isinstance(value, list | tuple) and len(value) == 3 and all(map(NUMBER.holds, value)),
    "three finite numbers, such as (3.4445, -4.775, 2.0315)",
)


def _norm(x: Array) -> float:
    flat = x.reshape(-1)
    return math.sqrt(np.dot(flat, flat))


class LAMB(Optimizer):
    """Adam whose step for each parameter is as long as the parameter's norm allows, for very large batches.

    For each parameter p with gradient g, at its step t = 1, 2, ..., with m and v zero at first, and norms over the
    whole parameter:

    ```text
    g <- -g                                            if maximize
    m <- beta1 * m + (1 - beta1) * g
    v <- beta2 * v + (1 - beta2) * g * g
    r  = (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps) + weight_decay * p
    f  = norm(p) / norm(r)                             if neither is 0, else 1
    p <- p - lr * f * r
    ```

    From Y. You et al., "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes" (2020), algorithm 2,
    with the identity for the paper's function of the norm. PyTorch has none. Elements of states of magnitude under
    2**20 times the smallest normal number (1.2e-32 in float32) become 0.

    Choose it when batches of many thousand examples make Adam unstable. Give biases and the scales of normalisations a
    group without weight decay.

    Args:
        params: tensors, (name, tensor) pairs, or groups; see ``Optimizer``.
        lr: learning rate, at least 0; the length of a step as a share of the parameter's norm.
        betas: shares of the running averages m and v that are kept, each in [0, 1).
        eps: added to the root against division by 0, at least 0.
        weight_decay: share of a parameter that is added to the direction, at least 0.
        maximize: climb instead of descend.

    Raises:
        TypeError, ValueError: see ``Optimizer``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> w = gd.tensor([3.0, -3.0], requires_grad=True)
        >>> optimizer = optim.LAMB([w], lr=0.5, betas=(0.5, 0.75), eps=0.0, weight_decay=0.0)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> gd.round(w.detach(), 3)
        tensor([ 1.5, -1.5])
    """

    rules: ClassVar[dict[str, Rule]] = {
        "lr": LR,
        "betas": FRACTIONS,
        "eps": NOT_NEGATIVE,
        "weight_decay": NOT_NEGATIVE,
        "maximize": FLAG,
    }
    state_names: ClassVar[tuple[str, ...]] = ("exp_avg", "exp_avg_sq")
    decoupled: ClassVar[bool] = True
    scratch: ClassVar[int] = 2
    pieces: ClassVar[bool] = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 1e-2,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        )

    def factors(self, group: Group) -> dict[str, float]:
        """With M = m / (1 - beta1) and V = v / (1 - beta2), each new term is added without a factor."""
        beta1, beta2 = group["betas"]
        return {"exp_avg": 1 - beta1, "exp_avg_sq": 1 - beta2}

    def update(self, group: Group, run: Run) -> None:
        """One step, as the class says."""
        beta1, beta2 = group["betas"]
        root = math.sqrt((1 - beta2) / (1 - beta2**run.step))
        size = (1 - beta1) / (1 - beta1**run.step) / root
        decays = group["weight_decay"] != 0
        decay1, decay2, lift, scale, decay, length = run.numbers(
            beta1, beta2, group["eps"] / root, size, group["weight_decay"], 0.0
        )
        for p, g, (m, v), (t, u) in run.parameters():
            np.multiply(m, decay1, m)
            np.add(m, g, m)
            np.multiply(g, g, t)
            np.multiply(v, decay2, v)
            np.add(v, t, v)
            np.sqrt(v, t)
            np.add(t, lift, t)
            np.divide(m, t, t)
            np.multiply(t, scale, t)
            if decays:
                np.multiply(p, decay, u)
                np.add(t, u, t)
            norms = _norm(p), _norm(t)
            length[()] = group["lr"] * (norms[0] / norms[1] if all(norms) else 1.0)
            np.multiply(t, length, t)
            np.subtract(p, t, p)


class Muon(Optimizer):
    """Momentum whose every matrix is made orthogonal, so that no direction of it is neglected.

    For each matrix p of A rows and B columns with gradient g, with b zero at first:

    ```text
    g <- -g                                            if maximize
    b <- momentum * b + (1 - momentum) * g
    x  = momentum * b + (1 - momentum) * g             if nesterov, else b
    x <- x / max(norm(x), eps), with the longer side last
    repeat ns_steps times, with (c1, c2, c3) = ns_coefficients:
        a  = x x^T
        x <- c1 * x + (c2 * a + c3 * a a) x
    p <- p - lr * weight_decay * p
    p <- p - lr * sqrt(max(1, A / B)) * x              if adjust_lr_fn is "original" or None
         p - lr * 0.2 * sqrt(max(A, B)) * x            if adjust_lr_fn is "match_rms_adamw"
    ```

    From K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024); "match_rms_adamw" from J.
    Liu et al., "Muon is Scalable for LLM Training" (2025). The numbers are those of ``torch.optim.Muon``, but for its
    rounding: PyTorch repeats in bfloat16, and here everything is of the dtype of the parameter. `maximize` is not in
    PyTorch. Elements of b of magnitude under 2**20 times the smallest normal number (1.2e-32 in float32) become 0.
    Other optimizers take no memory in a step; this one does for x, a and the products, one matrix after the other.

    Choose it for the matrices of hidden layers; give embeddings, biases, the last layer and convolutions to ``AdamW``.
    With "match_rms_adamw" it takes AdamW's learning rate.

    Args:
        params: tensors of two axes, (name, tensor) pairs, or groups; see ``Optimizer``.
        lr: learning rate, at least 0.
        weight_decay: share of a parameter, times `lr`, that is taken away in each step, at least 0.
        momentum: share of the earlier direction that is kept, in [0, 1).
        nesterov: look ahead by one more step of momentum.
        ns_coefficients: of the Newton-Schulz iteration; these reach singular values of about 0.7 to 1.2 in five steps.
        eps: the smallest norm to divide by, at least 0.
        ns_steps: steps of the iteration, at least 1.
        adjust_lr_fn: how the length of a step depends on the shape.
        maximize: climb instead of descend.

    Raises:
        TypeError, ValueError: see ``Optimizer``; also for a parameter that has not two axes.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> w = gd.tensor([[4.0, 0.0], [0.0, 4.0]], requires_grad=True)
        >>> optimizer = optim.Muon([w], lr=0.5, weight_decay=0.0, ns_coefficients=(1.5, -0.5, 0.0), ns_steps=20)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> gd.round(w.detach(), 3)
        tensor([[3.5, 0. ],
                [0. , 3.5]])
    """

    rules: ClassVar[dict[str, Rule]] = {
        "lr": LR,
        "weight_decay": NOT_NEGATIVE,
        "momentum": FRACTION,
        "nesterov": FLAG,
        "ns_coefficients": THREE,
        "eps": NOT_NEGATIVE,
        "ns_steps": COUNT,
        "adjust_lr_fn": one_of(None, "original", "match_rms_adamw"),
        "maximize": FLAG,
    }
    state_names: ClassVar[tuple[str, ...]] = ("momentum_buffer",)
    extensions: ClassVar[tuple[str, ...]] = ("maximize",)
    decoupled: ClassVar[bool] = True
    counts: ClassVar[bool] = False
    pieces: ClassVar[bool] = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "nesterov": nesterov,
                "ns_coefficients": ns_coefficients,
                "eps": eps,
                "ns_steps": ns_steps,
                "adjust_lr_fn": adjust_lr_fn,
                "maximize": maximize,
            },
        )

    def check_parameter(self, p: gd.Tensor) -> str | None:
        """Only matrices can be made orthogonal."""
        if p.ndim == 2:
            return None
        return (
            f"has shape {p.shape}, and Muon is for matrices, of two axes: give it to another optimizer, such as AdamW"
        )

    def factors(self, group: Group) -> dict[str, float]:
        """With B = b / (1 - momentum), the new term is added without a factor."""
        return {"momentum_buffer": 1 - group["momentum"]}

    def update(self, group: Group, run: Run) -> None:
        """One step, as the class says."""
        momentum, share, shrink, size = run.numbers(
            group["momentum"], 1 - group["momentum"], 1 - group["lr"] * group["weight_decay"], 0.0
        )
        for p, g, (b,), (t,) in run.parameters():
            np.multiply(b, momentum, b)
            np.add(b, g, b)
            if group["nesterov"]:
                np.multiply(b, momentum, t)
                np.add(t, g, t)
                np.multiply(t, share, t)
            else:
                np.multiply(b, share, t)
            x = _orthogonal(t, group["ns_coefficients"], group["ns_steps"], group["eps"])
            rows, columns = p.shape
            if group["adjust_lr_fn"] == "match_rms_adamw":
                size[()] = group["lr"] * 0.2 * math.sqrt(max(rows, columns))
            else:
                size[()] = group["lr"] * math.sqrt(max(1, rows / columns)) if p.size else 0.0
            np.multiply(x, size, t)
            np.multiply(p, shrink, p)
            np.subtract(p, t, p)


def _orthogonal(x: Array, coefficients: tuple[float, float, float], steps: int, eps: float) -> Array:
    """The iteration of Newton and Schulz for the nearest orthogonal matrix, of the fifth degree."""
    one, three, five = [x.dtype.type(value) for value in coefficients]
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    norm = max(_norm(x), eps)
    if norm:
        x = x / x.dtype.type(norm)
    a = np.empty((len(x), len(x)), x.dtype)
    b, y = np.empty_like(a), np.empty_like(x)
    for _ in range(steps):
        np.matmul(x, x.T, out=a)
        np.matmul(a, a, out=b)
        b *= five
        a *= three
        b += a
        np.matmul(b, x, out=y)
        x *= one
        x += y
    return x.T if tall else x
