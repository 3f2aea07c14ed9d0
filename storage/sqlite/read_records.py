"""Reads span and log records by their numbers, together with the resources and scopes that they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from storage.contract import LogRecord, ResourceRecord, ScopeRecord, SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from storage.sqlite.connect import Reader


def spans_by_id(reader: Reader, ids: Iterable[int]) -> dict[int, SpanRecord]:
    rows = reader.rows("spans_by_id", {"ids": _json(ids)})
    resources, scopes = _shared(reader, rows)
    return {row[2]: SpanRecord(*(*row[2:], resources[row[0]], scopes[row[1]])) for row in rows}


def logs_by_id(reader: Reader, ids: Iterable[int]) -> dict[int, LogRecord]:
    rows = reader.rows("logs_by_id", {"ids": _json(ids)})
    resources, scopes = _shared(reader, rows)
    return {row[2]: LogRecord(*(*row[2:], resources[row[0]], scopes[row[1]])) for row in rows}


def _shared(reader: Reader, rows: Sequence[Sequence[Any]]) -> tuple[dict[int, ResourceRecord], dict[int, ScopeRecord]]:
    """Resources and scopes of rows that begin with resource_id, scope_id."""
    resources = reader.rows("resources", {"ids": _json({row[0] for row in rows})})
    scopes = reader.rows("scopes", {"ids": _json({row[1] for row in rows})})
    return {row[0]: ResourceRecord(*row) for row in resources}, {row[0]: ScopeRecord(*row) for row in scopes}


def _json(ids: Iterable[int]) -> str:
    return orjson.dumps(list(ids)).decode()
