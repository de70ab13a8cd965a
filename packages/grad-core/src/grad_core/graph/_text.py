"""A graph as text: a table for the terminal, and the languages of Graphviz and Mermaid."""

from __future__ import annotations

from collections.abc import Sequence

from grad_core._tensor import Tensor

from ._picture import COLOURS, Box, Picture, look

__all__ = ["listing", "to_dot", "to_mermaid"]


def listing(tensors: Tensor | Sequence[Tensor], *, values: bool = False, max_nodes: int = 200) -> str:
    """The op calls that lead to a tensor as a table, the newest first: number, op, results, inputs.

    Args:
        tensors: one, or several.
        values: show values, and gradients where there are any, of single numbers.
        max_nodes: how many op calls to list; a last line says how many more there are.

    Raises:
        GradientError: a tensor does not require grad, so that there is no graph.

    Example:
        >>> import grad_core as gd
        >>> x = gd.tensor([1.0, 2.0], requires_grad=True, name="x")
        >>> y = x * 3
        >>> y.name = "y"
        >>> print(gd.graph.listing(y.sum()))
        #  op        result            inputs
        1  sum       () float32        #2
        2  multiply  y (2,) float32    x, 3
    """
    picture = look(tensors, values=values, constants=True, max_nodes=max_nodes)
    numbers: dict[int, str] = {}
    leaves = 0
    for i, box in enumerate(picture.boxes):
        if box.kind == "op":
            numbers[i] = f"#{sum(text.startswith('#') for text in numbers.values()) + 1}"
        elif box.kind == "leaf" and box.title == "leaf":
            leaves += 1
            numbers[i] = f"leaf {leaves}"
        else:
            numbers[i] = box.title
    ends = [(arrow.source, picture.boxes[arrow.target]) for arrow in picture.arrows]
    results = {source: box for source, box in ends if box.kind == "result"}
    rows = [["#", "op", "result", "inputs"]]
    for i, box in enumerate(picture.boxes):
        if box.kind == "op":
            inputs = [numbers[arrow.source] for arrow in picture.arrows if arrow.target == i]
            rows.append([numbers[i][1:], box.title, _result(box, results.get(i)), ", ".join(inputs)])
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ["  ".join([cell.ljust(w) for cell, w in zip(row, widths, strict=True)]).rstrip() for row in rows]
    return "\n".join([*lines, *picture.notes])


def _result(box: Box, result: Box | None) -> str:
    """What the boxes of an op call and of its result say, in one line."""
    if result is None:
        return ", ".join(box.lines)
    name = "" if result.title == "result" else f"{result.title} "
    return name + ", ".join([*box.lines, *result.lines])


def to_dot(picture: Picture, title: str) -> str:
    """The picture in the language of Graphviz."""
    out = [
        "digraph grad {",
        f'  label="{_dot(chr(10).join([title, *picture.notes]))}";',
        '  node [shape=box, fontname="monospace", fontsize=11];',
    ]
    for i, box in enumerate(picture.boxes):
        background, line, rounding, dashes = COLOURS[box.kind]
        style = "filled" + (",rounded" if rounding > 5 else "") + (",dashed" if dashes else "")
        out.append(
            f'  n{i} [label="{_dot(chr(10).join([box.title, *box.lines]))}", style="{style}", '
            f'fillcolor="{background}", color="{line}", fontcolor="#16202e"];'
        )
    out += [f'  n{arrow.source} -> n{arrow.target} [tooltip="{_dot(arrow.tip)}"];' for arrow in picture.arrows]
    return "\n".join([*out, "}", ""])


def _dot(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", " ").replace("\n", "\\n")


def to_mermaid(picture: Picture, title: str) -> str:
    """The picture in the language of Mermaid, which GitHub and many wikis draw."""
    out = ["flowchart TD", f"  accTitle: {_mermaid(title)}"]
    for i, box in enumerate(picture.boxes):
        text = "<br/>".join(map(_mermaid, [box.title, *box.lines]))
        opening, closing = ("([", "])") if box.kind in ("op", "more") else ("[", "]")
        out.append(f'  n{i}{opening}"{text}"{closing}:::{box.kind}')
    out += [f"  n{arrow.source} --> n{arrow.target}" for arrow in picture.arrows]
    for kind in sorted({box.kind for box in picture.boxes}):
        background, line, _, dashes = COLOURS[kind]
        dashed = f",stroke-dasharray:{dashes}" if dashes else ""
        out.append(f"  classDef {kind} fill:{background},stroke:{line},color:#16202e{dashed}")
    out += [f"  %% {' '.join(note.split())}" for note in picture.notes]
    return "\n".join([*out, ""])


def _mermaid(text: str) -> str:
    """Text as it may stand between quotes: everything with a meaning by its number."""
    return "".join([c if c.isalnum() or c in " _-.,:()=+*…?" else " " if c.isspace() else f"#{ord(c)};" for c in text])
