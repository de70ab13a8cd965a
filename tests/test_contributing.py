"""CONTRIBUTING.md, followed: its first op is put into a copy of the repository, and what the page says then happens."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CHANGES = re.findall(r"^```diff\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [
    line.removeprefix("$ ").partition(" #")[0].strip()
    for block in re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]


def pieces():
    """Each place that the page changes: the file, and the lines there with their signs."""
    for change in CHANGES:
        for part in re.split(r"^\+\+\+ ", change, flags=re.MULTILINE)[1:]:
            path, _, lines = part.partition("\n")
            for piece in lines.split("@@\n"):
                yield path, piece.splitlines()


def change(text, lines):
    """The text with the piece applied; where the context stands not just once, the page is out of date."""
    before = [line[1:] for line in lines if not line.startswith("+")]
    after = [line[1:] for line in lines if not line.startswith("-")]
    old = text.splitlines()
    places = [i for i in range(len(old) - len(before) + 1) if old[i : i + len(before)] == before] if before else [0]
    assert len(places) == 1, f"these lines stand in {len(places)} places: {before}"
    return "\n".join([*old[: places[0]], *after, *old[places[0] + len(before) :]]) + "\n"


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """A copy of what the page touches, with its changes."""
    copy = tmp_path_factory.mktemp("clone")
    bare = shutil.ignore_patterns("__pycache__")
    for name in ("packages/grad-core", "docs/reference", "docs/guides", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=bare)
    shutil.copy(ROOT / "pyproject.toml", copy)
    for path, lines in pieces():
        file = copy / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(change(file.read_text(encoding="utf-8") if file.exists() else "", lines), encoding="utf-8")
    guide = copy / "docs" / "guides" / "numpy.md"
    guide.write_text(guide.read_text(encoding="utf-8").replace("`sqrt`", "`sqrt` `cbrt`", 1), encoding="utf-8")
    return copy


def python(copy, *arguments):
    source = {"PYTHONPATH": str(copy / "packages" / "grad-core" / "src")}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=copy, env={**os.environ, **source}, capture_output=True, encoding="utf-8")


def pytest_in(copy, *arguments):
    return python(copy, "-m", "pytest", "-c", "pyproject.toml", "-q", "-p", "no:cacheprovider", *arguments)


def test_the_op_is_there_with_its_derivative_and_numpys_name(changed):
    program = (
        "import grad_core as gd, numpy as np\n"
        "x = gd.tensor([8.0, -27.0], requires_grad=True)\n"
        "y = np.cbrt(x)\n"
        "y.sum().backward()\n"
        "print(gd.__file__)\n"
        "assert np.allclose(y.detach().numpy(), [2, -3]) and np.allclose(x.grad.numpy(), [1 / 12, 1 / 27])\n"
    )
    end = python(changed, "-c", program)
    assert end.returncode == 0, end.stderr
    assert end.stdout.startswith(str(changed))


def test_all_checks_of_the_new_samples_pass_but_the_one_that_the_page_names(changed):
    end = pytest_in(changed, "packages/grad-core/tests", "-k", "cbrt")
    failed = re.findall(r"^FAILED (\S+)::", end.stdout, re.MULTILINE)
    assert set(failed) == {"packages/grad-core/tests/test_golden.py"}, end.stdout
    assert int(re.search(r"(\d+) passed", end.stdout)[1]) >= 40


def test_public_names_and_guides_agree(changed):
    listed = changed / "tests" / "public_names.txt"
    names = {*listed.read_text(encoding="utf-8").split(), "grad_core.cbrt"}
    listed.write_text("\n".join(sorted(names)) + "\n", encoding="utf-8")
    tests = ["tests/test_guides.py", "tests/test_doctests.py"]
    end = python(
        changed, "-m", "pytest", "-c", "pyproject.toml", "-q", "-p", "no:cacheprovider", *tests, "-k", "cbrt or page"
    )
    assert end.returncode == 0, end.stdout
    assert "::: grad_core.cbrt\n" in (changed / "docs" / "reference" / "grad_core.md").read_text(encoding="utf-8")


def test_a_piece_that_does_not_fit_is_an_error():
    assert change("a\nb\n", [" a", "+x", " b"]) == "a\nx\nb\n"
    assert change("a\nb\n", ["-a"]) == "b\n"
    for text in ("b\n", "a\na\n"):
        with pytest.raises(AssertionError, match="stand in"):
            change(text, [" a", "+x"])


def test_the_function_of_the_page_is_not_there_yet():
    """When it comes, the page must add another one."""
    names = (ROOT / "tests" / "public_names.txt").read_text(encoding="utf-8").split()
    assert "grad_core.cbrt" not in names


def test_the_files_that_commands_name_exist():
    named = {word for command in COMMANDS for word in command.split() if re.fullmatch(r"[\w./-]+/[\w./-]*", word)}
    ours = {word for word in named if not word.startswith((".nox/", ".venv/"))}
    assert len(ours) > 5
    assert [word for word in sorted(ours) if not (ROOT / word).exists()] == []
