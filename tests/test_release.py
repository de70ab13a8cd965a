"""Releasing, tried on a repository in small: what is refused, what a release changes, and that nothing is half done."""

from __future__ import annotations

import re
import zipfile

import pytest
import small_house
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from releasing import api, edits, history, packages, record, release, versions
from releasing.record import Release

CORE = "packages/grad-core/src/grad_core/__init__.py"
FRAGMENTS = "packages/grad-core/changelog.d"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    return small_house.made(tmp_path_factory.mktemp("release") / "house")


@pytest.fixture
def root(house, tmp_path):
    return small_house.copied(house, tmp_path / "house")


def state(root):
    """All that a refused release must leave as it was."""
    files = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if ".git" not in path.parts)
    there = [name for name in files if not name.startswith(".nox") and "__pycache__" not in name]
    asked = [("rev-parse", "HEAD"), ("status", "--porcelain"), ("diff",), ("worktree", "list"), ("branch", "--list")]
    return there, [history.git(root, *question) for question in asked]


def refusal(root, capsys, *arguments):
    """Why a release is refused, after a look that nothing has changed."""
    before = state(root)
    assert release.main([*arguments, "--root", str(root)]) == 1
    assert state(root) == before
    captured = capsys.readouterr()
    assert captured.out == ""
    start = "release: refused, and nothing has changed: "
    assert captured.err.startswith(start)
    return captured.err.removeprefix(start)


def add_fragment(root, name="more.added.md", text="`double` takes more.\n"):
    small_house.write(root, f"{FRAGMENTS}/{name}", text)
    small_house.commit(root, "a fragment")


def break_core(root):
    """Give a parameter of core another name."""
    text = (root / CORE).read_text(encoding="utf-8")
    small_house.write(root, CORE, text.replace("times", "repeat"))
    small_house.commit(root, "another name")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["grad-cor", "minor"], "there is no package 'grad-cor'; there are grad-core, grad-nn, grad-optim, grad-data"),
        (["grad-core", "huge"], "'huge' is no step; the steps are patch, minor, major, and first for a new package"),
        (["grad-core", "first"], "grad-core 0.1.0 is released already; name one of patch, minor, major"),
        (["grad-core", "patch"], "packages/grad-core/changelog.d holds no fragment: what would a user notice"),
    ],
)
def test_what_cannot_be_released_is_refused(root, capsys, arguments, text):
    assert text in refusal(root, capsys, *arguments)


def test_a_step_from_nothing_is_refused(root, capsys):
    text = (root / record.FILE).read_text(encoding="utf-8")
    others = [r for r in record.read(text) if r.package != "grad-data"]
    small_house.write(root, record.FILE, record.write(others))
    small_house.commit(root)
    assert "grad-data has no release yet; `first` releases 0.1.0" in refusal(root, capsys, "grad-data", "minor")


@pytest.mark.parametrize("path", ["packages/grad-nn/README.md", CORE])
def test_a_tree_that_is_not_clean_is_refused(root, capsys, path):
    add_fragment(root)
    with (root / path).open("a", encoding="utf-8") as file:
        file.write("\n")
    assert re.search(
        rf"the work tree is not clean; commit or put away:\n.*{path}", refusal(root, capsys, "grad-core", "patch")
    )


def test_too_small_a_step_is_refused_with_what_demands_a_larger_one(root, capsys):
    add_fragment(root)
    break_core(root)
    said = refusal(root, capsys, "grad-core", "patch")
    assert "since 0.1.0 a minor step is needed, because of\n  - grad_core.double: " in said


def test_a_fragment_that_says_removed_demands_the_step_of_a_break(root, capsys):
    add_fragment(root, "gone.removed.md", "Negative numbers.\n")
    assert "- changelog.d/gone.removed.md says so" in refusal(root, capsys, "grad-core", "patch")


def test_a_version_that_would_go_backwards_is_refused(root, capsys):
    add_fragment(root)
    small_house.replace(root, "packages/grad-core/pyproject.toml", '"0.1.0"', '"0.3.0.dev0"')
    small_house.commit(root)
    assert "a minor step to 0.2.0 would go backwards" in refusal(root, capsys, "grad-core", "minor")


