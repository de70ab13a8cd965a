"""Time grad against its peers, each in a process of its own, in turn; print tables and keep them in runs/bench/.

Call it by `python3 noxfile.py -s bench`, with options after `--`.
"""

import argparse
import datetime as dt
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from report import disagreement, figures_of, judge, machine, render, store, write
from rows import ROWS, Row

__all__ = ["main"]

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent / "runs" / "bench"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, store; 1 if something went wrong or, with --check, a target is missed."""
    themes = [row.theme for row in ROWS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and steps: a glance, about a minute")
    parser.add_argument("--only", action="append", choices=themes, metavar="ROW", help=f"one of {', '.join(themes)}")
    parser.add_argument("--rounds", type=int, help="how often each peer runs (5, quick: 2)")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a target is missed or not measured")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too, for benchmarks/page.py")
    options = parser.parse_args(arguments)
    rounds = options.rounds or (2 if options.quick else 5)
    setting = machine()
    if setting["load before"] and setting["load before"][0] > 0.5:
        print(f"The machine is busy (load {setting['load before'][0]}): figures will be high, and of BLAS very high.\n")

    entries = []
    versions: dict[str, str] = {}
    wrong: list[str] = []
    for row in ROWS:
        if options.only and row.theme not in options.only:
            continue
        print(f"{row.title} ...", file=sys.stderr, flush=True)
        answers = ask(row, rounds, options.quick)
        for peer, of_peer in answers.items():
            for answer in of_peer:
                versions |= answer.get("versions", {})
            wrong += [f"{row.theme}, {peer}: {answer['failed']}" for answer in of_peer if "failed" in answer][:1]
        different = disagreement(answers)
        if different:
            wrong.append(f"{row.theme}: {different}")
        figures = figures_of(row, answers)
        absent = {peer: why(of_peer[0]) for peer, of_peer in answers.items() if peer not in figures}
        entries.append({"row": row, "figures": figures, "absent": absent, "targets": judge(row, figures)})

    text = describe(setting, versions, rounds) + render(entries)
    if wrong:
        text += "\n### What went wrong\n\n" + "".join(f"- {line}\n" for line in wrong)
    print(text)
    stamp = dt.datetime.now().astimezone().strftime("%Y-%m-%dT%H-%M-%S")
    data = {
        "machine": setting,
        "versions": versions,
        "date": stamp[:10],
        "command": called(options),
        "rounds": rounds,
        "rows": [{**entry, "row": entry["row"]._asdict()} for entry in entries],
        "wrong": wrong,
    }
    print(f"kept in {store(FOLDER, stamp, text, data).relative_to(HERE.parent)}, and as .json beside it")
    if options.json:
        write(options.json, json.dumps(data, indent=1))
    missed = any(target["holds"] is not True for entry in entries for target in entry["targets"])
    return 1 if wrong or (options.check and missed) else 0


def ask(row: Row, rounds: int, quick: bool) -> dict[str, list[dict[str, Any]]]:
    """The answers of all peers of a row: a round asks each once, in turn, so that a slow minute hits all of them."""
    answers: dict[str, list[dict[str, Any]]] = {peer: [] for peer in row.peers}
    for seed in range(rounds):
        for peer in row.peers:
            command = [
                sys.executable,
                str(HERE / "worker.py"),
                row.theme,
                peer,
                str(seed),
                *(["--quick"] if quick else []),
            ]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                said = done.stderr.strip().splitlines()
                answers[peer].append({"failed": said[-1] if said else f"exit status {done.returncode}"})
            else:
                answers[peer].append(json.loads(done.stdout))
    return answers


def called(options: argparse.Namespace) -> str:
    """The command that measures this again, without what only says where results go."""
    words = ["--quick"] * options.quick + [word for theme in options.only or () for word in ("--only", theme)]
    words += ["--rounds", str(options.rounds)] if options.rounds else []
    return " ".join(["python3 noxfile.py -s bench", *(["--", *words] if words else [])])


def why(answer: dict[str, Any]) -> str:
    """Why a peer has no figures."""
    return f"{answer['missing']} is not installed" if "missing" in answer else "failed, see below"


def describe(setting: dict[str, Any], versions: dict[str, str], rounds: int) -> str:
    """The machine and what ran on it."""
    listed = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    return (
        f"{setting['cpu']}, {setting['cores']} cores, {setting['system']}, Python {setting['python']}; {listed}. "
        f"{rounds} rounds, every peer in a process of its own; 10th percentile of all steps.\n\n"
    )


if __name__ == "__main__":
    sys.exit(main())
