"""Counts log records by what stands in them, in one pass over the rows of the time asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from storage.contract import LogCount
from storage.errors import BadQuestion
from storage.sqlite.reading.logs import scope_ids
from storage.sqlite.reading.search import Search
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.contract import LogCountQuery
    from storage.sqlite.connect import Reader

FIELDS = frozenset({"event", "service", "severity", "scope"})
GROUPS, SUMS, FILTERS = 3, 4, 3


def log_counts(reader: Reader, query: LogCountQuery) -> list[LogCount]:
    search = Search.within("logs", query.range)
    search.want_service(reader, query.service)
    scopes = scope_ids(reader, query.scopes)
    if search.impossible or scopes == "[]":
        return []
    bounds = {"table_name": search.table, "start": search.start, "end": search.end}
    (first_id,) = reader.execute(statement("lowest_row_since"), bounds).fetchone()
    parameters: dict[str, Any] = {
        "start": search.start,
        "end": search.end,
        "services": search.parameters["services"],
        "first_id": max(first_id, query.after_id + 1),
        "last_id": query.last_id,
        "event": query.event,
        "severity": query.severity,
        "scopes": scopes,
        "is_event": query.is_event,
        "interval": query.interval_ns,
        "number": None if query.values_of is None else _path(query.values_of),
        "limit": query.limit,
        **_numbered("group", [name if name in FIELDS else _path(name) for name in query.group_by], GROUPS, ""),
        **_numbered("sum", [_path(key) for key in query.sum_of], SUMS, None),
        **_numbered("key", [_path(wanted.key) for wanted in query.attributes], FILTERS, None),
        **_numbered("value", [wanted.value for wanted in query.attributes], FILTERS, None),
    }
    groups, sums = len(query.group_by), len(query.sum_of)
    return [
        LogCount(tuple(row[:groups]), row[3], row[4], row[5], row[6], tuple(row[7 : 7 + sums]), row[11] or ())
        for row in reader.rows("count_logs", parameters)
    ]


def last_log_number(reader: Reader) -> int:
    (number,) = reader.execute(statement("last_log_number")).fetchone()
    return int(number)


def _path(key: str) -> str:
    """Where the attribute stands in the JSON object; SQLite has no way to write a quote inside a quoted name."""
    if '"' in key:
        raise BadQuestion("attributes", f"the key {key[:100]} holds a quote, which cannot be counted by")
    return f'$."{key}"'


def _numbered(name: str, values: Sequence[str], count: int, absent: str | None) -> dict[str, str | None]:
    if len(values) > count:
        raise BadQuestion(name, f"at most {count} of them can be asked for at once, not {len(values)}")
    return {f"{name}_{number}": values[number - 1] if number <= len(values) else absent for number in range(1, count + 1)}
