"""From the kept results of the benchmark to the page on performance, its charts, and the table of the README.

`python3 benchmarks/page.py` says what differs from benchmarks/results/figures.json, `--write` brings it up to date.
The results are those of `python3 noxfile.py -s bench -- --json benchmarks/results/figures.json`.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from charts import bars, field

__all__ = ["made", "main"]

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "figures.json"
CHARTS = "docs/assets/performance"
PEERS = {
    "grad": "grad",
    "numpy": "NumPy by hand",
    "torch": "PyTorch",
    "autograd": "HIPS autograd",
    "mygrad": "MyGrad",
}
STEPS = ("chain", "toy", "mnist", "lenet", "cnn", "deep", "lstm", "transformer", "loader")
README = ("chain", "toy", "mnist", "loader")
PARTS = ("optimizers", "conv", "pool")
SHORT = {  # what a chart calls a row
    "chain": "scalar operations",
    "toy": "2-8-2, batch 32",
    "mnist": "784-128-10, batch 64",
    "lenet": "LeNet-5",
    "cnn": "CNN of 32 and 64 channels",
    "deep": "784-512-512-10",
    "lstm": "LSTM(28, 64)",
    "transformer": "Transformer, two layers",
    "loader": "an epoch of batches",
    "optimizers": "optimizer",
    "conv": "convolution",
    "pool": "pooling",
}


class Line(NamedTuple):
    """One figure of all peers."""

    theme: str
    title: str  # of the row
    name: str  # of the figure
    unit: str
    detail: str  # what the figure is, beyond its unit
    values: Mapping[str, float]  # by peer

    @property
    def ratio(self) -> float | None:
        """The figure of grad over PyTorch's."""
        both = "grad" in self.values and "torch" in self.values
        return self.values["grad"] / self.values["torch"] if both and self.values["torch"] > 0 else None


def lines_of(data: Mapping[str, Any]) -> list[Line]:
    """Every figure of every row, in their order."""
    out = []
    for entry in data["rows"]:
        row = entry["row"]
        for name, what in row["figures"].items():
            unit, _, detail = what.partition(" ")
            values = {peer: figures[name] for peer, figures in entry["figures"].items() if name in figures}
            out.append(Line(row["theme"], row["title"], name, unit.rstrip(","), detail, values))
    return out


def amount(value: float, unit: str) -> str:
    """A figure with two or three digits, in a unit that suits it."""
    if unit == "µs" and abs(value) >= 1000:
        value, unit = value / 1000, "ms"
    if unit == "ms" and abs(value) >= 1000:
        value, unit = value / 1000, "s"
    digits = f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2g}"
    if 10 <= abs(value) < 100:
        digits = f"{value:.0f}"
    return f"{digits} {unit}" if unit in ("µs", "ms", "s", "MB") else digits


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    return "\n".join(
        ["| " + " | ".join(head) + " |", "|---" * len(head) + "|", *("| " + " | ".join(row) + " |" for row in rows)]
    )


def beside_peers(lines: Sequence[Line], label: Callable[[Line], str], *, ratio: bool = True) -> str:
    """A table with a column for each library that has a figure."""
    peers = [peer for peer in PEERS if any(peer in line.values for line in lines)]
    rows = []
    for line in lines:
        cells = [amount(line.values[peer], line.unit) if peer in line.values else "" for peer in peers]
        last = [] if not ratio else ["" if line.ratio is None else f"{line.ratio:.2f}"]
        rows.append([label(line), *cells, *last])
    return table(["", *(PEERS[peer] for peer in peers), *(["ratio to PyTorch"] if ratio else [])], rows)


def setting(data: Mapping[str, Any]) -> str:
    """The machine, the versions, the way of measuring and the command."""
    machine, versions = data["machine"], data["versions"]
    named = {"numpy": "NumPy", "torch": "PyTorch", "autograd": "HIPS autograd", "mygrad": "MyGrad"}
    libraries = ", ".join(f"{text} {versions[name]}" for name, text in named.items() if name in versions)
    load = machine["load before"]
    text = (
        f"Measured on {data['date']} on {machine['cpu']} ({machine['cores']} cores), Python {machine['python']}, "
        f"{libraries}; {data['rounds']} rounds."
    )
    if "--quick" in data["command"]:
        text += " **This was a short run** (`--quick`), for a glance: a full one is more exact."
    if load and load[0] > 0.5:
        text += f" The machine was busy when it began (load {load[0]:.1f}): figures are high, of matrix products most."
    return text


