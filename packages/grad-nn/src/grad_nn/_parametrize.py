"""Parametrisation: a tensor of a module that is computed, by plain functions, from others that are trained."""

from collections.abc import Callable
from typing import Any

import grad_core as gd
import numpy as np
from grad_core.errors import ShapeError
from grad_core.random import Generator, default_generator

from ._conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from ._dicts import ModuleDict
from ._lists import Row
from ._module import Module
from ._parameter import Buffer, Parameter

__all__ = ["is_parametrized", "register_parametrization", "remove_parametrizations", "spectral_norm", "weight_norm"]

Function = Callable[..., Any]


class ParametrizationList(Row):
    """The functions that make one tensor, and the originals that they make it of."""

    _what = "function"

    def __init__(self, original: Parameter | Buffer) -> None:
        super().__init__()
        self._count = 0  # of originals; 0 means one that was not split
        self.original: Any = original

    def originals(self) -> list[Any]:
        """The tensors that are trained."""
        return [getattr(self, f"original{i}") for i in range(self._count)] if self._count else [self.original]

    def forward(self) -> gd.Tensor:
        """What the functions make of the originals."""
        values = self.originals()
        for step in self:
            values = [step(*values)]
        return values[0]  # type: ignore[no-any-return]  # what functions return is checked when they are registered

    def inverse(self, value: Any) -> Any:
        """Originals that make this value, or come as near as the functions say."""
        for step in reversed(list(self)):
            if not hasattr(step, "right_inverse"):
                raise AttributeError(
                    f"the tensor is computed by {_name(step)}, which has no right_inverse to compute an original from "
                    "a value: assign to the original, in module.parametrizations"
                )
            value = step.right_inverse(value)
        return value

    def _checked(self, item: Any, position: int) -> Any:
        if not callable(item) or isinstance(item, type):
            kind = f"the class {item.__name__}" if isinstance(item, type) else f"a {type(item).__name__}"
            raise TypeError(f"a parametrization is a function or module that takes a tensor, not {kind}")
        return item


def _name(step: Any) -> str:
    return getattr(step, "__name__", None) or type(step).__name__


