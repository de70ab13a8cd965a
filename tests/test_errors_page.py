"""The page of errors: a section for every error class that users can meet, and every error leads to its own."""

from __future__ import annotations

import builtins
import importlib
import re
import traceback
from pathlib import Path

import pytest
from public_names import public_names

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "guides" / "errors.md"
TEXT = PAGE.read_text(encoding="utf-8")
# heading -> the text under it, up to the next heading of the same or a higher level
SECTIONS = {match[1]: match[2] for match in re.finditer(r"^### (\w+)\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL)}
PARTS = ("Cause", "Example", "Repair")


def public_errors():
    """The exception classes among the public names of the four packages, each once."""
    found = {}
    for name in public_names():
        module, _, attribute = name.rpartition(".")
        value = getattr(importlib.import_module(module), attribute)
        if isinstance(value, type) and issubclass(value, BaseException):
            found[value] = None
    return sorted(found, key=lambda cls: cls.__name__)


ERRORS = public_errors()
each_error = pytest.mark.parametrize("error", ERRORS, ids=lambda cls: cls.__name__)


def raised(error):
    """An error as it comes out of a raise."""
    try:
        raise error("what went wrong")
    except error as caught:
        return caught


def test_the_page_has_a_section_for_each_and_no_other():
    assert len(ERRORS) >= 16
    assert sorted(SECTIONS) == [error.__name__ for error in ERRORS]
    assert len(re.findall("^### ", TEXT, re.MULTILINE)) == len(SECTIONS)


@each_error
def test_a_section_has_cause_example_and_repair(error):
    section = SECTIONS[error.__name__]
    places = [section.index(f"**{part}.**") for part in PARTS]
    assert places == sorted(places)
    example = section[places[1] : places[2]]
    assert "```pycon" in example
    is_base = any(issubclass(other, error) and other is not error for other in ERRORS) and "never raised" in section
    assert is_base or re.search(rf"^grad_\w+(\.\w+)?\.{error.__name__}: \S+", example, re.MULTILINE)
    for cause, repair in [(section[places[0] : places[1]], section[places[2] :])]:
        assert len(cause.split()) > 10
        assert len(repair.split()) > 5


@each_error
def test_a_section_names_the_built_in_error_that_it_also_is(error):
    cause = SECTIONS[error.__name__].partition("**Example.**")[0]
    builtin = next(cls.__name__ for cls in error.__mro__ if hasattr(builtins, cls.__name__))
    assert builtin == "Exception" or issubclass(error.__base__, getattr(builtins, builtin)) or f"`{builtin}`" in cause


@each_error
def test_an_error_leads_to_its_section(error):
    caught = raised(error)
    assert str(caught) == "what went wrong"
    (note,) = caught.__notes__
    page, _, anchor = note.rpartition(": ")[2].partition("#")
    assert ROOT / page == PAGE
    assert anchor == error.__name__.lower()
    assert note in "".join(traceback.format_exception(caught))


@each_error
def test_a_class_of_the_users_own_leads_to_the_section_of_its_base(error):
    own = type("OwnError", (error,), {"__module__": "somewhere.else"})
    assert raised(own).__notes__ == raised(error).__notes__
