"""Run the Python blocks of Markdown pages: `python tests/fences.py README.md`."""

from __future__ import annotations

import doctest
import io
import re
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FENCE = re.compile(r"^[ \t]*(?P<ticks>`{3,}|~{3,})(?P<info>[^`]*)$")
PYTHON = re.compile(r"^\s*\{?\s*\.?(i?py(thon)?[0-9.]*|pycon[0-9]*)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Block:
    """One block of Python: where its first line of code stands, and the code without its indentation."""

    line: int
    code: str


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks whose language is Python, in any of its spellings, in the order of the page."""
    found = []
    fence, info, start, code = "", "", 0, []
    for number, line in enumerate(text.splitlines(), 1):
        match = FENCE.match(line)
        if not fence:
            if match:
                fence, info, start, code = match["ticks"], match["info"], number + 1, []
        elif match and match["ticks"].startswith(fence) and not match["info"].strip():
            if PYTHON.match(info):
                found.append(Block(start, textwrap.dedent("\n".join(code)) + "\n"))
            fence = ""
        else:
            code.append(line)
    if fence:
        raise ValueError(f"the block that starts in line {start} never ends; close it with {fence}")
    return found


def check(example: doctest.DocTest) -> None:
    """Run a doctest; where an output differs, raise an AssertionError that shows both and the line."""
    report = io.StringIO()
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    if runner.run(example, out=report.write, clear_globs=False).failed:
        raise AssertionError(report.getvalue())


def run(page: Path, namespace: dict[str, Any] | None = None) -> int:
    """Run the blocks of a page from top to bottom in one namespace, and return how many there were.

    A block of `>>>` lines is a doctest: its output is compared. Errors point at the line of the page. A namespace
    that is given holds what the blocks have defined afterwards.
    """
    namespace = {} if namespace is None else namespace
    namespace["__name__"] = "__main__"
    todo = blocks(page.read_text(encoding="utf-8"))
    for block in todo:
        if block.code.lstrip().startswith(">>>"):
            example = doctest.DocTestParser().get_doctest(block.code, namespace, page.name, str(page), block.line - 1)
            check(example)
            namespace.update(example.globs)
        else:
            exec(compile("\n" * (block.line - 1) + block.code, str(page), "exec"), namespace)  # noqa: S102 - our own pages
    return len(todo)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(f"{name}: {run(Path(name))} blocks run")
