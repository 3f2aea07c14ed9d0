"""What the operator chose of vendors' records: whether their exact text is kept, and whether what comes again is one record.

Both are switches for those who know their clients: without the exact text a record takes half the room, and only the formatting
of its JSON is lost (spaces, 1 or 1.0, keys that repeat); and a client without ids that means every event, equal or not, can have
each request stored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

    from receiver.vendors import Translation

ORIGINAL, UID = "log.record.original", "log.record.uid"
# Their contracts have no id: that two equal events are one is a guess, if a good one.
WITHOUT_ID = frozenset({"cylestio_mini", "cylestio_local"})


@dataclass(frozen=True, slots=True)
class VendorPolicy:
    """`originals`: the exact text is kept. `repeats`: an event of a client without ids is stored whenever it is sent."""

    originals: bool = True
    repeats: bool = False

    def applied(self, translation: Translation, system: str) -> Translation:
        """The messages are the translation's own and are changed."""
        repeats = self.repeats and system in WITHOUT_ID
        if self.originals and not repeats:
            return translation
        for record in _records(translation):
            for place in reversed(range(len(record.attributes))):
                attribute = record.attributes[place]
                if attribute.key == ORIGINAL and not self.originals:
                    del record.attributes[place]
                elif attribute.key == UID and repeats:
                    attribute.value.string_value = _of_now(attribute.value.string_value, translation)
        if not repeats:
            return translation
        elements = tuple(
            replace(element, uid=_of_now(element.uid, translation), key=_of_now(element.uid, translation))
            if element.uid is not None
            else element
            for element in translation.elements
        )
        return replace(translation, elements=elements)


def _of_now(uid: str, translation: Translation) -> str:
    return f"{uid}:{translation.received_time_ns}"


def _records(translation: Translation) -> Iterator[LogRecord]:
    for _, message in translation.requests:
        if isinstance(message, ExportLogsServiceRequest):
            for resource in message.resource_logs:
                for scope in resource.scope_logs:
                    yield from scope.log_records
