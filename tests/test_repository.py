"""What the files around the code promise: SECURITY.md, CITATION.cff, the metadata of the packages, and CI."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = sorted(ROOT.glob("packages/*"))
SOURCES = sorted(ROOT.glob("packages/*/src/**/*.py"))
PROJECTS = {p.name: tomllib.loads((p / "pyproject.toml").read_text(encoding="utf-8"))["project"] for p in PACKAGES}
NOXFILE = (ROOT / "noxfile.py").read_text(encoding="utf-8")
WORKFLOW = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")


def imported(source):
    """Each module, and each name of a module, that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def who_imports(*modules):
    """The files that import one of these, and what."""
    found = {}
    for source in SOURCES:
        names = [n for n in imported(source) if any(n == m or n.startswith(f"{m}.") for m in modules)]
        if names:
            found[source.relative_to(ROOT / "packages").as_posix()] = sorted(names)
    return found


def test_nothing_is_unpickled_and_no_text_becomes_code():
    workers = "grad-data/src/grad_data/_workers.py"
    exchange = {workers: ["multiprocessing.reduction.ForkingPickler", "pickle.PicklingError"]}
    assert who_imports("pickle", "marshal", "shelve", "dill", "multiprocessing.reduction") == exchange
    for source in SOURCES:
        text = source.read_text(encoding="utf-8")
        assert not re.search(r"allow_pickle=(?!False)", text)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec", "compile", "__import__"), source
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "np":
                assert node.attr != "load", source  # it reads pickles where a word in a file says so


def test_one_file_alone_opens_connections():
    network = ("socket", "ssl", "http", "urllib", "ftplib", "smtplib", "asyncio", "requests")
    assert set(who_imports(*network)) == {"grad-data/src/grad_data/_download.py"}


def test_the_packages_are_described_alike():
    for field in ("license", "license-files", "requires-python", "authors"):
        assert len({str(project[field]) for project in PROJECTS.values()}) == 1, field
    licences = {(package / "LICENSE").read_text(encoding="utf-8") for package in (ROOT, *PACKAGES)}
    assert len(licences) == 1
    for name, project in PROJECTS.items():
        assert len(set(project["keywords"])) == len(project["keywords"]) >= 5, name
        assert project["urls"], name


def test_the_address_without_a_mailbox_says_so():
    """SECURITY.md says that there is none: whoever fills one in has to change both."""
    for project in PROJECTS.values():
        assert [author["email"].rpartition(".")[2] for author in project["authors"]] == ["invalid"]
    assert "no mailbox" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_ci_runs_on_every_python_that_the_packages_name():
    named = {
        entry.removeprefix("Programming Language :: Python :: ")
        for project in PROJECTS.values()
        for entry in project["classifiers"]
        if re.search(r":: 3\.\d+$", entry)
    }
    assert set(re.findall(r"^ +(3\.\d+)$", WORKFLOW, re.MULTILINE)) == named
    assert set(re.findall(r'"(3\.\d+)"', re.search(r"PYTHONS = .*", NOXFILE)[0])) == named
    floors = {project["requires-python"].removeprefix(">=") for project in PROJECTS.values()}
    assert floors == {min(named, key=lambda v: int(v.partition(".")[2]))}


def test_the_workflow_runs_what_everybody_runs_and_pins_what_it_fetches():
    assert "run: .ci/run\n" in WORKFLOW
    used = re.findall(r"uses: (.*)", WORKFLOW)
    assert len(used) == 2
    for action in used:
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", action), action


def test_the_citation_says_what_the_packages_say():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^license: (\S+)$", text, re.MULTILINE)[1] == PROJECTS["grad-core"]["license"]
    assert re.search(r'- name: "(.*)"', text)[1] == PROJECTS["grad-core"]["authors"][0]["name"]
    assert [name for name in PROJECTS if name not in text] == []


HOSTS = [p for p in (ROOT / ".github").rglob("*") if p.suffix in (".yml", ".yaml")] + [ROOT / "CITATION.cff"]


@pytest.mark.parametrize("path", [pytest.param(p, id=p.name) for p in HOSTS])
def test_lint_checks_each_file_that_a_host_reads_against_its_schema(path):
    assert f'"{path.relative_to(ROOT).as_posix()}"' in NOXFILE


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "SECURITY.md", "README.md", ".github/PULL_REQUEST_TEMPLATE.md"])
def test_links_within_the_repository_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = [t.partition("#")[0] for t in re.findall(r"\]\(([^)\s]+)\)", text) if not t.startswith(("#", "http"))]
    assert [t for t in targets if not (ROOT / page).parent.joinpath(t).exists()] == []
