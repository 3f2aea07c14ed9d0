"""How long the agent questions take on a store full of facts, asked of the real daemon over HTTP."""

from __future__ import annotations

import statistics
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.agents_fill import (
    DAYS,
    MODEL_CALLS_PER_RUN,
    RUNS_PER_SESSION,
    SPANS_PER_RUN,
    TOOL_CALLS_PER_RUN,
    fill_sessions,
)
from benchmarks.daemon import daemon

if TYPE_CHECKING:
    from benchmarks.daemon import Daemon

ROUNDS = 5
GROUPS = (
    "agent", "parent_agent", "version", "service", "workflow", "provider", "model", "tool", "mcp_server", "error_type",
    "finish_reason", "decision", "kind", "user",
)  # fmt: skip
QUESTIONS = (
    "/api/agents",
    "/api/agents/agent-3",
    "/api/agents/agent-3/summary",
    "/api/sessions",
    "/api/sessions?agent=agent-3",
    "/api/llm-calls",
    "/api/llm-calls?model=gpt-4o",
    "/api/llm-calls?agent=agent-3",
    "/api/tool-calls",
    "/api/tool-calls?tool=tool_3",
    "/api/tool-calls?status=error",
    "/api/errors",
    "/api/models",
    "/api/tools",
    "/api/users",
    *(f"/api/usage?group_by={name}" for name in GROUPS),
    "/api/usage?interval=1d",
    "/api/usage?group_by=agent&interval=1h&start=-24h",
    "/api/agent-graph",
    "/api/search?q=timeout",
    "/api/compare?start=-24h&end=-1h",
    "/api/active",
    "/api/completeness",
    "/api/agents?start=-7d",
    "/api/tools?start=-7d",
    "/api/users?start=-7d",
)


def agents_table(sessions: int) -> list[str]:
    """Rows of a Markdown table."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "otlpd.db"
        fill_sessions(database, sessions, time.time_ns())
        spans = sessions * RUNS_PER_SESSION * SPANS_PER_RUN
        size = database.stat().st_size / spans
        # What is as old as retention allows would go while it is asked for.
        with daemon(database, "--max-age-days", str(2 * DAYS)) as running:
            measured = {question: _measured(running, question) for question in QUESTIONS}
    runs = sessions * RUNS_PER_SESSION
    head = (
        f"{runs * MODEL_CALLS_PER_RUN:,} model calls, {runs * TOOL_CALLS_PER_RUN:,} tool calls, {sessions:,} sessions;"
        f" {size:,.0f} bytes a span with its facts."
    )
    return [
        head,
        "",
        "| question | median ms | processor time, ms |",
        "|---|---|---|",
        *(f"| `{name}` | {taken:.0f} | {busy:.0f} |" for name, (taken, busy) in measured.items()),
    ]


def _measured(running: Daemon, path: str) -> tuple[float, float]:
    """Medians: until the answer is there, and of the daemon's processor time."""
    taken, busy = [], []
    for _ in range(ROUNDS):
        started, before = time.perf_counter(), running.cpu_seconds()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{running.api_port}{path}", timeout=60) as answer:
                answer.read()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{path}: {error.read()[:300]!r}") from error
        taken.append((time.perf_counter() - started) * 1000)
        busy.append((running.cpu_seconds() - before) * 1000)
    return statistics.median(taken), statistics.median(busy)
