from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CALL = re.compile(r"(?:noxfile\.py|\bnox)((?: (?!--(?:\s|$))[-\w.()\"']+)*)")


def is_session(node):
    names = {ast.unparse(d.func if isinstance(d, ast.Call) else d) for d in getattr(node, "decorator_list", [])}
    return "nox.session" in names


SESSIONS = {node.name: node for node in ast.parse((ROOT / "noxfile.py").read_text()).body if is_session(node)}
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("packages/*/*.md"), *ROOT.glob("docs/**/*.md"), ROOT / ".ci" / "run"]


def mentioned(text):
    """The sessions that the commands in a text name with -s."""
    return [name for call in CALL.findall(text) for name in re.findall(r"-s ['\"]?([a-z_]+)", call)]


@pytest.mark.parametrize("page", [pytest.param(p, id=str(p.relative_to(ROOT))) for p in PAGES])
def test_every_command_in_the_docs_names_a_session_that_exists(page):
    assert [name for name in mentioned(page.read_text(encoding="utf-8")) if name not in SESSIONS] == []


def test_commands_are_recognised_in_every_form():
    text = "`python3 noxfile.py -s a`, `nox -s b -- -s x`, `noxfile.py -p 3.12 -s 'c-3.12(grad-nn)'`, noxfile.py"
    assert mentioned(text) == ["a", "b", "c"]


@pytest.mark.parametrize("name", SESSIONS)
def test_a_session_says_in_one_line_what_it_does(name):
    text = ast.get_docstring(SESSIONS[name])
    assert text.endswith(".")
    assert "\n" not in text
    assert len(text) <= 120


def test_the_readme_shows_the_two_commands_and_ci_runs_them():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    jobs = re.findall(r"^job (.*)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert re.search(r"^(\$ )?python3 noxfile.py -s mnist\b", readme, re.MULTILINE)
    assert re.search(r"^(\$ )?python3 noxfile.py( +#.*)?$", readme, re.MULTILINE)
    assert jobs[0] == "python3 noxfile.py"
    always = {"lint", "types", "contracts", "docs", "wheels", "minimums", "oracle", "examples", "mnist"}
    assert always | {"api", "compat"} <= set(mentioned("\n".join(jobs)))
