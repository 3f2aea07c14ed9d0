"""Notes which services sent log records and metric points, and of what time: one row a service and signal.

A list of services must not have to look through logs and metrics, of which there are millions; the roll-ups know only spans.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.batch import LOG_COLUMNS, POINT_COLUMNS, RESOURCE_COLUMNS, STREAM_COLUMNS
from storage.sqlite.bulk import insert_many

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from storage.batch import Batch, Row

_SERVICE_NAME = RESOURCE_COLUMNS.index("service_name")
_RESOURCE_OF_STREAM = STREAM_COLUMNS.index("resource_id")
# By signal: where a row has the position of its resource (a log record) or stream (a point), and its time.
_OWNER_AND_TIME = {
    "logs": (LOG_COLUMNS.index("resource_id"), LOG_COLUMNS.index("time")),
    "metrics": (POINT_COLUMNS.index("stream_id"), POINT_COLUMNS.index("time")),
}


def note_services(connection: sqlite3.Connection, signal: str, batches: Sequence[Batch]) -> None:
    """Runs on the writer thread, inside its transaction; one statement a group. Spans need no note."""
    if signal in _OWNER_AND_TIME:
        insert_many(connection, "note_service", list(_joined(row for batch in batches for row in _notes(signal, batch))))


def _notes(signal: str, batch: Batch) -> Iterator[Row]:
    owner, time = _OWNER_AND_TIME[signal]
    services = _services(batch)
    if len(set(services)) == 1:
        # A request nearly always has one service: 0.1 µs a row.
        times = [row[time] for row in batch.rows]
        yield services[0], signal, min(times), max(times), batch.received_time
        return
    for row in batch.rows:
        yield services[row[owner]], signal, row[time], row[time], batch.received_time


def _services(batch: Batch) -> list[str]:
    """The service of each resource or, where rows refer to streams, of each stream; "" where there is none."""
    names = [resource[_SERVICE_NAME] or "" for resource in batch.resources]
    return [names[stream[_RESOURCE_OF_STREAM]] for stream in batch.streams] if batch.streams else names


def _joined(notes: Iterable[Row]) -> Iterator[Row]:
    """One for each service."""
    found: dict[str, Row] = {}
    for note in notes:
        service, signal, first, last, received = note
        known = found.get(service, note)
        found[service] = (service, signal, min(known[2], first), max(known[3], last), max(known[4], received))
    yield from found.values()
