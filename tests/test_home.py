from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import fences

HOME = Path(__file__).parents[1] / "docs" / "index.md"


def test_the_home_page_shows_what_its_blocks_print(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        blocks = fences.run(HOME)
    shown = re.findall(r"^```text\n(.*?)^```$", HOME.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(shown) == blocks
    assert "".join(shown) == printed.getvalue()
