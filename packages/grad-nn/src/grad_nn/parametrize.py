"""Parameters that are computed from others: constraints by plain functions, weight and spectral normalisation.

The names are those of ``torch.nn.utils.parametrize`` and ``torch.nn.utils.parametrizations``, and so are the names in
state dicts: ``parametrizations.weight.original`` and so on.

Example:
    >>> import grad_core as gd
    >>> import grad_nn as nn
    >>> layer = nn.Linear(3, 3)
    >>> nn.parametrize.register_parametrization(layer, "weight", lambda w: gd.tril(w) + gd.tril(w, -1).mT)
    ParametrizedLinear(
      in_features=3, out_features=3, bias=True
      (parametrizations): ModuleDict(
        (weight): ParametrizationList(
          (0): <lambda>
        )
      )
    )
    >>> bool((layer.weight == layer.weight.mT).all())
    True
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'parametrizations.weight.original']
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import grad_core as gd
import numpy as np
from grad_core.errors import ShapeError
from grad_core.extend import mark_changed
from grad_core.random import Generator

from ._containers import Sequential
from ._conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from ._dicts import ModuleDict
from ._module import Module
from ._parameter import Buffer, Parameter

__all__ = [
    "ParametrizationList",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "spectral_norm",
    "weight_norm",
]

M = TypeVar("M", bound=Module)


class ParametrizationList(Sequential):
    """The functions that a parameter goes through, and the parameters that it starts from.

    ``register_parametrization`` makes it, as ``module.parametrizations.weight``, say.

    Attributes:
        original: Parameter, what the first function is given; ``original0``, ``original1`` and so on where it is given
            several.

    Example:
        >>> import grad_nn as nn
        >>> layer = nn.parametrize.weight_norm(nn.Linear(3, 2))
        >>> originals = layer.parametrizations["weight"]
        >>> originals.original0.shape, originals.original1.shape
        ((2, 1), (2, 3))
    """

    original: Parameter
    _originals: tuple[str, ...] = ("original",)
    _inverses: tuple[Callable[..., Any] | None, ...] = ()

    def forward(self, *_args: Any) -> Any:
        """The parameter, computed."""
        functions = list(self)
        value = functions[0](*[getattr(self, name) for name in self._originals])
        for function in functions[1:]:
            value = function(value)
        return value

    def assign(self, value: Any) -> None:
        """Change the originals so that the parameter becomes `value`, by the inverses.

        Raises:
            AttributeError: a function has no inverse.
            ShapeError: the originals would have other shapes.
        """
        for function, inverse in zip(reversed(list(self)), reversed(self._inverses), strict=True):
            if inverse is None:
                name = getattr(function, "__name__", type(function).__name__)
                raise AttributeError(
                    f"a parametrized tensor is computed by {name}, which has no inverse, so it cannot be assigned: "
                    "assign to the data of parametrizations[...].original, or give inverse= when you register it"
                )
            with gd.no_grad():
                value = inverse(value)
        values = value if len(self._originals) > 1 else (value,)
        originals = [getattr(self, name) for name in self._originals]
        arrays = [gd.asarray(each).data.astype(p.dtype) for each, p in zip(values, originals, strict=True)]
        for array, p, name in zip(arrays, originals, self._originals, strict=True):
            if array.shape != p.shape:
                raise ShapeError(f"{name} has shape {p.shape}, and the inverse gives {array.shape}")
        for array, p in zip(arrays, originals, strict=True):
            p.data = array


def register_parametrization(
    module: M,
    tensor_name: str,
    parametrization: Callable[..., Any],
    *,
    inverse: Callable[[Any], Any] | None = None,
) -> M:
    """Let a parameter of a module be computed, by a function of another parameter, whenever it is read.

    The module stays itself, and becomes of a class derived from its own, whose attribute `tensor_name` computes. What
    is trained and saved is the original, ``parametrizations.<name>.original``: so register before making an optimizer.
    Registered again, the second function is given what the first one returns, and the value changes accordingly.

    Args:
        module: has a Parameter of this name.
        tensor_name: such as ``"weight"``.
        parametrization: a function or module from the original to the parameter, keeping its shape. Modules may have
            parameters and buffers of their own.
        inverse: from the parameter to the original, so that the parameter starts at its old value and can be assigned
            to; it may return a tuple, and the function is then given as many arguments. For modules, their method
            ``right_inverse``, if they have one. Without, the original is the old parameter.

    Returns:
        The module itself.

    Raises:
        AttributeError: the module has no such parameter.
        TypeError: `parametrization` is a class or cannot be called.
        ShapeError: the function makes another shape; the module is as it was.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> layer = nn.parametrize.register_parametrization(nn.Linear(2, 1), "weight", gd.exp, inverse=gd.log)
        >>> layer.weight = gd.ones((1, 2))  # positive, whatever is learned
        >>> layer.parametrizations["weight"].original
        Parameter([[0., 0.]])
    """
    if isinstance(parametrization, type) or not callable(parametrization):
        advice = ": make one of the class" if isinstance(parametrization, type) else ""
        raise TypeError(f"register_parametrization takes a function or module, not {parametrization!r:.100}{advice}")
    if inverse is None:
        inverse = getattr(parametrization, "right_inverse", None)
    if is_parametrized(module, tensor_name):
        chain = _chain(module, tensor_name)
        with gd.no_grad():
            value = chain()
            _check_shape(tensor_name, value, parametrization(value))
        chain.append(parametrization)
        chain._inverses = (*chain._inverses, inverse)
        return module
    parameter = vars(module).get(tensor_name)
    if not isinstance(parameter, Parameter):
        has = [name for name, p in vars(module).items() if isinstance(p, Parameter)]
        raise AttributeError(
            f"{type(module).__name__} has no parameter {tensor_name!r} of its own; it has {', '.join(has) or 'none'}"
        )
    with gd.no_grad():
        original = parameter if inverse is None else inverse(parameter)
        arguments = original if isinstance(original, tuple) else (original,)
        _check_shape(tensor_name, parameter, parametrization(*arguments))
    chain = ParametrizationList(parametrization)
    chain._inverses = (inverse,)
    if isinstance(original, tuple):
        chain._originals = tuple([f"original{i}" for i in range(len(original))])
        for name, part in zip(chain._originals, original, strict=True):
            setattr(chain, name, Parameter(gd.asarray(part).data.copy(), parameter.requires_grad))
    else:
        if original is not parameter:
            parameter.data = gd.asarray(original).data.copy()
        chain.original = parameter  # the same object, in case an optimizer has it
    others = cast("ModuleDict", vars(module).setdefault("parametrizations", ModuleDict()))
    others[tensor_name] = chain
    del vars(module)[tensor_name]
    _become(module, [*others.keys()])
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a parameter of the module, or any at all, is computed from others.

    Example:
        >>> import grad_nn as nn
        >>> layer = nn.parametrize.weight_norm(nn.Linear(3, 2))
        >>> nn.parametrize.is_parametrized(layer, "weight"), nn.parametrize.is_parametrized(layer, "bias")
        (True, False)
    """
    names = getattr(type(module), "_parametrized", ())
    return bool(names) if tensor_name is None else tensor_name in names


