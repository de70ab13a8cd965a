"""Functions that run when a module is called, and are taken away again."""

import itertools
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from weakref import ref

__all__ = ["Handle", "Hooked", "Hooks"]

Hook = tuple[Callable[..., Any], bool]  # the function, and whether it takes keyword arguments too

_number = itertools.count().__next__


class Hooks:
    """What runs around the ``forward`` of one module; a module without any has no such object."""

    __slots__ = ("after", "around", "before")

    def __init__(self) -> None:
        self.before: dict[int, Hook] = {}
        self.after: dict[int, Hook] = {}
        self.around: Callable[[Any], Callable[..., Any]] | None = None
        """given the module, returns what runs in place of its ``forward``"""

    def empty(self) -> bool:
        """Whether nothing is left."""
        return not (self.before or self.after or self.around)


class Handle:
    """Takes a hook away again: ``handle.remove()``, or at the end of a ``with`` block. It keeps nothing alive."""

    __slots__ = ("_id", "_module")

    def __init__(self, module: "Hooked", number: int) -> None:
        self._module = ref(module)
        self._id = number

    def remove(self) -> None:
        """Take the hook away, if it is still there."""
        module = self._module()
        if module is not None and module._hooks is not None:
            module._hooks.before.pop(self._id, None)
            module._hooks.after.pop(self._id, None)
            module._drop_empty_hooks()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


class Hooked:
    """The part of Module that has hooks."""

    _hooks: Hooks | None = None  # of the class: only an instance with hooks has one of its own

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> Handle:
        """Let ``hook(module, args)`` run before each ``forward``; what it returns, if not None, replaces the arguments.

        Args:
            hook: takes the module and the tuple of positional arguments; returns None, a tuple that replaces them, or
                the one argument.
            prepend: whether it runs before those that are there, not after them.
            with_kwargs: it is called as ``hook(module, args, kwargs)``, and returns None or ``(args, kwargs)``.

        Returns:
            A handle whose ``remove()`` takes the hook away; it can also stand in a ``with`` statement.

        Raises:
            TypeError: the hook is no function; later, it returned something else.

        Example:
            >>> import grad_core as gd
            >>> import grad_nn as nn
            >>> layer = nn.ReLU()
            >>> with layer.register_forward_pre_hook(lambda module, args: args[0] + 5):
            ...     layer(gd.tensor([-1.0]))
            tensor([4.])
            >>> layer(gd.tensor([-1.0]))
            tensor([0.])
        """
        return self._add_hook("before", hook, with_kwargs, prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> Handle:
        """Let ``hook(module, args, output)`` run after each ``forward``; what it returns, if not None, is the output.

        Args:
            hook: takes the module, the tuple of positional arguments, and the result.
            prepend: whether it runs before those that are there, not after them.
            with_kwargs: it is called as ``hook(module, args, kwargs, output)``.

        Returns:
            A handle whose ``remove()`` takes the hook away; it can also stand in a ``with`` statement.

        Raises:
            TypeError: the hook is no function.

        Example:
            >>> import grad_core as gd
            >>> import grad_nn as nn
            >>> model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
            >>> shapes = []
            >>> handle = model[1].register_forward_hook(lambda module, args, output: shapes.append(output.shape))
            >>> y = model(gd.ones((5, 3)))
            >>> shapes
            [(5, 8)]
            >>> handle.remove()
        """
        return self._add_hook("after", hook, with_kwargs, prepend)

    def _add_hook(self, place: str, hook: Any, with_kwargs: bool, prepend: bool) -> Handle:
        if not callable(hook):
            raise TypeError(f"a hook is a function, and a {type(hook).__name__} cannot be called")
        hooks = self._own_hooks()
        number = _number()
        there = getattr(hooks, place)
        new = {number: (hook, with_kwargs)}
        setattr(hooks, place, {**new, **there} if prepend else {**there, **new})
        return Handle(self, number)

    def _own_hooks(self) -> Hooks:
        if self._hooks is None:
            self._hooks = Hooks()
        return self._hooks

    def _drop_empty_hooks(self) -> None:
        if self._hooks is not None and self._hooks.empty():
            del self._hooks

    def _call_with_hooks(self, hooks: Hooks, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for hook, with_kwargs in list(hooks.before.values()):
            if with_kwargs:
                changed = hook(self, args, kwargs)
                if changed is not None:
                    args, kwargs = _both(changed)
            else:
                changed = hook(self, args)
                if changed is not None:
                    args = changed if isinstance(changed, tuple) else (changed,)
        forward = self.forward if hooks.around is None else hooks.around(self)  # type: ignore[attr-defined]  # Module's
        output = forward(*args, **kwargs)
        for hook, with_kwargs in list(hooks.after.values()):
            changed = hook(self, args, kwargs, output) if with_kwargs else hook(self, args, output)
            if changed is not None:
                output = changed
        return output


def _both(changed: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if not (
        isinstance(changed, tuple)
        and len(changed) == 2
        and isinstance(changed[0], tuple)
        and isinstance(changed[1], dict)
    ):
        raise TypeError(
            "a forward pre-hook with with_kwargs=True returns None or (args, kwargs), a tuple and a dict, not "
            f"{changed!r:.200}"
        )
    return changed