def test_a_layer_whose_needs_are_not_released_is_refused(root, capsys):
    small_house.replace(root, "packages/grad-nn/pyproject.toml", "grad-core>=0.1,<0.2", "grad-core>=0.2.0.dev0,<0.3")
    small_house.write(root, "packages/grad-nn/changelog.d/more.added.md", "More.\n")
    small_house.commit(root)
    said = refusal(root, capsys, "grad-nn", "minor")
    assert re.search(r"grad-nn needs grad-core\S+, which is not released: release grad-core first", said)


def test_what_fails_in_the_middle_leaves_everything_as_it_was(root, capsys):
    add_fragment(root)
    small_house.replace(root, "packages/grad-core/pyproject.toml", '"src/grad_core"', '"src/elsewhere"')
    small_house.commit(root)
    assert "grad_core-0.1.1-py3-none-any.whl holds no grad_core" in refusal(root, capsys, "grad-core", "patch")
    small_house.replace(root, "packages/grad-core/pyproject.toml", "hatchling.build", "hatchling.built")
    small_house.commit(root)
    assert "no wheel can be built from" in refusal(root, capsys, "grad-core", "patch")
    small_house.replace(root, CORE, '__version__ = "0.1.0"', '__version__ = "0." + "1.0"')
    small_house.commit(root)
    assert "expected one line that looks like" in refusal(root, capsys, "grad-core", "patch")


def test_two_builds_that_differ_are_refused(root, capsys, monkeypatch):
    add_fragment(root)
    numbers = iter("ab")
    monkeypatch.setattr(history, "checksum", lambda _: next(numbers))
    said = refusal(root, capsys, "grad-core", "patch")
    assert said == "two builds of grad-core 0.1.1 from one commit differ\n"


def test_a_dry_run_shows_the_release_and_keeps_nothing(root, capsys):
    add_fragment(root)
    before = state(root)
    assert release.main(["grad-core", "minor", "--dry-run", "--root", str(root)]) == 0
    assert state(root) == before
    out = capsys.readouterr().out
    assert "grad-core is 0.2.0\ngrad-nn needs grad-core>=0.1,<0.3\n" in out
    assert re.search(r"## 0\.2\.0 \(\d{4}-\d\d-\d\d\)\n\n### Added\n\n- `double` takes more\.\n", out)
    assert out.endswith("a dry run: nothing of this was kept\n")


def test_a_release_writes_all_that_follows_from_it(root, capsys):
    add_fragment(root)
    break_core(root)
    add_fragment(root, "name.removed.md", "`times` is `repeat`.\n")
    begin = history.git(root, "rev-parse", "HEAD").strip()
    assert release.main(["grad-core", "minor", "--root", str(root)]) == 0
    out = capsys.readouterr().out
    assert history.git(root, "status", "--porcelain") == ""
    assert history.git(root, "rev-parse", "HEAD~2").strip() == begin

    made = record.last("grad-core", record.read((root / record.FILE).read_text(encoding="utf-8")))
    assert (made.version, made.tag) == (Version("0.2.0"), "grad-core-v0.2.0")
    assert made.commit == history.git(root, "rev-parse", "HEAD~1").strip()
    assert f"git tag -a grad-core-v0.2.0 -m 'grad-core 0.2.0' {made.commit}" in out

    settings = (root / "packages/grad-core/pyproject.toml").read_text(encoding="utf-8")
    assert packages.version_of(settings) == made.version
    assert '__version__ = "0.2.0"' in (root / CORE).read_text(encoding="utf-8")
    for upper in ("grad-nn", "grad-optim"):
        text = (root / packages.settings_file(upper)).read_text(encoding="utf-8")
        assert packages.ranges_of(text)["grad-core"] == SpecifierSet(">=0.1,<0.3")
        assert packages.version_of(text) == Version("0.1.0")

    changes = (root / "packages/grad-core/CHANGELOG.md").read_text(encoding="utf-8")
    lines = ["### Added", "", "- `double` takes more.", "", "### Removed", "", "- `times` is `repeat`."]
    wanted = "\n".join(["## 0.2.0 (DATE)", "", *lines, "", "## 0.1.0 (2026-01-02)", "", "- All."])
    assert wanted in changes.replace(made.date, "DATE")
    assert sorted(path.name for path in (root / FRAGMENTS).iterdir()) == ["README.md"]