def register_parametrization(module: Module, tensor_name: str, parametrization: Function) -> Module:
    """Have ``module.tensor_name`` computed, whenever it is read, as ``parametrization(original)``.

    The parameter goes on to be trained as ``parametrizations.<tensor_name>.original`` (its name in the state dict too,
    as in PyTorch), and the attribute is an ordinary property of a class derived from the module's. Parameters of the
    function, if it is a module, are trained as well. Several for the same tensor apply one after the other.

    If the function has a method ``right_inverse``, the original starts as ``right_inverse(value)``, and assigning to
    the attribute sets it so. If that returns a tuple, there are several originals, ``original0``, ``original1``, ...,
    and the function takes as many arguments.

    Args:
        module: has a parameter or buffer of this name, as an attribute of its own.
        tensor_name: the name.
        parametrization: a function or module, from the original to a tensor of the same shape and dtype.

    Returns:
        The module itself.

    Raises:
        AttributeError: the module has no parameter or buffer of this name.
        TypeError: `parametrization` cannot be called.
        ShapeError: it returns a tensor of another shape; the module is as it was then.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> layer = nn.register_parametrization(nn.Linear(2, 2), "weight", gd.tril)
        >>> layer.weight[0, 1].item(), list(layer.state_dict())
        (0.0, ['bias', 'parametrizations.weight.original'])
    """
    if is_parametrized(module, tensor_name):
        steps: ParametrizationList = module.parametrizations[tensor_name]  # type: ignore[attr-defined]  # it is, as just asked
        if hasattr(parametrization, "right_inverse"):
            raise ValueError(
                f"{tensor_name!r} of {type(module).__name__} has a parametrization already, and one with right_inverse "
                "can only be the first: remove the other, or register them in the other order"
            )
        before = steps()
        _check(parametrization, [before], before, tensor_name)
        steps.append(parametrization)
        return module
    tensor = vars(module).get(tensor_name)
    if not isinstance(tensor, Parameter | Buffer):
        raise AttributeError(
            f"{type(module).__name__} has no parameter or buffer {tensor_name!r} of its own to compute: it has "
            f"{', '.join(repr(name) for name, value in vars(module).items() if isinstance(value, Parameter | Buffer))}"
        )
    steps = ParametrizationList(tensor)
    steps.append(parametrization)
    start: Any = tensor
    if hasattr(parametrization, "right_inverse"):
        with gd.no_grad():
            start = parametrization.right_inverse(tensor.detach())
    several = isinstance(start, tuple)
    _check(parametrization, list(start) if several else [start], tensor, tensor_name)
    if several:
        del steps.original
        steps._count = len(start)
        for i, part in enumerate(start):
            setattr(steps, f"original{i}", _like(tensor, part))
    elif start is not tensor:
        tensor.data[...] = gd.asarray(start).data
    steps.train(module.training)
    delattr(module, tensor_name)
    if "parametrizations" not in vars(module):
        module.parametrizations = ModuleDict()  # type: ignore[attr-defined]  # of modules that have any
    module.parametrizations[tensor_name] = steps  # type: ignore[attr-defined]  # as above
    _set_class(module)
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether this tensor of the module, or, without a name, any, is computed by a parametrization.

    Example:
        >>> import grad_nn as nn
        >>> nn.is_parametrized(nn.weight_norm(nn.Linear(2, 2)), "weight")
        True
    """
    held = vars(module).get("parametrizations")
    known = held if isinstance(held, ModuleDict) else ()
    return tensor_name in known if tensor_name is not None else len(known) > 0


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make ``module.tensor_name`` an ordinary parameter again, of the value that it has.

    Args:
        module: has a parametrization of this tensor.
        tensor_name: the name.
        leave_parametrized: False for the value of the original, where there is one only.

    Returns:
        The module itself.

    Raises:
        ValueError: the tensor has none, or several originals and `leave_parametrized` is False.

    Example:
        >>> import grad_nn as nn
        >>> layer = nn.remove_parametrizations(nn.weight_norm(nn.Linear(2, 2)), "weight")
        >>> layer, list(layer.state_dict())
        (Linear(in_features=2, out_features=2, bias=True), ['bias', 'weight'])
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"{tensor_name!r} of {type(module).__name__} has no parametrization to remove")
    steps: ParametrizationList = module.parametrizations[tensor_name]  # type: ignore[attr-defined]  # it has, as just asked
    originals = steps.originals()
    if not leave_parametrized and len(originals) > 1:
        raise ValueError(
            f"{tensor_name!r} of {type(module).__name__} is made of {len(originals)} originals, none of which is it: "
            "leave_parametrized=True keeps its value"
        )
    tensor = originals[0] if not steps._count else None
    if leave_parametrized:
        with gd.no_grad():
            value = steps().data.copy()
        if tensor is None:
            tensor = _like(originals[0], value)
        tensor.data = value
    del module.parametrizations[tensor_name]  # type: ignore[attr-defined]  # as above
    if not is_parametrized(module):
        del module.parametrizations  # type: ignore[attr-defined]  # as above
    _set_class(module)
    setattr(module, tensor_name, tensor)
    return module


def _like(tensor: Any, value: Any) -> Any:
    """A parameter or buffer of a value, like another."""
    array = np.array(gd.asarray(value).data)
    if isinstance(tensor, Buffer):
        return Buffer(array, tensor.persistent)
    return Parameter(array, tensor.requires_grad)


def _check(step: Function, values: list[Any], wanted: gd.Tensor, name: str) -> None:
    """Try the function, as in evaluation."""
    if isinstance(step, Module):
        training = [(part, part.training) for part in step.modules()]
        step.eval()
    else:
        training = []
    try:
        with gd.no_grad():
            made = step(*values) if callable(step) else None
    finally:
        for part, was in training:
            part.training = was
    if callable(step) and (getattr(made, "shape", None), getattr(made, "dtype", None)) != (wanted.shape, wanted.dtype):
        what = f"shape {made.shape}, {made.dtype}" if isinstance(made, gd.Tensor) else f"a {type(made).__name__}"
        raise ShapeError(
            f"the parametrization {_name(step)} of {name!r} returned {what}, and must return a tensor of shape "
            f"{wanted.shape}, {wanted.dtype}, as the one that it is for"
        )


def _set_class(module: Module) -> None:
    """Give the module a class with a property for each tensor that is computed, or its own class back."""
    cls = type(module)
    base = vars(cls).get("_parametrized_base", cls)
    names = list(module.parametrizations) if is_parametrized(module) else []  # type: ignore[attr-defined]  # as asked
    if not names:
        module.__class__ = base
        return
    # a new class each time: copies of the module share the one that they were copied with
    about = {"_parametrized_base": base, "__module__": base.__module__, "__doc__": base.__doc__}
    module.__class__ = type(f"Parametrized{base.__name__}", (base,), about | {name: _property(name) for name in names})


def _property(name: str) -> property:
    def computed(self: Any) -> Any:
        return self.parametrizations[name]()

    def assign(self: Any, value: Any) -> None:
        steps: ParametrizationList = self.parametrizations[name]
        with gd.no_grad():
            given = steps.inverse(gd.asarray(value))
            parts = given if isinstance(given, tuple) else (given,)
            for original, part in zip(steps.originals(), parts, strict=True):
                original.data = np.array(gd.asarray(part).data, original.dtype)

    return property(computed, assign, doc=f"Computed by parametrizations.{name}.")


class _WeightNorm(Module):
    def __init__(self, dim: int | None) -> None:
        self.dim = None if dim == -1 else dim  # as in PyTorch

    def forward(self, g: Any, v: Any) -> Any:
        return v * (g / self._norm(v))

    def right_inverse(self, weight: Any) -> Any:
        return self._norm(weight), weight

    def _norm(self, v: Any) -> Any:
        if self.dim is None:
            return gd.norm(v)
        kept = range(v.ndim)[self.dim]
        axes = tuple([axis for axis in range(v.ndim) if axis != kept])
        return gd.norm(v, axis=axes, keepdims=True) if axes else gd.abs(v)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Length and direction of a weight as parameters of their own: weight = g v / ‖v‖.

    Source: Salimans, Kingma, "Weight Normalization: A Simple Reparameterization to Accelerate Training of Deep Neural
    Networks", 2016. Names in the state dict are those of ``torch.nn.utils.parametrizations.weight_norm``:
    ``parametrizations.weight.original0`` is g and ``original1`` is v.

    Args:
        module: has a parameter of this name.
        name: the name.
        dim: the axis of which each entry has a length of its own; None, or -1 as in PyTorch, for one length of all.

    Returns:
        The module itself; see ``register_parametrization``, and ``remove_parametrizations`` to undo it.

    Raises:
        AttributeError: the module has no parameter or buffer of this name.
        IndexError: the weight has no such axis.

    Example:
        >>> import grad_nn as nn
        >>> layer = nn.weight_norm(nn.Linear(3, 2))
        >>> [(name.removeprefix("parametrizations.weight."), p.shape) for name, p in layer.named_parameters()]
        [('bias', (2,)), ('original0', (2, 1)), ('original1', (2, 3))]
    """
    return register_parametrization(module, name, _WeightNorm(dim))


