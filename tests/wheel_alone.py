"""Look at one installed package from inside its environment: `python tests/wheel_alone.py grad-nn grad-core`.

The first argument is the package, the others are the layers below it. Only they and NumPy may be there.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.resources
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import fences
import layer_weights

ROOT = Path(__file__).resolve().parents[1]
TIMER = "import time, numpy; start = time.perf_counter(); import {}; print((time.perf_counter() - start) * 1000)"


def require(fact: bool, complaint: str) -> None:
    """Stop with a message unless the fact holds."""
    if not fact:
        raise SystemExit(f"wheel_alone: {complaint}")


def import_ms(module: str) -> float:
    """Return the milliseconds that importing adds to NumPy's, from bytecode: the least of seven fresh processes."""
    command = [sys.executable, "-c", TIMER.format(module)]
    with tempfile.TemporaryDirectory() as cache:
        settings = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        settings["PYTHONPYCACHEPREFIX"] = cache
        runs = [subprocess.run(command, check=True, capture_output=True, env=settings) for _ in range(7)]
    return min(float(run.stdout) for run in runs)


def main(package: str, *lower: str) -> None:
    """Check one package and say what was seen."""
    name = package.replace("-", "_")
    module = importlib.import_module(name)
    home = Path(module.__file__ or "")
    require(ROOT / "packages" not in home.parents, f"{name} was imported from the checkout, {home}, not from its wheel")
    require(module.__version__ == importlib.metadata.version(package), f"{name}.__version__ is not the wheel's version")
    require((importlib.resources.files(name) / "py.typed").is_file(), f"{package} has no py.typed")

    requirements = [text for text in importlib.metadata.requires(package) or [] if "extra ==" not in text]
    needed = {re.split(r"[^\w.-]", text)[0] for text in requirements}
    require(needed == {"numpy", *lower}, f"{package} requires {needed}, but should require numpy and {lower}")
    present = {found.name for found in importlib.metadata.distributions()} - {"pip", "setuptools", "wheel"}
    require(present == {"numpy", package, *lower}, f"the environment should be empty otherwise, but holds {present}")

    stated = layer_weights.stated(layer_weights.PAGE.read_text(encoding="utf-8"))
    weight = layer_weights.measured(package)
    wrong = layer_weights.complaints(package, stated[package], weight)
    require(not wrong, "; ".join(wrong))

    page = ROOT / "packages" / package / "README.md"
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        examples = fences.run(page)
        os.chdir(ROOT)
    require(examples > 0, f"the README of {package} shows no example")

    took = import_ms(name)
    print(
        f"{package} {module.__version__} alone: {examples} README examples ran; wheel {weight.wheel:.0f} kB, "
        f"installed {weight.installed:.0f} kB; import adds {took:.1f} ms to numpy's"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
