"""Keeps the facts of what a group of commits brought: who did what, each event once, with the sums that follow from them.

The traces that the group touched are worked out whole, together with whatever else tells of the same events; what came out
differently from what is stored is written, and the sums change by the difference. So the facts do not depend on the order
in which spans and logs arrive, nor on how they were cut into requests.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import orjson

from storage.sqlite.bulk import insert_many
from storage.sqlite.facts.contents import ContentWriter
from storage.sqlite.facts.counting import count
from storage.sqlite.facts.elsewhere import Elsewhere
from storage.sqlite.facts.events import NO_RUN, Event, event_of, row_of
from storage.sqlite.facts.grouping import group
from storage.sqlite.facts.identity import effective, resolve_identity
from storage.sqlite.facts.inferred import infer, without_inferred
from storage.sqlite.facts.names import Names
from storage.sqlite.facts.runs import run_totals
from storage.sqlite.facts.stored import StoredFacts, batch_statements, span_statement
from storage.sqlite.facts.sums import Sums
from storage.sqlite.facts.told import NOTHING, Statement, TraceFacts, record_of
from storage.sqlite.facts.usage import UsageWriter
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from storage.batch import Row
    from storage.sqlite.placed import PlacedLogs, PlacedPoints, PlacedSpans

# About 1 KB a span.
SPANS_REMEMBERED = 40_000
LOGS_REMEMBERED = 10_000
_SOURCES = 1


class FactWriter:
    """Runs on the writer thread, inside its transaction: first the adds, then `write`."""

    def __init__(self, connection: sqlite3.Connection, stored: StoredFacts) -> None:
        self._connection = connection
        self._stored = stored
        self._names = {table: Names(connection, table) for table in ("agents", "users", "sessions", "fact_traces")}
        self._sums = Sums(connection)
        self._contents = ContentWriter(connection)
        self._usage = UsageWriter(connection)
        self._elsewhere = Elsewhere(connection, self._names["sessions"])
        self._traces: OrderedDict[str, TraceFacts] = OrderedDict()
        self._logs: OrderedDict[int, Statement] = OrderedDict()
        self._remembered = 0
        self._group = _Group()

    def forget(self) -> None:
        """After a rollback, and when maintenance may have removed what is remembered."""
        self._traces.clear()
        self._logs.clear()
        self._remembered = 0
        self._group = _Group()
        for names in self._names.values():
            names.forget()
        self._sums.forget()
        self._contents.forget()
        self._elsewhere.forget()

    def add_spans(self, placed: Sequence[PlacedSpans], new_traces: set[str], first_log: int) -> None:
        """`new_traces` had no span before this group; log records below `first_log` were there before it."""
        telling = {part.batch.traces[said[3]] for part in placed for said in part.batch.facts}
        others = {trace_id for part in placed for trace_id in part.batch.traces} - telling
        touched = telling | self._known_traces(others)
        if not touched:
            return
        logged = self._logged_before(touched & new_traces, first_log)
        for part in placed:
            wanted = touched.intersection(part.batch.traces)
            if wanted:
                self._add_span_batch(part, wanted, new_traces - logged)

    def _known_traces(self, trace_ids: set[str]) -> set[str]:
        """Those of the traces that have facts."""
        found = {trace_id for trace_id in trace_ids if trace_id in self._traces or trace_id in self._group.traces}
        names = self._names["fact_traces"]
        names.find(trace_ids - found)
        return found | {trace_id for trace_id in trace_ids if names.get(trace_id) is not None}

    def _logged_before(self, trace_ids: set[str], first_log: int) -> set[str]:
        if not trace_ids or first_log <= 1:
            return set()
        parameters = {"trace_ids": orjson.dumps(list(trace_ids)).decode(), "before": first_log}
        return {row[0] for row in self._connection.execute(statement("traces_with_logs"), parameters)}

    def _add_span_batch(self, part: PlacedSpans, wanted: set[str], new_traces: set[str]) -> None:
        batch = part.batch
        traces: dict[int, TraceFacts] = {}
        for place, trace_id in enumerate(batch.traces):
            if trace_id not in wanted:
                continue
            if part.repeats:
                self._again(trace_id)
            else:
                trace = self._group_trace(trace_id, is_new=trace_id in new_traces)
                if trace is not None:
                    traces[place] = trace
        numbers = [2 * number for number in part.numbers()]
        self._contents.add(batch, numbers.__getitem__, is_whole=not part.repeats)
        if not traces:
            return
        made = batch_statements(batch, numbers, part.resource_ids)
        for place, row in enumerate(batch.rows):
            trace = traces.get(row[0])
            if trace is not None:
                trace.add(span_statement(made.get(place), numbers[place], row), row[4])

    def _group_trace(self, trace_id: str, *, is_new: bool) -> TraceFacts | None:
        """The trace to add to; None when it was read whole, with what this group brings."""
        group = self._group
        if trace_id in group.whole:
            return None
        trace = group.traces.get(trace_id) or self._traces.pop(trace_id, None)
        if trace is None:
            if not is_new:
                self._again(trace_id)
                return None
            trace = TraceFacts(trace_id)
        else:
            self._remembered -= 0 if trace_id in group.traces else trace.size()
        group.traces[trace_id] = trace
        return trace

    def _again(self, trace_id: str) -> None:
        """The trace is derived again from what is stored, this group's records among it."""
        group = self._group
        if trace_id in group.whole:
            return
        known = self._traces.pop(trace_id, None)
        if known is not None:
            self._remembered -= known.size()
        names = self._names["fact_traces"]
        names.find([trace_id])
        group.traces[trace_id] = self._stored.trace(trace_id, names.get(trace_id))
        group.whole.add(trace_id)

    def add_logs(self, placed: Sequence[PlacedLogs]) -> None:
        for part in placed:
            if part.batch.facts or part.batch.identities:
                self._add_log_batch(part)

    def _add_log_batch(self, part: PlacedLogs) -> None:
        batch, ids = part.batch, part.numbers()
        numbers = [2 * number + 1 for number in ids]
        self._contents.add(batch, numbers.__getitem__, is_whole=not part.missing)
        known = self._known_traces({row[4] for row in batch.identities if row[4] is not None})
        trace_of = {row[0]: row[4] for row in (*batch.facts, *batch.identities)}
        for place, one in batch_statements(batch, numbers, part.resource_ids).items():
            trace_id = trace_of[place]
            if ids[place] in part.missing:
                continue
            if trace_id is None:
                if one.said is not None:
                    self._group.loose[one.number] = one
            elif one.said is not None or trace_id in known:
                # Read whole for this group's spans, it was without this group's logs; what is there already is not added.
                trace = self._group_trace(trace_id, is_new=False) or self._group.traces[trace_id]
                trace.add(one)

    def add_points(self, placed: Sequence[PlacedPoints]) -> None:
        for part in placed:
            if part.batch.usages:
                self._usage.write(part.batch, part.stream_ids)

    def add_stored(self, trace_ids: Iterable[str], log_ids: Sequence[int]) -> None:
        """Has traces, and log records outside of traces, derived again from what is stored."""
        for trace_id in trace_ids:
            self._again(trace_id)
        for one in self._stored.loose(log_ids):
            if one.trace_id is None:
                self._group.loose[one.number] = one

    def has_facts(self, trace_ids: Iterable[str]) -> bool:
        """Whether one of the traces has facts already."""
        return bool(self._known_traces(set(trace_ids)))

    def largest(self, trace_ids: Iterable[str]) -> int:
        """The most records of one of the traces, as far as they are remembered."""
        known = self._traces
        return max((known[trace_id].size() for trace_id in trace_ids if trace_id in known), default=0)

    def write(self, now: int) -> None:
        """Writes what follows from all that was added; `now` is in ns."""
        for _ in self.steps(now, None):
            pass

    def steps(self, now: int, rows: int | None) -> Iterator[None]:
        """As `write`, but at most so many `rows` between two steps.

        What was written up to a step is whole: a transaction may end there. Until the last one nothing may be added; when
        something must, the rest is not asked for, and what is left is found when the same is added again.
        """
        group, self._group = self._group, _Group()
        self._contents.write(now)
        if not group.traces and not group.loose:
            return
        for names in self._names.values():
            names.begin()
        for trace in group.traces.values():
            _resolve(trace)
        for one in group.loose.values():
            _resolve_alone(one)
        statements = self._gather(group)
        yield
        yield from self._settle(group, statements, rows)
        self._remember(group)

    def _gather(self, found: _Group) -> list[Statement]:
        """All statements that may tell of the group's events, from wherever they are."""
        statements = found.statements()
        for _ in range(4):
            events = self._elsewhere.adopt_sessions(statements) | self._elsewhere.look(statements)
            if not self._load(found, events - found.rows_by_id().keys()) and not self._complete(found):
                break
            statements = found.statements()
        return statements

    def _load(self, found: _Group, ids: Iterable[int]) -> bool:
        """Reads stored events, with the traces and log records that tell of them."""
        wanted = list(ids)
        if not wanted:
            return False
        rows = self._stored.rows(wanted)
        found.rows.update(rows)
        return self._complete(found) or bool(rows)

    def _complete(self, found: _Group) -> bool:
        """Reads what else tells of the events at hand."""
        present = {one.number for one in found.statements()}
        missing = {number for row in found.rows_by_id().values() for number in _sources(row)} - present - found.gone
        if not missing:
            return False
        found.gone |= missing
        records = {record_of(number) for number in missing}
        spans = [number // 2 for number in records if not number & 1]
        logs = [number // 2 for number in records if number & 1]
        trace_ids = self._trace_ids("traces_of_span_rows", spans) | self._trace_ids("traces_of_log_rows", logs)
        for trace_id in sorted(trace_ids - set(found.traces)):
            self._read_trace(found, trace_id)
        loose = [self._logs[2 * number + 1] for number in logs if 2 * number + 1 in self._logs]
        unread = [number for number in logs if 2 * number + 1 not in self._logs]
        for one in (*loose, *(self._stored.loose(unread) if unread else ())):
            if one.trace_id is None:
                _resolve_alone(one)
                found.loose[one.number] = one
        return True

    def _trace_ids(self, name: str, numbers: Sequence[int]) -> set[str]:
        if not numbers:
            return set()
        return {row[0] for row in self._connection.execute(statement(name), (orjson.dumps(numbers).decode(),)) if row[0]}

    def _read_trace(self, found: _Group, trace_id: str) -> None:
        trace = self._traces.pop(trace_id, None)
        if trace is None:
            names = self._names["fact_traces"]
            names.find([trace_id])
            trace = self._stored.trace(trace_id, names.get(trace_id))
        else:
            self._remembered -= trace.size()
        found.traces[trace_id] = trace
        _resolve(trace)

    def _settle(self, found: _Group, statements: Sequence[Statement], most: int | None) -> Iterator[None]:
        """From statements to events to rows, and the difference to what is stored."""
        stored = found.rows_by_id()
        owner = {number: id_ for id_, row in stored.items() for number in _sources(row)}
        events = [event_of(without_inferred(members)) for members in group(statements)]
        for event in events:
            numbers = [one.number for one in event.statements]
            kept = {owner[number] for number in numbers if number in owner}
            event.id = min(kept.intersection(numbers), default=min(numbers))
            for one in event.statements:
                one.event_id = event.id
        keys = self._keys(events)
        totals = run_totals(events)
        rows = {event.id: row_of(event, key, totals.get(event.id, NO_RUN)) for event, key in zip(events, keys, strict=True)}
        yield
        changed = [row for id_, row in rows.items() if stored.get(id_) != row]
        removed = [row for id_, row in stored.items() if id_ not in rows]
        for start in range(0, len(changed) or 1, most or len(changed) or 1):
            self._store(stored, changed[start : start + most] if most else changed, removed)
            removed = []
            yield
        found.keep(events, rows, self._logs)

    def _keys(self, events: Sequence[Event]) -> list[tuple[int | None, int | None, int | None, int | None]]:
        """Numbers of trace, agent, session and user."""
        named = [
            (_trace_of(event), event.identity.agent_name, event.identity.session_id, event.identity.user_id) for event in events
        ]
        tables = [self._names[table] for table in ("fact_traces", "agents", "sessions", "users")]
        for place, names in enumerate(tables):
            names.ensure({entry[place] for entry in named if entry[place] is not None})  # type: ignore[misc]  # None is left out
        traces, agents, sessions, users = tables
        return [
            (traces.get(trace), agents.get(agent), sessions.get(session), users.get(user))
            for trace, agent, session, user in named
        ]

    def _store(self, stored: Mapping[int, Row], changed: Sequence[Row], removed: Sequence[Row]) -> None:
        replaced = [stored[row[0]] for row in changed if row[0] in stored]
        gone = [row[0] for row in (*removed, *replaced) if row[_SOURCES] is not None]
        if removed:
            self._connection.execute(statement("delete_facts"), (orjson.dumps([row[0] for row in removed]).decode(),))
        if gone:
            self._connection.execute(statement("delete_fact_sources"), (orjson.dumps(gone).decode(),))
        insert_many(self._connection, "insert_fact", changed)
        sources = [(number, row[0]) for row in changed if row[_SOURCES] is not None for number in _sources(row)]
        insert_many(self._connection, "insert_fact_source", sources)
        self._sums.change(removed=(*removed, *replaced), added=changed)

    def _remember(self, found: _Group) -> None:
        for trace_id, trace in found.traces.items():
            self._traces[trace_id] = trace
            self._remembered += trace.size()
        while self._remembered > SPANS_REMEMBERED and len(self._traces) > 1:
            _, oldest = self._traces.popitem(last=False)
            self._remembered -= oldest.size()
        while len(self._logs) > LOGS_REMEMBERED:
            self._logs.popitem(last=False)


class _Group:
    """What one group of commits touched."""

    def __init__(self) -> None:
        self.traces: dict[str, TraceFacts] = {}
        self.loose: dict[int, Statement] = {}
        self.rows: dict[int, Row] = {}
        # Traces that were read from the store with all that this group brings.
        self.whole: set[str] = set()
        self.gone: set[int] = set()

    def statements(self) -> list[Statement]:
        found = [
            one
            for trace in self.traces.values()
            for part in (trace.spans.values(), trace.others, trace.inferred)
            for one in part
            if one.said is not None
        ]
        found += self.loose.values()
        return found

    def rows_by_id(self) -> dict[int, Row]:
        known = dict(self.rows)
        for trace in self.traces.values():
            known.update(trace.rows)
        return known

    def keep(self, events: Iterable[Event], rows: Mapping[int, Row], logs: OrderedDict[int, Statement]) -> None:
        """Notes the rows with the traces that tell of them, and the log records outside of traces."""
        for trace in self.traces.values():
            trace.rows = {}
        for event in events:
            for one in event.statements:
                if one.trace_id is not None and one.trace_id in self.traces:
                    self.traces[one.trace_id].rows[event.id] = rows[event.id]
        for one in self.loose.values():
            logs[one.number] = one
            logs.move_to_end(one.number)


def _resolve(trace: TraceFacts) -> None:
    ordered = resolve_identity(trace)
    count(ordered, trace.others)
    trace.inferred = infer(trace, ordered)


def _resolve_alone(one: Statement) -> None:
    """A log record outside of any trace."""
    one.reset()
    one.identity = effective(one.own or NOTHING, NOTHING, one.resource, None)
    count((), (one,))


def _sources(row: Row) -> list[int]:
    """The numbers of the records that tell of a stored event."""
    sources: list[int] = orjson.loads(row[_SOURCES]) if row[_SOURCES] is not None else [row[0]]
    return sources


def _trace_of(event: Event) -> str | None:
    if event.leader.trace_id is not None:
        return event.leader.trace_id
    return min((one.trace_id for one in event.statements if one.trace_id is not None), default=None)
