"""The page that helps to choose a layer, left to this session by tests/test_docs.py: its last block feeds PyTorch."""

from pathlib import Path

import fences
import pytest

PAGE = Path(__file__).resolve().parents[3] / "docs" / "layers" / "choosing.md"


def test_every_block_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert fences.run(PAGE) == 3
