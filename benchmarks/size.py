"""How small: bytes on disk per span, memory at rest, time from start to ready, size of the installation."""

from __future__ import annotations

import asyncio
import importlib.metadata
import statistics
import tempfile
import time
from pathlib import Path

from packaging.requirements import Requirement

from benchmarks.daemon import daemon
from benchmarks.ingest import requests_of
from benchmarks.load import over_http

STARTS = 5
SPANS_PER_REQUEST = 500
REQUESTS = 200


def size_table() -> list[str]:
    """Rows of a Markdown table."""
    ready, idle = [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(STARTS):
            with daemon(Path(folder) / f"{number}.db") as running:
                time.sleep(1)
                ready.append(running.ready_seconds)
                idle.append(running.memory_mib())
        database = Path(folder) / "full.db"
        with daemon(database) as running:
            asyncio.run(over_http(running, "traces", requests_of("traces", SPANS_PER_REQUEST, REQUESTS, 3), 8))
            full = running.memory_mib()
        on_disk = database.stat().st_size / (SPANS_PER_REQUEST * REQUESTS)
    return [
        "| | measured | bound |",
        "|---|---|---|",
        f"| bytes on disk per span, everything in | {on_disk:.0f} | 700 |",
        f"| memory at rest, MiB | {statistics.median(idle):.0f} | 120 |",
        f"| memory after {REQUESTS * SPANS_PER_REQUEST:,} spans at full load, MiB | {full:.0f} | 400 |",
        f"| start to ready, s | {statistics.median(ready):.2f} | 2 |",
        f"| installed with its dependencies, MiB | {_installed_mib():.0f} | |",
    ]


def _installed_mib() -> float:
    """otlpd's distribution and all that it needs at run time."""
    found: set[str] = set()
    waiting = ["otlpd"]
    size = 0
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        distribution = importlib.metadata.distribution(name)
        size += sum(file.stat().st_size for entry in distribution.files or () if (file := Path(str(entry.locate()))).is_file())
        for text in distribution.requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return size / 2**20
