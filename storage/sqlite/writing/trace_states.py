"""Traces as they will stand after a commit: what arrives is added, and where that is not enough they are counted anew.

Adding serves nearly always. A span that replaces another, or that retention removes, may have been the first, the root, or the
only one of its service: then the spans that are there say what the trace is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from storage.sqlite.bulk import insert_many
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from storage.batch import Row

NO_TIME = 2**63 - 1
Root = tuple[str | None, str | None, str | None]
NO_ROOT: Root = (None, None, None)


@dataclass(slots=True)
class TraceState:
    """`root` is the id, name and service of the earliest span without a parent; `roots` has the ids that contend for it."""

    key: int
    trace_id: str
    start_time: int = NO_TIME
    end_time: int = 0
    span_count: int = 0
    error_count: int = 0
    root: Root = NO_ROOT
    services: set[str] = field(default_factory=set)
    stored_start: int | None = None
    stored_services: frozenset[str] = frozenset()
    roots: set[str] = field(default_factory=set)
    stale: bool = False

    def add(self, summary: Row) -> None:
        """TRACE_SUMMARY_COLUMNS."""
        _, start, end, spans, errors, root_id, root_name, root_service, services = summary
        if root_id is not None:
            if self.root[0] is not None:
                self.roots.update((root_id, self.root[0]))
            self.root = (root_id, root_name, root_service)
        self.start_time = min(self.start_time, start)
        self.end_time = max(self.end_time, end)
        self.span_count += spans
        self.error_count += errors
        self.services.update(services)

    def settle(self, connection: sqlite3.Connection) -> None:
        """Asks the spans, which are stored by now, for what adding cannot tell."""
        if self.stale:
            self._count_anew(connection)
        elif len(self.roots) > 1:
            wanted = {"trace_key": self.key, "span_ids": orjson.dumps(list(self.roots)).decode()}
            self.root = _root(connection.execute(statement("earliest_of_roots"), wanted).fetchone())

    def _count_anew(self, connection: sqlite3.Connection) -> None:
        wanted = {"trace_key": self.key, "otherwise": self.start_time}
        figures = connection.execute(statement("trace_figures"), wanted).fetchone()
        self.start_time, self.end_time, self.span_count, self.error_count, services = figures
        self.services = set(orjson.loads(services))
        self.root = _root(connection.execute(statement("root_of_trace"), {"trace_key": self.key}).fetchone())


def stored_states(connection: sqlite3.Connection, name: str, wanted: Iterable[str | int]) -> list[TraceState]:
    """The traces that the statement `name` finds by the ids `wanted`."""
    (found,) = connection.execute(statement(name), (orjson.dumps(list(wanted)).decode(),)).fetchone()
    return [_state(row) for row in orjson.loads(found)]


def _state(row: Row) -> TraceState:
    key, trace_id, start, end, spans, errors, root_id, root_name, root_service, services = row
    known = frozenset(orjson.loads(services))
    return TraceState(key, trace_id, start, end, spans, errors, (root_id, root_name, root_service), set(known), start, known)


def _root(found: Row | None) -> Root:
    return NO_ROOT if found is None else (found[0], found[1], found[2])


def write_states(connection: sqlite3.Connection, states: Iterable[TraceState]) -> None:
    traces, services = [], []
    for state in states:
        state.settle(connection)
        names = orjson.dumps(sorted(state.services)).decode()
        figures = (state.start_time, state.end_time, state.span_count, state.error_count)
        traces.append((state.key, state.trace_id, *figures, *state.root, names))
        services += _service_rows(connection, state)
    insert_many(connection, "insert_trace", traces)
    insert_many(connection, "insert_trace_service", services)


def _service_rows(connection: sqlite3.Connection, state: TraceState) -> list[Row]:
    """The rows of trace_services to add; those under an old start, or of a service that is no more, are removed."""
    moved = state.start_time != state.stored_start
    gone = state.stored_services if moved else state.stored_services - state.services
    for service in gone:
        connection.execute(statement("delete_trace_service"), (service, state.stored_start, state.key))
    new = state.services if moved else state.services - state.stored_services
    return [(service, state.start_time, state.key) for service in new]


def remove_trace(connection: sqlite3.Connection, state: TraceState) -> None:
    """Of a trace whose last span was removed."""
    for service in state.stored_services:
        connection.execute(statement("delete_trace_service"), (service, state.stored_start, state.key))
    connection.execute(statement("delete_trace"), (state.key,))
