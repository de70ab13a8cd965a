"""From the raw answers of the workers to figures, tables and files."""

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rows import NAMES, TARGETS, Figures, Row

__all__ = ["disagreement", "figures_of", "judge", "machine", "render", "store", "write"]

Answers = Mapping[str, Sequence[Mapping[str, Any]]]  # per peer, one answer per round


def figures_of(row: Row, answers: Answers) -> dict[str, dict[str, float]]:
    """Per peer: of times the 10th percentile over all rounds, of other figures the median over the rounds."""
    out: dict[str, dict[str, float]] = {}
    for peer, rounds in answers.items():
        good = [answer for answer in rounds if "missing" not in answer and "failed" not in answer]
        if not good:
            continue
        if "cases" in good[0]:
            out[peer] = {
                name: _low([t * row.scale for answer in good for t in answer["cases"][name]]) for name in row.figures
            }
        elif "times" in good[0]:
            times = [t * row.scale for answer in good for t in answer["times"]]
            per_round = [_low(answer["times"]) * row.scale for answer in good]
            out[peer] = {"time": _low(times), "fastest round": min(per_round), "slowest round": max(per_round)}
            beside = [name for name in row.figures if name != "time"]
            out[peer] |= {name: statistics.median(answer["values"][name] for answer in good) for name in beside}
        else:
            out[peer] = {name: statistics.median(answer["values"][name] for answer in good) for name in row.figures}
    return out


def _low(times: Sequence[float]) -> float:
    ordered = sorted(times)
    return ordered[len(ordered) // 10]


def disagreement(answers: Answers) -> str | None:
    """The results of the peers, if they are not the same: then they did not do the same work."""
    for results in zip(*answers.values(), strict=False):
        found = [answer["result"] for answer in results if "result" in answer]
        for name in found[0] if found and isinstance(found[0], dict) else ():
            values = [result[name] for result in found]
            if max(values) - min(values) > 1e-3 * abs(values[0]):
                return f"the peers disagree on {name}: {values}"
        if found and not isinstance(found[0], dict) and max(found) - min(found) > 1e-3 * abs(found[0]):
            return f"the peers disagree on the result: {found}"
    return None


def judge(row: Row, figures: Figures) -> list[dict[str, Any]]:
    """The targets of a row: value, limit, and whether it holds; None where a peer is not there."""
    both = "grad" in figures and "torch" in figures
    out: list[dict[str, Any]] = []
    for name, limit in row.limits.items():
        ratio = figures["grad"][name] / figures["torch"][name] if both else None
        out.append({"text": name, "limit": limit, "value": ratio, "holds": None if ratio is None else ratio <= limit})
    for target in TARGETS:
        if target.theme == row.theme:
            value = target.value(figures) if all(peer in figures for peer in target.needs) else None
            out.append(
                {
                    "text": target.text,
                    "limit": target.limit,
                    "value": value,
                    "holds": None if value is None else value <= target.limit,
                }
            )
    return out


def render(rows: Sequence[Mapping[str, Any]]) -> str:
    """Markdown: a table per row with the ratio to grad, and a table of targets."""
    lines = []
    for entry in rows:
        row: Row = entry["row"]
        figures = entry["figures"]
        if row.limits:
            lines += _cases(entry)
            continue
        first = next(iter(row.figures))
        others = [name for name in row.figures if name != first]
        spread = ["slowest and fastest round"] if first == "time" else []
        lines += [f"### {row.title}", ""]
        head = ["", row.figures[first], "times grad", *(row.figures[name] for name in others), *spread]
        lines += ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
        for peer in row.peers:
            if peer not in figures:
                lines.append(f"| {NAMES[peer]} | {entry['absent'][peer]} |" + " |" * (len(head) - 2))
                continue
            mine = figures[peer]
            base = figures.get("grad", {}).get(first)
            ratio = f"{mine[first] / base:.2f}" if base and base > 0 and row.theme != "memory" else ""
            cells = [NAMES[peer], _number(mine[first]), ratio, *(_number(mine[name]) for name in others)]
            if spread:
                cells.append(f"{_number(mine['slowest round'])}, {_number(mine['fastest round'])}")
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    lines += ["### Targets", "", "| | measured | at most | holds |", "|---|---|---|---|"]
    for entry in rows:
        if entry["row"].limits:
            held = sum(target["holds"] is True for target in entry["targets"])
            lines.append(f"| {entry['row'].title}: lines above their limit | {len(entry['targets']) - held} | 0 | |")
            continue
        for target in entry["targets"]:
            value = "not measured" if target["value"] is None else _number(target["value"])
            holds = {True: "yes", False: "**no**", None: ""}[target["holds"]]
            lines.append(f"| {entry['row'].title}: {target['text']} | {value} | {target['limit']:g} | {holds} |")
    return "\n".join(lines) + "\n"


def _cases(entry: Mapping[str, Any]) -> list[str]:
    """A line for each case: both times, grad's over PyTorch's, and its limit; the largest ratio first."""
    row: Row = entry["row"]
    figures = entry["figures"]
    unit = next(iter(row.figures.values()))
    absent = [f"{NAMES[peer]}: {entry['absent'][peer]}." for peer in row.peers if peer not in figures]
    lines = [f"### {row.title}", "", *absent, f"| | grad, {unit} | PyTorch, {unit} | ratio | at most | holds |"]
    lines.append("|---|---|---|---|---|---|")
    for target in sorted(entry["targets"], key=lambda target: -(target["value"] or 0)):
        times = [_number(figures[peer][target["text"]]) if peer in figures else "" for peer in ("grad", "torch")]
        ratio = "" if target["value"] is None else f"{target['value']:.2f}"
        holds = {True: "yes", False: "**no**", None: ""}[target["holds"]]
        lines.append(f"| `{target['text']}` | {' | '.join(times)} | {ratio} | {target['limit']:g} | {holds} |")
    return [*lines, ""]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        cpu = names[0] if names else cpu
    load = [round(x, 2) for x in os.getloadavg()] if hasattr(os, "getloadavg") else None
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load before": load,
    }


def store(folder: Path, name: str, text: str, data: Mapping[str, Any]) -> Path:
    """Write `name`.md and `name`.json, whole or not at all, and return the path of the first."""
    folder.mkdir(parents=True, exist_ok=True)
    for ending, content in (("json", json.dumps(data, indent=1)), ("md", text)):
        path = folder / f"{name}.{ending}"
        write(path, content)
    return path


def write(path: Path, content: str) -> None:
    """Write a file whole or not at all, with a newline at its end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f"{path.suffix}.part")
    temporary.write_text(content + ("" if content.endswith("\n") else "\n"), encoding="utf-8", newline="\n")
    os.replace(temporary, path)