def test_the_wheel_of_a_release_is_the_same_to_the_last_byte_wherever_it_is_built(root, tmp_path):
    add_fragment(root)
    assert release.main(["grad-core", "patch", "--root", str(root)]) == 0
    (wheel,) = (root / "dist").iterdir()
    assert wheel.name == "grad_core-0.1.1-py3-none-any.whl"
    history.git(tmp_path, "clone", "--quiet", str(root), "elsewhere")
    elsewhere = tmp_path / "elsewhere"
    made = record.last("grad-core", record.read((elsewhere / record.FILE).read_text(encoding="utf-8")))
    again = history.wheel_of(elsewhere, made, elsewhere / ".nox" / "releases")
    assert again.read_bytes() == wheel.read_bytes()
    stamps = {entry.date_time for entry in zipfile.ZipFile(wheel).infolist()}
    assert len(stamps) == 1


def test_a_first_release_dates_what_the_changelog_says_already(root):
    file = "packages/grad-data/CHANGELOG.md"
    small_house.replace(root, file, f"({small_house.DATE})", "(unreleased)")
    text = (root / record.FILE).read_text(encoding="utf-8")
    small_house.write(root, record.FILE, record.write(r for r in record.read(text) if r.package != "grad-data"))
    small_house.commit(root)
    assert release.main(["grad-data", "first", "--root", str(root)]) == 0
    assert re.search(r"^## 0\.1\.0 \(\d{4}-\d\d-\d\d\)$", (root / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_opening_a_version_lets_the_layers_above_admit_it_and_commits_nothing(root, capsys):
    before = history.git(root, "rev-parse", "HEAD")
    assert release.main(["grad-core", "minor", "--open", "--root", str(root)]) == 0
    assert history.git(root, "rev-parse", "HEAD") == before
    assert "grad-core is 0.2.0.dev0\ngrad-nn needs grad-core>=0.1,<0.3\n" in capsys.readouterr().out
    text = (root / "packages/grad-core/pyproject.toml").read_text(encoding="utf-8")
    assert packages.version_of(text) == Version("0.2.0.dev0")


# --- the public API ---


def asked(root, capsys):
    """The status of the comparison, and what it says about grad-core."""
    status = api.main(["--root", str(root)])
    return status, capsys.readouterr().out.partition("grad-nn")[0]


def test_an_unchanged_api_is_fine(root, capsys):
    status, said = asked(root, capsys)
    assert status == 0
    fine = "  fine: the checkout says 0.1.0, and the next release must be a patch step at least\n"
    assert said == f"grad-core since 0.1.0: 0 break, 0 new\n{fine}"


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("times=1", "times", "required"),
        ("x, *, times=1", "x, times, *, y=1", "required"),
        ("x, *, times=1", "x", "removed"),
        ("def double(x, *, times=1):", "class double:\n  def f(x, times=1):", "kind"),
        ("times=1", "times=2", "keyword-only times=1 -> keyword-only times=2"),
    ],
)
def test_a_signature_that_breaks_calls_demands_a_version(root, capsys, old, new, word):
    small_house.replace(root, CORE, old, new)
    status, said = asked(root, capsys)
    assert status == 1
    assert re.search(rf"- grad_core\.double: .*{word}", said)
    assert "FAILED: this breaks code that works with 0.1.0, and the checkout still says 0.1.0" in said
    assert "python3 noxfile.py -s release -- grad-core minor --open" in said


def test_after_the_version_is_opened_a_break_is_fine(root, capsys):
    break_core(root)
    release.main(["grad-core", "minor", "--open", "--root", str(root)])
    capsys.readouterr()
    status, said = asked(root, capsys)
    assert status == 0
    assert "fine: the checkout says 0.2.0.dev0, and the next release must be a minor step at least" in said


