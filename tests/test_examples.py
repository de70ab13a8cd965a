"""Every program in examples/ is shown: it has a page, a place in gallery, navigation and README, and a short mode."""

from __future__ import annotations

import io
import re
import sys

import example_pictures
import example_runs
import pictures
import pytest
from PIL import Image

DOCS = example_pictures.ROOT / "docs"
PAGES = DOCS / "examples"
PROGRAMS = example_pictures.PROGRAMS
# These print their results, and draw nothing.
TEXT = {"char_lm", "own_op", "translation"}
# These take seconds and are not random in ways that differ between machines, so the kept picture is compared.
QUICKLY_DRAWN = ("descent", "fit", "gates")


def read(*path):
    return (example_pictures.ROOT.joinpath(*path)).read_text(encoding="utf-8")


def test_the_examples_that_were_asked_for_are_among_the_programs():
    asked = "descent gates fit newton pinn mnist_mlp mnist_cnn mnist_vit vae char_lm translation dqn"
    assert set(asked.split()) <= set(PROGRAMS)


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_program_has_a_page_and_a_place_in_gallery_navigation_and_readme(name):
    title = read("docs", "examples", f"{name}.md").splitlines()[0].removeprefix("# ")
    assert f"**[{title}]({name}.md)**" in read("docs", "examples", "index.md")
    assert f": examples/{name}.md\n" in read("mkdocs.yml")
    assert f"| [`{name}.py`]({name}.py) |" in read("examples", "README.md")
    assert f"[page](../docs/examples/{name}.md)" in read("examples", "README.md")


def test_each_page_belongs_to_a_program():
    assert sorted(page.stem for page in PAGES.glob("*.md")) == sorted([*PROGRAMS, "index"])


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_page_has_the_command_blocks_that_run_and_something_to_try(name):
    page = read("docs", "examples", f"{name}.md")
    session = "mnist" if name == "mnist_mlp" else f"example -- {name}"
    assert f"```console\n$ python3 noxfile.py -s {session}\n" in page
    assert page.count("```python\n") >= 2
    assert "\n## What comes of it\n" in page
    assert "\n## To try\n" in page


@pytest.mark.parametrize("name", sorted({*PROGRAMS} - TEXT))
def test_each_picture_is_small_and_shown_on_page_and_gallery(name):
    file = "mnist.png" if name == "mnist_mlp" else f"examples/{name}.png"
    assert re.search(rf"!\[[^\]]+\]\(\.\./assets/{file}\)", read("docs", "examples", f"{name}.md"))
    assert f"](../assets/{file})]({name}.md)" in read("docs", "examples", "index.md")
    if name != "mnist_mlp":
        assert (example_pictures.FOLDER / f"{name}.png").stat().st_size < 100_000


def test_each_kept_picture_belongs_to_a_program():
    kept = {path.stem for path in example_pictures.FOLDER.iterdir()}
    assert kept == {*PROGRAMS} - TEXT - {"mnist_mlp"}


@pytest.mark.parametrize("name", QUICKLY_DRAWN)
def test_the_picture_in_the_docs_is_what_the_program_leaves(name):
    kept = (example_pictures.FOLDER / f"{name}.png").read_bytes()
    drawn = example_pictures.left(name)
    with Image.open(io.BytesIO(drawn)) as image:
        assert image.size[0] <= 1300
    assert pictures.differs(drawn, kept) < 0.2, f"renew it by: python tests/example_pictures.py {name}"


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_program_has_a_short_mode_and_a_seed_and_explains_its_options(name, monkeypatch, capsys):
    with example_runs.imported(name) as program:
        monkeypatch.setattr(sys, "argv", [f"{name}.py", "--help"])
        with pytest.raises(SystemExit) as end:
            program.main()
    shown = capsys.readouterr().out
    assert end.value.code == 0
    assert re.search(r"\n +--quick +\w", shown)
    assert re.search(r"\n +--seed N +\w", shown)
    if name not in TEXT:
        assert re.search(r"\n +--out FOLDER\s+\w", shown)
    assert not re.search(r"\n +(-\S+)( [A-Z]+)*\n +-", shown), "an option is not explained"


def test_the_examples_session_runs_each_in_its_short_mode():
    session = read("noxfile.py").partition("def examples(")[2].partition("\n@nox")[0]
    assert 'ROOT.glob("examples/[!_]*.py")' in session
    assert '"--quick"' in session


def test_the_way_to_the_gallery_is_short():
    assert "](examples/index.md)" in read("docs", "index.md")
    assert "](docs/examples/index.md)" in read("README.md")
    assert "](../examples/index.md)" in read("docs", "tutorials", "index.md")
