"""Connectionist temporal classification: the sum over all alignments, in logarithms, for all sequences at once."""

from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import DTypeError, ShapeError
from grad_core.extend import in_front, nondiff, op

from grad_nn.errors import RangeError

from ._checks import check_reduction

__all__ = ["ctc_loss"]

# A target a b is extended to the states _ a _ b _, with a blank around each label. An alignment starts in one of the
# first two states and ends in one of the last two; from frame to frame it stays, moves on by one, or skips a blank
# between two different labels. Arrays over states are (N, 2 S + 1)


def _states(targets: Any, target_lengths: Any, blank: int) -> tuple[Any, Any, Any]:
    """The label of each state, whether it may be reached by skipping a blank, and 0 where alignments end, else -inf."""
    within = np.arange(targets.shape[-1]) < target_lengths[..., None]
    given = np.where(within, targets, blank)
    labels = np.full((*given.shape[:-1], 2 * given.shape[-1] + 1), blank)
    labels[..., 1::2] = given
    skips = np.zeros(labels.shape, np.bool_)
    skips[..., 2:] = (labels[..., 2:] != blank) & (labels[..., 2:] != labels[..., :-2])
    places = np.arange(labels.shape[-1])
    last = 2 * target_lengths[..., None]
    ends = np.where((places == last) | (places == last - 1), 0.0, -np.inf)
    return labels, skips, ends


def _log_sum(a: Any, b: Any, c: Any) -> Any:
    """log(e**a + e**b + e**c), -inf where all are."""
    top = np.maximum(np.maximum(a, b), c)
    finite = np.where(top == -np.inf, 0, top)
    total = np.exp(a - finite)
    total += np.exp(b - finite)
    total += np.exp(c - finite)
    return np.log(total) + finite


def _shifted(x: Any, by: int) -> Any:
    """States moved on by one or two, or back for negative numbers, with -inf moved in."""
    out = np.full_like(x, -np.inf)
    if by > 0:
        out[:, by:] = x[:, :-by]
    else:
        out[:, :by] = x[:, -by:]
    return out


def _forward_variables(x: Any, labels: Any, skips: Any, lengths: Any) -> tuple[Any, Any]:
    """Log-probabilities of the labels of all states (T, N, L), and of all beginnings of alignments that end in each."""
    emitted = np.take_along_axis(x, labels[None], 2)
    alpha = np.full_like(emitted, -np.inf)
    alpha[0, :, :2] = emitted[0, :, :2]
    for t in range(1, len(x)):
        before = alpha[t - 1]
        new = _log_sum(before, _shifted(before, 1), np.where(skips, _shifted(before, 2), -np.inf)) + emitted[t]
        alpha[t] = np.where(t < lengths[:, None], new, before)
    return emitted, alpha


def _wide(x: Any) -> Any:
    return x.astype(np.float32) if x.dtype == np.float16 else x


def _merged(inputs: tuple[Any, ...], axes: tuple[int | None, ...]) -> tuple[int, tuple[Any, ...]]:
    """All sequences of all entries of a batch as one batch of sequences."""
    count = next(a.shape[axis] for a, axis in zip(inputs, axes, strict=True) if axis is not None)
    x, *rest = (
        np.broadcast_to(a, (count, *a.shape)) if axis is None else in_front(a, axis)
        for a, axis in zip(inputs, axes, strict=True)
    )
    x = np.moveaxis(x, 0, 1)
    return count, (np.reshape(x, (x.shape[0], -1, x.shape[3])), *(np.reshape(a, (-1, *a.shape[2:])) for a in rest))


def _ctc_by_x(g: Any, _ans: Any, x: Any, targets: Any, lengths: Any, target_lengths: Any, blank: int) -> Any:
    return -g[:, None] * _posterior.on(x, targets, lengths, target_lengths, blank=blank)


def _ctc_batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, blank: int) -> tuple[Any, int]:
    count, merged = _merged(inputs, axes)
    return np.reshape(_ctc.on(*merged, blank=blank), (count, -1)), 0


@op(vjp=(_ctc_by_x, None, None, None), batch=_ctc_batch, name="ctc_loss")
def _ctc(x: Any, targets: Any, lengths: Any, target_lengths: Any, *, blank: int) -> Any:
    """-log of the probability of the targets (N,), from log-probabilities (T, N, C); inf without an alignment."""
    labels, skips, ends = _states(targets, target_lengths, blank)
    with np.errstate(divide="ignore"):
        _, alpha = _forward_variables(_wide(x), labels, skips, lengths)
        found = np.logaddexp.reduce(alpha[-1] + ends, axis=1)
    return (-found).astype(x.dtype)


