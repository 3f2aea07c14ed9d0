"""Writes the spans of a group of requests, their traces' summaries and their latency.

Nearly always every span is new, and then what the kernel worked out about a request is added as it is. Where a span is there
already, the request is worked out again without it, and a span that differs takes the place of the old one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from storage.batch import RESOURCE_COLUMNS, SPAN_COLUMNS, Batch, Written
from storage.rows.spans import summarize
from storage.sqlite.bulk import insert_many
from storage.sqlite.numbers import next_number
from storage.sqlite.placed import PlacedSpans
from storage.sqlite.statements import statement
from storage.sqlite.writing.rollups import LatencyChanges, Rollups
from storage.sqlite.writing.trace_states import TraceState, stored_states, write_states

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from storage.batch import Row
    from storage.sqlite.writing.blocks import Blocks
    from storage.sqlite.writing.references import References

# Positions in SPAN_COLUMNS.
_TRACE, _RESOURCE, _SCOPE, _SPAN_ID, _NAME, _START, _END, _STATUS, _ATTRIBUTES = (
    SPAN_COLUMNS.index(name)
    for name in (
        "trace_key", "resource_id", "scope_id", "span_id", "name", "start_time", "end_time", "status_code", "attributes",
    )
)  # fmt: skip
_SERVICE_NAME = RESOURCE_COLUMNS.index("service_name")


class TraceWriter:
    """Runs on the writer thread, inside its transaction."""

    def __init__(self, connection: sqlite3.Connection, references: References, blocks: Blocks) -> None:
        self._connection = connection
        self._references = references
        self._blocks = blocks
        self._rollups = Rollups(connection)
        self._next_span = 1
        self._next_trace = 1
        # Spans that took the place of others in this group, as Blocks.describe wants them.
        self._rewritten: list[Row] = []
        # The last group, and which of its traces had no span before.
        self.placed: list[PlacedSpans] = []
        self.new_traces: set[str] = set()

    def load(self) -> None:
        """Finds the next free numbers: at start, and after a rollback."""
        self._rewritten.clear()
        self._blocks.load()
        self.forget()
        self._next_span = next_number(self._connection, "last_span", "spans")
        self._next_trace = next_number(self._connection, "last_trace", "traces")

    def forget(self) -> None:
        """Maintenance may have removed what is remembered."""
        self._rollups.forget()

    def write(self, batches: Sequence[Batch]) -> list[Written]:
        states = self._states({trace_id for batch in batches for trace_id in batch.traces})
        self.placed = placed = [self._place(batch, states) for batch in batches]
        self.new_traces = {trace_id for trace_id, state in states.items() if state.stored_start is None}
        rows = [row for part in placed for row in part.rows()]
        inserted = insert_many(self._connection, "insert_span", rows)
        changes = LatencyChanges(self._references)
        if inserted == len(rows):
            for part in placed:
                self._count(part.batch, part.batch.trace_summaries, part.batch.latencies, part.batch.operations, states, changes)
            written = [Written(len(batch.rows), 0) for batch in batches]
        else:
            taken = {row[0] for row in self._connection.execute(statement("spans_between"), (rows[0][0], rows[-1][0]))}
            written = [self._count_new(part, taken, states, changes) for part in placed]
        write_states(self._connection, states.values())
        self._rollups.write(changes)
        for part, outcome in zip(placed, written, strict=True):
            part.largest_trace = max((states[trace_id].span_count for trace_id in part.batch.traces), default=0)
            if outcome.stored:
                self._blocks.add(part.batch.segments, part.first_id, part.batch.received_time)
        self._blocks.describe(self._rewritten)
        self._rewritten.clear()
        return written

    def _states(self, trace_ids: set[str]) -> dict[str, TraceState]:
        return {state.trace_id: state for state in stored_states(self._connection, "known_traces", trace_ids)}

    def _place(self, batch: Batch, states: dict[str, TraceState]) -> PlacedSpans:
        keys = []
        for trace_id in batch.traces:
            state = states.get(trace_id)
            if state is None:
                state = states[trace_id] = TraceState(self._next_trace, trace_id)
                self._next_trace += 1
            keys.append(state.key)
        resources, scopes = self._references.resources(batch.resources), self._references.scopes(batch.scopes)
        part = PlacedSpans(batch, keys, resources, scopes, self._next_span)
        self._next_span += len(batch.rows)
        return part

    def _count(
        self,
        batch: Batch,
        summaries: Iterable[Row],
        latencies: Iterable[Row],
        operations: Sequence[Row],
        states: dict[str, TraceState],
        changes: LatencyChanges,
    ) -> None:
        for summary in summaries:
            states[batch.traces[summary[0]]].add(summary)
        changes.add(latencies, operations)

    def _count_new(self, part: PlacedSpans, taken: set[int], states: dict[str, TraceState], changes: LatencyChanges) -> Written:
        """Counts only the rows that were inserted; the others may replace what is there."""
        batch = part.batch
        part.repeats = True
        numbered = list(enumerate(batch.rows, part.first_id))
        fresh = [row for number, row in numbered if number in taken]
        known = [row for number, row in numbered if number not in taken]
        summaries, operations, latencies = summarize(fresh, batch.resources, batch.received_time)
        self._count(batch, summaries, latencies, operations, states, changes)
        for row in known:
            self._replace(part, row, states, changes)
        return Written(len(fresh), len(known))

    def _replace(self, part: PlacedSpans, row: Row, states: dict[str, TraceState], changes: LatencyChanges) -> None:
        """The last complete one of two spans with one identity wins (case 250); one without an end replaces none with."""
        batch = part.batch
        key = part.trace_keys[row[_TRACE]]
        stored = self._connection.execute(statement("span_by_identity"), (key, row[_SPAN_ID])).fetchone()
        if stored is None:
            return
        wanted = (key, part.resource_ids[row[_RESOURCE]], part.scope_ids[row[_SCOPE]], *row[4:])
        if stored[1:] == wanted or (row[_END] == 0 and stored[_END] != 0):
            return
        services = self._services([stored[2]])
        old = (0, 0, 0, batch.traces[row[_TRACE]], *stored[4:])
        _, operations, latencies = summarize([old], [(None, services.get(stored[2]))], batch.received_time)
        changes.add(latencies, operations, sign=-1)
        self._connection.execute(statement("update_span"), (*wanted[1:3], *wanted[4:], stored[0]))
        _, operations, latencies = summarize([row], batch.resources, batch.received_time)
        changes.add(latencies, operations)
        states[batch.traces[row[_TRACE]]].stale = True
        service = batch.resources[row[_RESOURCE]][_SERVICE_NAME]
        self._rewritten.append((stored[0], row[_START], row[_NAME], row[_STATUS], row[_ATTRIBUTES], service))

    def _services(self, resource_ids: list[int]) -> dict[int, str | None]:
        rows = self._connection.execute(statement("services_of_resources"), {"ids": orjson.dumps(resource_ids).decode()})
        return dict(rows.fetchall())
