"""The page on other libraries, which tests/test_docs.py leaves to this session because they are installed here."""

import re
import sys
from pathlib import Path

import fences
import pytest

sys.path.append(str(Path(__file__).resolve().parent))

from test_citizens import FURTHER_VALUES, VALUES_ONLY, WITH_GRADIENT

PAGE = Path(__file__).resolve().parents[3] / "docs" / "guides" / "interchange.md"


def test_every_block_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert fences.run(PAGE) >= 6


@pytest.mark.parametrize(
    ("row", "tried"),
    [
        ("carry gradients", [*WITH_GRADIENT, "spatial.transform.Rotation"]),
        ("values only", [*VALUES_ONLY, *FURTHER_VALUES]),
    ],
)
def test_the_tables_list_what_is_tried(row: str, tried: list[str]) -> None:
    rows = re.findall(rf"^\| {row} \|(.*)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) == 2
    assert sorted(re.findall(r"`([\w.]+)`", "".join(rows))) == sorted(n.removeprefix("sklearn.") for n in tried)
