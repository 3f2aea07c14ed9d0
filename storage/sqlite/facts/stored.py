"""Reads back what is stored, to make statements of it again: spans, log records and their facts.

Facts are a function of the stored spans and logs. What the writer remembers of a trace is only a short cut: after a start, and
for a trace that was forgotten, it is derived anew from here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from storage.batch import Batch
from storage.facts.derive import Deriver
from storage.rows.tables import Positions
from storage.sqlite.facts.inferred import hear
from storage.sqlite.facts.told import (
    UNKNOWN_RESOURCE,
    ResourceIdentity,
    Statement,
    TraceFacts,
    identified,
    stated,
)
from storage.sqlite.placed import PlacedLogs, PlacedSpans
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from storage.batch import Row
    from storage.facts.fact import Facts


def batch_statements(facts: Facts | Batch, numbers: Sequence[int], resource_ids: Sequence[int]) -> dict[int, Statement]:
    """The statements of derived facts, by the position of their row; `numbers` are the statements' numbers by position."""
    resources = {row[0]: ResourceIdentity(resource_ids[row[0]], *row[1:]) for row in facts.resource_identities}
    heard = hear(facts.facts, facts.contents)
    made: dict[int, Statement] = {}
    for place, said in enumerate(facts.facts):
        one = made[said[0]] = stated(numbers[said[0]], said, resources.get(said[2], UNKNOWN_RESOURCE), int(place in heard))
        one.heard = heard.get(place)
    for row in facts.identities:
        made[row[0]] = identified(numbers[row[0]], row, resources.get(row[2], UNKNOWN_RESOURCE))
    return made


@dataclass(slots=True)
class StoredSpans(PlacedSpans):
    """Spans read back, by their numbers, of which some between the first and the last may not be in use."""

    ids: list[int] = field(default_factory=list)

    def numbers(self) -> Sequence[int]:
        return self.ids


@dataclass(frozen=True, slots=True)
class StoredLogs(PlacedLogs):
    """Log records read back, likewise."""

    ids: list[int] = field(default_factory=list)

    def numbers(self) -> Sequence[int]:
        return self.ids


class StoredFacts:
    """Runs on the writer thread, inside its transaction."""

    def __init__(self, connection: sqlite3.Connection, deriver: Deriver | None = None) -> None:
        self._connection = connection
        self._deriver = deriver or Deriver()

    def trace(self, trace_id: str, trace_key: int | None) -> TraceFacts:
        """All that is stored of a trace; `trace_key` is its number among the traces of facts."""
        trace = TraceFacts(trace_id)
        spans = self._rows("spans_of_trace_for_facts", {"trace_id": trace_id})
        for made, span_id in self._statements("traces", spans, [2 * row[0] for row in spans]):
            trace.add(made, span_id)
        logs = self._rows("logs_of_trace_for_facts", {"trace_id": trace_id})
        for made, _ in self._statements("logs", logs, [2 * row[0] + 1 for row in logs]):
            if made.own is not None or made.said is not None:
                trace.add(made)
        if trace_key is not None:
            numbers = [made.number for made in (*trace.spans.values(), *trace.others) if made.said is not None]
            parameters = {"trace_key": trace_key, "sources": orjson.dumps(numbers).decode()}
            trace.rows = {row[0]: row for row in self._connection.execute(statement("facts_of_trace"), parameters)}
        return trace

    def loose(self, log_ids: Iterable[int]) -> list[Statement]:
        """Statements of log records."""
        logs = self._rows("logs_by_id_for_facts", {"ids": orjson.dumps(list(log_ids)).decode()})
        return [made for made, _ in self._statements("logs", logs, [2 * row[0] + 1 for row in logs]) if made.said is not None]

    def rows(self, ids: Iterable[int]) -> dict[int, Row]:
        """The stored facts of these ids."""
        found = self._connection.execute(statement("facts_by_id"), (orjson.dumps(list(ids)).decode(),))
        return {row[0]: row for row in found}

    def _rows(self, name: str, parameters: dict[str, Any]) -> list[Any]:
        (text,) = self._connection.execute(statement(name), parameters).fetchone()
        rows: list[Any] = orjson.loads(text)
        return rows

    def spans_between(self, first: int, last: int) -> StoredSpans:
        """Stored spans as a batch that was just written, with what they tell."""
        stored = self._rows("spans_between_for_facts", {"first_id": first, "last_id": last})
        batch, resource_ids = self._batch("traces", stored)
        places = Positions(batch.traces)
        batch.rows = [(places[row[3]], *row[1:]) for row in batch.rows]
        self._tell(batch)
        return StoredSpans(batch, [], resource_ids, [], first, ids=[row[0] for row in stored])

    def logs_between(self, first: int, last: int) -> StoredLogs:
        """Stored log records as a batch that was just written, with what they tell."""
        stored = self._rows("logs_between_for_facts", {"first_id": first, "last_id": last})
        batch, resource_ids = self._batch("logs", stored)
        self._tell(batch)
        return StoredLogs(batch, first, resource_ids, frozenset(), ids=[row[0] for row in stored])

    def _tell(self, batch: Batch) -> None:
        facts = self._deriver.derive(batch)
        batch.facts, batch.contents, batch.identities = facts.facts, facts.contents, facts.identities
        batch.resource_identities = facts.resource_identities

    def _statements(self, signal: str, stored: Sequence[Row], numbers: Sequence[int]) -> list[tuple[Statement, str | None]]:
        """With the span id of the row itself. The stored rows begin with their id, resource and scope."""
        if not stored:
            return []
        batch, resource_ids = self._batch(signal, stored)
        made = batch_statements(self._deriver.derive(batch), numbers, resource_ids)
        if signal == "logs":
            return [(one, None) for one in made.values()]
        return [(span_statement(made.get(place), numbers[place], row), row[4]) for place, row in enumerate(batch.rows)]

    def _batch(self, signal: str, stored: Sequence[Row]) -> tuple[Batch, list[int]]:
        """The rows as a batch has them, and the numbers of its resources."""
        resources = self._shared("resources_for_facts", {row[1] for row in stored})
        scopes = self._shared("scopes_for_facts", {row[2] for row in stored})
        resource_place = {number: place for place, (number, _) in enumerate(resources)}
        scope_place = {number: place for place, (number, _) in enumerate(scopes)}
        batch = Batch(signal, resources=[row for _, row in resources], scopes=[row for _, row in scopes])
        places = [(resource_place[row[1]], scope_place[row[2]]) for row in stored]
        first = (0,) if signal == "traces" else ()
        batch.rows = [(*first, *place, *row[3:]) for place, row in zip(places, stored, strict=True)]
        return batch, [number for number, _ in resources]

    def _shared(self, name: str, numbers: set[int]) -> list[tuple[int, Row]]:
        return [(row[0], tuple(row[1:])) for row in self._rows(name, {"ids": orjson.dumps(sorted(numbers)).decode()})]


def span_statement(made: Statement | None, number: int, row: Row) -> Statement:
    """What the span (SPAN_COLUMNS) says; None makes a span that says nothing."""
    if made is None:
        return Statement(number, row[8], row[4], row[5], None, UNKNOWN_RESOURCE, row[6])
    made.name = row[6]
    return made
