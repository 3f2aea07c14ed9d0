"""`make bench`: measures, prints, and appends to docs/benchmarks.md.

Figures are medians over runs; ratios are taken within a run, so that they survive a machine whose speed drifts. `--quick` does
everything small, to see that it works; its figures are printed and not kept.
"""

from __future__ import annotations

import argparse
import datetime as dt
import platform
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks.agents import agents_table
from benchmarks.fill import fill
from benchmarks.ingest import ingest_table
from benchmarks.questions import ask_all
from benchmarks.size import size_table
from benchmarks.together import together_table

if TYPE_CHECKING:
    from collections.abc import Callable

RECORD = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
HOUR_NS = 3_600_000_000_000
# As a file grows in service: the same rate of spans, for ten times as long.
FILES = ((500_000, 30), (5_000_000, 300))
SESSIONS, QUICK_SESSIONS = 100_000, 600
QUICK_FILES = ((20_000, 2), (100_000, 10))


def questions_table(files: tuple[tuple[int, int], ...]) -> list[str]:
    """Rows of a Markdown table: the same questions on a small and a large file."""
    answers = []
    with tempfile.TemporaryDirectory() as folder:
        for spans, hours in files:
            path = Path(folder) / f"{spans}.db"
            now = time.time_ns()
            fill(path, spans, now - hours * HOUR_NS, now)
            answers.append(ask_all(path, now))
    small, large = answers
    rows = [f"| {name} | {small[name]:.1f} | {large[name]:.1f} | {large[name] / small[name]:.2f} |" for name in small]
    (few, _), (many, _) = files
    return [f"| median ms | {few:,} spans | {many:,} spans | ratio |", "|---|---|---|---|", *rows]


def machine() -> str:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"commit {commit}, {dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC, {psutil.cpu_count()} cores,"
        f" {memory:.0f} GiB, {platform.system()} {platform.machine()}, Python {platform.python_version()},"
        f" SQLite {sqlite3.sqlite_version}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small, one run, nothing kept")
    parser.add_argument("--only", choices=("ingest", "questions", "agents", "together", "size"), action="append")
    chosen = parser.parse_args()
    sections: dict[str, tuple[str, Callable[[], list[str]]]] = {
        "ingest": ("Durable ingest", lambda: ingest_table(1 if chosen.quick else 3)),
        "questions": ("Questions", lambda: questions_table(QUICK_FILES if chosen.quick else FILES)),
        "agents": ("Agent questions", lambda: agents_table(QUICK_SESSIONS if chosen.quick else SESSIONS)),
        "together": ("Asking while receiving", together_table),
        "size": ("Size", size_table),
    }
    lines = [f"\n## {machine()}\n"]
    print(lines[0])
    for name in chosen.only or sections:
        title, measure = sections[name]
        section = [f"### {title}\n", *measure(), ""]
        print("\n".join(section), flush=True)
        lines += section
    if not chosen.quick:
        with RECORD.open("a", encoding="utf-8") as record:
            record.write("\n".join(lines))


if __name__ == "__main__":
    main()