def remove_parametrizations(module: M, tensor_name: str, leave_parametrized: bool = True) -> M:
    """Make a computed parameter an ordinary one again.

    Args:
        module: what ``register_parametrization`` changed.
        tensor_name: of the parameter.
        leave_parametrized: whether it keeps the value that it was computed to; otherwise that of its original.

    Returns:
        The module itself.

    Raises:
        ValueError: it is not parametrized; or there are several originals, and so none to go back to.

    Example:
        >>> import grad_nn as nn
        >>> layer = nn.parametrize.weight_norm(nn.Linear(3, 2))
        >>> nn.parametrize.remove_parametrizations(layer, "weight")
        Linear(in_features=3, out_features=2, bias=True)
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"remove_parametrizations: {type(module).__name__} has no parametrized {tensor_name!r}")
    chain = _chain(module, tensor_name)
    single = chain._originals == ("original",)
    if not leave_parametrized and not single:
        raise ValueError(
            f"remove_parametrizations: {tensor_name!r} is computed from {', '.join(chain._originals)}, and none of "
            "them can take its place: pass leave_parametrized=True"
        )
    first: Parameter = getattr(chain, chain._originals[0])
    with gd.no_grad():
        value = chain().data.copy() if leave_parametrized else first.data
    if single:
        first.data = value
    others = cast("ModuleDict", vars(module)["parametrizations"])
    del others[tensor_name]
    if not len(others):
        del vars(module)["parametrizations"]
    _become(module, [*others.keys()])
    setattr(module, tensor_name, first if single else Parameter(value, first.requires_grad))
    return module


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Let a weight be g * v / ‖v‖, so that its length g and its direction v are learned apart.

    Source: Salimans, Kingma, "Weight Normalization: A Simple Reparameterization to Accelerate Training of Deep Neural
    Networks", 2016.

    Args:
        module: has a Parameter of this name; it is changed as by ``register_parametrization``.
        name: of the parameter.
        dim: the axis along which each row has a length of its own; None for one length of the whole.

    Returns:
        The module itself; g is ``parametrizations.<name>.original0``, and v ``original1``, as in PyTorch.

    Raises:
        AttributeError: the module has no such parameter.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> layer = nn.Linear(2, 1, bias=False)
        >>> layer.weight = nn.Parameter([[3.0, 4.0]])
        >>> nn.parametrize.weight_norm(layer).parametrizations["weight"].original0
        Parameter([[5.]])
    """
    return register_parametrization(module, name, _WeightNorm(dim))


class _WeightNorm(Module):
    def __init__(self, dim: int | None) -> None:
        self.dim = None if dim == -1 else dim  # as in PyTorch

    def forward(self, g: Any, v: Any) -> Any:
        return v * (g / self._norm(v))

    def right_inverse(self, weight: Any) -> tuple[Any, Any]:
        return self._norm(weight), weight

    def _norm(self, v: Any) -> Any:
        if self.dim is None:
            return gd.norm(v)
        rest = tuple([axis for axis in range(v.ndim) if axis != self.dim % v.ndim])
        return gd.norm(v, axis=rest, keepdims=True) if rest else gd.abs(v)


