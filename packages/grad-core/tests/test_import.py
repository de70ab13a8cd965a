"""What `import grad_core` loads, since everybody waits for it."""

import subprocess
import sys

PROGRAM = """
import sys, numpy
before = set(sys.modules)
import grad_core as gd
{more}
print(*sorted(set(sys.modules) - before))
"""


def loaded(more: str = "") -> set[str]:
    """The modules that a fresh process has after the import, and did not have with NumPy alone."""
    run = [sys.executable, "-c", PROGRAM.format(more=more)]
    return set(subprocess.run(run, capture_output=True, text=True, check=True).stdout.split())


def test_what_drawing_needs_waits_until_something_is_drawn() -> None:
    late = {"grad_core.graph._svg", "grad_core.graph._layout"}
    at_once = loaded()
    assert "grad_core.graph._picture" in at_once
    assert not at_once & (late | {"html", "tempfile", "pathlib", "unicodedata", "shutil", "urllib.parse"})
    assert late <= loaded("gd.graph.draw(gd.tensor(1.0, requires_grad=True) * 2)")


def test_no_optional_package_is_imported() -> None:
    assert not {name.partition(".")[0] for name in loaded()} & {
        "torch",
        "jax",
        "scipy",
        "matplotlib",
        "pandas",
        "numba",
    }