def _posterior_by_x(g: Any, _ans: Any, x: Any, targets: Any, lengths: Any, target_lengths: Any, blank: int) -> Any:
    """By the same sum in operations that have derivatives: what second order costs, which few ask for."""

    def changed(x: Any) -> Any:
        slope = gd.grad(lambda x: gd.sum(_composed(x, targets, lengths, target_lengths, blank)))(x)
        return -gd.sum(slope * g)

    found = gd.grad(changed)(x)
    return found if isinstance(x, gd.Tensor) or isinstance(g, gd.Tensor) else found.numpy()


def _posterior_batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, blank: int) -> tuple[Any, int]:
    count, merged = _merged(inputs, axes)
    found = _posterior.on(*merged, blank=blank)
    return np.reshape(found, (found.shape[0], count, -1, found.shape[2])), 1


@op(vjp=(_posterior_by_x, None, None, None), batch=_posterior_batch, name="ctc_loss")
def _posterior(x: Any, targets: Any, lengths: Any, target_lengths: Any, *, blank: int) -> Any:
    """How probable each label is at each frame, given the target: (T, N, C); 0 where there is no alignment."""
    labels, skips, ends = _states(targets, target_lengths, blank)
    skipped = np.zeros_like(skips)
    skipped[:, :-2] = skips[:, 2:]  # by the state left instead of the one reached
    wide = _wide(x)
    with np.errstate(divide="ignore"):
        emitted, alpha = _forward_variables(wide, labels, skips, lengths)
        ends = ends.astype(wide.dtype)
        found = np.logaddexp.reduce(alpha[-1] + ends, axis=1)
        beta = np.full_like(ends, -np.inf)
        impossible = found == -np.inf
        offset = np.where(impossible, 0, found)[:, None]
        for t in range(len(x) - 1, -1, -1):  # alpha becomes the posterior, frame by frame
            if t + 1 < len(x):
                after = beta + emitted[t + 1]
                beta = _log_sum(after, _shifted(after, -1), np.where(skipped, _shifted(after, -2), -np.inf))
            beta = np.where(t == lengths[:, None] - 1, ends, beta)
            alpha[t] += beta - offset
        alpha = np.exp(alpha)
    alpha *= (np.arange(len(x))[:, None] < lengths)[:, :, None] & ~impossible[:, None]
    out = np.zeros(x.shape, wide.dtype)
    rows = np.arange(len(x) * len(labels)).reshape(len(x), -1, 1) * x.shape[2]
    np.add.at(out.reshape(-1), (rows + labels).reshape(-1), alpha.reshape(-1))
    return out.astype(x.dtype)


def _extended_batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, blank: int) -> tuple[Any, int]:
    found = _extended.on(*(in_front(a, axis) for a, axis in zip(inputs, axes, strict=True)), blank=blank)
    count = found[0].shape[0]
    return tuple(np.broadcast_to(a, (count, *a.shape[-2:])) for a in found), 0


@nondiff(batch=_extended_batch, name="ctc_loss")
def _extended(targets: Any, target_lengths: Any, *, blank: int) -> Any:
    return _states(targets, target_lengths, blank)


def _composed(x: Any, targets: Any, lengths: Any, target_lengths: Any, blank: int) -> Any:
    """The losses once more, each step an operation with derivatives of every order."""
    labels, skips, ends = _extended(targets, target_lengths, blank=blank)
    emitted = gd.take_along_axis(x, gd.expand_dims(labels, axis=0), 2)
    states = emitted.shape[2]
    alpha = gd.where(np.arange(states) < 2, emitted[0], -np.inf)
    for t in range(1, len(x)):
        padded = gd.pad(alpha, ((0, 0), (2, 0)), constant_values=-np.inf)
        ways = gd.stack([alpha, padded[:, 1:-1], gd.where(skips, padded[:, :-2], -np.inf)])
        alpha = gd.where(gd.expand_dims(t < gd.asarray(lengths), axis=1), gd.logsumexp(ways, 0) + emitted[t], alpha)
    return -gd.logsumexp(gd.where(ends == 0, alpha, -np.inf), 1)


def _valid_batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...], **params: Any) -> tuple[Any, int]:
    return _valid.on(*(in_front(a, axis) for a, axis in zip(inputs, axes, strict=True)), **params), 0


