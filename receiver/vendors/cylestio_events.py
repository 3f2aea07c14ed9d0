"""What the two Cylestio dialects share: an event read from either of its shapes, pairs of events, their spans.

Shape by event, whatever the path: an event with `name` is the named shape (`cylestio_local`), else it is the flat
shape with `event_type` (`cylestio_mini`).

Start and finish of one operation usually come in two requests. They become one span when both are in the same request, or when
the start is remembered (`open_starts`); both log records carry its ids. In every case a log record of an operation says how to
find its other half:

- `cylestio.pair.role`: `start` or `finish`;
- `cylestio.pair.family`: `llm`, `tool`, `agent`, `retrieval`, `chain` or `langgraph`;
- `cylestio.pair.key`: equal in both halves. A finish closes the latest open start of its key at or before its time.

A lone start carries the span id that its span would have; a finish that shares the client's span id carries it too. So
a reader joins halves first by (trace id, span id), then by key, and counts a call once: at its finish. A start alone is
a call that is still open. A finish alone has its duration in `duration_ms` where the client told it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from receiver.vendors.export import Exports, LogEntry, Scope, add_attributes
from receiver.vendors.json_text import digest
from receiver.vendors.values import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from receiver.vendors.dialect import Json, JsonObject

Role = Literal["start", "finish"]
_SPAN_ATTRIBUTES = ("gen_ai.", "mcp.", "code.", "exception.", "framework.")
_SPAN_ATTRIBUTE_NAMES = frozenset({"session.id", "user.id", "error.type"})


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field of an event."""

    field: str
    reason: str
    kind: Literal["missing", "type", "value"]
    # A structural fault refuses the request that it came in; any other costs only its event.
    structural: bool = True
    value: Json = None


@dataclass(frozen=True, slots=True)
class Event:
    """One event of either shape, ready to become a log record."""

    scope: Scope
    entry: LogEntry
    resource: JsonObject
    name: str
    role: Role | None = None
    family: str = ""
    pair_key: str = ""
    # Events from before the client had a trace are not parts of one: they stay log records.
    makes_span: bool = True
    parent_span_id: bytes = b""


@dataclass(frozen=True, slots=True)
class Pair:
    """A start and its finish, as places in the request, with the ids of their span."""

    start: int
    finish: int
    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes = b""


@dataclass(frozen=True, slots=True)
class EarlierStart:
    """A start that came in a request before its finish, with the ids of their span."""

    event: Event
    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes = b""


@dataclass(slots=True)
class _Pairing:
    events: Sequence[Event]
    taken: set[tuple[bytes, bytes]] = field(default_factory=set)

    def pairs(self) -> list[Pair]:
        by_key: dict[str, list[int]] = {}
        for place, event in enumerate(self.events):
            if event.role is not None and event.makes_span:
                by_key.setdefault(event.pair_key, []).append(place)
        halves = sorted(match for places in by_key.values() for match in self._matches(places))
        return [self._pair(start, finish) for start, finish in halves]

    def _matches(self, places: list[int]) -> list[tuple[int, int]]:
        """Each finish takes the latest open start at or before it."""
        found, open_starts = [], []
        for place in sorted(places, key=lambda place: (self.events[place].entry.time_ns, place)):
            if self.events[place].role == "start":
                open_starts.append(place)
            elif open_starts:
                found.append((open_starts.pop(), place))
        return found

    def _pair(self, start: int, finish: int) -> Pair:
        event = self.events[start]
        trace_id, span_id, parent = event.entry.trace_id, event.entry.span_id, event.parent_span_id
        if (trace_id, span_id) in self.taken:
            # the client's span already stands for another operation: this one is a child of it
            span_id, parent = span_id_of_start(event.entry.uid), span_id
        self.taken.add((trace_id, span_id))
        return Pair(start, finish, trace_id, span_id, parent)


def pair_events(events: Sequence[Event]) -> list[Pair]:
    """Starts and finishes of this request that belong together."""
    return _Pairing(events).pairs()


def span_id_of_start(uid: str) -> bytes:
    """Span id of an operation whose client gave none: a function of its start record, so that it never changes."""
    return hashlib.sha256(f"span:{uid}".encode("ascii")).digest()[:8]


def pair_attributes(dialect: str, role: Role, family: str, *identity: Json) -> JsonObject:
    """How a log record names its other half; `identity` is what both halves have in common."""
    return {
        "cylestio.pair.role": role,
        "cylestio.pair.family": family,
        "cylestio.pair.key": digest(dialect, family, *identity)[:32],
    }


def halves_alone(events: Sequence[Event]) -> list[Event]:
    """Starts and finishes whose other half is not in this request."""
    together = {place for pair in pair_events(events) for place in (pair.start, pair.finish)}
    return [event for place, event in enumerate(events) if event.role is not None and event.makes_span and place not in together]


def export_events(events: Sequence[Event], earlier: Mapping[str, EarlierStart] | None = None) -> Exports:
    """Log records of all events and spans of the pairs among them. An event that is there twice is one event.

    `earlier` has starts that came before this request, by the uid of the finish that closes them.
    """
    earlier = earlier or {}
    events = list({event.entry.uid: event for event in reversed(events)}.values())[::-1]
    exports, pairs = Exports(), pair_events(events)
    ids: dict[int, Pair | EarlierStart] = {place: pair for pair in pairs for place in (pair.start, pair.finish)}
    ids |= {place: earlier[event.entry.uid] for place, event in enumerate(events) if event.entry.uid in earlier}
    for place, event in enumerate(events):
        entry = event.entry
        if place in ids:
            entry = replace(entry, trace_id=ids[place].trace_id, span_id=ids[place].span_id)
        exports.add_log(event.scope, event.resource, entry)
    for pair in pairs:
        start = events[pair.start]
        exports.add_span(start.scope, start.resource, _span(start, events[pair.finish], pair))
    for event in events:
        if (begun := earlier.get(event.entry.uid)) is not None:
            exports.add_span(begun.event.scope, begun.event.resource, _span(begun.event, event, begun))
    return exports


def _span(start: Event, finish: Event, pair: Pair | EarlierStart) -> Span:
    values = {**_span_attributes(start), **_span_attributes(finish)}
    # a start without a representable time would stretch the span from 1970
    end = finish.entry.time_ns
    is_client = start.family in {"llm", "retrieval"}
    span = Span(
        trace_id=pair.trace_id,
        span_id=pair.span_id,
        parent_span_id=pair.parent_span_id,
        name=clean_text(_span_name(start, values)),
        kind=Span.SPAN_KIND_CLIENT if is_client else Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=start.entry.time_ns or end,
        end_time_unix_nano=end,
    )
    add_attributes(span, values)
    if "error.type" in values:
        message = values.get("exception.message")
        span.status.code = Status.STATUS_CODE_ERROR
        span.status.message = clean_text(message) if isinstance(message, str) else ""
    return span


def _span_attributes(event: Event) -> JsonObject:
    return {
        key: value
        for key, value in event.entry.attributes.items()
        if key.startswith(_SPAN_ATTRIBUTES) or key in _SPAN_ATTRIBUTE_NAMES
    }


def _span_name(start: Event, values: JsonObject) -> str:
    operation = values.get("gen_ai.operation.name")
    if not isinstance(operation, str):
        return start.name.rsplit(".", 1)[0]
    targets = {"execute_tool": "gen_ai.tool.name", "invoke_agent": "gen_ai.agent.name"}
    target = values.get(targets.get(operation, "gen_ai.request.model"))
    return f"{operation} {target}" if isinstance(target, str) and target else operation