class _SpectralNorm(Module):
    def __init__(self, weight: Any, iterations: int, eps: float, dim: int, generator: Generator) -> None:
        self.n_power_iterations = iterations
        self.eps = eps
        self.dim = range(weight.ndim)[dim]
        if weight.ndim > 1:
            matrix = self._matrix(weight.detach()).data
            for name, size in zip(("_u", "_v"), matrix.shape, strict=True):
                start = generator.numpy.standard_normal(size).astype(matrix.dtype)
                setattr(self, name, Buffer(self._unit(start)))
            self._iterate(matrix, 15)

    def _matrix(self, weight: Any) -> Any:
        front = gd.moveaxis(weight, self.dim, 0)
        return front.reshape((front.shape[0], -1))

    def _unit(self, x: Any) -> Any:
        length = np.sqrt(np.square(x, dtype=np.float64).sum())  # which in half precision overflows
        return (x / np.maximum(length, self.eps)).astype(x.dtype)

    def _iterate(self, matrix: Any, count: int) -> None:
        u: Any = self._u  # type: ignore[attr-defined]  # a matrix has both
        v: Any = self._v  # type: ignore[attr-defined]  # as above
        for _ in range(count):
            # new arrays: earlier results need the earlier ones for their derivatives
            u.data = self._unit(matrix @ v.data)
            v.data = self._unit(matrix.T @ u.data)

    def forward(self, weight: Any) -> Any:
        if weight.ndim == 1:
            return weight / gd.maximum(gd.norm(weight), self.eps)
        matrix = self._matrix(weight)
        if self.training:
            self._iterate(matrix.detach().data, self.n_power_iterations)
        u, v = (buffer.data for _, buffer in self.named_buffers())
        return weight / (u @ (matrix @ v))

    def right_inverse(self, weight: Any) -> Any:
        return weight

    def extra_repr(self) -> str:
        return f"n_power_iterations={self.n_power_iterations}, eps={self.eps}, dim={self.dim}"


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
    *,
    generator: Generator | None = None,
) -> Module:
    """A weight divided by its largest singular value, which power iteration follows in training.

    Source: Miyato, Kataoka, Koyama, Yoshida, "Spectral Normalization for Generative Adversarial Networks", 2018. Names
    in the state dict are those of ``torch.nn.utils.parametrizations.spectral_norm``.

    Args:
        module: has a parameter of this name.
        name: the name.
        n_power_iterations: how many steps of power iteration each computation of the weight does in training.
        eps: the least length that vectors are divided by.
        dim: the axis that makes the rows of the matrix, all others its columns; 0 where not given, 1 for transposed
            convolutions.
        generator: draws the vectors that power iteration starts from; the default Generator where not given.

    Returns:
        The module itself; see ``register_parametrization``, and ``remove_parametrizations`` to undo it.

    Raises:
        AttributeError: the module has no parameter or buffer of this name.
        ValueError: `n_power_iterations` is less than 1.
        IndexError: the weight has no such axis.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> layer = nn.spectral_norm(nn.Linear(3, 3), n_power_iterations=50)
        >>> round(gd.linalg.svdvals(layer.weight)[0].item(), 3)
        1.0
    """
    if n_power_iterations < 1:
        raise ValueError(f"spectral_norm: n_power_iterations is 1 or more, and {n_power_iterations} was given")
    weight = getattr(module, name, None)
    if dim is None:
        dim = 1 if isinstance(module, ConvTranspose1d | ConvTranspose2d | ConvTranspose3d) else 0
    if not isinstance(weight, gd.Tensor):
        return register_parametrization(module, name, _WeightNorm(0))  # which says what is wrong
    return register_parametrization(
        module, name, _SpectralNorm(weight, n_power_iterations, eps, dim, generator or default_generator())
    )
