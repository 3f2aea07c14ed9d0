"""The parts of a span that are messages themselves, rendered: status, events, links.

A status is nearly always one of three, and the events of a service differ in little more than their time; both are remembered
by their bytes, like attributes.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any

import orjson
from google.protobuf.message import DecodeError
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from storage.rows import raw
from storage.rows.errors import Undecodable
from storage.rows.memory import attributes_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from storage.rows.refusals import Refusals

KEPT = 5_000
LONGEST_KEPT = 512
NO_STATUS = (None, None)

# An event as every serialiser writes it: field 1, a fixed64, and then the rest.
_TIME_TAG = 0x09
_TIME = Struct("<xQ")


class _Statuses(dict[bytes, tuple[int, str | None]]):
    """Status bytes → code, and message where there is one."""

    def __missing__(self, body: bytes) -> tuple[int, str | None]:
        try:
            status = Status.FromString(body)
        except DecodeError as error:
            raise Undecodable(f"a span's status does not parse: {error}") from error
        found = (int(status.code), status.message or None)
        if len(body) <= LONGEST_KEPT:
            if len(self) >= KEPT:
                self.clear()
            self[body] = found
        return found


class _EventRests(dict[bytes, str | None]):
    """Event bytes without the time → the text behind the time; None where the time is in there as well."""

    def __missing__(self, body: bytes) -> str | None:
        event = raw.parse_event(body)
        found = None if event.time_unix_nano else _event_rest(event)
        if len(body) <= LONGEST_KEPT:
            if len(self) >= KEPT:
                self.clear()
            self[body] = found
        return found


_STATUSES = _Statuses()
_EVENT_RESTS = _EventRests()


def status_of(parts: Sequence[bytes]) -> tuple[int | None, str | None]:
    """Code and message of a raw status field; NO_STATUS where none was sent."""
    return _STATUSES[parts[0] if len(parts) == 1 else b"".join(parts)] if parts else NO_STATUS


def events_text(events: Iterable[bytes]) -> str:
    """Raw events as the JSON array that is stored."""
    return "[" + ",".join([_event_text(event) for event in events]) + "]"


def _event_text(body: bytes) -> str:
    if len(body) > _TIME.size and body[0] == _TIME_TAG:
        rest = _EVENT_RESTS[body[_TIME.size :]]
        if rest is not None:
            return f'{{"time":{_TIME.unpack_from(body)[0]}{rest}'
    event = raw.parse_event(body)
    return f'{{"time":{event.time_unix_nano}{_event_rest(event)}'


def _event_rest(event: Any) -> str:
    name = orjson.dumps(event.name).decode()
    text = f',"name":{name},"attributes":{attributes_text(list(event.attributes))}'
    dropped = event.dropped_attributes_count
    return f'{text},"dropped_attributes_count":{dropped}}}' if dropped else text + "}"


def links_text(links: Iterable[Any], refusals: Refusals) -> str | None:
    """Links as the JSON array that is stored; those that name no span are left out, with a warning."""
    texts = []
    for link in links:
        if len(link.trace_id) != 16 or len(link.span_id) != 8:
            refusals.warn("a link with an id of the wrong length was left out; its span is kept")
            continue
        texts.append(_link_text(link))
    return "[" + ",".join(texts) + "]" if texts else None


def _link_text(link: Any) -> str:
    text = f'{{"trace_id":"{link.trace_id.hex()}","span_id":"{link.span_id.hex()}"'
    if link.trace_state:
        text += f',"trace_state":{orjson.dumps(link.trace_state).decode()}'
    if link.attributes:
        text += f',"attributes":{attributes_text(link.attributes)}'
    if link.flags:
        text += f',"flags":{link.flags}'
    if link.dropped_attributes_count:
        text += f',"dropped_attributes_count":{link.dropped_attributes_count}'
    return text + "}"
