"""What the programs share: options that are checked, a progress bar, and an orderly stop."""

from __future__ import annotations

import argparse
import contextlib
import io
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm


def number(kind: type, wanted: str, holds: Callable[[Any], bool]) -> Callable[[str], Any]:
    """A reader of numbers for argparse, which says what is wanted where it is given something else."""

    def read(text: str) -> Any:
        with contextlib.suppress(ValueError):
            if holds(kind(text)):
                return kind(text)
        raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")

    return read


COUNT = number(int, "a whole number of at least 1", lambda n: n >= 1)
NATURAL = number(int, "a whole number of at least 0", lambda n: n >= 0)
RATE = number(float, "a number above 0", lambda x: 0 < x < math.inf)
SHARE = number(float, "a share of at least 0 and below 1", lambda x: 0 <= x < 1)


def options(description: str, *, seed: str, quick: str, out: str = "") -> argparse.ArgumentParser:
    """A parser with the options of every program: --seed, --quick, and --out where there are files to write.

    Args:
        description: of the program, a sentence.
        seed: what is drawn with it.
        quick: what the short run does.
        out: the folder within `runs` for the results; none where empty.
    """
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.add_argument("--seed", type=NATURAL, default=0, metavar="N", help=f"of {seed} (0)")
    parser.add_argument("--quick", action="store_true", help=quick)
    if out:
        folder = Path("runs", out)
        parser.add_argument("--out", type=Path, default=folder, metavar="FOLDER", help=f"for the results ({folder})")
    return parser


def parsed(parser: argparse.ArgumentParser, **usual: tuple[Any, Any]) -> argparse.Namespace:
    """What stands on the command line; `usual` gives the value without and with --quick of options left out.

    The folder for the results exists afterwards.
    """
    args = parser.parse_args()
    for name, values in usual.items():
        if getattr(args, name) is None:
            setattr(args, name, values[args.quick])
    if hasattr(args, "out"):
        try:
            args.out.mkdir(parents=True, exist_ok=True)  # now: later it would cost the training
        except OSError as error:
            parser.error(f"argument --out: {str(args.out)!r} cannot be made a folder: {error.strerror}")
    return args


@contextlib.contextmanager
def progress(title: str, total: int, unit: str = " images") -> Iterator[tqdm]:
    """A bar that moves on a terminal; elsewhere, in a log, one line when all is done."""
    moving = sys.stdout.isatty()
    where = {"file": sys.stdout} if moving else {"file": io.StringIO(), "ascii": " ="}
    with tqdm(desc=title, total=total, unit=unit, unit_scale=True, **where) as bar:
        yield bar
        if not moving:
            print(bar, flush=True)


def finite(value: float, advice: str) -> float:
    """The value of a loss; where it is none any more, the program ends with the advice."""
    if not math.isfinite(value):
        sys.exit(f"{Path(sys.argv[0]).name}: the loss has become {value}; {advice}")
    return value


def start(main: Callable[[], None]) -> None:
    """Run a program; Ctrl-C ends it with one line in place of a traceback."""
    try:
        main()
    except KeyboardInterrupt:
        print(f"\n{Path(sys.argv[0]).name}: stopped; nothing is left half-written", file=sys.stderr)
        sys.exit(130)
