"""A picture as SVG. Boxes bring their own background, so it can be read on light and dark pages alike."""

from __future__ import annotations

import re
import unicodedata
from html import escape

from ._layout import Point, arrange
from ._picture import COLOURS, Box, Picture

__all__ = ["to_svg"]

_INK, _SOFT, _ARROW = "#16202e", "#465063", "#828b99"
_FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
_TITLE, _SMALL = 13.0, 10.5  # font sizes; a character of a monospaced font is about 0.605 as wide
_CHARACTER = 0.605
_MARGIN = 14.0
_LONGEST = 34
# what XML 1.0 cannot hold, escaped or not
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_svg(picture: Picture, title: str) -> str:
    """The picture as the text of an SVG file."""
    sizes = [_size(box) for box in picture.boxes]
    # op calls stand under op calls, with leaves and constants at their side
    pulls = [1.0 if box.kind == "op" else 0.2 for box in picture.boxes]
    layout = arrange(sizes, [(arrow.source, arrow.target) for arrow in picture.arrows], pulls)
    notes = [line for note in picture.notes for line in _broken(note, max(44, int(layout.width / 6.4)))]
    width = max([layout.width, *[_width(line) * _SMALL * _CHARACTER for line in notes]]) + 2 * _MARGIN
    height = layout.height + 2 * _MARGIN + (len(notes) * 16 + 8 if notes else 0)
    shift = (width - layout.width) / 2
    out = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{_n(width)}" height="{_n(height)}" '
            f'viewBox="{_n(-shift)} {_n(-_MARGIN)} {_n(width)} {_n(height)}" style="max-width:100%;height:auto" '
            f'font-family="{_FONT}" text-anchor="middle">'
        ),
        f"<title>{_escaped(title)}</title>",
        f'<g fill="none" stroke="{_ARROW}" stroke-width="1.4">',
    ]
    for arrow, route in zip(picture.arrows, layout.routes, strict=True):
        source, target = picture.boxes[arrow.source].title, picture.boxes[arrow.target].title
        tip = _escaped(f"{source} → {target}: {arrow.tip}")
        out.append(f'<path d="{_path(route)}"><title>{tip}</title></path>')
    out.append(f'</g>\n<g fill="{_ARROW}">')
    for route in layout.routes:
        x, y = route[-1]
        out.append(f'<path d="M{_n(x)} {_n(y)}l-3.6 -7.5h7.2z"/>')
    out.append("</g>")
    for box, size, (x, y) in zip(picture.boxes, sizes, layout.centres, strict=True):
        out += _box(box, size, x, y)
    y = layout.height + 22
    for line in notes:
        out.append(
            f'<text x="{_n(layout.width / 2)}" y="{_n(y)}" font-size="{_SMALL}" fill="{_ARROW}">{_escaped(line)}</text>'
        )
        y += 16
    return "\n".join([*out, "</svg>", ""])


def _box(box: Box, size: tuple[float, float], x: float, y: float) -> list[str]:
    background, line, rounding, dashes = COLOURS[box.kind]
    width, height = size
    left, top = x - width / 2, y - height / 2
    out = [
        f'<g class="{box.kind}"><title>{_escaped(f"{box.kind}: {box.title}")}</title>',
        f'<rect x="{_n(left)}" y="{_n(top)}" width="{_n(width)}" height="{_n(height)}" rx="{_n(rounding)}" '
        f'fill="{background}" stroke="{line}" stroke-width="{2.4 if box.kind == "result" else 1.4}"'
        + (f' stroke-dasharray="{dashes}"/>' if dashes else "/>"),
        (
            f'<text x="{_n(x)}" y="{_n(top + 18)}" font-size="{_n(_TITLE)}" font-weight="600" fill="{_INK}">'
            f"{_escaped(_short(box.title))}</text>"
        ),
    ]
    for i, text in enumerate(box.lines):
        out.append(
            f'<text x="{_n(x)}" y="{_n(top + 33 + 14 * i)}" font-size="{_SMALL}" fill="{_SOFT}">'
            f"{_escaped(_short(text))}</text>"
        )
    return [*out, "</g>"]


def _size(box: Box) -> tuple[float, float]:
    widest = max([_width(_short(box.title)) * _TITLE, *[_width(_short(line)) * _SMALL for line in box.lines]])
    return max(44.0, widest * _CHARACTER + 22), 27.0 + 14 * len(box.lines)


def _path(route: list[Point]) -> str:
    """Straight and curved pieces in turn; the curves leave and arrive straight down."""
    (x, y), *rest = route
    out = f"M{_n(x)} {_n(y)}"
    for i, (to_x, to_y) in enumerate(rest):
        if i % 2:
            middle = (y + to_y) / 2
            out += f"C{_n(x)} {_n(middle)} {_n(to_x)} {_n(middle)} {_n(to_x)} {_n(to_y)}"
        elif _n(to_y) != _n(y):
            out += f"V{_n(to_y)}"
        x, y = to_x, to_y
    return out


def _n(value: float) -> str:
    """A number with one digit behind the point at most: the same text on every machine."""
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")


def _escaped(text: str) -> str:
    return escape(_FORBIDDEN.sub("\ufffd", text), quote=True)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _width(text: str) -> int:
    """In characters; those of East Asian scripts are twice as wide."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _broken(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