def spectral_norm(
    module: M,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
    *,
    generator: Generator | None = None,
) -> M:
    """Let a weight be W divided by its largest singular value, as a matrix, which power iteration finds.

    In training, each time that the weight is read, vectors u and v go on by ``n_power_iterations``; they are constants
    for the gradient. The singular value is uᵀ W v.

    Source: Miyato, Kataoka, Koyama, Yoshida, "Spectral Normalization for Generative Adversarial Networks", 2018.

    Args:
        module: has a Parameter of this name; it is changed as by ``register_parametrization``.
        name: of the parameter.
        n_power_iterations: 1 or more; 0 only evaluates with what 15 iterations at the start gave.
        eps: the least length that a vector is divided by.
        dim: the axis of the rows of the matrix, the outputs: 1 for transposed convolutions, else 0, unless given.
        generator: draws the first u and v; the default Generator where not given.

    Returns:
        The module itself; W is ``parametrizations.<name>.original``, and u and v are buffers, as in PyTorch.

    Raises:
        AttributeError: the module has no such parameter.
        ValueError: `n_power_iterations` is negative.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> layer = nn.Linear(2, 2, bias=False)
        >>> layer.weight = nn.Parameter([[0.0, 4.0], [2.0, 0.0]])
        >>> gd.round(nn.parametrize.spectral_norm(layer).weight.detach(), 4)
        tensor([[0. , 1. ],
                [0.5, 0. ]])
    """
    if n_power_iterations < 0:
        raise ValueError(f"spectral_norm: n_power_iterations={n_power_iterations} must be 0 or more")
    if dim is None:
        dim = 1 if isinstance(module, ConvTranspose1d | ConvTranspose2d | ConvTranspose3d) else 0
    weight = vars(module).get(name)
    if not isinstance(weight, Parameter):
        raise AttributeError(f"{type(module).__name__} has no parameter {name!r} of its own")
    return register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, eps, dim, generator))


class _SpectralNorm(Module):
    def __init__(self, weight: Parameter, iterations: int, eps: float, dim: int, generator: Generator | None) -> None:
        self.dim = dim
        self.n_power_iterations = iterations
        self.eps = eps
        if weight.ndim > 1:
            matrix = self._matrix(weight).detach().data
            draw = generator or gd.random.default_generator()
            self._u = Buffer(self._unit(draw.normal(matrix.shape[0], dtype=weight.dtype).data))
            self._v = Buffer(self._unit(draw.normal(matrix.shape[1], dtype=weight.dtype).data))
            self._iterate(matrix, 15)

    def forward(self, weight: Any) -> Any:
        if weight.ndim < 2:
            return weight / gd.maximum(gd.norm(weight), self.eps)
        matrix = self._matrix(weight)
        if self.training:
            self._iterate(matrix.detach().data, self.n_power_iterations)
        u, v = self._u.data.copy(), self._v.data.copy()  # the next reading changes them
        return weight / gd.sum(u * (matrix @ v))

    def right_inverse(self, weight: Any) -> Any:
        return weight

    def _matrix(self, weight: Any) -> Any:
        weight = gd.moveaxis(weight, self.dim, 0)
        return gd.reshape(weight, (weight.shape[0], -1))

    def _unit(self, x: Any) -> Any:
        return x / np.maximum(np.sqrt(np.sum(x * x, dtype=np.float64)), self.eps).astype(x.dtype)

    def _iterate(self, matrix: Any, count: int) -> None:
        for _ in range(count):
            self._u.data[...] = self._unit(matrix @ self._v.data)
            self._v.data[...] = self._unit(matrix.T @ self._u.data)
        mark_changed(self._u)
        mark_changed(self._v)


def _chain(module: Module, name: str) -> ParametrizationList:
    return cast("ParametrizationList", cast("ModuleDict", vars(module)["parametrizations"])[name])


def _check_shape(name: str, old: Any, new: Any) -> None:
    if np.shape(new) != old.shape:
        raise ShapeError(f"a parametrization keeps the shape, and {name} of {old.shape} would get {np.shape(new)}")


def _become(module: Module, names: list[str]) -> None:
    """Give the module the class in which these names are computed, derived from its own."""
    cls = type(module)
    base: type[Module] = getattr(cls, "_unparametrized", cls)
    if not names:
        module.__class__ = base
        return
    # a class for each change: copies of the module go on with theirs
    body: dict[str, Any] = {name: _computed(name) for name in names}
    body |= {"__module__": base.__module__, "_parametrized": tuple(names), "_unparametrized": base}
    module.__class__ = type(f"Parametrized{base.__name__}", (base,), body)


def _computed(name: str) -> property:
    def read(module: Module) -> Any:
        return _chain(module, name)()

    def write(module: Module, value: Any) -> None:
        _chain(module, name).assign(value)

    return property(read, write, doc="computed by a parametrization")
