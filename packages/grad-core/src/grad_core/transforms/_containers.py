"""Nested lists, tuples and dicts: taken apart into leaves, and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from grad_core.errors import GradientError

__all__ = ["SHARED", "leaves_of", "map_leaves", "spread_prefix"]

SHARED: Any = object()  # stands for None as a leaf of a tree of axes, where None itself would be an empty tree


def leaves_of(tree: Any) -> Iterator[Any]:
    """Everything in the tree that is not a list, a tuple or a dict, in order."""
    if isinstance(tree, list | tuple):
        for item in tree:
            yield from leaves_of(item)
    elif isinstance(tree, dict):
        for item in tree.values():
            yield from leaves_of(item)
    elif tree is not None:
        yield tree


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """The same tree with each leaf replaced by ``function(leaf)``; None stays None."""
    if isinstance(tree, dict):
        return type(tree)((key, map_leaves(function, item)) for key, item in tree.items())
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*[map_leaves(function, item) for item in tree])
    if isinstance(tree, list | tuple):
        return type(tree)([map_leaves(function, item) for item in tree])
    return None if tree is None else function(tree)


def spread_prefix(axes: Any, tree: Any, name: str) -> Any:
    """A tree of axes in the form of `tree`, from one in the form of its upper part: a number holds for all below it."""
    if axes is None or isinstance(axes, int):
        return map_leaves(lambda _: SHARED if axes is None else axes, tree)
    if isinstance(axes, dict) and isinstance(tree, dict) and axes.keys() == tree.keys():
        return {key: spread_prefix(axes[key], item, name) for key, item in tree.items()}
    if isinstance(axes, list | tuple) and isinstance(tree, list | tuple) and len(axes) == len(tree):
        return [spread_prefix(axis, item, name) for axis, item in zip(axes, tree, strict=True)]
    raise GradientError(
        f"vmap: {name}={axes!r} does not fit the form of what it is for, {type(tree).__name__}: give one number, None, "
        "or numbers in the same lists, tuples and dicts"
    )
