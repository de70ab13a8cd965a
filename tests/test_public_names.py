from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import public_names
import pytest

ROOT = Path(__file__).parents[1]
EXPLAINED = [name for name in public_names.recorded() if not name.endswith(".__version__")]


def test_the_list_is_what_the_packages_make_public():
    real = set(public_names.public_names())
    listed = set(public_names.recorded())
    assert not (real ^ listed), (
        f"public but not listed: {sorted(real - listed)}; listed but gone: {sorted(listed - real)}. "
        "If that is meant, run: python tests/public_names.py --write"
    )
    assert public_names.recorded() == sorted(listed)


@pytest.mark.parametrize("module", public_names.public_modules())
def test_all_of_a_module_exists_and_is_named_once(module):
    imported = importlib.import_module(module)
    assert len(imported.__all__) == len(set(imported.__all__))
    assert [name for name in imported.__all__ if not hasattr(imported, name)] == []


@pytest.mark.parametrize("name", EXPLAINED)
def test_a_public_name_has_a_docstring_of_its_own_with_an_example(name):
    module, _, last = name.rpartition(".")
    thing = getattr(importlib.import_module(module), last)
    text = inspect.getdoc(thing) or ""
    assert len(text.split()) >= 3
    if not inspect.isclass(thing):
        assert text != inspect.getdoc(type(thing))
    if callable(thing) and not (inspect.isclass(thing) and issubclass(thing, Exception)):
        assert ">>> " in text


@pytest.mark.parametrize("package", public_names.PACKAGES)
def test_the_changelog_of_a_package_mentions_each_of_its_public_names(package):
    folder = ROOT / "packages" / public_names.PACKAGES[package]
    pages = [folder / "CHANGELOG.md", *folder.glob("changelog.d/*.*.md")]
    words = {word for page in pages for word in re.findall(r"\w+", page.read_text(encoding="utf-8"))}
    mine = [name for name in EXPLAINED if name.split(".")[0] == package]
    missing = [name for name in mine if name.rpartition(".")[2] not in words]
    assert not missing, f"neither in the CHANGELOG nor in a fragment of {package}: {', '.join(missing)}"


def test_the_reference_has_a_page_for_each_module_and_a_place_for_each_name():
    pages = "\n".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "reference").glob("*.md"))
    modules = re.findall(r"^# [\w.]+ \{ #([\w.]+) \}$", pages, re.MULTILINE)
    assert sorted(modules) == public_names.public_modules()
    explained = re.findall(r"^::: ([\w.]+)$", pages, re.MULTILINE)
    places = set(explained) - set(modules)
    names = {name for name in EXPLAINED if name not in modules}
    assert not names ^ places, f"no place for: {sorted(names - places)}; places of nothing: {sorted(places - names)}"


def test_the_first_page_of_the_reference_names_each_module():
    index = (ROOT / "docs" / "reference" / "index.md").read_text(encoding="utf-8")
    assert [module for module in public_names.public_modules() if f"[`{module}`]({module}.md)" not in index] == []


def test_a_name_that_no_page_explains_is_reported(tmp_path):
    page = tmp_path / "reference" / "core" / "index.html"
    page.parent.mkdir(parents=True)
    first, *others = EXPLAINED
    page.write_text("".join(f'<h2 id="{name}">' for name in others))
    assert public_names.missing_in_site(tmp_path) == [first]
