"""The comparison of all optimizers in the docs, and the numbers that it shows.

    python tests/optimizers_figure.py            # is the picture what the numbers draw?
    python tests/optimizers_figure.py --write    # draw it
    python tests/optimizers_figure.py --measure  # train, some minutes, on MNIST; then draw
    python tests/optimizers_figure.py --measure Adam SGD  # only these; the other numbers stay

Every optimizer trains the same network of 784-64-10 units on the same batches of 128, from the same first weights.
First its learning rate is chosen: of those in `RATES`, the one with the fewest wrong answers on the last 10,000
training images, after five passes through the other 50,000. All other options are at their defaults, but for what
`OPTIMIZERS` says. Then it trains on all 60,000 for five passes, with three other seeds; the picture shows the median
share of test images that are wrong after each pass.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

import grad_core as gd
import grad_data as data
import grad_nn as nn
import grad_optim as optim
import numpy as np

FIGURE = Path(__file__).resolve().parents[1] / "docs" / "assets" / "optimizers.svg"
NUMBERS = FIGURE.with_suffix(".json")
Arrays = tuple[np.ndarray, np.ndarray]
PASSES = 5
SEEDS = 3
BATCH = 128
WHOLE = 1_000_000_000
RATES = [float(f"{m}e{e}") for e in range(-4, 1) for m in (1, 3)]  # 1e-4, 3e-4, ..., 3


class Case(NamedTuple):
    """A row of the picture: how the optimizers are made, of which two may share the parameters, and on what batches."""

    make: Callable[[list[Any], float], list[optim.Optimizer]]
    batch: int = BATCH


def one(cls: type[optim.Optimizer], batch: int = BATCH, **options: Any) -> Case:
    return Case(lambda params, lr: [cls(params, lr=lr, **options)], batch)


def muon(params: list[Any], lr: float) -> list[optim.Optimizer]:
    matrices = [p for p in params if p.ndim == 2]
    others = [p for p in params if p.ndim != 2]
    return [optim.Muon(matrices, lr=lr, adjust_lr_fn="match_rms_adamw"), optim.AdamW(others, lr=lr)]


OPTIMIZERS = {
    "SGD": one(optim.SGD),
    "SGD, momentum 0.9": one(optim.SGD, momentum=0.9),
    "ASGD": one(optim.ASGD),
    "RMSProp": one(optim.RMSProp),
    "Adam": one(optim.Adam),
    "AdamW": one(optim.AdamW),
    "NAdam": one(optim.NAdam),
    "RAdam": one(optim.RAdam),
    "Adamax": one(optim.Adamax),
    "Adagrad": one(optim.Adagrad),
    "Adadelta": one(optim.Adadelta),
    "Adafactor": one(optim.Adafactor),
    "Lion": one(optim.Lion),
    "LAMB": one(optim.LAMB),
    "Muon, biases AdamW": Case(muon),
    "Rprop, all at once": one(optim.Rprop, WHOLE),
    "LBFGS, all at once": one(optim.LBFGS, WHOLE, max_iter=1, max_eval=2),
}


def network(seed: int) -> nn.Sequential:
    rng = gd.random.Generator(seed)
    return nn.Sequential(nn.Linear(784, 64, generator=rng), nn.ReLU(), nn.Linear(64, 10, generator=rng))


def train(
    case: Case, lr: float, train_set: Arrays, seed: int, passes: int, measure: Callable[[Any], float]
) -> list[float]:
    """What `measure` says of the model after each pass; infinity once the loss is no number."""
    model = network(seed)
    optimizers = case.make(list(model.parameters()), lr)
    loader = data.DataLoader(train_set, min(case.batch, len(train_set[0])), shuffle=True, seed=seed)
    loss_of = nn.CrossEntropyLoss()
    out: list[float] = []
    for _ in range(passes):
        for x, y in loader:

            def closure(x: np.ndarray = x, y: np.ndarray = y) -> Any:
                for each in optimizers:
                    each.zero_grad()
                loss = loss_of(model(x), y)
                loss.backward()
                return loss

            loss = optimizers[0].step(closure)
            for other in optimizers[1:]:
                other.step()
            if not math.isfinite(loss.item()):
                return [math.inf] * passes
        out.append(measure(model))
    return out


def wrong_on(part: Arrays) -> Callable[[Any], float]:
    """A function of a model: the percentage of `part` that it gets wrong."""

    def measure(model: Any) -> float:
        with gd.no_grad():
            return 100 * (1 - data.accuracy(model(part[0]).numpy(), part[1]))

    return measure


def measured(case: Case, train_set: Arrays, test_set: Arrays, rates: list[float] = RATES) -> dict[str, Any]:
    """The learning rate, and the percentage of wrong answers after each pass."""
    images, labels = train_set
    rest = len(labels) * 5 // 6
    held_out = wrong_on((images[rest:], labels[rest:]))
    with np.errstate(all="ignore"):  # the largest ones break
        lr = min(rates, key=lambda lr: train(case, lr, (images[:rest], labels[:rest]), 0, PASSES, held_out)[-1])
    runs = [train(case, lr, train_set, seed, PASSES, wrong_on(test_set)) for seed in range(1, SEEDS + 1)]
    return {"lr": lr, "wrong": [round(statistics.median(values), 2) for values in zip(*runs, strict=True)]}


WIDTH, LEFT, TOP, LINE = 540, 230, 50, 24
LOW, HIGH = 1.5, 100.0
TICKS = [2, 3, 5, 10, 20, 50, 100]


def drawn(results: dict[str, Any]) -> str:
    """The picture as SVG, the best optimizer first; its colours stand out from white and from black."""
    rows = sorted(results.items(), key=lambda item: item[1]["wrong"][-1])
    bottom = TOP + LINE * len(rows)

    def x(value: float) -> float:
        share = math.log(min(max(value, LOW), HIGH) / LOW) / math.log(HIGH / LOW)
        return LEFT + share * (WIDTH - LEFT - 20)

    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{WIDTH}" height="{bottom + 34}" '
            f'viewBox="0 0 {WIDTH} {bottom + 34}" style="max-width:100%;height:auto" '
            'font-family="system-ui,sans-serif" font-size="13" fill="#808894">'
        ),
        "<title>Share of wrong answers on MNIST's test images, by optimizer</title>",
        f'<text x="10" y="22">optimizer</text><text x="{LEFT - 20}" y="22" text-anchor="end">lr</text>',
        f'<text x="{LEFT}" y="22">% of test images wrong, pass 1 (pale) to {PASSES}</text>',
    ]
    parts += [
        f'<path d="M{x(tick):.1f} {TOP - 14}V{bottom}" stroke="#808894" stroke-opacity=".35"/>'
        f'<text x="{x(tick):.1f}" y="{bottom + 18}" text-anchor="middle">{tick}</text>'
        for tick in TICKS
    ]
    for row, (name, result) in enumerate(rows):
        lr, values = result["lr"], result["wrong"]
        y = TOP + LINE * row
        parts.append(f'<text x="10" y="{y + 4}">{escape(name)}</text>')
        parts.append(f'<text x="{LEFT - 20}" y="{y + 4}" text-anchor="end">{lr:g}</text>')
        parts.append(
            f'<path d="M{x(min(values)):.1f} {y}H{x(max(values)):.1f}" stroke="#0d9488" stroke-opacity=".6" '
            'stroke-width="2"/>'
        )
        for number, value in enumerate(values, 1):
            opacity = 0.2 + 0.8 * number / len(values)
            parts.append(
                f'<circle cx="{x(value):.1f}" cy="{y}" r="5" fill="#0d9488" fill-opacity="{opacity:.2f}">'
                f"<title>{escape(name)}, pass {number}: {value:.2f} %</title></circle>"
            )
    return "\n".join([*parts, "</svg>"]) + "\n"


def kept() -> dict[str, Any]:
    """The numbers in the docs, by the name of the optimizer."""
    found: dict[str, Any] = json.loads(NUMBERS.read_text(encoding="utf-8")) if NUMBERS.exists() else {}
    return {name: found[name] for name in OPTIMIZERS if name in found}


def main() -> int:
    """Measure and draw, as told."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="put the picture into docs/assets")
    parser.add_argument("--measure", nargs="*", metavar="NAME", help="train with these, or with all; then --write")
    options = parser.parse_args()
    if options.measure is not None:
        parts = [data.MNIST(train=train).as_arrays(flatten=True, normalize=True) for train in (True, False)]
        for name in options.measure or OPTIMIZERS:
            result = measured(OPTIMIZERS[name], *parts)
            sys.stderr.write(f"{name}: {result}\n")
            lines = [f"{json.dumps(name)}: {json.dumps(row)}" for name, row in {**kept(), name: result}.items()]
            NUMBERS.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8", newline="\n")
    text = drawn(kept())
    if options.write or options.measure is not None:
        FIGURE.write_text(text, encoding="utf-8", newline="\n")
    elif FIGURE.read_text(encoding="utf-8") != text:
        sys.stderr.write("docs/assets/optimizers.svg is not what optimizers.json draws: use --write\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
