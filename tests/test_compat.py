"""The matrix of versions, tried on a repository in small: what breaks a layer above is seen, and nothing else is."""

from __future__ import annotations

import re

import pytest
import small_house
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from releasing import compat, history, matrix, versions

CORE = "packages/grad-core/src/grad_core/__init__.py"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """The repository, with the wheels of 0.1.0 in its cache."""
    root = small_house.made(tmp_path_factory.mktemp("compat") / "house")
    built = compat.House(root, root / ".nox" / "releases", root / ".nox" / "fresh")
    for release in built.releases:
        built.unpacked(release.package, release.version)
    return root


@pytest.fixture
def root(house, tmp_path):
    return small_house.copied(house, tmp_path / "house")


def table(out):
    """The printed table as a mapping from row to cells; its head is the row without a name."""
    lines = [re.split(r" {2,}", line) for line in out.splitlines()]
    start = next(i for i, line in enumerate(lines) if line[0] == "" and line[-1].startswith("b: grad-core here"))
    end = next(i for i in range(start, len(lines)) if lines[i] == [""])
    return {"": lines[start][1:], **{line[1]: line[2:] for line in lines[start + 1 : end]}}


def test_what_has_not_changed_is_green_and_run_once(root, capsys):
    assert compat.main(["--root", str(root)]) == 0
    out = capsys.readouterr().out
    cells = table(out)
    assert cells[""] == ["a: grad-core 0.1.0", "b: grad-core here (0.1.0)"]
    assert cells["grad-nn 0.1.0"] == ["not run", "passed"]
    assert cells["grad-nn here"] == ["as 1b"] * 2
    assert cells["grad-optim 0.1.0"] == ["not run", "passed"]
    assert len(cells) == 1 + 2 + 2 + 5
    assert len(re.findall(r": passed; 1 passed in", out)) == 3
    assert {path.name for path in (root / ".nox" / "releases").iterdir()} == {"trees", "wheels"}


def test_a_change_in_core_that_breaks_a_layer_above_is_red_there_and_green_elsewhere(root, capsys):
    """The planted example: `times` has another name, which grad-optim calls it by and grad-nn does not use."""
    text = (root / CORE).read_text(encoding="utf-8")
    small_house.write(root, CORE, text.replace("times", "repeat"))
    assert compat.main(["--root", str(root)]) == 1
    out = capsys.readouterr().out
    cells = table(out)
    assert cells["grad-nn 0.1.0"] == ["not run", "passed"]
    assert cells["grad-nn here"][0] == "passed"
    assert cells["grad-optim 0.1.0"] == ["not run", "FAILED"]
    assert cells["grad-optim here"] == ["passed", "FAILED"]
    assert cells["nn here, optim here, data here"] == ["passed", "FAILED"]
    assert "--- 3b: grad-optim 0.1.0 on grad-core here ---" in out
    assert "unexpected keyword argument 'times'" in out


def test_where_the_range_no_longer_promises_it_a_break_is_not_red(root, capsys):
    text = (root / CORE).read_text(encoding="utf-8")
    small_house.write(root, CORE, text.replace("times", "repeat"))
    small_house.replace(root, "packages/grad-core/pyproject.toml", '"0.1.0"', '"0.2.0.dev0"')
    small_house.replace(root, "packages/grad-nn/pyproject.toml", "grad-core>=0.1,<0.2", "grad-core>=0.1,<0.3")
    optim = "packages/grad-optim/pyproject.toml"
    small_house.replace(root, optim, "grad-core>=0.1,<0.2", "grad-core>=0.2.0.dev0,<0.3")
    small_house.replace(root, "packages/grad-optim/src/grad_optim/__init__.py", "times=2", "repeat=2")
    assert compat.main(["--root", str(root)]) == 0
    cells = table(capsys.readouterr().out)
    assert cells[""][1] == "b: grad-core here (0.2.0.dev0)"
    assert cells["grad-nn 0.1.0"] == ["not run", "outside the range"]
    assert cells["grad-nn here"] == ["passed", "passed"]
    assert cells["grad-optim 0.1.0"] == ["not run", "outside the range"]
    assert cells["grad-optim here"] == ["outside the range", "passed"]


