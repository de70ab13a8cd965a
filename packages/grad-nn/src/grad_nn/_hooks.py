"""Hooks: functions that are called around ``forward`` of a module, or with the gradients that pass it."""

import itertools
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from weakref import ref

import grad_core as gd
import numpy as np
from grad_core.extend import apply, in_front, op

if TYPE_CHECKING:
    from ._module import Module

__all__ = ["Hooked", "call_with_hooks"]

Hook = Callable[..., Any]
_next_key = itertools.count().__next__


class _Hooks(dict[int, tuple[Hook, bool, bool]]):
    """Hook, whether it takes keyword arguments, whether it is called after errors too; in the order of calling."""

    __slots__ = ("__weakref__",)


class _Handle:
    """Takes a hook away again: ``handle.remove()``, or at the end of a ``with`` block; a second time does nothing."""

    __slots__ = ("_hooks", "_key")

    def __init__(self, hooks: _Hooks, key: int) -> None:
        self._hooks = ref(hooks)  # the handle keeps nothing alive
        self._key = key

    def remove(self) -> None:
        """Take the hook away, if it is still there."""
        hooks = self._hooks()
        if hooks is not None:
            hooks.pop(self._key, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


class _Kinds:
    """The hooks of one module, by kind."""

    def __init__(self) -> None:
        self.before = _Hooks()
        self.after = _Hooks()
        self.gradient_before = _Hooks()
        self.gradient_after = _Hooks()


class Hooked:
    """The part of Module that registers hooks; a module without any does not pay for them."""

    _call_hooks: _Kinds | None = None

    def register_forward_pre_hook(self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False) -> _Handle:
        """Have every call of the module call ``hook(module, args)`` before ``forward``.

        Args:
            hook: returns None, or other positional arguments: a tuple of them, or the only one.
            prepend: whether it is called before the hooks that are there already.
            with_kwargs: the hook is called as ``hook(module, args, kwargs)``, and returns None or (args, kwargs).

        Returns:
            A handle; ``handle.remove()`` takes the hook away, and so does the end of ``with handle:``.

        Raises:
            TypeError: `hook` cannot be called; when the module is called, a hook returned something else.

        Example:
            >>> import grad_core as gd
            >>> import grad_nn as nn
            >>> layer = nn.ReLU()
            >>> handle = layer.register_forward_pre_hook(lambda module, args: (args[0] + 1,))
            >>> layer(gd.tensor([-3.0, 0.0]))
            tensor([0., 1.])
        """
        return self._add_hook("before", hook, prepend, with_kwargs, False)

    def register_forward_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> _Handle:
        """Have every call of the module call ``hook(module, args, output)`` after ``forward``.

        Args:
            hook: returns None, or what the call shall return instead of `output`.
            prepend: whether it is called before the hooks that are there already.
            with_kwargs: the hook is called as ``hook(module, args, kwargs, output)``.
            always_call: whether it is called, with None as output, where ``forward`` or another hook raised an error.

        Returns:
            A handle; ``handle.remove()`` takes the hook away, and so does the end of ``with handle:``.

        Raises:
            TypeError: `hook` cannot be called.

        Example:
            >>> import grad_core as gd
            >>> import grad_nn as nn
            >>> model = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
            >>> seen = {}
            >>> def keep(module, args, output):
            ...     seen["hidden"] = output.shape
            >>> with model[0].register_forward_hook(keep):
            ...     result = model(gd.ones((5, 3)))
            >>> seen
            {'hidden': (5, 2)}
        """
        return self._add_hook("after", hook, prepend, with_kwargs, always_call)

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> _Handle:
        """Have backward call ``hook(module, grad_output)`` before the gradients of the outputs go through the module.

        Args:
            hook: gets a tuple with the gradient of each output, None where there is none; returns None, or such a tuple
                to go on with.
            prepend: whether it is called before the hooks that are there already.

        Returns:
            A handle; ``handle.remove()`` takes the hook away from later calls of the module.

        Raises:
            TypeError: `hook` cannot be called; when the module is called, it returns no tensors.
        """
        return self._add_hook("gradient_before", hook, prepend, False, False)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> _Handle:
        """Have backward call ``hook(module, grad_input, grad_output)`` once the gradients by the inputs are known.

        Args:
            hook: gets a tuple with the gradient by each positional argument, None for those that need none, and one
                with the gradients of the outputs; returns None, or other gradients by the inputs.
            prepend: whether it is called before the hooks that are there already.

        Returns:
            A handle; ``handle.remove()`` takes the hook away from later calls of the module.

        Raises:
            TypeError: `hook` cannot be called; when the module is called, it returns no tensors.

        Example:
            >>> import grad_core as gd
            >>> import grad_nn as nn
            >>> layer = nn.ReLU()
            >>> handle = layer.register_full_backward_hook(lambda module, inputs, outputs: print(inputs, outputs))
            >>> x = gd.tensor([-1.0, 2.0], requires_grad=True)
            >>> layer(x).sum().backward()
            (tensor([0., 1.]),) (tensor([1., 1.]),)
        """
        return self._add_hook("gradient_after", hook, prepend, False, False)

    def _add_hook(self, kind: str, hook: Hook, prepend: bool, with_kwargs: bool, always: bool) -> _Handle:
        if not callable(hook):
            raise TypeError(f"a hook is a function, and a {type(hook).__name__} cannot be called")
        if self._call_hooks is None:
            self._call_hooks = _Kinds()
        hooks: _Hooks = getattr(self._call_hooks, kind)
        key = _next_key()
        entry = {key: (hook, with_kwargs, always)}
        if prepend:
            entry |= hooks
            hooks.clear()
        hooks.update(entry)
        return _Handle(hooks, key)


def call_with_hooks(module: "Module", kinds: _Kinds, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What calling a module does where it has hooks."""
    waiting = dict(kinds.after)
    try:
        for hook, with_kwargs, _ in list(kinds.before.values()):
            given = hook(module, args, kwargs) if with_kwargs else hook(module, args)
            if given is None:
                continue
            if with_kwargs:
                args, kwargs = _pair(given, hook, module)
            else:
                args = given if isinstance(given, tuple) else (given,)
        watch = _Watch(module, kinds) if kinds.gradient_before or kinds.gradient_after else None
        if watch is not None:
            args = watch.inputs(args)
        result = module.forward(*args, **kwargs)
        for key, (hook, with_kwargs, _) in list(waiting.items()):
            del waiting[key]
            given = hook(module, args, kwargs, result) if with_kwargs else hook(module, args, result)
            if given is not None:
                result = given
        return result if watch is None else watch.outputs(result)
    except BaseException:
        for hook, with_kwargs, always in waiting.values():
            if always:
                hook(module, args, kwargs, None) if with_kwargs else hook(module, args, None)
        raise


def _pair(given: Any, hook: Hook, module: "Module") -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], tuple) and isinstance(given[1], dict):
        return given
    raise TypeError(
        f"the hook {_name(hook)} of {type(module).__name__} was registered with_kwargs=True and returned {given!r}: "
        "return None, or a pair of a tuple of positional and a dict of keyword arguments"
    )


def _name(hook: Hook) -> str:
    return repr(getattr(hook, "__name__", type(hook).__name__))


# Gradients: inputs and outputs pass an identity that has all of them at once, whose node has the hooks


def _together_batch(inputs: tuple[Any, ...], axes: tuple[int | None, ...]) -> Any:
    size = next(x.shape[axis] for x, axis in zip(inputs, axes, strict=True) if axis is not None)
    whole = [
        np.broadcast_to(x, (size, *x.shape)) if axis is None else in_front(x, axis)
        for x, axis in zip(inputs, axes, strict=True)
    ]
    return _together.on(*whole), 0


@op(vjp=lambda g, _ans, *_inputs, which: g[which], batch=_together_batch, name="module_hooks")
def _together(*inputs: Any) -> Any:
    return tuple([np.array(x) for x in inputs])


class _Watch:
    """One call of a module with hooks for gradients."""

    def __init__(self, module: "Module", kinds: _Kinds) -> None:
        self.module = module
        self.before = [hook for hook, *_ in kinds.gradient_before.values()]
        self.after = [hook for hook, *_ in kinds.gradient_after.values()]
        self.grad_output: tuple[Any, ...] = ()
        self.has_inputs = False
        self.count = 0

    def inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, those that require grad from one node."""
        self.count = len(args)
        passed, positions = _pass(args)
        if positions:
            self.has_inputs = True
            if self.after:
                passed[positions[0]].grad_fn.register_hook(lambda grads, _: self._on_inputs(grads, positions))
        return passed

    def outputs(self, result: Any) -> Any:
        """The result, with the tensors in it that require grad from one node."""
        several = isinstance(result, tuple)
        if not several and not isinstance(result, gd.Tensor):
            raise TypeError(
                f"{type(self.module).__name__} has hooks for its gradients, so forward must return a tensor or a tuple "
                f"of tensors, and it returned a {type(result).__name__}"
            )
        passed, positions = _pass(result if several else (result,))
        if not positions:
            return result
        total = len(passed)
        passed[positions[0]].grad_fn.register_prehook(lambda grads: self._on_outputs(grads, positions, total))
        if not several:
            return passed[0]
        return type(result)(*passed) if hasattr(result, "_fields") else passed

    def _on_outputs(self, grads: tuple[Any, ...], positions: list[int], total: int) -> Any:
        full = _spread(grads, positions, total)
        for hook in self.before:
            full = self._replaced(hook, hook(self.module, full), full)
        self.grad_output = full
        if not self.has_inputs:
            for hook in self.after:
                hook(self.module, (None,) * self.count, full)
            self.grad_output = ()
        return tuple([full[i] for i in positions])

    def _on_inputs(self, grads: tuple[Any, ...], positions: list[int]) -> Any:
        full = _spread(grads, positions, self.count)
        for hook in self.after:
            full = self._replaced(hook, hook(self.module, full, self.grad_output), full)
        self.grad_output = ()
        return tuple([full[i] for i in positions])

    def _replaced(self, hook: Hook, given: Any, full: tuple[Any, ...]) -> tuple[Any, ...]:
        if given is None:
            return full
        parts = given if isinstance(given, tuple | list) else (given,)
        if len(parts) != len(full):
            raise gd.errors.GradientError(
                f"the hook {_name(hook)} of {type(self.module).__name__} returned {len(parts)} gradients, and there "
                f"are {len(full)}: return a tuple with one for each, or None to leave all as they are"
            )
        return tuple(parts)


def _pass(values: tuple[Any, ...]) -> tuple[tuple[Any, ...], list[int]]:
    """The values, and the positions of those that require grad, which come from one node now."""
    positions = [i for i, x in enumerate(values) if isinstance(x, gd.Tensor) and x.requires_grad]
    if not positions or not gd.is_grad_enabled():
        return tuple(values), []
    passed = list(values)
    results: Any = apply(_together, tuple([values[i] for i in positions]), {})
    for i, x in zip(positions, results, strict=True):
        passed[i] = x
    return tuple(passed), positions


def _spread(grads: tuple[Any, ...], positions: list[int], total: int) -> tuple[Any, ...]:
    full: list[Any] = [None] * total
    for i, g in zip(positions, grads, strict=True):
        full[i] = g
    return tuple(full)