def measured(data: Mapping[str, Any]) -> str:
    """The part of the page that is made from figures."""
    lines = lines_of(data)
    steps = [
        next(line for line in lines if line.theme == theme) for theme in STEPS if theme in {x.theme for x in lines}
    ]
    parts = [line for line in lines if line.theme in PARTS]
    single = [line for line in lines if line.theme == "ops"]
    rest = [line for line in lines if line not in steps and line.theme not in (*PARTS, "ops")]
    out = [setting(data), f"```console\n$ {data['command']}\n```"]
    out += ["## Whole steps", chart_link("steps", "Bars: grad's time over PyTorch's for whole training steps")]
    out += [beside_peers(steps, lambda line: SHORT[line.theme])]
    if parts:
        out += ["## Convolution, pooling, optimizers"]
        out += [chart_link("parts", "Bars: grad's time over PyTorch's for convolution, pooling and optimizers")]
        out += [beside_peers(parts, lambda line: f"{SHORT[line.theme]}: {line.detail}")]
    if single:
        ratios = sorted(line.ratio for line in single if line.ratio is not None)
        quicker = sum(ratio <= 1 for ratio in ratios)
        out += [
            "## Single operations",
            chart_link("operations", "Each single operation as a bar from PyTorch's time, sorted"),
        ]
        told = (
            f"{len(ratios)} operations, forward and backward, float32, on inputs as large as training has them. grad "
            f"is quicker in {quicker}; the median of grad's time over PyTorch's is {ratios[len(ratios) // 2]:.2f}, "
            f"the lowest {ratios[0]:.2f}, the highest {ratios[-1]:.2f}."
        )
        out += [told, "[Why some are slower](guides/speed.md#what-stays-slower-and-why)."]
        ordered = sorted(single, key=lambda line: -(line.ratio or 0))
        listed = beside_peers(ordered, lambda line: f"`{line.name}`")
        out += ['??? note "All of them, the slowest beside PyTorch first"\n\n' + indented(listed)]
    if rest:
        out += [
            "## Memory and imports",
            beside_peers(rest, lambda line: f"{line.title}: {line.unit} {line.detail}".strip(), ratio=False),
        ]
    out += [
        "## What must hold",
        "Limits that the project set itself; `-- --check` fails where one is missed.",
        targets(data),
    ]
    return "\n\n".join(out)


def targets(data: Mapping[str, Any]) -> str:
    """The limits and whether they hold; of the single operations only how many do."""
    rows = []
    for entry in data["rows"]:
        row, found = entry["row"], entry["targets"]
        if row["limits"]:
            held = sum(target["holds"] is True for target in found)
            rows.append(
                [
                    f"{row['title']}: within their limit",
                    f"{held} of {len(found)}",
                    "all",
                    "yes" if held == len(found) else "**no**",
                ]
            )
            continue
        for target in found:
            value = "not measured" if target["value"] is None else f"{target['value']:.3g}"
            holds = {True: "yes", False: "**no**", None: ""}[target["holds"]]
            rows.append([f"{row['title']}: {target['text']}", value, f"{target['limit']:g}", holds])
    return table(["", "measured", "at most", "holds"], rows)


def indented(text: str) -> str:
    """Text inside an admonition."""
    return "\n".join(f"    {line}" if line else line for line in text.splitlines())


def chart_link(name: str, text: str) -> str:
    """The picture as the page shows it."""
    return f"![{text}](assets/performance/{name}.svg)"


def between(path: Path, name: str, text: str) -> str:
    """The file with the text between its two marks."""
    first, last = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, _, rest = path.read_text(encoding="utf-8").partition(first)
    _, end, after = rest.partition(last)
    if not end:
        raise ValueError(f"{path} has no {first} ... {last}")
    return f"{before}{first}\n\n{text}\n\n{last}{after}"


def made(data: Mapping[str, Any], root: Path = ROOT) -> dict[Path, str]:
    """Every file that follows from the results, as it should be."""
    lines = lines_of(data)
    firsts = {line.theme: line for line in reversed(lines)}
    steps = [(SHORT[theme], firsts[theme].ratio) for theme in STEPS if theme in firsts]
    parts = [(f"{SHORT[line.theme]}, {line.name}", line.ratio) for line in lines if line.theme in PARTS]
    single = [line.ratio for line in lines if line.theme == "ops" and line.ratio is not None]
    out = {root / "docs" / "performance.md": between(root / "docs" / "performance.md", "figures", measured(data))}
    if "--quick" not in data["command"]:  # the README shows figures of full runs only, and keeps those it has
        front = [firsts[theme] for theme in README if theme in firsts]
        shown = beside_peers(front, lambda line: line.title, ratio=False)
        out[root / "README.md"] = between(root / "README.md", "figures", f"{setting(data)}\n\n{shown}")
    told = "grad's time over PyTorch's"
    for name, values in (("steps", steps), ("parts", parts)):
        known = [(text, ratio) for text, ratio in values if ratio is not None]
        if known:
            out[root / CHARTS / f"{name}.svg"] = bars(told, known)
    if single:
        out[root / CHARTS / "operations.svg"] = field(f"{told}, {len(single)} operations", single)
    return out


def main(arguments: Sequence[str] | None = None) -> int:
    """Write what follows from the results, or say what differs; 1 where something does."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="bring page, charts and README up to date")
    options = parser.parse_args(arguments)
    wrong = 0
    for path, text in made(json.loads(RESULTS.read_text(encoding="utf-8"))).items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if options.write:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        else:
            wrong += 1
            sys.stderr.write(f"{path.relative_to(ROOT)} differs from the results: python3 benchmarks/page.py --write\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
