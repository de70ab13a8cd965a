"""The tables of the guides against the code they speak of."""

from __future__ import annotations

import re
from pathlib import Path

import grad_core as gd
import numpy as np
import pytest
from grad_core._protocols import FUNCTIONS, REDUCTIONS, UFUNCS
from grad_core.errors import UnsupportedError

PAGE = Path(__file__).parents[1] / "docs" / "guides" / "numpy.md"


def table(name):
    """The code words in the rows of the table that follows the comment of this name."""
    rows = PAGE.read_text(encoding="utf-8").partition(f"<!-- {name} -->\n\n")[2].partition("\n\n")[0].splitlines()[2:]
    return [row.strip("| ").split(" | ") for row in rows]


def words(cells):
    return [word for cell in cells for word in re.findall(r"`([\w.]+)`", cell)]


def spelled(function):
    """As after `np.`; a ufunc has no module."""
    module = getattr(function, "__module__", None) or "numpy"
    return f"{module}.{function.__name__}".removeprefix("numpy.")


@pytest.mark.parametrize(("name", "used"), [("ufuncs", UFUNCS), ("reductions", REDUCTIONS), ("functions", FUNCTIONS)])
def test_the_page_on_numpy_lists_what_dispatches(name, used):
    listed = words(row[1] for row in table(name))
    assert len(listed) == len(set(listed))
    wanted = {spelled(function) for function in used}
    assert set(listed) == wanted, f"in {PAGE.name} only: {set(listed) - wanted}; missing: {wanted - set(listed)}"


MISSING = words(row[0] for row in table("missing"))
ARGUMENTS = {
    "convolve": (np.ones(2),),
    "copyto": (np.ones((2, 2)),),
    "correlate": (np.ones(2),),
    "fill_diagonal": (0.0,),
    "interp": ([0.0, 1.0], [0.0, 1.0]),
    "percentile": (50,),
    "put": ([0], [1.0]),
    "quantile": (0.5,),
}


@pytest.mark.parametrize("name", MISSING)
def test_what_the_page_calls_missing_raises_and_names_itself(name):
    function = np
    for part in name.split("."):
        function = getattr(function, part)
    with pytest.raises(UnsupportedError, match=rf"numpy\.{name}\b"):
        function(gd.ones((2, 2)), *ARGUMENTS.get(name, ()))


def test_what_the_page_writes_instead_exists():
    instead = [word for row in table("missing") for word in re.findall(r"np\.([\w.]+)", row[1])]
    assert len(instead) > 4
    dispatched = {spelled(function) for function in (*UFUNCS, *FUNCTIONS)} | {"abs"}
    assert set(instead) <= dispatched
