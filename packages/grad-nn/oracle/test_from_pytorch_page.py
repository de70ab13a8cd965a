"""The page for those who come from PyTorch, left to this session by tests/test_docs.py: torch is installed here."""

from pathlib import Path

import fences
import pytest

PAGE = Path(__file__).resolve().parents[3] / "docs" / "coming-from" / "pytorch.md"


def test_every_block_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert fences.run(PAGE) >= 8
