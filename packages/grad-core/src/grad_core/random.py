"""Random tensors, each drawn from a Generator that is given or owned; nothing draws from hidden global state of NumPy.

The functions of this module draw from one default Generator, which ``seed`` starts again. A ``Generator`` of your
own keeps
its sequence apart from everything else, and its state can be saved and put back. The bit generator is PCG64.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._dtypes import get_default_dtype, resolve_dtype
from ._tensor import Tensor
from .errors import DTypeError

__all__ = [
    "Generator",
    "bernoulli",
    "choice",
    "default_generator",
    "integers",
    "normal",
    "permutation",
    "seed",
    "uniform",
]

Shape = int | Sequence[int]


class Generator:
    """A source of random tensors with a sequence of its own.

    Args:
        seed: an integer of 0 or more gives the same sequence each time; None a different one each time.

    Example:
        >>> import grad_core as gd
        >>> a, b = gd.random.Generator(0), gd.random.Generator(0)
        >>> bool((a.normal(3) == b.normal(3)).all())
        True
    """

    def __init__(self, seed: int | None = None) -> None:
        """See the class."""
        self.numpy = np.random.Generator(np.random.PCG64(seed))
        """The NumPy Generator underneath, for drawing arrays without the detour of a tensor."""

    def __repr__(self) -> str:
        """Names the algorithm."""
        return f"Generator({self.numpy.bit_generator!r})"

    def seed(self, seed: int | None) -> None:
        """Start again from this seed."""
        self.numpy = np.random.Generator(np.random.PCG64(seed))

    def get_state(self) -> dict[str, Any]:
        """Where the sequence stands: a dict of plain Python values, fit for JSON.

        Example:
            >>> import grad_core as gd
            >>> g = gd.random.Generator(0)
            >>> state = g.get_state()
            >>> first = g.uniform(2)
            >>> g.set_state(state)
            >>> bool((g.uniform(2) == first).all())
            True
        """
        return dict(self.numpy.bit_generator.state)

    def set_state(self, state: dict[str, Any]) -> None:
        """Go back to where ``get_state`` was called.

        Raises:
            ValueError: the state is not one of a PCG64 generator.
        """
        if not isinstance(state, dict) or state.get("bit_generator") != "PCG64":
            raise ValueError(
                "set_state needs what get_state of a Generator returned: a dict whose 'bit_generator' is 'PCG64'"
            )
        self.numpy.bit_generator.state = state

    def uniform(
        self, shape: Shape = (), low: float = 0.0, high: float = 1.0, *, dtype: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """Numbers spread evenly over [low, high).

        Raises:
            ValueError: `low` is above `high`.

        Example:
            >>> import grad_core as gd
            >>> gd.random.Generator(0).uniform((2, 3), -1, 1).shape
            (2, 3)
        """
        if low > high:
            raise ValueError(f"uniform: low={low} is above high={high}")
        wanted = _floating(dtype, "uniform")
        drawn = self.numpy.random(_shape(shape), dtype=np.float64 if wanted == np.float64 else np.float32)
        return Tensor((drawn * (high - low) + low).astype(wanted, copy=False), requires_grad=requires_grad)

    def normal(
        self, shape: Shape = (), mean: float = 0.0, std: float = 1.0, *, dtype: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """Numbers from the normal distribution.

        Raises:
            ValueError: `std` is negative.

        Example:
            >>> import grad_core as gd
            >>> gd.random.Generator(0).normal((2, 3)).dtype
            dtype('float32')
        """
        if std < 0:
            raise ValueError(f"normal: std={std} is negative, and a standard deviation is 0 or more")
        wanted = _floating(dtype, "normal")
        drawn = self.numpy.standard_normal(_shape(shape), dtype=np.float64 if wanted == np.float64 else np.float32)
        return Tensor((drawn * std + mean).astype(wanted, copy=False), requires_grad=requires_grad)

    def integers(self, low: int, high: int | None = None, shape: Shape = (), *, dtype: Any = "int64") -> Tensor:
        """Integers from `low` up to but not including `high`; with one bound, from 0 up to it.

        Raises:
            ValueError: there is no integer in the range.

        Example:
            >>> import grad_core as gd
            >>> bool((gd.random.Generator(0).integers(6, shape=100) < 6).all())
            True
        """
        return Tensor(self.numpy.integers(low, high, _shape(shape), dtype=resolve_dtype(dtype)))

    def bernoulli(self, p: Any, shape: Shape | None = None, *, dtype: Any = None) -> Tensor:
        """Ones with probability `p`, zeros otherwise.

        Args:
            p: in [0, 1]; a number, or an array with a probability for each element.
            shape: of the result; that of `p` where not given.
            dtype: the default dtype where not given.

        Raises:
            ValueError: a probability outside [0, 1].

        Example:
            >>> import grad_core as gd
            >>> gd.random.Generator(0).bernoulli(1.0, 3)
            tensor([1., 1., 1.])
        """
        chances = Tensor(p).data
        if not ((chances >= 0) & (chances <= 1)).all():
            raise ValueError("bernoulli: p holds a value outside [0, 1]")
        drawn = self.numpy.random(chances.shape if shape is None else _shape(shape)) < chances
        return Tensor(np.asarray(drawn).astype(get_default_dtype() if dtype is None else resolve_dtype(dtype)))

    def permutation(self, x: Any) -> Tensor:
        """The integers 0 to x - 1 in random order; or, for an array, its entries along the first axis in random order.

        Example:
            >>> import grad_core as gd
            >>> sorted(gd.random.Generator(0).permutation(4).tolist())
            [0, 1, 2, 3]
        """
        return Tensor(self.numpy.permutation(x.data if isinstance(x, Tensor) else x))

    def choice(self, a: Any, shape: Shape = (), *, replace: bool = True, p: Any = None) -> Tensor:
        """Entries of `a` (of 0 to a - 1 for an integer) drawn at random.

        Args:
            a: an array of candidates along its first axis, or their number.
            shape: how many to draw.
            replace: whether one may be drawn twice.
            p: the probability of each; equal where not given.

        Raises:
            ValueError: more draws than candidates without replacement, or probabilities that do not sum to 1.

        Example:
            >>> import grad_core as gd
            >>> sorted(gd.random.Generator(0).choice(3, 3, replace=False).tolist())
            [0, 1, 2]
        """
        chances = None if p is None else np.asarray(Tensor(p).data, np.float64)
        return Tensor(
            self.numpy.choice(a.data if isinstance(a, Tensor) else a, _shape(shape), replace=replace, p=chances)
        )


def _shape(shape: Shape) -> tuple[int, ...]:
    return (shape,) if isinstance(shape, int | np.integer) else tuple(shape)


def _floating(dtype: Any, name: str) -> np.dtype[Any]:
    wanted = get_default_dtype() if dtype is None else resolve_dtype(dtype)
    if wanted.kind != "f":
        raise DTypeError(f"{name}: draws floats, and dtype {wanted} is not floating; use integers() for integers")
    return wanted


_default: list[Generator] = []  # made at first use: importing numpy.random costs as much as all of grad_core


def default_generator() -> Generator:
    """The Generator that the functions of this module draw from, unseeded until ``seed`` is called.

    Example:
        >>> import grad_core as gd
        >>> gd.random.default_generator() is gd.random.default_generator()
        True
    """
    if not _default:
        _default.append(Generator())
    return _default[0]


def seed(seed: int | None) -> None:
    """Start the default Generator again from this seed.

    Example:
        >>> import grad_core as gd
        >>> gd.random.seed(0)
        >>> a = gd.random.normal(2)
        >>> gd.random.seed(0)
        >>> bool((gd.random.normal(2) == a).all())
        True
    """
    default_generator().seed(seed)


def uniform(
    shape: Shape = (), low: float = 0.0, high: float = 1.0, *, dtype: Any = None, requires_grad: bool = False
) -> Tensor:
    """``Generator.uniform`` of the default Generator.

    Example:
        >>> import grad_core as gd
        >>> gd.random.uniform((2, 3), -1, 1).shape
        (2, 3)
    """
    return default_generator().uniform(shape, low, high, dtype=dtype, requires_grad=requires_grad)


def normal(
    shape: Shape = (), mean: float = 0.0, std: float = 1.0, *, dtype: Any = None, requires_grad: bool = False
) -> Tensor:
    """``Generator.normal`` of the default Generator.

    Example:
        >>> import grad_core as gd
        >>> gd.random.normal((2, 3)).shape
        (2, 3)
    """
    return default_generator().normal(shape, mean, std, dtype=dtype, requires_grad=requires_grad)


def integers(low: int, high: int | None = None, shape: Shape = (), *, dtype: Any = "int64") -> Tensor:
    """``Generator.integers`` of the default Generator.

    Example:
        >>> import grad_core as gd
        >>> gd.random.integers(0, 10, (2, 3)).shape
        (2, 3)
    """
    return default_generator().integers(low, high, shape, dtype=dtype)


def bernoulli(p: Any, shape: Shape | None = None, *, dtype: Any = None) -> Tensor:
    """``Generator.bernoulli`` of the default Generator.

    Example:
        >>> import grad_core as gd
        >>> gd.random.bernoulli(0.0, 3)
        tensor([0., 0., 0.])
    """
    return default_generator().bernoulli(p, shape, dtype=dtype)


def permutation(x: Any) -> Tensor:
    """``Generator.permutation`` of the default Generator.

    Example:
        >>> import grad_core as gd
        >>> sorted(gd.random.permutation(3).tolist())
        [0, 1, 2]
    """
    return default_generator().permutation(x)


def choice(a: Any, shape: Shape = (), *, replace: bool = True, p: Any = None) -> Tensor:
    """``Generator.choice`` of the default Generator.

    Example:
        >>> import grad_core as gd
        >>> gd.random.choice(10, (2, 3)).shape
        (2, 3)
    """
    return default_generator().choice(a, shape, replace=replace, p=p)
