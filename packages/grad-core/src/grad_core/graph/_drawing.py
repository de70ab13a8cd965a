"""A drawn graph: what `draw` returns."""

from __future__ import annotations

import os
from collections.abc import Sequence

from grad_core._tensor import Tensor

from ._picture import Picture, look
from ._text import to_dot, to_mermaid

__all__ = ["Drawing", "draw"]

_SUFFIXES = {".svg": "svg", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".mermaid": "mermaid"}
_FORMATS = ("svg", "dot", "mermaid")


class Drawing:
    """A drawn graph, from ``gd.graph.draw``. A notebook shows it; ``str()`` is its text in the chosen format.

    It holds no tensors, and does not change with the graph.

    Attributes:
        svg: as SVG. dot: in the language of Graphviz. mermaid: in that of Mermaid, which GitHub draws.

    Example:
        >>> import grad_core as gd
        >>> x = gd.tensor(2.0, requires_grad=True, name="x")
        >>> print(gd.graph.draw(gd.sin(x)).mermaid)
        flowchart TD
          accTitle: graph of 1 op call, 1 leaf
          n0["result<br/>() float32"]:::result
          n1(["sin"]):::op
          n2["x<br/>() float32"]:::leaf
          n1 --> n0
          n2 --> n1
          ...
    """

    def __init__(self, picture: Picture, chosen: str) -> None:
        # here, and below in save: most programs draw nothing, and need not wait for what drawing needs
        from ._svg import to_svg

        kinds = [box.kind for box in picture.boxes]
        parts = [(kinds.count("op"), "op call"), (kinds.count("leaf"), "leaf"), (kinds.count("constant"), "constant")]
        plurals = {"op call": "op calls", "leaf": "leaves", "constant": "constants"}
        self._title = "graph of " + ", ".join(
            [f"{count:,} {what if count == 1 else plurals[what]}" for count, what in parts if count]
        )
        self._format = chosen
        self.svg = to_svg(picture, self._title)
        self.dot = to_dot(picture, self._title)
        self.mermaid = to_mermaid(picture, self._title)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file, in whole or not at all; the ending chooses: .svg, .dot or .gv, .mmd or .mermaid.

        Raises:
            ValueError: another ending.
        """
        import tempfile
        from pathlib import Path

        target = Path(path)
        chosen = _SUFFIXES.get(target.suffix.lower())
        if chosen is None:
            raise ValueError(f"save: {target.name!r} ends with none of {', '.join(_SUFFIXES)}, which choose the format")
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(getattr(self, chosen))
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def _repr_svg_(self) -> str:
        return self.svg

    def __str__(self) -> str:
        text: str = getattr(self, self._format)
        return text

    def __repr__(self) -> str:
        return f"<{self._title}>"


def draw(
    tensors: Tensor | Sequence[Tensor],
    *,
    format: str = "svg",  # noqa: A002 - the word of other drawing programs, matplotlib and Graphviz among them
    values: bool = False,
    constants: bool = True,
    max_nodes: int = 200,
) -> Drawing:
    """Draw the graph behind a tensor, or several: inputs above, results below. Needs no other program.

    Leaves are green, op calls blue and rounded, results orange, constants grey and dashed. Names come from ``name=``
    and ``x.name = ...``; in a graph that backward has released, only what is named or retained still has its shape.

    Args:
        tensors: one that requires grad, or several.
        format: what ``str()`` of the drawing gives: "svg", "dot" or "mermaid".
        values: show values, and gradients where there are any, of single numbers: of leaves, results, tensors that have
            a name or retain their gradient and still exist, and of what the op calls saved.
        constants: whether inputs without gradient are drawn.
        max_nodes: how many op calls to draw, the newest ones; a remark says how many more there are.

    Returns:
        A ``Drawing``, with ``svg``, ``dot``, ``mermaid`` and ``save(path)``; a notebook shows it.

    Raises:
        GradientError: a tensor does not require grad, so that there is no graph.
        ValueError: another `format`, or `max_nodes` below 1.

    Example:
        >>> import grad_core as gd
        >>> a = gd.tensor(2.0, requires_grad=True, name="a")
        >>> b = gd.tensor(3.0, requires_grad=True, name="b")
        >>> gd.graph.draw(a * b + a)
        <graph of 2 op calls, 2 leaves>
    """
    if format not in _FORMATS:
        raise ValueError(f"draw: format is one of {', '.join(map(repr, _FORMATS))}, and not {format!r}")
    if max_nodes < 1:
        raise ValueError(f"draw: max_nodes must be at least 1, and is {max_nodes}")
    return Drawing(look(tensors, values=values, constants=constants, max_nodes=max_nodes), format)
