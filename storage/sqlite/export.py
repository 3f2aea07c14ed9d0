"""Everything that a file holds, as OTLP requests, in an order that a file made of them has again.

One snapshot: what is committed meanwhile is not in it. Spans and log records come in the order in which they were stored,
points by stream and time.
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from typing import TYPE_CHECKING, Any, TypeAlias

from storage.contract import PointRecord, ResourceRecord, ScopeRecord, StreamRecord
from storage.rows.otlp_json_text import to_json
from storage.rows.to_otlp import logs_request, traces_request
from storage.rows.to_otlp_metrics import metrics_request
from storage.sqlite.connect import connect_reader
from storage.sqlite.faults import refusal
from storage.sqlite.migrate import pending
from storage.sqlite.reading.records import logs_in_turn, spans_in_turn
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path

    from google.protobuf.message import Message

    from storage.contract import LogRecord, SpanRecord
    from storage.sqlite.connect import Reader

RECORDS_PER_REQUEST = 500
SIGNALS = ("traces", "logs", "metrics")
Records: TypeAlias = "list[SpanRecord] | list[LogRecord] | list[PointRecord]"


def export(path: Path, signals: Collection[str] = SIGNALS, told: Callable[[int], None] | None = None) -> Iterator[bytes]:
    """OTLP/JSON requests, each of one signal; `told` hears how many records each has. Raises StoreError."""
    for signal, records in export_records(path, signals):
        yield to_json(_REQUESTS[signal](records))
        if told is not None:
            told(len(records))


def export_records(path: Path, signals: Collection[str] = SIGNALS) -> Iterator[tuple[str, Records]]:
    """The same as records: those of one request at a time, with their signal."""
    try:
        with contextlib.closing(connect_reader(path)) as reader:
            pending(reader)
            reader.begin()
            for signal in SIGNALS:
                if signal in signals:
                    for records in _RECORDS[signal](reader):
                        yield signal, records
            reader.end()
    except sqlite3.Error as error:
        raise refusal(error, path) from error


def _traces(reader: Reader) -> Iterator[Records]:
    for ids in _ids(reader, "span_ids_after"):
        yield list(spans_in_turn(reader, ids))


def _logs(reader: Reader) -> Iterator[Records]:
    for ids in _ids(reader, "log_ids_after"):
        yield list(logs_in_turn(reader, ids))


def _metrics(reader: Reader) -> Iterator[Records]:
    points = _points(reader)
    while some := list(itertools.islice(points, RECORDS_PER_REQUEST)):
        yield some


_RECORDS: dict[str, Callable[[Reader], Iterator[Records]]] = {"traces": _traces, "logs": _logs, "metrics": _metrics}
_REQUESTS: dict[str, Callable[[Any], Message]] = {"traces": traces_request, "logs": logs_request, "metrics": metrics_request}


def _ids(reader: Reader, name: str) -> Iterator[list[int]]:
    last = 0
    while ids := [row[0] for row in reader.execute(statement(name), (last, RECORDS_PER_REQUEST)).fetchall()]:
        yield ids
        last = ids[-1]


def _points(reader: Reader) -> Iterator[PointRecord]:
    for (number,) in reader.execute(statement("streams_by_content")).fetchall():
        stream = _stream(reader, number)
        last = -1
        while rows := reader.execute(statement("points_of_stream"), (number, last, RECORDS_PER_REQUEST)).fetchall():
            yield from (PointRecord(*(*row, stream)) for row in rows)
            last = rows[-1][0]


def _stream(reader: Reader, number: int) -> StreamRecord:
    *values, resource, scope = reader.execute(statement("stream_by_number"), (number,)).fetchone()
    (resource_row,) = reader.rows("resources", {"ids": f"[{resource}]"})
    (scope_row,) = reader.rows("scopes", {"ids": f"[{scope}]"})
    return StreamRecord(*(*values, ResourceRecord(*resource_row), ScopeRecord(*scope_row)))


def count(path: Path, signals: Iterable[str]) -> int:
    """How many records there are, as the file itself keeps count."""
    with contextlib.closing(connect_reader(path)) as reader:
        pending(reader)
        spans, logs, points, _ = reader.execute(statement("contents")).fetchone()
    counts = {"traces": spans, "logs": logs, "metrics": points}
    return sum(counts[signal] for signal in signals)
