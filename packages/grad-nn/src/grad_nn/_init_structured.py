"""Initial values with structure: identities, orthogonal rows, zeros in most places; see ``init``, which lists them."""

import math

import grad_core as gd
import numpy as np
from grad_core.errors import ShapeError
from grad_core.random import Generator

from ._filling import checked, fill, source

__all__ = ["dirac_", "eye_", "orthogonal_", "sparse_"]


def eye_(tensor: gd.Tensor) -> gd.Tensor:
    """Fill with 1 on the diagonal and 0 elsewhere, so that a linear layer passes on what it can.

    Raises:
        ShapeError: other than two axes.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.init.eye_(gd.empty((2, 3)))
        tensor([[1., 0., 0.],
                [0., 1., 0.]])
    """
    shape = checked(tensor, "eye_").shape
    if len(shape) != 2:
        raise ShapeError(f"eye_: a matrix has two axes, and this tensor has shape {shape}; for convolutions use dirac_")
    return fill(tensor, np.eye(*shape))


def dirac_(tensor: gd.Tensor, groups: int = 1) -> gd.Tensor:
    """Fill weights (out, in, ...) of a convolution with 1 in the centre from channel i to i, so that it passes them on.

    Args:
        tensor: three to five axes.
        groups: each group of output channels gets this on its own.

    Raises:
        ShapeError: another number of axes, or `groups` does not divide the number of output channels.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> nn.init.dirac_(gd.empty((1, 1, 3)))
        tensor([[[0., 1., 0.]]])
    """
    shape = checked(tensor, "dirac_").shape
    if not 3 <= len(shape) <= 5:
        raise ShapeError(
            f"dirac_: weights of a convolution have 3 to 5 axes, (out, in, ...), and these have shape {shape}"
        )
    if groups < 1 or shape[0] % groups:
        raise ShapeError(f"dirac_: groups={groups} does not divide the {shape[0]} output channels of shape {shape}")
    values = np.zeros(shape)
    centre = tuple(n // 2 for n in shape[2:])
    each = shape[0] // groups
    for group in range(groups):
        for i in range(min(each, shape[1])):
            values[(group * each + i, i, *centre)] = 1
    return fill(tensor, values)


def orthogonal_(tensor: gd.Tensor, gain: float = 1.0, generator: Generator | None = None) -> gd.Tensor:
    """Fill with a random matrix whose rows, or columns if these are fewer, are orthogonal and of length `gain`.

    Source: Saxe, McClelland, Ganguli, Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks (2013). The matrix is the Q of a QR decomposition of normal numbers, with signs that make all orthogonal
    matrices equally likely.

    Args:
        tensor: two axes or more; all but the first count as one.
        gain: the length of rows or columns.
        generator: draws the numbers; the default Generator where not given.

    Raises:
        ShapeError: fewer than two axes.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> w = nn.init.orthogonal_(gd.empty((3, 5)), generator=gd.random.Generator(0)).numpy()
        >>> bool(abs(w @ w.T - [[1, 0, 0], [0, 1, 0], [0, 0, 1]]).max() < 1e-6)
        True
    """
    shape = checked(tensor, "orthogonal_").shape
    if len(shape) < 2:
        raise ShapeError(f"orthogonal_: a matrix has two axes or more, and this tensor has shape {shape}")
    rows, columns = shape[0], math.prod(shape[1:])
    if not rows * columns:
        return tensor
    drawn = source(generator).normal((max(rows, columns), min(rows, columns)), dtype="float64").data
    q, r = np.linalg.qr(drawn)
    q *= np.sign(np.diagonal(r))
    return fill(tensor, gain * (q if rows >= columns else q.T).reshape(shape))


def sparse_(tensor: gd.Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> gd.Tensor:
    """Fill with normal numbers, and set a share of each column to 0, at random places.

    Source: Martens, Deep learning via Hessian-free optimization (2010).

    Args:
        tensor: two axes.
        sparsity: the share of zeros in each column, in [0, 1], rounded up to whole elements.
        std: the standard deviation of the others.
        generator: draws numbers and places; the default Generator where not given.

    Raises:
        ShapeError: other than two axes.
        ValueError: `sparsity` is outside [0, 1], or `std` negative.

    Example:
        >>> import grad_core as gd
        >>> import grad_nn as nn
        >>> w = nn.init.sparse_(gd.empty((4, 3)), 0.5, generator=gd.random.Generator(0))
        >>> (w == 0).sum(0)
        tensor([2, 2, 2])
    """
    shape = checked(tensor, "sparse_").shape
    if len(shape) != 2:
        raise ShapeError(f"sparse_: a matrix has two axes, and this tensor has shape {shape}")
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparse_: sparsity is a share of each column, so it lies in [0, 1], and {sparsity} does not")
    random = source(generator)
    values = random.normal(shape, 0.0, std, dtype=tensor.dtype).data.copy()
    zeros = math.ceil(sparsity * shape[0])
    places = np.argsort(random.uniform(shape).data, axis=0)[:zeros]
    np.put_along_axis(values, places, 0, 0)
    return fill(tensor, values)
