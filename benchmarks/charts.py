"""Charts of ratios as SVG: bars with names, and many thin ones."""

import math
from collections.abc import Sequence
from html import escape

__all__ = ["bars", "field"]

# One picture for both palettes: nothing behind it, and greys and colours that stand out on white and on black.
INK, GRID, QUICK, SLOW = "#7a8291", "#8a93a155", "#0d9488", "#d97706"


def bars(title: str, named: Sequence[tuple[str, float]]) -> str:
    """Horizontal bars of ratios, with a line at 1: left of it grad is quicker."""
    left, width, step = 190, 320, 24
    most = max(1.25, *(ratio for _, ratio in named)) * 1.12
    height = step * len(named) + 46
    at = lambda ratio: left + width * ratio / most  # noqa: E731 - a scale is a formula
    out = [opening(left + width + 10, height, title)]
    for mark in marks(most):
        out.append(f'<path d="M{at(mark):.1f} 22V{height - 20}" stroke="{GRID}"/>')
        out.append(f'<text x="{at(mark):.1f}" y="{height - 5}" text-anchor="middle">{mark:g}</text>')
    for k, (name, ratio) in enumerate(named):
        y = 26 + step * k
        colour = QUICK if ratio <= 1 else SLOW
        out.append(f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{escape(name)}</text>')
        out.append(f'<rect x="{left}" y="{y + 1}" width="{at(ratio) - left:.1f}" height="16" rx="2" fill="{colour}"/>')
        out.append(f'<text x="{at(ratio) + 5:.1f}" y="{y + 13}">{ratio:.2f}</text>')
    out.append(f'<path d="M{at(1):.1f} 22V{height - 20}" stroke="{INK}" stroke-width="1.5"/>')
    out.append(f'<text x="{at(1):.1f}" y="14" text-anchor="middle">PyTorch = 1</text>')
    return "\n".join([*out, "</svg>"]) + "\n"


def marks(most: float) -> list[float]:
    """Where the scale is marked: at most six round numbers."""
    step = next(step for step in (0.25, 0.5, 1, 2, 5, 10, 20, 50, 100) if most / step <= 6)
    return [step * k for k in range(int(most / step) + 1)]


def field(title: str, ratios: Sequence[float]) -> str:
    """Many ratios as thin bars from 1, sorted, on a scale of doublings."""
    left, width, height = 50, 450, 220
    low = min(-1, math.floor(math.log2(min(ratios))))
    high = max(1, math.ceil(math.log2(max(ratios))))
    at = lambda ratio: 12 + (height - 24) * (high - math.log2(ratio)) / (high - low)  # noqa: E731 - as above
    out = [opening(left + width + 10, height, title)]
    for power in range(low, high + 1):
        y = at(2.0**power)
        out.append(f'<path d="M{left} {y:.1f}H{left + width}" stroke="{INK if power == 0 else GRID}"/>')
        out.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{2.0**power:.3g}</text>')
    step = width / len(ratios)
    for k, ratio in enumerate(sorted(ratios)):
        top, bottom = sorted((at(ratio), at(1)))
        colour = QUICK if ratio <= 1 else SLOW
        x = left + step * k
        out.append(f'<path d="M{x:.1f} {top:.1f}H{x + step * 0.8:.1f}V{bottom:.1f}H{x:.1f}Z" fill="{colour}"/>')
    return "\n".join([*out, "</svg>"]) + "\n"


def opening(width: int, height: int, title: str) -> str:
    """How every chart begins."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" style="max-width:100%;height:auto" '
        f'font-family="system-ui,sans-serif" font-size="13" fill="{INK}">\n<title>{escape(title)}</title>'
    )
