"""How long the agent questions take on a store full of facts, asked of the real daemon over HTTP."""

from __future__ import annotations

import contextlib
import random
import statistics
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.daemon import daemon
from benchmarks.telemetry import SECOND_NS, SPANS_PER_TRACE, trace_request
from storage.rows import batch_of
from storage.sqlite.connect import connect_writer
from storage.sqlite.migrate import migrate
from storage.sqlite.work import Work

if TYPE_CHECKING:
    from benchmarks.daemon import Daemon

ROUNDS = 5
TRACES_PER_REQUEST = 100
DAYS = 7
DAY_NS = 86_400 * SECOND_NS
QUESTIONS = (
    "/api/agents",
    "/api/sessions",
    "/api/llm-calls",
    "/api/llm-calls?model=gpt-4o",
    "/api/tool-calls",
    "/api/errors",
    "/api/models",
    "/api/tools",
    "/api/users",
    "/api/usage?group_by=agent",
    "/api/usage?group_by=model",
    "/api/usage?group_by=user",
    "/api/usage?group_by=agent&interval=1h&start=-24h",
    "/api/agent-graph",
    "/api/search?q=timeout",
    "/api/active",
    "/api/completeness",
)


def fill_facts(path: Path, traces: int, last_ns: int) -> None:
    """Agent runs of ten spans: five LLM calls and four tool calls each, every run a session of its own, over a week."""
    rng = random.Random(11)
    first = last_ns - DAYS * DAY_NS
    with contextlib.closing(connect_writer(path)) as connection:
        migrate(connection)
        work = Work(connection)
        work.load()
        requests = traces // TRACES_PER_REQUEST
        for number in range(requests):
            start = first + (last_ns - first) * number // requests
            body = trace_request(rng, TRACES_PER_REQUEST * SPANS_PER_TRACE, start)
            work.write([batch_of("traces", body, start)])


def agents_table(traces: int) -> list[str]:
    """Rows of a Markdown table."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "otlpd.db"
        fill_facts(database, traces, time.time_ns())
        size = database.stat().st_size / (traces * SPANS_PER_TRACE)
        with daemon(database) as running:
            answers = {question: _median(running, question) for question in QUESTIONS}
    head = f"{traces * 5:,} LLM calls, {traces * 4:,} tool calls, {traces:,} sessions; {size:,.0f} bytes a span with its facts."
    return [
        head,
        "",
        "| question | median ms |",
        "|---|---|",
        *(f"| `{name}` | {taken:.0f} |" for name, taken in answers.items()),
    ]


def _median(running: Daemon, path: str) -> float:
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{running.api_port}{path}", timeout=60) as answer:
                answer.read()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{path}: {error.read()[:300]!r}") from error
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)