def test_a_public_name_that_is_gone_or_new_is_seen(root, capsys):
    small_house.replace(root, "tests/public_names.txt", "grad_core.double\n", "grad_core.twice\n")
    text = (root / CORE).read_text(encoding="utf-8")
    small_house.write(root, CORE, text.replace("double", "twice"))
    status, said = asked(root, capsys)
    assert status == 1
    assert "  - grad_core.double: removed\n  + grad_core.twice\n" in said


def test_a_checkout_below_the_last_release_is_refused(root, capsys):
    small_house.replace(root, "packages/grad-core/pyproject.toml", '"0.1.0"', '"0.0.9"')
    status, said = asked(root, capsys)
    assert status == 1
    assert "FAILED: the checkout says 0.0.9, which is below the last release" in said


def test_a_package_without_a_release_has_nothing_to_compare_with(root, capsys):
    small_house.write(root, record.FILE, record.HEAD)
    assert asked(root, capsys) == (0, "grad-core has no release to compare with\n")


# --- the rules of versions ---


@pytest.mark.parametrize(
    ("last", "step", "next_one"),
    [
        ("0.3.1", "patch", "0.3.2"),
        ("0.3.1", "minor", "0.4.0"),
        ("0.3.1", "major", "1.0.0"),
        ("1.4.2", "major", "2.0.0"),
    ],
)
def test_a_step_counts_one_place_and_clears_those_behind(last, step, next_one):
    assert versions.following(Version(last), step) == Version(next_one)
    assert versions.step_of(Version(last), Version(next_one)) == step


@pytest.mark.parametrize(
    ("last", "breaks", "adds", "step"),
    [
        ("0.3.1", True, True, "minor"),
        ("0.3.1", False, True, "patch"),
        ("1.3.1", True, False, "major"),
        ("1.3.1", False, True, "minor"),
        ("1.3.1", False, False, "patch"),
    ],
)
def test_changes_demand_a_step(last, breaks, adds, step):
    assert versions.demanded(Version(last), breaks=breaks, adds=adds) == step


@pytest.mark.parametrize(
    ("old", "new", "wider"),
    [
        (">=0.1,<0.2", "0.1.7", ">=0.1,<0.2"),
        (">=0.1,<0.2", "0.2.0", ">=0.1,<0.3"),
        (">=0.1,<0.2", "0.2.0.dev0", ">=0.1,<0.3"),
        (">=0.2.0.dev0,<0.3", "0.2.0", ">=0.2,<0.3"),
        (">=0.2.1,<0.3", "1.0.0", ">=0.2.1,<2"),
    ],
)
def test_a_range_is_widened_to_admit_a_version(old, new, wider):
    assert versions.widened(SpecifierSet(old), Version(new)) == wider


def test_a_file_without_the_line_that_is_to_change_is_refused(tmp_path):
    (tmp_path / "x").write_text("a\na\n")
    with pytest.raises(edits.EditError, match=r"expected one line that looks like \^a\$, found 2"):
        edits.edit(tmp_path / "x", "^a$", "b")


def test_the_record_is_read_as_it_was_written():
    releases = [
        Release("grad-nn", Version("0.10.0"), "a" * 40, "2026-01-02"),
        Release("grad-nn", Version("0.9.0"), "b" * 40, "2026-01-01"),
    ]
    assert record.read(record.write(releases)) == releases
    assert record.last("grad-nn", releases) == releases[0]
    assert record.last("grad-core", releases) is None


# --- the real record ---


def test_every_release_has_its_place_in_a_changelog_and_the_checkout_is_not_below():
    """That the history holds them is for the sessions `api` and `compat` to say."""
    releases = record.read((small_house.ROOT / record.FILE).read_text(encoding="utf-8"))
    assert {r.package for r in releases} == set(packages.LAYERS)
    for made in releases:
        changes = (small_house.ROOT / packages.folder(made.package) / "CHANGELOG.md").read_text(encoding="utf-8")
        assert f"\n## {made.version} ({made.date})\n" in changes
    for package in packages.LAYERS:
        here = packages.version_of((small_house.ROOT / packages.settings_file(package)).read_text(encoding="utf-8"))
        assert here >= record.last(package, releases).version
