"""Nested lists, tuples and dicts: taken apart into leaves, and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["leaves_of", "map_leaves"]


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
