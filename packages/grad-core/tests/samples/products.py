"""Samples of sums of products."""

from typing import Any

import numpy as np

from . import Sample, arrays


def _einsum(subscripts: str) -> Any:
    """The call with these subscripts in front of the arrays, for grad_core and for NumPy alike."""
    return lambda *operands: (subscripts, *operands)


EINSUM: list[tuple[str, list[tuple[int, ...]]]] = [
    ("ij->ji", [(2, 3)]),
    ("ij", [(2, 3)]),
    ("ba", [(2, 3)]),
    ("ij->", [(2, 3)]),
    ("ij->i", [(2, 3)]),
    ("ii", [(3, 3)]),
    ("ii->i", [(3, 3)]),
    ("iji->ji", [(2, 3, 2)]),
    ("iii->i", [(2, 2, 2)]),
    ("...ii->...i", [(2, 3, 3)]),
    ("i...->...", [(2, 3)]),
    ("->", [()]),
    ("i,i", [(3,), (3,)]),
    ("i,i->i", [(3,), (3,)]),
    ("i,j", [(2,), (3,)]),
    ("i,j->ji", [(2,), (3,)]),
    ("ij,jk", [(2, 3), (3, 4)]),
    ("ij,jk->ki", [(2, 3), (3, 4)]),
    (" i j , k j -> i k ", [(2, 3), (4, 3)]),
    ("ij,j->i", [(2, 3), (3,)]),
    ("j,ij->i", [(3,), (2, 3)]),
    ("ij,ij->", [(2, 3), (2, 3)]),
    ("ij,ij->j", [(2, 3), (2, 3)]),
    ("ij,kl->", [(2, 3), (2, 2)]),
    ("ij,jk->k", [(2, 3), (3, 4)]),
    ("bij,bjk->bik", [(2, 2, 3), (2, 3, 2)]),
    ("bqhd,bkhd->bhqk", [(2, 2, 2, 3), (2, 3, 2, 3)]),
    ("bhqk,bkhd->bqhd", [(2, 2, 2, 3), (2, 3, 2, 2)]),
    ("ijk,jil->kl", [(2, 3, 2), (3, 2, 2)]),
    ("ii,i->i", [(2, 2), (2,)]),
    ("...ij,...jk->...ik", [(2, 2, 3), (3, 2)]),
    ("...ij,...jk", [(2, 1, 2, 2), (3, 2, 2)]),
    ("...i,...i->...", [(1, 3), (1, 3)]),
    ("i...,i->...", [(2, 3), (2,)]),
    ("...,...", [(2, 1), ()]),
    (",i->i", [(), (3,)]),
    ("ij,jk->ik", [(0, 3), (3, 2)]),
    ("ij,jk->ik", [(2, 0), (0, 3)]),
    ("ij,jk,kl->il", [(2, 3), (3, 2), (2, 4)]),
    ("ij,jk,kl", [(2, 3), (3, 2), (2, 2)]),
    ("i,ij,j->", [(2,), (2, 3), (3,)]),
    ("i,i,i->i", [(3,), (3,), (3,)]),
    ("ai,bi,ci->abc", [(2, 2), (2, 2), (2, 2)]),
    ("ij,jk,kl,lm->im", [(2, 2), (2, 3), (3, 2), (2, 2)]),
    ("...a,ab,b...->...", [(2, 2), (2, 3), (3, 2)]),
]

SAMPLES = [
    Sample("dot", arrays((), (3,)), np.dot),
    Sample("dot", arrays((3,), (3,)), np.dot),
    Sample("dot", arrays((2, 3), (3, 2)), np.dot),
    Sample("dot", arrays((2, 2, 3), (3,)), np.dot),
    Sample("dot", arrays((2, 3), (2, 3, 2)), np.dot),
    Sample("dot", arrays((3,), (2, 3, 2)), np.dot),
    Sample("vecdot", arrays((2, 3), (2, 3)), np.vecdot),
    Sample("vecdot", arrays((2, 1, 3), (2, 3)), np.vecdot),
    Sample("vecdot", arrays((3, 2), (3, 2)), np.vecdot, {"axis": 0}),
    Sample("vecdot", arrays((3,), (3,)), np.vecdot),
    Sample("vecdot", arrays((2, 0), (0,)), np.vecdot),
    Sample("tensordot", arrays((2, 3), (2, 3)), np.tensordot),
    Sample("tensordot", arrays((2, 3), (3, 2)), np.tensordot, {"axes": 1}),
    Sample("tensordot", arrays((2, 3), (2,)), np.tensordot, {"axes": 0}),
    Sample("tensordot", arrays((2, 3, 4), (4, 3, 2)), np.tensordot, {"axes": ([1, 2], [1, 0])}),
    Sample("tensordot", arrays((2, 3), (3, 2)), np.tensordot, {"axes": (-1, 0)}),
    Sample("outer", arrays((2,), (3,)), np.outer),
    Sample("outer", arrays((2, 2), ()), np.outer),
    Sample("kron", arrays((2,), (3,)), np.kron),
    Sample("kron", arrays((2, 2), (1, 3)), np.kron),
    Sample("kron", arrays((2,), (2, 2)), np.kron),
    Sample("kron", arrays((), (2,)), np.kron),
    *[
        Sample("einsum", arrays(*shapes, seed=i), np.einsum, pack=_einsum(subscripts), note=subscripts)
        for i, (subscripts, shapes) in enumerate(EINSUM)
    ],
]