def test_what_a_layer_newly_needs_is_red_on_the_release_that_its_range_still_admits(root, capsys):
    text = (root / CORE).read_text(encoding="utf-8")
    small_house.write(root, CORE, f"{text}\n\ndef triple(x):\n    return 3 * x\n")
    nn = "packages/grad-nn/src/grad_nn/__init__.py"
    text = (root / nn).read_text(encoding="utf-8")
    small_house.write(root, nn, f"from grad_core import triple\n{text}\n\nthree = triple(1)\n")
    assert compat.main(["--root", str(root), "--package", "grad-nn"]) == 1
    out = capsys.readouterr().out
    assert table(out)["grad-nn here"] == ["FAILED", "passed"]
    assert "grad-optim 0.1.0" not in table(out)
    assert "cannot import name 'triple'" in out


def test_the_oldest_wheel_below_is_the_released_one(root, capsys):
    assert compat.main(["--root", str(root), "--oldest", "grad-nn"]) == 0
    assert re.search(r"grad-core-v0\.1\.0-\w+/grad_core-0\.1\.0-\S+\.whl\n$", capsys.readouterr().out)


def test_without_the_history_it_says_what_is_missing(root, tmp_path, capsys):
    history.git(tmp_path, "clone", "--quiet", "--depth=1", root.as_uri(), "shallow")
    assert compat.main(["--root", str(tmp_path / "shallow")]) == 2
    assert "this shallow clone does not reach back to it; get the whole history with `git fetch --unshallow`" in (
        capsys.readouterr().err
    )


def test_outside_of_a_repository_it_says_so(root, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    small_house.shutil.rmtree(root / ".git")
    assert compat.main(["--root", str(root)]) == 2
    assert "is no Git repository, and released versions are built from its history" in capsys.readouterr().err


def test_a_release_that_left_the_history_is_named(root, capsys):
    """The commit is still there, but a reset has put it aside."""
    small_house.write(root, "packages/grad-data/note", "")
    aside = small_house.commit(root)
    history.git(root, "reset", "--quiet", "--hard", "HEAD~1")
    text = (root / "releases.toml").read_text(encoding="utf-8")
    first = re.search(r'commit = "(\w+)"', text)[1]
    small_house.write(root, "releases.toml", text.replace(first, aside, 1))
    assert compat.main(["--root", str(root)]) == 2
    assert re.search(r"grad-core 0\.1\.0 was made from commit \w{12}, which does not belong", capsys.readouterr().err)


def test_a_folder_may_be_named_from_where_one_is(root, monkeypatch, capsys):
    """The tests of a release run in its own folder, where a path from here would lead nowhere and to other packages."""
    monkeypatch.chdir(root.parent)
    assert compat.main(["--root", root.name, "--package", "grad-nn"]) == 0
    assert table(capsys.readouterr().out)["grad-nn here"] == ["passed", "as 1a"]


@pytest.mark.parametrize(("column", "name"), [(0, "a"), (25, "z"), (26, "aa"), (53, "bb"), (701, "zz"), (702, "aaa")])
def test_columns_have_letters(column, name):
    assert matrix.letter(column) == name


def test_ends_are_the_oldest_and_the_newest_of_what_must_not_break_each_other():
    found = versions.ends(map(Version, ["0.2.0", "0.1.2", "0.1.0", "0.1.1", "1.0.0", "1.4.0", "1.2.0"]))
    assert list(map(str, found)) == ["0.1.0", "0.1.2", "0.2.0", "1.0.0", "1.4.0"]


def test_the_checkout_meets_both_ends_of_its_range_and_a_release_the_checkout_only():
    here = matrix.Row((("grad-nn", None),), SpecifierSet(">=0.2,<0.4"))
    old = matrix.Row((("grad-nn", Version("0.1.0")),), SpecifierSet(">=0.1,<0.2"))
    released = [Version(v) for v in ("0.1.0", "0.2.0", "0.2.1", "0.3.0")]
    cells = matrix.plan([here, old], released, Version("0.3.0"))
    states = [[cells[row, column] for column in [*released, None]] for row in (here, old)]
    assert states[0] == ["outside the range", "to run", "not run", "to run", "to run"]
    assert states[1] == ["not run", *["outside the range"] * 4]
