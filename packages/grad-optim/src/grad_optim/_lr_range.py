"""The learning-rate range test: a few steps with rates that grow, to see which ones teach and which ones break."""

import copy
import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from ._checks import COUNT
from ._optimizer import Optimizer

__all__ = ["LRRange", "lr_range_test"]


class LRRange(NamedTuple):
    """What a range test has seen.

    Attributes:
        lrs: the learning rates, growing by the same factor from one to the next.
        losses: the loss at each, before the step with that rate.
        smoothed: the losses without their noise: a running average, corrected for its beginning.
        suggestion: the rate at which the smoothed loss fell fastest; a good highest rate for a schedule.

    Example:
        >>> import grad_optim as optim
        >>> optim.LRRange([0.1, 0.2], [3.0, 2.0], [3.0, 2.5], 0.1).suggestion
        0.1
    """

    lrs: list[float]
    losses: list[float]
    smoothed: list[float]
    suggestion: float


def lr_range_test(
    optimizer: Optimizer,
    closure: Callable[[], Any],
    *,
    start_lr: float = 1e-6,
    end_lr: float = 10.0,
    num_iter: int = 100,
    beta: float = 0.9,
    diverge: float = 4.0,
    keep: Iterable[Any] = (),
) -> LRRange:
    """Take steps with learning rates that grow from `start_lr` to `end_lr`, then put everything back.

    The rate of step i of n is ``start_lr * (end_lr / start_lr)**(i / (n - 1))``; groups whose rates differ keep the
    ratio to the largest. The test ends early when the smoothed loss is NaN, infinite or `diverge` times its lowest
    value. Afterwards parameters, the state of the optimizer, its rates, and what is in `keep` are what they were, also
    if the closure raises; gradients are None.

    From L. Smith, "Cyclical Learning Rates for Training Neural Networks" (2017), with rates that grow by a factor, not
    by a sum; the choice of the steepest point is that of the fastai library.

    Args:
        optimizer: which takes the steps.
        closure: calls ``optimizer.zero_grad()``, computes the loss of the next batch, calls its ``backward()`` and
            returns it.
        start_lr: the smallest rate, above 0.
        end_lr: the largest one, above `start_lr`.
        num_iter: how many steps, at least 2.
        beta: share of the running average of losses that is kept, in [0, 1).
        diverge: how many times the lowest loss ends the test, above 1.
        keep: what else the closure changes: the model if it has buffers, as for BatchNorm, the loader, Generators.
            Each has ``state_dict`` and ``load_state_dict``, or ``get_state`` and ``set_state``.

    Raises:
        TypeError: something in `keep` has no state.
        ValueError: a value that makes no sense, or no loss was finite.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> w = gd.tensor([3.0, -3.0], requires_grad=True)
        >>> optimizer = optim.SGD([w], lr=0.5)
        >>> def closure():
        ...     optimizer.zero_grad()
        ...     loss = (w * w).sum()
        ...     loss.backward()
        ...     return loss
        >>> found = optim.lr_range_test(optimizer, closure)
        >>> 0.001 < found.suggestion < 1.0
        True
        >>> w.detach(), optimizer.param_groups[0]["lr"]
        (tensor([ 3., -3.]), 0.5)
    """
    _check(start_lr, end_lr, num_iter, beta, diverge)
    ways = [_ways(each) for each in keep]
    largest = max(group["lr"] for group in optimizer.param_groups)
    ratios = [group["lr"] / largest if largest else 1.0 for group in optimizer.param_groups]
    params = [p for group in optimizer.param_groups for p in group["params"]]
    values = [p.data.copy() for p in params]
    saved = optimizer.state_dict()
    states = [copy.deepcopy(get()) for get, _ in ways]
    lrs: list[float] = []
    losses: list[float] = []
    smoothed: list[float] = []
    average = 0.0
    try:
        for i in range(num_iter):
            lr = start_lr * (end_lr / start_lr) ** (i / (num_iter - 1))
            for group, ratio in zip(optimizer.param_groups, ratios, strict=True):
                group["lr"] = lr * ratio
            with np.errstate(over="ignore", invalid="ignore"):  # the last steps are meant to go wrong
                loss = float(optimizer.step(closure))
            average = beta * average + (1 - beta) * loss
            smooth = average / (1 - beta ** (i + 1))
            if not math.isfinite(smooth):
                break
            lrs.append(lr)
            losses.append(loss)
            smoothed.append(smooth)
            if smooth > diverge * min(smoothed) > 0:
                break
    finally:
        for p, value in zip(params, values, strict=True):
            p.data = value
            p.grad = None
        optimizer.load_state_dict(saved)
        for (_, put), state in zip(ways, states, strict=True):
            put(state)
    if not lrs:
        raise ValueError(
            f"lr_range_test: the first loss, at a learning rate of {start_lr}, is not finite: look at the model and "
            "the data, or take a smaller start_lr"
        )
    return LRRange(lrs, losses, smoothed, _steepest(lrs, smoothed))


def _check(start_lr: float, end_lr: float, num_iter: int, beta: float, diverge: float) -> None:
    wrong = []
    if not 0 < start_lr < end_lr < math.inf:
        wrong.append(f"start_lr and end_lr must be 0 < start_lr < end_lr, and {start_lr!r} and {end_lr!r} were given")
    if not COUNT.holds(num_iter) or num_iter < 2:
        wrong.append(f"num_iter must be a whole number of at least 2, and {num_iter!r} was given")
    if not 0 <= beta < 1:
        wrong.append(f"beta must be a number of at least 0 and less than 1, and {beta!r} was given")
    if not diverge > 1:
        wrong.append(f"diverge must be a number above 1, and {diverge!r} was given")
    if wrong:
        raise ValueError(f"lr_range_test: {'; '.join(wrong)}")


def _ways(each: Any) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
    """How to read and to set the state of an object."""
    for get, put in (("state_dict", "load_state_dict"), ("get_state", "set_state")):
        if hasattr(each, get) and hasattr(each, put):
            return getattr(each, get), getattr(each, put)
    raise TypeError(
        f"lr_range_test: keep has a {type(each).__name__}, which has neither state_dict and load_state_dict nor "
        "get_state and set_state"
    )


def _steepest(lrs: list[float], smoothed: list[float]) -> float:
    """The rate at which the losses fall fastest per factor of the rate, up to where they are lowest."""
    end = int(np.argmin(smoothed)) + 1
    if end < 3:
        return lrs[end - 1]
    slopes = np.gradient(smoothed[:end])  # the logarithms of the rates are evenly spaced
    return lrs[int(np.argmin(slopes))]
