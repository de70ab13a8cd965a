"""Freed memory stays with the process, unless it shall not."""

import os
import subprocess
import sys

import pytest

FAULTS = """
import resource
import numpy as np
import grad_core
from grad_core._memory import keep_freed_memory
told = keep_freed_memory()
for i in range(60):
    if i == 20:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    many = [np.ones(500_000) for _ in range(3)]
    del many
print(told, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.parametrize("keep", ["1", "0"])
def test_arrays_find_their_pages_again(keep: str) -> None:
    environment = {**os.environ, "GRAD_KEEP_MEMORY": keep}
    done = subprocess.run(
        [sys.executable, "-c", FAULTS], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    told, faults = done.stdout.split()
    assert told in ("True", "False")
    assert told == "False" or keep == "1"
    pages = 40 * 3 * 4_000_000 // 4096
    if told == "True":
        assert int(faults) < pages / 20
