"""After the comparisons, a list of what was compared: for each test its modules and options."""

from typing import Any

HERE = "packages/grad-nn/oracle/"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """A line for each test that passed here: how many cases, and every module and option in their names."""
    found: dict[str, list[str]] = {}
    for report in terminalreporter.stats.get("passed", []):
        if report.when == "call" and report.nodeid.startswith(HERE):
            test, _, case = report.nodeid.removeprefix(HERE).partition("[")
            found.setdefault(test, []).append(case.removesuffix("]"))
    if not found:
        return
    terminalreporter.section("grad-nn beside torch.nn: what was compared")
    for test, cases in found.items():
        words = dict.fromkeys(word for case in cases for word in case.split("-") if word)
        listed = ", ".join(words)
        terminalreporter.write_line(f"{test} ({len(cases)}){': ' if listed else ''}{listed}")
