"""What is attached to nodes and leaves from outside: hooks, names, retained gradients, where they were made.

Few have any of it, and those without must not pay for it. So the slot that holds it stays unset, and a set of keys says
which ones have it: looking a key up in a set is all that the engine does for the others. It hangs on the node or leaf
itself, so that a hook that refers to its own tensor makes a cycle that the garbage collector can see.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from weakref import ref

__all__ = ["Attached", "Handle", "Hooks", "attach", "attached", "marked"]

Hook = Callable[..., Any]

# the keys of those that have something attached: the number of a node (0 or less), the id of a leaf (above 0)
marked: set[int] = set()
_lock = threading.RLock()  # an allocation within may run finalizers, and those anything
_next_id = itertools.count().__next__


class Hooks(dict[int, Hook]):
    """Hooks in the order in which they were registered; unlike a plain dict, it can be referred to weakly."""

    __slots__ = ("__weakref__",)


class Attached:
    """What is attached to one node or leaf; per output of the node where it belongs to a tensor, 0 for a leaf."""

    __slots__ = ("after", "before", "key", "made", "named", "on_grad", "on_grad_added", "retained")

    def __init__(self, key: int) -> None:
        self.key = key
        self.on_grad: dict[int, Hooks] = {}  # per output: called with its gradient
        self.before = Hooks()  # called with the gradients of the outputs, before the rules
        self.after = Hooks()  # called with the gradients of inputs and outputs, after the rules
        self.on_grad_added = Hooks()  # called with the leaf once its gradient was added
        self.retained: dict[int, ref[Any]] = {}  # the tensors whose gradients backward keeps
        self.named: dict[int, tuple[str, ref[Any]]] = {}
        self.made: Any = None  # where, and from what: kept in anomaly mode

    def __del__(self, unmark: Callable[[int], None] = marked.discard) -> None:
        unmark(self.key)


def attach(owner: Any, key: int) -> Attached:
    """What is attached to a node or leaf, made where there is nothing yet."""
    with _lock:
        found = attached(owner, key)
        if found is None:
            found = owner._attached = Attached(key)
            marked.add(key)
    return found


def attached(owner: Any, key: int) -> Attached | None:
    """What is attached to a node or leaf, or None."""
    return getattr(owner, "_attached", None) if key in marked else None


class Handle:
    """Takes a hook away again: ``handle.remove()``, or at the end of a ``with`` block. It keeps nothing alive.

    Removing twice, or after the tensor is gone, does nothing.
    """

    __slots__ = ("_hooks", "_id")

    def __init__(self, hooks: Hooks, hook: Hook) -> None:
        if not callable(hook):
            raise TypeError(f"a hook is a function, and {type(hook).__name__} cannot be called")
        self._hooks = ref(hooks)
        self._id = _next_id()
        hooks[self._id] = hook

    def remove(self) -> None:
        """Take the hook away, if it is still there."""
        hooks = self._hooks()
        if hooks is not None:
            hooks.pop(self._id, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()
