"""Looking at a graph: walking over the op calls behind a tensor, listing them, and drawing them.

Example:
    >>> import grad_core as gd
    >>> a = gd.tensor(2.0, requires_grad=True, name="a")
    >>> b = gd.tensor(3.0, requires_grad=True, name="b")
    >>> c = a * b + a
    >>> [node.name for node in gd.graph.walk(c)]
    ['add', 'multiply']
    >>> print(gd.graph.listing(c))
    #  op        result      inputs
    1  add       () float32  #2, a
    2  multiply  () float32  a, b
"""

from __future__ import annotations

from ._drawing import Drawing, draw
from ._picture import walk
from ._text import listing

__all__ = ["Drawing", "draw", "listing", "walk"]
