"""The table of a summary, for terminals and for notebooks."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Row", "as_html", "as_text", "human"]


@dataclass(frozen=True)
class Row:
    """One line of the table.

    What a line says of parameters and multiply-adds is the layer's own, without the layers within, which have lines of
    their own unless they are deeper than was asked for. So each column adds up to the total.
    """

    name: str
    """attribute, position or key in the module around; empty for the model itself"""
    kind: str
    """class of the module, or name of the function"""
    depth: int
    last: bool
    """whether the module around holds nothing after it"""
    outputs: tuple[tuple[int, ...], ...] | None
    """shapes of all that the first call returned; None where the layer was never called"""
    calls: int
    parameters: int
    """numbers in parameters that no line above counts"""
    repeated: int
    """numbers in parameters that a line above counts already"""
    multiply_adds: int


_TIMES = "\N{MULTIPLICATION SIGN}"
_SHARED = "in parentheses: shared, and counted above"


def human(number: float, unit: str = "") -> str:
    """Four digits at most, with k, M, G, T for thousands, as in 3.211 M."""
    if number < 1000:
        return f"{number:.4g} {unit}".rstrip()
    for prefix in ("k", "M", "G", "T", "P"):
        number /= 1000
        if number < 999.95 or prefix == "P":
            break
    return f"{number:.4g} {prefix}{unit}"


def _counted(row: Row) -> str:
    """As in 1,290 (512): the number in parentheses stands above already."""
    parts = [f"{row.parameters:,}"] if row.parameters else []
    parts += [f"({row.repeated:,})"] if row.repeated else []
    return " ".join(parts)


def _shapes(row: Row, room: int) -> str:
    if row.outputs is None:
        return "not called"
    texts = [str(shape) for shape in row.outputs]
    whole = ", ".join(texts)
    for kept in range(len(texts) - 1, 0, -1):
        if len(whole) <= room:
            break
        whole = ", ".join(texts[:kept]) + f", +{len(texts) - kept}"
    return whole


def _cells(row: Row, room: int, ran: bool) -> list[str]:
    label = f"{row.name}: {row.kind}" if row.name else row.kind
    if row.calls > 1:
        label += f" {_TIMES}{row.calls}"
    if not ran:
        return [label, _counted(row)]
    return [label, _shapes(row, room), _counted(row), human(row.multiply_adds) if row.multiply_adds else ""]


def _heads(ran: bool) -> list[str]:
    return ["Layer", "Output", "Parameters", "Multiply-adds"] if ran else ["Layer", "Parameters"]


def as_text(rows: Sequence[Row], totals: Sequence[tuple[str, str]], ran: bool) -> str:
    """With lines of Unicode for the tree; as wide as it must be, and 80 columns where names are short."""
    table = [_cells(row, 34, ran) for row in rows]
    open_at: list[bool] = []  # by depth: whether more comes below at that depth
    for row, cells in zip(rows, table, strict=True):
        del open_at[row.depth :]
        branch = ("└─ " if row.last else "├─ ") if row.depth else ""
        cells[0] = "".join("│  " if more else "   " for more in open_at[1:]) + branch + cells[0]
        open_at.append(not row.last)
    heads = _heads(ran)
    widths = [max(len(cells[i]) for cells in [heads, *table]) for i in range(len(heads))]
    right = range(2, 4) if ran else range(1, 2)
    lines = [
        "  ".join(
            [
                cell.rjust(w) if i in right else cell.ljust(w)
                for i, (cell, w) in enumerate(zip(cells, widths, strict=True))
            ]
        )
        for cells in [heads, *table]
    ]
    rule = "─" * max(sum(widths) + 2 * (len(widths) - 1), 40)
    label = max(len(name) for name, _ in totals)
    notes = [f"{name:<{label}}  {text}" for name, text in _with_note(rows, totals)]
    return "\n".join(line.rstrip() for line in [lines[0], rule, *lines[1:], rule, *notes])


def as_html(rows: Sequence[Row], totals: Sequence[tuple[str, str]], ran: bool) -> str:
    """A table whose colours are those of the page around, so that it suits light and dark."""
    line = "border-bottom: 1px solid rgba(128, 128, 128, 0.5)"
    cell = "padding: 0.2em 0.9em; white-space: nowrap"
    aligned = ["left", "left", "right", "right"] if ran else ["left", "right"]
    head = "".join(
        f'<th style="{cell}; text-align: {align}; {line}">{escape(text)}</th>'
        for text, align in zip(_heads(ran), aligned, strict=True)
    )
    body = []
    for row in rows:
        cells = _cells(row, 60, ran)
        times = f' <span style="opacity: 0.65">{_TIMES}{row.calls}</span>' if row.calls > 1 else ""
        name = f'<span style="opacity: 0.65">{escape(row.name)}:</span> ' if row.name else ""
        inside = [f"{name}<b>{escape(row.kind)}</b>{times}", *map(escape, cells[1:])]
        indents = [f"{cell}; padding-left: {0.9 + 1.4 * row.depth:.1f}em", *[cell] * (len(cells) - 1)]
        body.append(
            "<tr>"
            + "".join(
                f'<td style="{style}; text-align: {align}">{text}</td>'
                for style, align, text in zip(indents, aligned, inside, strict=True)
            )
            + "</tr>"
        )
    notes = "".join(
        f'<tr><td style="{cell}; text-align: left; opacity: 0.65">{escape(name)}</td>'
        f'<td style="{cell}; white-space: normal; text-align: left">{escape(text)}</td></tr>'
        for name, text in _with_note(rows, totals)
    )
    table = "color: inherit; border-collapse: collapse; margin: 0; font-variant-numeric: tabular-nums"
    return (
        f'<div style="overflow-x: auto"><table style="{table}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>"
        f'<table style="{table}; margin-top: 0.6em"><tbody>{notes}</tbody></table></div>'
    )


def _with_note(rows: Sequence[Row], totals: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [*totals, *([("", _SHARED)] if any(row.repeated for row in rows) else [])]
