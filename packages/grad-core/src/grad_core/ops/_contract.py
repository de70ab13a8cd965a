"""The one op behind dot, tensordot, einsum and their like: it contracts two arrays, whose axes have integers for names.

Its gradients are contractions again, so derivatives of any order come from one rule, and each contraction is a matrix
product of NumPy wherever there is one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from grad_core._op import op

__all__ = ["Labels", "contract"]

Labels = tuple[int, ...]


def _contract_by_x(g: Any, _ans: Any, _x: Any, y: Any, left: Labels, right: Labels, kept: Labels) -> Any:
    return contract.on(g, y, left=kept, right=right, kept=left)


def _contract_by_y(g: Any, _ans: Any, x: Any, _y: Any, left: Labels, right: Labels, kept: Labels) -> Any:
    return contract.on(x, g, left=left, right=kept, kept=right)


def _contract_jvp(
    tangents: tuple[Any, ...], _ans: Any, x: Any, y: Any, *, left: Labels, right: Labels, kept: Labels
) -> Any:
    by_x, by_y = tangents
    if by_x is None:
        return contract.on(x, by_y, left=left, right=right, kept=kept)
    total = contract.on(by_x, y, left=left, right=right, kept=kept)
    return total if by_y is None else total + contract.on(x, by_y, left=left, right=right, kept=kept)


def _contract_batch(
    inputs: tuple[Any, ...], axes: tuple[int | None, ...], *, left: Labels, right: Labels, kept: Labels
) -> tuple[Any, int]:
    fresh = max(left + right, default=0) + 1
    moved = [x if axis is None else np.moveaxis(x, axis, 0) for x, axis in zip(inputs, axes, strict=True)]
    named = [labels if axis is None else (fresh, *labels) for labels, axis in zip((left, right), axes, strict=True)]
    return contract.on(*moved, left=named[0], right=named[1], kept=(fresh, *kept)), 0


@op(vjp=(_contract_by_x, _contract_by_y), jvp=_contract_jvp, batch=_contract_batch, name="contract")
def contract(x: Any, y: Any, *, left: Labels, right: Labels, kept: Labels) -> Any:
    """The sum of x * y over the axes that are named in both and not in `kept`.

    Names occur once in each place, every name of one array is in the other or in `kept`, and lengths agree: that is
    what keeps the gradients within the op.
    """
    shared = [i for i in left if i in right and i not in kept]
    both = [i for i in kept if i in left and i in right]
    rows = [i for i in kept if i not in right]
    columns = [i for i in kept if i not in left]
    if not shared:
        return _spread(x, left, kept) * _spread(y, right, kept)
    if (*both, *columns, *rows) == kept and rows and columns:  # the result comes out in order the other way round
        x, y, left, right, rows, columns = y, x, right, left, columns, rows
    size = {**dict(zip(left, x.shape, strict=True)), **dict(zip(right, y.shape, strict=True))}
    lengths = [size[i] for i in both]
    depth = _product(size, shared)
    if rows or columns:
        a = _ordered(x, left, (*both, *rows, *shared)).reshape(*lengths, _product(size, rows), depth)
        b = _ordered(y, right, (*both, *shared, *columns)).reshape(*lengths, depth, _product(size, columns))
        product = np.matmul(a, b)
    else:
        a = _ordered(x, left, (*both, *shared)).reshape(*lengths, depth)
        b = _ordered(y, right, (*both, *shared)).reshape(*lengths, depth)
        product = np.vecdot(a, b)
    natural = (*both, *rows, *columns)
    return _ordered(product.reshape([size[i] for i in natural]), natural, kept)


def _product(size: dict[int, int], labels: list[int]) -> int:
    total = 1
    for i in labels:
        total *= size[i]
    return total


def _ordered(x: Any, labels: Labels, wanted: Labels) -> Any:
    return x if labels == wanted else x.transpose([labels.index(i) for i in wanted])


def _spread(x: Any, labels: Labels, wanted: Labels) -> Any:
    """`x` with its axes in the order of `wanted`, and length 1 where it has none."""
    x = _ordered(x, labels, tuple([i for i in wanted if i in labels]))
    return x.reshape([x.shape[[j for j in wanted if j in labels].index(i)] if i in labels else 1 for i in wanted])
