"""The pictures in the gallery of examples, as programs leave them: `python tests/example_pictures.py NAME ...`.

Each program that is named runs in full. Digits are wanted from the real MNIST, so set GRAD_DATA_HOME to where it is.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = sorted(path.stem for path in ROOT.glob("examples/[!_]*.py"))
FOLDER = ROOT / "docs" / "assets" / "examples"


def left(name: str) -> bytes | None:
    """The picture that a program leaves, run in full in an empty folder; None if it draws none."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, ROOT / "examples" / f"{name}.py"], cwd=folder, check=True, stdout=sys.stderr)
        found = list(Path(folder).glob("runs/*/*.png"))
        return found[0].read_bytes() if found else None


def main() -> int:
    """Write the pictures of the programs that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", choices=PROGRAMS, metavar="NAME", help=", ".join(PROGRAMS))
    for name in parser.parse_args().names:
        picture = left(name)
        if picture is None:
            sys.stderr.write(f"{name}.py draws no picture\n")
        else:
            part = FOLDER / f".{name}.png.part"
            part.write_bytes(picture)
            os.replace(part, FOLDER / f"{name}.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
