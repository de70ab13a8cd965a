"""The page on performance, its charts and the table of the README hold the figures of the kept results."""

from __future__ import annotations

import importlib
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def page(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module("page")


@pytest.fixture
def charts(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module("charts")


def results(**figures):
    """Results of two small rows."""
    step = {"theme": "toy", "title": "a step", "figures": {"time": "µs"}, "peers": ["grad", "torch"], "limits": {}}
    ops = {"theme": "ops", "title": "ops", "figures": {"relu": "µs", "sum": "µs"}, "limits": {"relu": 1.5, "sum": 1.5}}
    targets = [{"text": "of PyTorch's time", "limit": 0.45, "value": 0.5, "holds": False}]
    held = [{"text": name, "limit": 1.5, "value": 0.8, "holds": True} for name in ("relu", "sum")]
    return {
        "machine": {"cpu": "a CPU", "cores": 2, "python": "3.11.7", "load before": [0.1]},
        "versions": {"numpy": "2.4.6", "torch": "2.13.0"},
        "date": "2026-01-02",
        "command": "python3 noxfile.py -s bench",
        "rounds": 5,
        "rows": [
            {"row": step, "figures": {"grad": {"time": 61.0}, "torch": {"time": 122.0}}, "targets": targets},
            {
                "row": ops,
                "figures": {"grad": {"relu": 1.0, "sum": 40.0}, "torch": {"relu": 2.0, "sum": 10.0}},
                "targets": held,
            },
        ],
        **figures,
    }


def test_page_charts_and_readme_are_what_the_kept_results_give(page):
    kept = json.loads(page.RESULTS.read_text(encoding="utf-8"))
    for path, text in page.made(kept).items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: python benchmarks/page.py --write"
    assert page.main([]) == 0
    assert page.RESULTS.stat().st_size < 100_000


def test_every_chart_is_small_and_shown_and_none_is_left_over(page):
    kept = json.loads(page.RESULTS.read_text(encoding="utf-8"))
    text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    drawn = {path for path in page.made(kept) if path.suffix == ".svg"}
    assert drawn == set((ROOT / page.CHARTS).glob("*.svg"))
    for path in drawn:
        assert f"](assets/performance/{path.name})" in text
        assert path.stat().st_size < 30_000


def test_the_readme_takes_figures_of_full_runs_only(page):
    assert ROOT / "README.md" in page.made(results())
    assert "| a step | 61 µs | 122 µs |" in page.made(results())[ROOT / "README.md"]
    assert ROOT / "README.md" not in page.made(results(command="python3 noxfile.py -s bench -- --quick"))


def test_figures_reach_the_tables_with_their_units_and_ratios(page):
    text = page.measured(results())
    assert "on a CPU (2 cores), Python 3.11.7, NumPy 2.4.6, PyTorch 2.13.0; 5 rounds." in text
    assert "| 2-8-2, batch 32 | 61 µs | 122 µs | 0.50 |" in text
    assert "grad is quicker in 1; the median" in text
    assert text.index("| `sum` | 40 µs | 10 µs | 4.00 |") < text.index("| `relu` | 1 µs | 2 µs | 0.50 |")
    assert "| a step: of PyTorch's time | 0.5 | 0.45 | **no** |" in text
    assert "| ops: within their limit | 2 of 2 | all | yes |" in text
    assert "short run" not in text
    assert "busy" not in text


def test_a_short_run_and_a_busy_machine_are_said(page):
    machine = results()["machine"] | {"load before": [3.0]}
    text = page.measured(results(command="python3 noxfile.py -s bench -- --quick", machine=machine))
    assert "This was a short run" in text
    assert "busy when it began (load 3.0)" in text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (2.94, "µs", "2.9 µs"),
        (78.4, "µs", "78 µs"),
        (570.2, "µs", "570 µs"),
        (1266.0, "µs", "1.3 ms"),
        (60066.0, "µs", "60 ms"),
        (1462.0, "ms", "1.5 s"),
        (0.0, "MB", "0 MB"),
        (1.02, "times", "1"),
    ],
)
def test_an_amount_has_a_unit_that_suits_it(page, value, unit, text):
    assert page.amount(value, unit) == text


def test_a_page_without_the_marks_is_an_error(page, tmp_path):
    path = tmp_path / "page.md"
    path.write_text("a <!-- figures --> b")
    with pytest.raises(ValueError, match=r"page.md has no <!-- figures --> ... <!-- /figures -->"):
        page.between(path, "figures", "c")
    path.write_text("a\n<!-- figures -->old<!-- /figures -->\nb")
    assert page.between(path, "figures", "new") == "a\n<!-- figures -->\n\nnew\n\n<!-- /figures -->\nb"


def test_a_bar_is_as_long_as_its_ratio_and_left_of_the_line_where_grad_is_quicker(charts):
    names = [("half", 0.5), ("<twice>", 2.0)]
    picture = ET.fromstring(charts.bars("told", names))  # noqa: S314 - made a line above
    rects = [node for node in picture.iter() if node.tag.endswith("rect")]
    half, twice = (float(node.get("width")) for node in rects)
    assert twice == pytest.approx(4 * half, abs=0.2)
    assert [node.get("fill") for node in rects] == [charts.QUICK, charts.SLOW]
    assert {"half", "<twice>", "0.50", "2.00", "PyTorch = 1"} <= {node.text for node in picture.iter()}


def test_a_field_has_a_bar_for_each_ratio_up_or_down_from_one(charts):
    picture = ET.fromstring(charts.field("told", [4.0, 0.25, 1.5]))  # noqa: S314 - made a line above
    paths = [node for node in picture.iter() if node.tag.endswith("path")]
    assert [node.get("fill") for node in paths if node.get("fill")] == [charts.QUICK, charts.SLOW, charts.SLOW]
