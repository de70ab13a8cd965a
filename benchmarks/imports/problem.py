"""How long an import takes once NumPy is there, from bytecode, as it is from the second time on.

One import is one process, so each round asks for several. Where Python was told not to write bytecode, every import
would compile every module: that is switched off here.
"""

import importlib
import os
import subprocess
import sys
from typing import Any

__all__ = ["measure_with"]

PROGRAM = (
    "import time, numpy, importlib; start = time.perf_counter(); importlib.import_module({name!r}); "
    "print(time.perf_counter() - start)"
)


def measure_with(name: str, quick: bool) -> dict[str, Any]:
    """Seconds of ``import name`` after ``import numpy``, each in a process of its own."""
    importlib.import_module(name)  # says here if it is missing
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    times = []
    for _ in range(4 if quick else 10):
        program = PROGRAM.format(name=name)
        done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
        times.append(float(done.stdout))
    return {"times": times[1:]}  # the first one compiles
