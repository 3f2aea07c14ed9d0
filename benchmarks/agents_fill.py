"""Fills a store with agents' work, fast: sessions of two runs, each with five model calls and fifteen tool calls.

Requests are made and decoded in a process beside the one that writes, with the code that does it in service; only the way
through the network is left out. `python -m benchmarks.agents_fill FILE --sessions 100000` makes the file that the promises
about agent questions name: 1 million model calls, 3 million tool calls, 100,000 sessions.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import random
import time
from collections import deque
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks.telemetry import (
    AGENTS,
    SECOND_NS,
    SERVICES,
    agent_attributes,
    fill_span,
    hex_id,
    llm_attributes,
    set_resource,
    tool_attributes,
)
from storage.batch import Batch
from storage.rows import batch_of
from storage.sqlite.connect import connect_writer
from storage.sqlite.migrate import migrate
from storage.sqlite.writing.work import Work

if TYPE_CHECKING:
    from multiprocessing.pool import AsyncResult

    from google.protobuf.internal.containers import RepeatedCompositeFieldContainer
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    Spans = RepeatedCompositeFieldContainer[Span]

RUNS_PER_SESSION = 2
MODEL_CALLS_PER_RUN = 5
TOOL_CALLS_PER_RUN = 15
SPANS_PER_RUN = 1 + MODEL_CALLS_PER_RUN + TOOL_CALLS_PER_RUN
SESSIONS_PER_REQUEST = 12
REQUESTS_PER_COMMIT = 8
MADE_AHEAD = 50
DAYS = 30
DAY_NS = 86_400 * SECOND_NS
ERROR_TYPES = ("timeout", "rate_limit_exceeded", "tool_error", "ConnectionError")
WORDS = (
    "please", "check", "order", "invoice", "refund", "customer", "delivery", "timeout", "deploy", "service", "error", "report",
    "summary", "weather", "flight", "hotel", "budget", "meeting", "calendar", "ticket", "urgent", "cancel", "update", "database",
    "query", "region", "latency", "memory", "review", "branch", "merge",
)  # fmt: skip


def add_run(spans: Spans, rng: random.Random, session: str, agent: str, user: str, start_ns: int) -> None:
    """One run, children first, as batch processors send them."""
    trace_id, root_id = rng.randbytes(16), rng.randbytes(8)
    clock = start_ns + 1_000_000
    for number in range(SPANS_PER_RUN - 1):
        is_llm = number % (SPANS_PER_RUN // MODEL_CALLS_PER_RUN) == 0
        attributes = llm_attributes(rng, session, agent) if is_llm else tool_attributes(rng, session, agent)
        duration = int(rng.lognormvariate(19.0 if is_llm else 17.0, 1.0))
        span = spans.add(
            trace_id=trace_id, span_id=rng.randbytes(8), parent_span_id=root_id, kind=3 if is_llm else 1, flags=0x101
        )
        span.name = f"chat {attributes['gen_ai.request.model']}" if is_llm else f"execute_tool {attributes['gen_ai.tool.name']}"
        span.start_time_unix_nano, span.end_time_unix_nano = clock, clock + duration
        if rng.random() < 0.02:
            attributes["error.type"] = rng.choice(ERROR_TYPES)
        fill_span(span, rng, attributes)
        clock += duration + 100_000
    attributes = agent_attributes(rng, session, agent) | {
        "user.id": user,
        "gen_ai.input.messages": _message("user", rng),
        "gen_ai.output.messages": _message("assistant", rng),
    }
    root = spans.add(trace_id=trace_id, span_id=root_id, name=f"invoke_agent {agent}", kind=2, flags=0x101)
    root.start_time_unix_nano, root.end_time_unix_nano = start_ns, clock
    fill_span(root, rng, attributes)


def _message(role: str, rng: random.Random) -> str:
    text = " ".join([*rng.choices(WORDS, k=15), hex_id(rng)])
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


def sessions_request(rng: random.Random, sessions: int, start_ns: int) -> bytes:
    """One export of one service."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    set_resource(resource_spans.resource, rng.choice(SERVICES))
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = "agent.instrumentation"
    for _ in range(sessions):
        session, agent, user = f"session-{hex_id(rng)}", rng.choice(AGENTS), f"user-{rng.randint(0, 5000)}"
        moment = start_ns + rng.randrange(SECOND_NS)
        for run in range(RUNS_PER_SESSION):
            add_run(scope_spans.spans, rng, session, agent, user, moment + run * 60 * SECOND_NS)
    return request.SerializeToString()


def _made(entry: tuple[int, int, int]) -> bytes:
    """In the process beside: a decoded request."""
    seed, sessions, start = entry
    return batch_of("traces", sessions_request(random.Random(seed), sessions, start), start).dump()


def fill_sessions(path: Path, sessions: int, last_ns: int) -> None:
    """Adds `sessions` that begin evenly within the 30 days before `last_ns`, oldest first."""
    requests = sessions // SESSIONS_PER_REQUEST
    first = last_ns - DAYS * DAY_NS
    wanted = ((number, SESSIONS_PER_REQUEST, first + (last_ns - first) * number // requests) for number in range(requests))
    processes = multiprocessing.get_context("spawn")
    with contextlib.closing(connect_writer(path)) as connection, processes.Pool(1) as pool:
        migrate(connection)
        work = Work(connection)
        work.load()
        group: list[Batch] = []
        made: deque[AsyncResult[bytes]] = deque(pool.apply_async(_made, (entry,)) for entry in islice(wanted, MADE_AHEAD))
        for number in range(requests):
            made.extend(pool.apply_async(_made, (entry,)) for entry in islice(wanted, 1))
            group.append(Batch.load(made.popleft().get()))
            if len(group) == REQUESTS_PER_COMMIT or number == requests - 1:
                work.write(group)
                group = []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--sessions", type=int, default=100_000)
    chosen = parser.parse_args()
    started, cpu = time.perf_counter(), time.process_time()
    fill_sessions(chosen.file, chosen.sessions, time.time_ns())
    spans = chosen.sessions * RUNS_PER_SESSION * SPANS_PER_RUN
    taken, cpu = time.perf_counter() - started, time.process_time() - cpu
    print(f"{spans:,} spans in {taken:.0f} s, {cpu / spans * 1e6:.0f} µs of the writer's time each")


if __name__ == "__main__":
    main()
