"""Events of agents as the older readers know them: log records with an event name, newest first, page by number.

A record that came as JSON is read from its exact text (`log.record.original`); any other event gets the same keys from what
OTLP says of it, so that agents of every kind can be seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

from query.legacy.endpoint import Refusal
from query.legacy.times import iso
from storage.contract import AttributeFilter, LogQuery
from storage.rows.values import plain, plain_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from storage.contract import LogRecord, Store, TimeRange

AGENT = "gen_ai.agent.id"
SESSION = "session.id"
EVENT_TYPE = "cylestio_mini.event_type"
MODEL = "gen_ai.request.model"
# Events that end a model call and tell how long it took.
RESPONSES = ("cylestio.LLM_call_finish", "cylestio.model_response", "llm.call.finish", "llm.call.end", "llm.response")
CYLESTIO = ("seed.cylestio_mini", "seed.cylestio_local")
# What the names of all vendors' scopes begin with.
VENDORS = "seed."
MOST_LOOKED_AT = 50_000
_PAGE = 1000


@dataclass(frozen=True)
class Event:
    """One log record with its parts decoded when they are asked for."""

    record: LogRecord

    @cached_property
    def attributes(self) -> dict[str, Any]:
        return plain(self.record.attributes)

    @cached_property
    def document(self) -> dict[str, Any]:
        """What the client sent; empty where it sent no JSON. The body says the same where the exact text was not kept."""
        original = self.attributes.get("log.record.original")
        try:
            document = orjson.loads(original) if isinstance(original, str) else None
        except orjson.JSONDecodeError:
            document = None
        if document is None and (self.record.scope.name or "").startswith(VENDORS):
            document = plain_body(self.record.body, self.record.body_type)
        return document if isinstance(document, dict) else {}

    @property
    def id(self) -> int:
        return self.record.id

    @property
    def time(self) -> int:
        return self.record.time

    @property
    def timestamp(self) -> str | None:
        return iso(self.record.time)

    @property
    def agent(self) -> str | None:
        return self._text(AGENT) or self._text("gen_ai.agent.name") or self.record.resource.service_name

    @property
    def session(self) -> str | None:
        return self._text(SESSION) or self._text("gen_ai.conversation.id")

    @property
    def type(self) -> str:
        """The client's own word for what happened."""
        return self._text(EVENT_TYPE) or (self.record.event_name or "").removeprefix("cylestio.")

    @property
    def name(self) -> str:
        return self.record.event_name or ""

    @property
    def level(self) -> str:
        return self.record.severity_text or "INFO"

    @property
    def failed(self) -> bool:
        return (
            self.level.upper() in {"ERROR", "CRITICAL", "FATAL"}
            or self.name.endswith(".error")
            or "error.type" in self.attributes
        )

    @property
    def channel(self) -> str:
        return self._text("cylestio_mini.channel") or self._text("cylestio.channel") or "UNKNOWN"

    @property
    def direction(self) -> str | None:
        return self._text("cylestio_mini.direction")

    @property
    def duration_ms(self) -> float | None:
        value = self.attributes.get("duration_ms")
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    @property
    def data(self) -> Any:
        """What the event says beyond its envelope."""
        if self.document:
            return self.document.get("data", self.document.get("attributes", {}))
        return plain_body(self.record.body, self.record.body_type)

    def number(self, key: str) -> int:
        value = self.attributes.get(key)
        return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0

    def text(self, key: str) -> str | None:
        return self._text(key)

    def _text(self, key: str) -> str | None:
        value = self.attributes.get(key)
        return value if isinstance(value, str) and value else None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events: what the store can look for, and what is looked at here."""

    range: TimeRange
    agent: str | None = None
    session: str | None = None
    event: str | None = None
    severity: str | None = None
    trace_id: str | None = None
    text: str | None = None
    scopes: tuple[str, ...] | None = None
    fits: Callable[[Event], bool] | None = None

    def query(self, limit: int) -> LogQuery:
        pairs = ((AGENT, self.agent), (SESSION, self.session))
        return LogQuery(
            range=self.range,
            event=self.event,
            severity=self.severity,
            trace_id=self.trace_id,
            text=self.text,
            scopes=self.scopes,
            is_event=True,
            attributes=tuple(AttributeFilter(key, value) for key, value in pairs if value is not None),
            limit=limit,
        )


async def newest(store: Store, wanted: Wanted, limit: int, offset: int = 0) -> list[Event]:
    """`limit` events after the `offset` newest ones."""
    found: list[Event] = []
    looked_at = 0
    query = wanted.query(min(max(limit + offset, 1), _PAGE))
    while len(found) < limit + offset:
        page = await store.find_logs(query)
        looked_at += len(page.items)
        events = (Event(record) for record in page.items)
        found += (event for event in events if wanted.fits is None or wanted.fits(event))
        if page.next is None:
            break
        if looked_at >= MOST_LOOKED_AT and len(found) < limit + offset:
            raise Refusal(
                400, f"more than {MOST_LOOKED_AT} events would have to be looked at; narrow the time", field="from_time"
            )
        query = replace(query, after=page.next)
    return found[offset : offset + limit]


async def oldest(store: Store, wanted: Wanted, limit: int, offset: int = 0) -> list[Event]:
    """The same from the other end: all that fit are looked at."""
    return (await every(store, wanted))[::-1][offset : offset + limit]


async def every(store: Store, wanted: Wanted) -> list[Event]:
    """All that fit, newest first; refused where they are more than may be looked at."""
    found = await newest(store, wanted, MOST_LOOKED_AT + 1)
    if len(found) > MOST_LOOKED_AT:
        raise Refusal(400, f"there are more than {MOST_LOOKED_AT} events; narrow the time", field="from_time")
    return found


async def by_number(store: Store, text: str) -> Event | None:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        return None
    records = await store.logs_by_number([int(text)])
    return Event(records[0]) if records else None
