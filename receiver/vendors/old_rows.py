"""Rows of the vendors' old databases → the JSON that their clients send, so that the same translators read both.

Only columns that are there are used, in whatever version of its schema a file is; a value that is null is left out. A row's
number goes along as `id`: two equal rows of an old file are two records, and a second import of the file adds nothing.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from receiver.vendors import cylestio_mini, device_metrics, local_telemetry
from receiver.vendors.cylestio_mini import event_problems
from receiver.vendors.dialect import Translation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Protocol

    from receiver.vendors.dialect import Translate

    Row = Mapping[str, Any]

    class OldFile(Protocol):
        """storage.sqlite.foreign.ForeignFile has it."""

        def columns(self, table: str) -> list[str]: ...

        def rows(self, table: str) -> Iterator[dict[str, Any]]: ...


_TRANSLATORS: dict[str, Translate] = {
    "cylestio": cylestio_mini.translate,
    "metrics": device_metrics.translate_batch,
    "runs": local_telemetry.translate_batch,
}
KINDS = tuple(_TRANSLATORS)
_CALLER = {"caller_file": "file", "caller_line": "line", "caller_function": "function"}
_EVENT_KEYS = (
    "timestamp", "level", "agent_id", "event_type", "channel", "direction", "session_id", "conversation_id", "relationship_id",
    "duration_ms", "alert", "schema_version", "trace_id", "span_id", "parent_span_id", "name",
)  # fmt: skip
_RUN_NAMESPACE = uuid.UUID("6f1de2a6-1f0b-5a3e-9d55-0d6c9a2f7b11")


class UnknownOldFile(Exception):
    """The file has none of the tables that this kind of database is made of."""


def table_of(kind: str, file: OldFile) -> str:
    """The table whose rows are imported."""
    table, needed = {
        "cylestio": ("events", {"timestamp"}),
        "metrics": ("metric_values", {"device_id", "timestamp"}),
        "runs": ("agent_runs", {"run_id", "start_time"}),
    }[kind]
    missing = needed - set(file.columns(table))
    if missing:
        there = f"lacks the columns {', '.join(sorted(missing))}" if file.columns(table) else "is not there"
        raise UnknownOldFile(f"the table {table} {there}: this is no database of the kind `{kind}`")
    return table


def documents(kind: str, file: OldFile) -> Iterator[dict[str, Any]]:
    """The JSON documents of all rows, oldest first."""
    rows = file.rows(table_of(kind, file))
    if kind == "cylestio":
        names = {row["id"]: row["agent_id"] for row in _optional(file, "agents", {"id", "agent_id"})}
        sessions = {row["id"]: row["session_id"] for row in _optional(file, "sessions", {"id", "session_id"})}
        return (event_document(row, names, sessions) for row in rows)
    if kind == "metrics":
        devices = {row["id"]: row for row in _optional(file, "devices", {"id", "name"})}
        metrics = {row["id"]: row for row in _optional(file, "metric_info", {"id", "name"})}
        return (sample_document(row, devices, metrics) for row in rows)
    return map(run_document, rows)


def event_document(row: Row, agents: Mapping[Any, str], sessions: Mapping[Any, str]) -> dict[str, Any]:
    """Either Cylestio shape: the named one was kept whole in `raw_data`, the flat one has its `data` apart."""
    raw = _json(row.get("raw_data"))
    document: dict[str, Any] = dict(raw) if isinstance(raw, dict) else {}
    named = row.get("name") is not None or "name" in document
    for key in _EVENT_KEYS:
        # The named shape has its own word for the type; the column only sorts events into families.
        if row.get(key) is not None and key not in document and not (named and key == "event_type"):
            document[key] = row[key]
    for key, names in (("agent_id", agents), ("session_id", sessions)):
        if isinstance(document.get(key), int):
            document[key] = names.get(document[key], str(document[key]))
    if named:
        document.pop("event_type", None)
        document.setdefault("trace_id", None)
    data = _json(row.get("data"))
    if data is not None:
        document["data"] = data
    caller = {name: row[column] for column, name in _CALLER.items() if row.get(column) is not None}
    if caller:
        document["caller"] = caller
    return {**document, "id": row["rowid"]}


def sample_document(row: Row, devices: Mapping[Any, Row], metrics: Mapping[Any, Row]) -> dict[str, Any]:
    """The device's number is the old file's own: only where it is a text does it mean anything elsewhere."""
    device, metric = devices.get(row["device_id"], {}), metrics.get(row.get("metric_info_id"), {})
    values = {
        "device_name": device.get("name") or str(row["device_id"]),
        "device_id": row["device_id"] if isinstance(row["device_id"], str) else None,
        "device_type": device.get("device_type"),
        "metric_name": metric.get("name") or row.get("metric_name"),
        "metric_value": row.get("metric_value", row.get("value")),
        "timestamp": row["timestamp"],
        "unit": metric.get("unit"),
        "description": metric.get("description"),
        "metric_metadata": _json(row.get("metric_metadata")),
    }
    return {key: value for key, value in values.items() if value is not None}


def run_document(row: Row) -> dict[str, Any]:
    """A run from before event ids gets one made of its run id and its place, the same at every import."""
    document = {key: value for key, value in row.items() if value is not None and key != "rowid"}
    if document.get("event_id") is None:
        document["event_id"] = str(uuid.uuid5(_RUN_NAMESPACE, f"{row['run_id']}\n{row['rowid']}"))
    document.setdefault("created_at", document.get("start_time"))
    for key in ("status", "agent_name", "job_type"):
        if not isinstance(document.get(key), str):
            document[key] = "unknown" if key != "status" else "running"
    return document


def translated(kind: str, some: Sequence[dict[str, Any]], received_time_ns: int) -> tuple[Translation, list[str]]:
    """The OTLP messages of these documents, and what is wrong with those that were left out."""
    faults: list[str] = []
    if kind == "cylestio":
        # The endpoint refuses a batch for one bad event; here each stands for itself.
        found = [(document, event_problems(document)) for document in some]
        faults = [f"row {document['id']}: {problems[0].field} {problems[0].reason}" for document, problems in found if problems]
        some = [document for document, problems in found if not problems]
        if not some:
            return Translation((), (), True, received_time_ns), faults
    translation = _TRANSLATORS[kind](body_of(some), {}, received_time_ns)
    return translation, faults + [element.error for element in translation.elements if element.error is not None]


def body_of(some: Iterable[Mapping[str, Any]]) -> bytes:
    """A batch as the clients post it."""
    return json.dumps(list(some), ensure_ascii=False, separators=(",", ":"), default=str).encode("utf-8", "replace")


def _optional(file: OldFile, table: str, needed: set[str]) -> Iterator[dict[str, Any]]:
    return file.rows(table) if needed <= set(file.columns(table)) else iter(())


def _json(value: Any) -> Any:
    """JSON columns are text in SQLite; text that is none stays as it is."""
    if not isinstance(value, str | bytes):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value if isinstance(value, str) else value.decode("utf-8", "replace")