@nondiff(batch=_valid_batch, name="ctc_loss")
def _valid(targets: Any, lengths: Any, target_lengths: Any, *, frames: int, classes: int, blank: int) -> Any:
    """The targets, with the blank behind their ends, if they and the lengths are what they should be."""
    for numbers, called, least, most in (
        (lengths, "input_lengths", 1, frames),
        (target_lengths, "target_lengths", 0, targets.shape[-1]),
    ):
        wrong = numbers[(numbers < least) | (numbers > most)]
        if wrong.size:
            raise RangeError(f"ctc_loss: {called} lie from {least} to {most}, and one of them is {wrong[0]}")
    within = np.arange(targets.shape[-1]) < target_lengths[..., None]
    labels = np.where(within & (lengths[..., None] > 0), targets, blank).astype(np.int64)
    wrong = labels[((labels < 0) | (labels >= classes) | (labels == blank)) & within]
    if wrong.size:
        raise RangeError(
            f"ctc_loss: targets are classes from 0 to {classes - 1} without the blank, {blank}, which comes between "
            f"them by itself; one of them is {wrong[0]}"
        )
    return labels


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> gd.Tensor:
    """-log of the probability that frames, blanks and repetitions left out, spell the target: the sum over alignments.

    Source: Graves, Fernández, Gomez, Schmidhuber, Connectionist temporal classification (2006).

    Args:
        log_probs: logarithms of the probabilities of C classes in each of T frames, as ``log_softmax`` gives them:
            (T, N, C), or (T, C) for one sequence.
        targets: class ids without blanks: (N, S), padded by anything; or one after the other, (sum of the lengths,);
            or (S,) for one sequence.
        input_lengths: how many frames each sequence has, from 1 to T: (N,), or one number.
        target_lengths: how many labels each target has: (N,), or one number.
        blank: the class that says nothing.
        reduction: "mean" over the sequences of the loss divided by the length of its target (at least 1), "sum", or
            "none" for the loss of each.
        zero_infinity: 0 instead of inf where a target does not fit into its frames. Its gradient is 0 either way;
            PyTorch's is NaN for inf.

    Returns:
        A single number, or for "none" the shape (N,), or () for one sequence.

    Raises:
        ShapeError: the shapes do not fit.
        DTypeError: targets or lengths are not integers, or log-probabilities are.
        RangeError: a length is too large or too small, or a target is the blank or no class.
        ValueError: an unknown reduction.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn.functional as F
        >>> even = gd.log(gd.full((3, 1, 2), 0.5))
        >>> probability = gd.exp(-F.ctc_loss(even, [[1]], [3], [1]))  # of 1__ _1_ __1 11_ _11 111, 6 of 8
        >>> round(probability.item(), 4)
        0.75
    """
    name = "ctc_loss"
    check_reduction(reduction, name)
    x = gd.asarray(log_probs)
    if x.dtype.kind != "f" or x.ndim not in (2, 3) or 0 in x.shape:
        raise (ShapeError if x.dtype.kind == "f" else DTypeError)(
            f"{name}: log-probabilities are floats of shape (T, N, C), or (T, C) for one sequence, none of them 0; "
            f"these are {x.dtype} of shape {x.shape}"
        )
    single = x.ndim == 2
    if single:
        x = gd.expand_dims(x, axis=1)
    frames, count, classes = x.shape
    if not 0 <= blank < classes:
        raise RangeError(f"{name}: blank={blank} is not one of {classes} classes, 0 to {classes - 1}")
    lengths = _integers(input_lengths, "input_lengths", count)
    wanted = _integers(target_lengths, "target_lengths", count)
    y = gd.asarray(targets) if np.shape(targets) != (0,) else gd.zeros((0,), dtype="int64")
    if y.dtype.kind not in "iu":
        raise DTypeError(f"{name}: targets are class ids, integers, and these are {y.dtype}")
    if y.ndim == 1:
        y = y.reshape((1, -1)) if single else gd.asarray(_padded(y.numpy(), wanted.numpy()))
    if y.ndim != 2 or y.shape[0] != count:
        raise ShapeError(
            f"{name}: targets have shape {np.shape(targets)}; for log-probabilities of shape {np.shape(log_probs)} "
            f"they have shape ({count}, S), padded, or one axis with all targets one after the other"
        )
    y = _valid(y, lengths, wanted, frames=frames, classes=classes, blank=blank)
    losses = _ctc(x, y, lengths, wanted, blank=blank)
    if zero_infinity:
        losses = gd.where(losses == np.inf, 0, losses)
    if reduction == "mean":
        return (losses / gd.maximum(wanted, 1).astype(x.dtype)).mean()
    if reduction == "sum":
        return losses.sum()
    return losses[0] if single else losses


def _integers(lengths: Any, called: str, count: int) -> Any:
    x = gd.asarray(lengths)
    if x.dtype.kind not in "iu":
        raise DTypeError(f"ctc_loss: {called} are integers, and these are {x.dtype}")
    if x.ndim == 0:
        x = gd.broadcast_to(x, (count,))
    if x.shape != (count,):
        raise ShapeError(
            f"ctc_loss: {called} has shape {x.shape}, and there are {count} sequences: it must be ({count},)"
        )
    return x


def _padded(targets: Any, lengths: Any) -> Any:
    """Targets one after the other as rows, padded by 0."""
    if lengths.sum() != targets.size:
        raise ShapeError(
            f"ctc_loss: {targets.size} labels one after the other, and target_lengths sum to {lengths.sum()}: both "
            "must be the same"
        )
    rows = np.zeros((len(lengths), lengths.max(initial=0)), np.int64)
    rows[np.arange(rows.shape[1]) < lengths[:, None]] = targets
    return rows
