"""What is measured, for whom, and what must hold."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ops.problem import CASES

__all__ = ["NAMES", "ROWS", "TARGETS", "Row", "Target"]

NAMES = {
    "grad": "grad",
    "numpy": "NumPy by hand",
    "torch": "PyTorch",
    "autograd": "HIPS autograd",
    "mygrad": "MyGrad",
}

# Of one row: per peer, the figures by name. A peer that is not there is not in it.
Figures = Mapping[str, Mapping[str, float]]


class Row(NamedTuple):
    """A theme: a folder with one `with_PEER.py` for each peer."""

    theme: str
    title: str
    figures: dict[str, str]  # name of a figure: what it is, with its unit; the first is compared between peers
    peers: tuple[str, ...]
    scale: float = 1e6  # from seconds to the unit of "time"
    limits: Mapping[str, float] = {}  # of a row with many cases: at most so many times PyTorch's time, case by case


class Target(NamedTuple):
    """A bound that an issue sets; those of single operations stand with them, in `ops/problem.py`."""

    theme: str
    text: str
    value: Callable[[Figures], float]
    limit: float
    needs: tuple[str, ...] = ("grad",)


SIZES, KINDS = ("small", "large"), ("max", "avg")
LAYOUTS = ("", " plain")  # the batch innermost in memory, as layers of grad hand it on, and outermost
# a folder each: what it is, and how many times PyTorch's time a step may take
MODELS = (
    ("lenet", "LeNet-5, batch 64", 1.0),
    ("cnn", "a CNN of 32 and 64 channels 3x3, batch 64", 1.5),
    ("deep", "784-512-512-10, batch 128", 1.1),
)
ALL = ("grad", "numpy", "torch", "autograd", "mygrad")
ROWS = [
    Row(
        "chain",
        "a chain of 300 operations on single numbers, forward and backward",
        {"time": "µs an operation"},
        ("grad", "torch", "autograd", "mygrad"),
    ),
    Row("toy", "training step of 2-8-2, batch 32, SGD", {"time": "µs"}, ALL),
    Row("mnist", "training step of 784-128-10, batch 64, Adam", {"time": "µs"}, ALL),
    Row(
        "lstm",
        "training step of LSTM(28, 64) over 28 steps and Linear(64, 10), batch 64, Adam",
        {"time": "µs"},
        ("grad", "torch"),
    ),
    Row(
        "transformer",
        "training step of a causal Transformer, two layers of width 64, length 64, batch 16, Adam",
        {"time": "µs", "peak": "MB at the peak"},
        ("grad", "torch"),
    ),
    Row(
        "ops",
        "single operations, forward and backward, float32",
        dict.fromkeys(CASES, "µs"),
        ("grad", "torch"),
        limits={name: case.limit for name, case in CASES.items()},
    ),
    Row("imports", "import, after NumPy", {"time": "ms"}, ("grad", "torch", "autograd", "mygrad"), 1e3),
    Row(
        "memory",
        "2,000 training steps of 784-128-10 without the garbage collector",
        {"megabytes": "MB gained", "blocks": "blocks gained", "garbage": "objects left to the collector"},
        ("grad", "torch", "autograd", "mygrad"),
    ),
    Row(
        "dead_units",
        "Adam over 101,770 numbers, half of them dead, at step 1,500 and at step 20",
        {"ratio": "times the early step", "early": "µs at step 20", "late": "µs at step 1,500"},
        ("grad", "numpy", "torch"),
    ),
    Row(
        "optimizers",
        "a step of an optimizer over 700,878 numbers, float32",
        {"adam": "µs, Adam", "momentum": "µs, SGD with momentum"},
        ("grad", "torch"),
    ),
    Row(
        "conv",
        "convolution with bias, forward and backward",
        {
            "lenet1": "µs, (64,1,28,28)*6@5x5, no input gradient",
            "lenet2": "µs, (64,6,14,14)*16@5x5",
            "wide64": "µs, (64,32,26,26)*64@3x3",
            "wide16": "µs, (16,64,28,28)*64@3x3",
        },
        ("grad", "torch"),
    ),
    Row(
        "pool",
        "pooling 2x2, forward and backward, (64,6,24,24) and (64,32,26,26)",
        {f"{kind} {size}{plain}": f"µs, {kind} {size}{plain}" for size in SIZES for kind in KINDS for plain in LAYOUTS},
        ("grad", "torch"),
    ),
    *[
        Row(theme, f"training step of {what}, Adam", {"step": "µs", "megabytes": "MB at the peak"}, ("grad", "torch"))
        for theme, what, *_ in MODELS
    ],
    Row(
        "loader",
        "an epoch of 60,000 images of 784 numbers in shuffled batches of 64",
        {"time": "ms"},
        ("grad", "numpy", "torch"),
        1e3,
    ),
    Row(
        "transforms",
        "random transforms of 64 images of 28x28, and an epoch of 60,000 of them, normalised by a transform",
        {
            "affine": "ms, turned, moved, scaled and sheared",
            "elastic": "ms, elastic distortion",
            "epoch": "ms, the epoch",
        },
        ("grad",),
    ),
]


def _time(peer: str) -> Callable[[Figures], float]:
    return lambda row: row[peer]["time"]


def _of_grad(name: str) -> Callable[[Figures], float]:
    return lambda row: row["grad"][name]


def _ratio(peer: str) -> Callable[[Figures], float]:
    return lambda row: row["grad"]["time"] / row[peer]["time"]


def _share(name: str) -> Callable[[Figures], float]:
    return lambda row: row["grad"][name] / row["torch"][name]


TARGETS = [
    Target("chain", "µs an operation", _time("grad"), 3.0),
    Target("toy", "of PyTorch's time", _ratio("torch"), 0.45, ("grad", "torch")),
    Target("mnist", "of PyTorch's time", _ratio("torch"), 1.0, ("grad", "torch")),
    Target("mnist", "of the time of NumPy by hand", _ratio("numpy"), 1.15, ("grad", "numpy")),
    Target("lstm", "of PyTorch's time", _ratio("torch"), 1.2, ("grad", "torch")),
    Target("transformer", "of PyTorch's time", _ratio("torch"), 1.2, ("grad", "torch")),
    Target(
        "transformer",
        "of PyTorch's peak of memory",
        lambda row: row["grad"]["peak"] / row["torch"]["peak"],
        1.0,
        ("grad", "torch"),
    ),
    Target("imports", "ms beyond NumPy", _time("grad"), 30.0),
    Target("memory", "MB gained in 2,000 steps", lambda row: row["grad"]["megabytes"], 1.0),
    Target("memory", "blocks gained in 2,000 steps", lambda row: row["grad"]["blocks"], 100.0),
    Target("memory", "objects left to the collector", lambda row: row["grad"]["garbage"], 0.0),
    Target("dead_units", "times the early step", lambda row: row["grad"]["ratio"], 1.15),
    Target("optimizers", "of PyTorch's time, Adam", _share("adam"), 2.5, ("grad", "torch")),
    Target("optimizers", "of PyTorch's time, SGD with momentum", _share("momentum"), 2.0, ("grad", "torch")),
    *[
        Target("conv", f"of PyTorch's time, {name}", _share(name), limit, ("grad", "torch"))
        for name, limit in (("lenet1", 1.3), ("lenet2", 1.3), ("wide64", 2.0), ("wide16", 2.0))
    ],
    *[
        Target("pool", f"of PyTorch's time, {name}", _share(name), 1.5, ("grad", "torch"))
        for name in [f"{kind} {size}{plain}" for size in SIZES for kind in KINDS for plain in LAYOUTS]
    ],
    *[Target(theme, "of PyTorch's time", _share("step"), limit, ("grad", "torch")) for theme, _, limit in MODELS],
    *[Target(theme, "of PyTorch's memory", _share("megabytes"), 1.0, ("grad", "torch")) for theme, *_ in MODELS],
    Target("loader", "ms an epoch", _time("grad"), 60.0),
    *[
        Target("transforms", f"ms, {name}", _of_grad(name), limit)
        for name, limit in (("affine", 10.0), ("elastic", 10.0), ("epoch", 60.0))
    ],
]
