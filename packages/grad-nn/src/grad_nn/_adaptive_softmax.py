"""A softmax over many classes in steps: first the frequent classes and groups of rare ones, then within a group."""

import operator
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import grad_core as gd
import numpy as np
from grad_core.errors import DTypeError, ShapeError
from grad_core.random import Generator

from ._containers import Sequential
from ._linear import Linear
from ._lists import ModuleList
from ._module import Module
from .functional import log_softmax

__all__ = ["AdaptiveLogSoftmaxWithLoss"]


class Found(NamedTuple):
    """What ``AdaptiveLogSoftmaxWithLoss`` returns."""

    output: gd.Tensor
    loss: gd.Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """The log-probability of the right class among very many, in two steps.

    The head scores the classes below ``cutoffs[0]``, the frequent ones, and each group of rarer classes as a whole.
    Group i, of the classes from ``cutoffs[i]`` on, has scores of its own, from a projection to
    in_features // div_value**(i + 1) features. The log-probability of a rare class is that of its group plus its own
    within the group, so only groups that occur in a batch are computed.

    Source: Grave, Joulin, Cissé, Grangier, Jégou, "Efficient softmax approximation for GPUs", 2017.

    Args:
        in_features: features of a sample.
        n_classes: how many classes; they are numbered by frequency, the most frequent first.
        cutoffs: where the groups begin: increasing integers, 1 to n_classes - 1.
        div_value: by how much each group has fewer features than the one before.
        head_bias: whether the head adds a bias.
        dtype: of the parameters; the default dtype where not given.
        generator: draws the first values; the default Generator where not given.

    Attributes:
        head: Linear to the frequent classes and the groups.
        tail: for each group a Sequential of two Linear.

    Raises:
        ValueError: `cutoffs` is empty, not increasing, or out of range.
        TypeError: a number is no integer.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> model = nn.AdaptiveLogSoftmaxWithLoss(16, 1000, [10, 100], generator=gd.random.Generator(0))
        >>> output, loss = model(gd.ones((3, 16)), [4, 50, 999])
        >>> output.shape, loss.shape
        ((3,), ())
        >>> model.log_prob(gd.ones((3, 16))).shape
        (3, 1000)
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        places = [operator.index(c) for c in cutoffs]
        if not places or any(a >= b for a, b in pairwise([0, *places, n_classes])):
            raise ValueError(
                f"AdaptiveLogSoftmaxWithLoss: cutoffs are increasing integers, 1 to n_classes - 1 = {n_classes - 1}, "
                f"at least one, and not {list(cutoffs)}"
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*places, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = places[0]
        self.n_clusters = len(places)
        self.head_size = self.shortlist_size + self.n_clusters
        options = {"dtype": dtype, "generator": generator}
        self.head = Linear(in_features, self.head_size, head_bias, **options)
        self.tail = ModuleList(
            [
                Sequential(
                    Linear(in_features, features := int(in_features // div_value ** (i + 1)), False, **options),
                    Linear(features, stop - start, False, **options),
                )
                for i, (start, stop) in enumerate(pairwise(self.cutoffs))
            ]
        )

    def forward(self, x: Any, target: Any) -> Found:
        """The log-probability of each target, and the loss: the mean of what is minus that.

        Args:
            x: floats (N, in_features), or (in_features,) for one sample.
            target: class ids (N,), or one.

        Returns:
            The named pair (output, loss): (N,) or (), and a single number.

        Raises:
            ShapeError: the shapes do not fit.
            IndexError: a target is no class.
            DTypeError: targets are not integers.
        """
        x, ids = gd.asarray(x), np.asarray(target)
        if ids.dtype.kind not in "iu":
            raise DTypeError(f"AdaptiveLogSoftmaxWithLoss: targets are class ids, integers, and these are {ids.dtype}")
        if x.ndim not in (1, 2) or x.shape[-1] != self.in_features or x.shape[:-1] != ids.shape or x.size == 0:
            raise ShapeError(
                f"AdaptiveLogSoftmaxWithLoss: takes samples (N, {self.in_features}) with targets (N,), or one sample "
                f"with one target, and was given {x.shape} and {ids.shape}"
            )
        if ids.min() < 0 or ids.max() >= self.n_classes:
            wrong = ids.min() if ids.min() < 0 else ids.max()
            raise IndexError(
                f"AdaptiveLogSoftmaxWithLoss: class id {wrong} is out of range: {self.n_classes} classes have ids 0 to "
                f"{self.n_classes - 1}"
            )
        rows, right = x.reshape((-1, self.in_features)), ids.reshape(-1)
        group = np.searchsorted(self.cutoffs, right, side="right")  # 0 for the frequent classes
        of_head = np.where(group == 0, right, self.shortlist_size + group - 1)
        output = gd.take_along_axis(log_softmax(self.head(rows), 1), of_head[:, None], 1)[:, 0]
        order = np.argsort(group, kind="stable")
        inner = [gd.zeros(int(np.sum(group == 0)), dtype=output.dtype)]
        for i in range(1, self.n_clusters + 1):
            members = np.flatnonzero(group == i)
            if len(members):
                scores = log_softmax(self.tail[i - 1](rows[members]), 1)
                inner.append(gd.take_along_axis(scores, right[members][:, None] - self.cutoffs[i - 1], 1)[:, 0])
        output = output + gd.concat(inner)[np.argsort(order, kind="stable")]
        return Found(output.reshape(ids.shape), -output.mean())

    def log_prob(self, x: Any) -> gd.Tensor:
        """The log-probabilities of all classes: (N, n_classes) from (N, in_features).

        Raises:
            ShapeError: another shape.
        """
        head = log_softmax(self.head(x), -1)
        parts = [head[..., : self.shortlist_size]]
        for i, layers in enumerate(self.tail):
            place = self.shortlist_size + i
            parts.append(log_softmax(layers(x), -1) + head[..., place : place + 1])
        return gd.concat(parts, axis=-1)

    def predict(self, x: Any) -> gd.Tensor:
        """The most probable class of each sample: (N,) integers from (N, in_features); groups only where they may win.

        Raises:
            ShapeError: another shape.
        """
        x = gd.asarray(x).detach()
        best = np.array(gd.argmax(self.head(x), axis=-1).data)
        rare = best >= self.shortlist_size  # no class of a group is more probable than the group
        if rare.any():
            best[rare] = gd.argmax(self.log_prob(x[rare]), axis=-1).data
        return gd.asarray(best)
