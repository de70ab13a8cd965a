"""Einstein's convention: its letters read and checked, and the operands contracted two at a time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from grad_core._node import array_like
from grad_core.errors import ShapeError

from ._contract import Labels, contract
from .pieces import diagonal
from .reduce import sum as sum_over
from .shape import permute_dims, squeeze

if TYPE_CHECKING:
    from grad_core._tensor import Tensor

__all__ = ["einsum"]


def einsum(subscripts: str, *operands: Any) -> Tensor:
    """Sums of products by Einstein's convention: a letter for each axis, as in ``einsum("ij,jk->ik", x, y)``.

    Axes with the same letter run together; letters that are not in the result are summed over. A letter twice in one
    operand takes its diagonal. ``...`` stands for further axes, which broadcast. Without ``->`` the result has the
    letters that occur once, in alphabetical order, after the axes of ``...``. Three operands or more are taken two at
    a time, in the order that ``numpy.einsum_path`` finds cheapest.

    Args:
        subscripts: the letters, a-z and A-Z, with commas between operands; spaces do not matter.
        operands: as many arrays as there are groups of letters. Unlike those of ``...``, and unlike NumPy's, axes with
            a letter do not broadcast: a length of 1 beside a longer one is an error.

    Raises:
        ShapeError: subscripts that cannot be read, do not fit the operands, or lengths that differ for one letter.

    Example:
        >>> import grad_core as gd
        >>> x = gd.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> gd.einsum("ij,kj->ik", x, x)
        tensor([[ 5., 11.],
                [11., 25.]])
        >>> gd.einsum("ii", x)
        tensor(5.)
    """
    if not isinstance(subscripts, str):
        raise ShapeError(
            f'einsum: subscripts come first, as in einsum("ij,jk->ik", x, y), and this is a {type(subscripts).__name__}'
        )
    return sum_products(subscripts, [array_like(x) for x in operands], "einsum")


def sum_products(subscripts: str, operands: list[Any], name: str) -> Tensor:
    """What ``einsum`` comes to; `name` is for the errors."""
    terms, out = _parse(subscripts, tuple([x.shape for x in operands]))
    _check_lengths(terms, operands, f"{name}: {subscripts!r}" if name == "einsum" else name)
    work = [_single(x, labels) for x, labels in zip(operands, terms, strict=True)]
    work = _without_ones(work)
    for positions in _order(tuple([labels for _, labels in work]), out, tuple([x.shape for x, _ in work])):
        taken = [work[i] for i in sorted(positions)]
        work = [pair for i, pair in enumerate(work) if i not in positions]
        while len(taken) > 1:
            elsewhere = {i for _, labels in (*work, *taken[2:]) for i in labels}.union(out)
            last = len(taken) == 2 and not work
            taken[:2] = [_pair(taken[0], taken[1], elsewhere, out if last else None)]
        work.append(taken[0])
    x, labels = work[0]
    x, labels = _sum_others(x, labels, set(out))
    result: Tensor = permute_dims(x, [labels.index(i) for i in out])
    return result


def _pair(a: Any, b: Any, keep: set[int], out: Labels | None) -> tuple[Any, Labels]:
    """Two operands contracted to the axes that are used elsewhere."""
    x, left = _sum_others(a[0], a[1], keep.union(b[1]))
    y, right = _sum_others(b[0], b[1], keep.union(left))
    if out is None:
        both = [i for i in left if i in right and i in keep]
        out = (*both, *[i for i in left if i not in right], *[i for i in right if i not in left])
    return contract(x, y, left=left, right=right, kept=out), out


def _sum_others(x: Any, labels: Labels, keep: set[int]) -> tuple[Any, Labels]:
    """Sum over the axes that nobody else has."""
    alone = tuple([axis for axis, i in enumerate(labels) if i not in keep])
    return (sum_over(x, alone), tuple([i for i in labels if i in keep])) if alone else (x, labels)


def _single(x: Any, labels: Labels) -> tuple[Any, Labels]:
    """The diagonal where one operand has a letter twice."""
    for i in dict.fromkeys(labels):
        while labels.count(i) > 1:
            first = labels.index(i)
            second = labels.index(i, first + 1)
            x = diagonal(x, 0, first, second)
            labels = (*[j for axis, j in enumerate(labels) if axis not in (first, second)], i)
    return x, labels


def _without_ones(work: list[tuple[Any, Labels]]) -> list[tuple[Any, Labels]]:
    """Axes of ``...`` that have length 1 beside longer ones are dropped: what is not there broadcasts by itself."""
    longer = {i for x, labels in work for n, i in zip(x.shape, labels, strict=True) if n != 1 and i < 0}
    dropped = []
    for x, labels in work:
        axes = tuple([axis for axis, i in enumerate(labels) if i in longer and x.shape[axis] == 1])
        kept = tuple([i for axis, i in enumerate(labels) if axis not in axes])
        dropped.append((squeeze(x, axes) if axes else x, kept))
    return dropped


@lru_cache(maxsize=512)
def _order(terms: tuple[Labels, ...], out: Labels, shapes: tuple[tuple[int, ...], ...]) -> list[tuple[int, ...]]:
    """Which operands to contract, step by step; the result of each goes to the end of the list."""
    if len(terms) < 3:
        return [tuple(range(len(terms)))]
    numbers = {i: n for n, i in enumerate(sorted({i for labels in terms for i in labels}))}
    if len(numbers) > 52:  # more than NumPy has letters for
        return [tuple(range(len(terms)))]
    arguments: list[Any] = []
    for labels, shape in zip(terms, shapes, strict=True):
        arguments += [np.broadcast_to(np.int8(0), shape), [numbers[i] for i in labels]]  # only the shape is read
    optimize = "optimal" if len(terms) < 6 else "greedy"
    path = np.einsum_path(*arguments, [numbers[i] for i in out], optimize=optimize)[0]
    return list(path[1:])


@lru_cache(maxsize=512)
def _parse(subscripts: str, shapes: tuple[tuple[int, ...], ...]) -> tuple[tuple[Labels, ...], Labels]:
    """The names of the axes of each operand and of the result: letters by their code, axes of ``...`` below 0."""
    text = "".join(subscripts.split())
    given, arrow, wanted = text.partition("->")
    groups = given.split(",")
    if len(groups) != len(shapes):
        raise ShapeError(f"einsum: {subscripts!r} has {len(groups)} operands, and {len(shapes)} were given")
    parts = [_letters(group, subscripts) for group in groups]
    terms: list[Labels] = []
    for (before, dots, after), shape in zip(parts, shapes, strict=True):
        free = len(shape) - len(before) - len(after)
        if free < 0 or (free and not dots):
            needed = f"{len(before) + len(after)}{' or more' if dots else ''}"
            raise ShapeError(
                f"einsum: {subscripts!r} names {needed} axes for the operand of shape {shape}, which has {len(shape)}"
                + ("" if dots else "; write ... for further axes")
            )
        terms.append((*before, *range(-free, 0), *after))
    widest = tuple(range(min([0, *[i for labels in terms for i in labels]]), 0))
    letters = [i for labels in terms for i in labels if i >= 0]
    if not arrow:
        return tuple(terms), (*widest, *sorted([i for i in set(letters) if letters.count(i) == 1]))
    before, dots, after = _letters(wanted, subscripts)
    for i in (*before, *after):
        if i not in letters:
            raise ShapeError(f"einsum: {subscripts!r}: the result has the letter {chr(i)!r}, which no operand has")
        if (*before, *after).count(i) > 1:
            raise ShapeError(f"einsum: {subscripts!r}: the result has the letter {chr(i)!r} twice")
    if widest and not dots:
        raise ShapeError(f"einsum: {subscripts!r}: operands have axes for ..., so the result needs ... too")
    return tuple(terms), (*before, *(widest if dots else ()), *after)


def _letters(group: str, subscripts: str) -> tuple[Labels, bool, Labels]:
    """The letters before ``...``, whether it is there, and the letters after it."""
    before, dots, after = group.partition("...")
    for letter in before + after:
        if not (letter.isascii() and letter.isalpha()):
            raise ShapeError(
                f"einsum: {subscripts!r}: {letter!r} is not a letter; axes are a-z and A-Z, with one ... for further "
                "ones, commas between operands and -> before the result"
            )
    return tuple(map(ord, before)), bool(dots), tuple(map(ord, after))


def _check_lengths(terms: Sequence[Labels], operands: list[Any], what: str) -> None:
    known: dict[int, int] = {}
    for labels, x in zip(terms, operands, strict=True):
        for i, n in zip(labels, x.shape, strict=True):
            length = known.setdefault(i, n)
            if length == n:
                continue
            if i < 0 and 1 in (n, length):
                known[i] = n if length == 1 else length
                continue
            shapes = " and ".join([str(x.shape) for x in operands])
            if i < 0:
                raise ShapeError(f"{what}: axis {i} of ... has lengths {length} and {n} in shapes {shapes}")
            raise ShapeError(
                f"{what}: the letter {chr(i)!r} has lengths {length} and {n} in shapes {shapes}; lengths of 1 "
                "broadcast only under ...: squeeze the axis away, and leave out its letter"
            )
