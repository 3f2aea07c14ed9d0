"""Fills a store with many agent-like spans, fast: prepared batches get new ids and times and go straight to the writer.

The rows are what the kernel makes of real requests; only the way through the network is left out.
"""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING

from benchmarks.telemetry import SECOND_NS, trace_request
from storage.batch import Batch
from storage.rows import batch_of
from storage.rows.spans import summarize
from storage.sqlite.connect import connect_writer
from storage.sqlite.migrate import migrate
from storage.sqlite.writing.work import Work

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATES = 60
SPANS_PER_REQUEST = 500
REQUESTS_PER_COMMIT = 8
MINUTE_NS = 60 * SECOND_NS
_TRACE, _TRACE_ID, _SPAN_ID, _PARENT, _START, _END = 0, 3, 4, 5, 8, 9


def fill(path: Path, spans: int, first_ns: int, last_ns: int, seed: int = 7) -> None:
    """Adds `spans` spans whose traces start evenly between the two times, oldest first."""
    rng = random.Random(seed)
    templates = [batch_of("traces", trace_request(rng, SPANS_PER_REQUEST, 0), 0) for _ in range(TEMPLATES)]
    requests = spans // SPANS_PER_REQUEST
    with contextlib.closing(connect_writer(path)) as connection:
        migrate(connection)
        work = Work(connection)
        work.load()
        group = []
        for number in range(requests):
            start = first_ns + (last_ns - first_ns) * number // requests
            group.append(_moved(templates[number % TEMPLATES], start, rng))
            if len(group) == REQUESTS_PER_COMMIT or number == requests - 1:
                work.write(group)
                group = []


def _moved(template: Batch, start: int, rng: random.Random) -> Batch:
    """The template as another request: new trace ids (and with them new span identities), later times."""
    traces = [f"{rng.getrandbits(128):032x}" for _ in template.traces]
    rows = [
        (
            *row[:_TRACE_ID],
            traces[row[_TRACE]],
            *row[_TRACE_ID + 1 : _START],
            row[_START] + start,
            row[_END] + start,
            *row[_END + 1 :],
        )
        for row in template.rows
    ]
    batch = Batch("traces", start, template.resources, template.scopes, rows, traces=traces, size_bytes=template.size_bytes)
    batch.segments = [(count, first + start, last + start, hashes) for count, first, last, hashes in template.segments]
    batch.trace_summaries, batch.operations, batch.latencies = summarize(rows, batch.resources, start)
    return batch
