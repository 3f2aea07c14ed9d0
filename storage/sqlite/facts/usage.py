"""Notes which metric streams count what agents used. Their values stay where they are, among the metric points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from storage.batch import RESOURCE_COLUMNS, STREAM_COLUMNS
from storage.facts.fact import Usage
from storage.sqlite.bulk import insert_many

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from storage.batch import Batch

REMEMBERED: Final = 100_000
_ATTRIBUTES: Final = STREAM_COLUMNS.index("attributes")
_SERVICE: Final = RESOURCE_COLUMNS.index("service_name")
# Attributes of a stream that people charge by.
_LABELS: Final = (
    "vcs.",
    "organization.",
    "team.",
    "skill.",
    "plugin.",
    "mcp_server.",
    "language",
    "decision",
    "source",
    "start_type",
)


class UsageWriter:
    """Runs on the writer thread, inside its transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: set[int] = set()

    def forget(self) -> None:
        self._known.clear()

    def write(self, batch: Batch, stream_ids: Sequence[int]) -> None:
        """The streams behind the batch's usages; each is noted once."""
        identities = {row[0]: row for row in batch.resource_identities}
        rows: dict[int, Any] = {}
        for row in batch.usages:
            usage = Usage._make(row)
            number = stream_ids[usage.stream]
            if number in self._known or number in rows:
                continue
            says = identities.get(usage.resource)
            service = batch.resources[usage.resource][_SERVICE]
            agent = usage.agent_name or (says[2] if says else None) or service
            session = usage.session_id or (says[4] if says else None)
            user = usage.user_id or (says[5] if says else None)
            rows[number] = (
                number, usage.family, usage.metric, usage.measure, usage.type, usage.temporality, agent, session, user,
                usage.provider, usage.model, usage.tool_name, service, _label(batch.streams[usage.stream][_ATTRIBUTES]),
            )  # fmt: skip
        insert_many(self._connection, "insert_usage_stream", list(rows.values()))
        if len(self._known) > REMEMBERED:
            self._known.clear()
        self._known.update(rows)


def _label(attributes: str) -> str | None:
    found = {
        key: value
        for key, value in orjson.loads(attributes).items()
        if key.startswith(_LABELS) and isinstance(value, str | int | float)
    }
    return orjson.dumps(found).decode() if found else None
