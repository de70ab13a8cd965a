from __future__ import annotations

import re
import traceback
from pathlib import Path

import fences
import pytest

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(ROOT.glob("packages/*/README.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
]
# The blocks of these pages need libraries that only the oracle session installs, and run there.
ELSEWHERE = {
    ROOT / "docs" / "guides" / "interchange.md": "packages/grad-core/oracle/test_interchange_page.py",
    ROOT / "docs" / "coming-from" / "pytorch.md": "packages/grad-nn/oracle/test_from_pytorch_page.py",
    ROOT / "docs" / "layers" / "choosing.md": "packages/grad-data/oracle/test_choosing_page.py",
}
for elsewhere in ELSEWHERE:
    PAGES.remove(elsewhere)
# Any opening fence that mentions Python, found without the parser above: nothing may slip between the two.
LOOSE = re.compile(r"^[^\w\n]*?(?:`{3,}|~{3,})[^`\n]*\b(?:i?py(?:thon)?\d*|pycon)\b", re.MULTILINE | re.IGNORECASE)


@pytest.mark.parametrize("page", [pytest.param(p, id=str(p.relative_to(ROOT))) for p in PAGES])
def test_every_python_block_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    assert fences.run(page) == len(LOOSE.findall(page.read_text(encoding="utf-8")))


@pytest.mark.parametrize(("page", "test"), [pytest.param(p, t, id=p.name) for p, t in ELSEWHERE.items()])
def test_the_page_left_out_is_run_by_the_oracle_session(page, test):
    text = (ROOT / test).read_text(encoding="utf-8")
    assert f'"{page.name}"' in text
    assert "fences.run(PAGE)" in text


@pytest.mark.parametrize(
    "opening",
    [
        "```python",
        "``` python",
        "~~~python",
        "````python",
        "```py",
        "```Python3",
        "```ipython",
        '```python title="train.py" hl_lines="2"',
        "```{.python .annotate}",
        "``` { .py }",
        "    ```python",
        "\t~~~ py",
    ],
)
def test_every_spelling_of_a_fence_is_found_and_counted(opening):
    indent = opening[: len(opening) - len(opening.lstrip())]
    end = re.search(r"[`~]+", opening)[0]
    page = f"Text.\n\n{opening}\n{indent}if True:\n{indent}    x = 1\n{indent}{end}\n\n```text\nnot python\n```\n"
    assert fences.blocks(page) == [fences.Block(4, "if True:\n    x = 1\n")]
    assert len(LOOSE.findall(page)) == 1


@pytest.mark.parametrize("language", ["", "text", "bash", "console", "toml", "pyproject", "numpy"])
def test_other_languages_are_not_run(language):
    page = f"```{language}\n1 / 0\n```\n"
    assert fences.blocks(page) == []
    assert LOOSE.findall(page) == []


def test_a_page_is_one_namespace_and_a_console_block_is_compared(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```python\nx = 20\n```\n```pycon\n>>> x + 1\n21\n>>> y = x\n```\n```python\nassert y == 20\n```\n")
    assert fences.run(page) == 3
    page.write_text("```pycon\n>>> 20 + 1\n22\n```\n")
    with pytest.raises(AssertionError, match=r"line 2(.|\n)*Expected:\n +22\nGot:\n +21"):
        fences.run(page)


def test_an_error_points_at_the_line_of_the_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Title\n\n```python\nx = 0\n1 / x\n```\n")
    with pytest.raises(ZeroDivisionError) as error:
        fences.run(page)
    last = traceback.extract_tb(error.value.__traceback__)[-1]
    assert (last.filename, last.lineno, last.line) == (str(page), 5, "1 / x")


def test_a_block_without_an_end_is_an_error():
    with pytest.raises(ValueError, match="starts in line 2 never ends"):
        fences.blocks("```python\nx = 1\n")
