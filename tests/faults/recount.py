"""Counts anew, from the rows alone and by the plainest code, all that the SQLite engine keeps beside them, and compares.

`faults_of` is empty for a file in which every promise about derived data holds: summaries of traces, latency roll-ups, the
block index, the full text, the counts. It is told whether rows were removed by retention, which roll-ups outlive.
"""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections import Counter, defaultdict
from contextlib import closing
from typing import TYPE_CHECKING, Any

from storage.histogram import bucket_of, edges_of, unpack_into
from storage.rows.hashes import EVENT, NAME, SERVICE, STATUS, search_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

ROOT_PARENTS = (None, "0000000000000000")
MINUTE_NS = 60_000_000_000


def connect(path: Path) -> sqlite3.Connection:
    """A connection of another program."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=10)
    connection.row_factory = sqlite3.Row
    return connection


def faults_of(path: Path, *, expired: bool = False, exact_extremes: bool = True) -> list[str]:
    """What does not add up. `exact_extremes` is false where spans were replaced: a bucket's edge may stand for the shortest."""
    with closing(connect(path)) as connection:
        return [
            *_damage(connection),
            *_counts(connection),
            *_traces(connection),
            *_references(connection),
            *_blocks(connection, "spans"),
            *_blocks(connection, "logs"),
            *([] if expired else _latencies(connection, exact_extremes=exact_extremes)),
        ]


def _damage(connection: sqlite3.Connection) -> Iterator[str]:
    for row in connection.execute("pragma integrity_check"):
        if row[0] != "ok":
            yield f"integrity_check: {row[0]}"
    try:
        connection.execute("insert into logs_text (logs_text, rank) values ('integrity-check', 1)")
    except sqlite3.DatabaseError as error:
        yield f"full text: {error}"
    words = connection.execute("select rowid from logs_text where logs_text match 'hello'").fetchall()
    bodies = connection.execute("select id from logs where body like '%hello%'").fetchall()
    if {row[0] for row in words} != {row[0] for row in bodies}:
        yield f"full text finds {len(words)} records of {len(bodies)}"


def _counts(connection: sqlite3.Connection) -> Iterator[str]:
    kept = dict(connection.execute("select signal, rows from row_counts").fetchall())
    for signal, table in (("traces", "span_rows"), ("logs", "logs"), ("metrics", "metric_points")):
        (counted,) = connection.execute(f"select count(*) from {table}").fetchone()
        if kept[signal] != counted:
            yield f"row_counts has {kept[signal]} {signal}, the table {counted}"


def summaries(connection: sqlite3.Connection) -> dict[str, tuple[Any, ...]]:
    """What `traces` must have, by trace id: start, end, spans, errors, root's id, name and service, services."""
    found: dict[str, list[sqlite3.Row]] = defaultdict(list)
    for row in connection.execute(
        "select spans.*, service_name from spans join resources on resources.id = resource_id order by spans.id"
    ):
        found[row["trace_id"]].append(row)
    return {trace: _summary(spans) for trace, spans in found.items()}


def _summary(spans: list[sqlite3.Row]) -> tuple[Any, ...]:
    roots = [span for span in spans if span["parent_span_id"] in ROOT_PARENTS]
    root = min(roots, key=lambda span: (span["start_time"], span["span_id"]), default=None)
    return (
        min(span["start_time"] for span in spans),
        max(max(span["end_time"], span["start_time"]) for span in spans),
        len(spans),
        sum(span["status_code"] == 2 for span in spans),
        *((root["span_id"], root["name"], root["service_name"]) if root else (None, None, None)),
        sorted({span["service_name"] for span in spans if span["service_name"]}),
    )


def stored_summaries(connection: sqlite3.Connection) -> dict[str, tuple[Any, ...]]:
    rows = connection.execute(
        "select trace_id, start_time, end_time, span_count, error_count, root_span_id, root_name, root_service, services"
        " from traces"
    )
    return {row[0]: (*row[1:8], json.loads(row[8])) for row in map(tuple, rows)}


def _traces(connection: sqlite3.Connection) -> Iterator[str]:
    wanted, kept = summaries(connection), stored_summaries(connection)
    for trace in sorted({*wanted, *kept}):
        if wanted.get(trace) != kept.get(trace):
            yield f"trace {trace} is kept as {kept.get(trace)}, its spans say {wanted.get(trace)}"
    keys = dict(connection.execute("select key, trace_id from traces").fetchall())
    listed = {(row[0], row[1], keys.get(row[2])) for row in connection.execute("select * from trace_services")}
    expected = {(service, trace[0], name) for name, trace in wanted.items() for service in trace[7]}
    for entry in listed ^ expected:
        yield f"trace_services: {entry} is {'too much' if entry in listed else 'missing'}"


def _references(connection: sqlite3.Connection) -> Iterator[str]:
    for table, column, owner, key in (
        ("span_rows", "trace_key", "traces", "key"),
        ("span_rows", "resource_id", "resources", "id"),
        ("span_rows", "scope_id", "scopes", "id"),
        ("logs", "resource_id", "resources", "id"),
        ("logs", "scope_id", "scopes", "id"),
        ("metric_points", "stream_id", "metric_streams", "id"),
    ):
        (lost,) = connection.execute(f"select count(*) from {table} where {column} not in (select {key} from {owner})").fetchone()
        if lost:
            yield f"{lost} rows of {table} have a {column} that is not in {owner}"


def latencies(connection: sqlite3.Connection, minutes: int, *, whole_services: bool) -> dict[tuple[Any, ...], list[Any]]:
    """What the roll-up must have: (period, service, name, kind) → count, errors, sum, min, max, buckets.

    A service as a whole stands under the name "" and the kind -1.
    """
    cells: dict[tuple[Any, ...], list[tuple[int, int]]] = defaultdict(list)
    for row in connection.execute(
        "select name, kind, start_time, duration, coalesce(status_code = 2, 0) as failed, coalesce(service_name, '') as service"
        " from span_rows join resources on resources.id = resource_id where start_time > 0 and end_time > 0"
    ):
        period = row["start_time"] // (minutes * MINUTE_NS)
        operation = ("", -1) if whole_services else (row["name"], row["kind"])
        cells[period, row["service"], *operation].append((row["duration"], row["failed"]))
    return {key: _cell(values) for key, values in cells.items()}


def _cell(values: list[tuple[int, int]]) -> list[Any]:
    durations = [duration for duration, _ in values]
    buckets = dict(Counter(bucket_of(duration) for duration in durations))
    return [len(values), sum(failed for _, failed in values), sum(durations), min(durations), max(durations), buckets]


def _latencies(connection: sqlite3.Connection, *, exact_extremes: bool) -> Iterator[str]:
    for table, column, minutes in (
        ("latency_minutes", "minute", 1),
        ("latency_hours", "hour", 60),
        ("service_minutes", "minute", 1),
        ("service_hours", "hour", 60),
    ):
        kept = {}
        for row in connection.execute(
            f"select {column}, service_name, name, kind, count, error_count, sum, min, max, buckets"
            f" from {table} join operations on operations.id = operation_id where count > 0"
        ):
            buckets: dict[int, int] = {}
            unpack_into(buckets, row["buckets"])
            kept[tuple(row)[:4]] = [*tuple(row)[4:9], buckets]
        wanted = latencies(connection, minutes, whole_services=table.startswith("service"))
        for key in sorted({*kept, *wanted}, key=repr):
            if not _same_cell(kept.get(key), wanted.get(key), exact_extremes=exact_extremes):
                yield f"{table} {key} is kept as {kept.get(key)}, the spans say {wanted.get(key)}"


def _same_cell(kept: list[Any] | None, wanted: list[Any] | None, *, exact_extremes: bool) -> bool:
    if kept is None or wanted is None or exact_extremes:
        return kept == wanted
    least, greatest = edges_of(wanted[5])
    shortest_fits = kept[3] == wanted[3] or least <= kept[3] <= wanted[3]
    longest_fits = kept[4] == wanted[4] or wanted[4] <= kept[4] <= greatest
    return kept[:3] == wanted[:3] and kept[5] == wanted[5] and shortest_fits and longest_fits


def _blocks(connection: sqlite3.Connection, table: str) -> Iterator[str]:
    blocks = connection.execute("select * from blocks where table_name = ? order by first_id", (table,)).fetchall()
    end = 0
    for block in blocks:
        if block["first_id"] <= end:
            yield f"{table}: block {block['id']} begins at {block['first_id']}, behind the end of the one before, {end}"
        end = block["last_id"]
        yield from _described(connection, table, block)
    (outside,) = connection.execute(
        "select count(*) from"
        " (select id from span_rows where :table = 'spans' union all select id from logs where :table = 'logs')"
        " as rows where id <= :end and not exists"
        " (select 1 from blocks where table_name = :table and rows.id between first_id and last_id)",
        {"table": table, "end": end},
    ).fetchone()
    if outside:
        yield f"{table}: {outside} rows lie before the tail and in no block"


def _described(connection: sqlite3.Connection, table: str, block: sqlite3.Row) -> Iterator[str]:
    hashes = array("I")
    (packed,) = connection.execute("select hashes from block_hashes where block_id = ?", (block["id"],)).fetchone()
    hashes.frombytes(packed)
    known = set(hashes)
    for row in _searchable(connection, table, block["first_id"], block["last_id"]):
        if not block["min_time"] <= row["time"] <= block["max_time"]:
            yield f"{table} {row['id']}: time {row['time']} is outside of its block"
        missing = [pair for pair in wanted_pairs(row, table) if search_hash(*pair) not in known]
        if missing:
            yield f"{table} {row['id']}: its block does not know {missing}"


def _searchable(connection: sqlite3.Connection, table: str, first: int, last: int) -> Iterable[sqlite3.Row]:
    name, status = ("name", "status_code") if table == "spans" else ("event_name", "0")
    rows, time = ("span_rows", "start_time") if table == "spans" else ("logs", "time")
    return connection.execute(
        f"select rows.id, rows.{time} as time, rows.{name} as name, {status} as status, rows.attributes, service_name"
        f" from {rows} as rows join resources on resources.id = resource_id where rows.id between ? and ?",
        (first, last),
    )


def wanted_pairs(row: sqlite3.Row, table: str) -> Iterator[tuple[str, str]]:
    """What a search may ask for to find this row."""
    if row["name"]:
        yield (NAME if table == "spans" else EVENT), row["name"]
    if row["service_name"]:
        yield SERVICE, row["service_name"]
    if row["status"] == 2:
        yield STATUS, "error"
    for key, value in json.loads(row["attributes"]).items():
        if isinstance(value, bool):
            yield key, "true" if value else "false"
        elif isinstance(value, str | int | float):
            yield key, str(value)


def told(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What the store keeps of what senders told it, without the numbers that it gave to rows."""
    questions = {
        "spans": "select trace_id, span_id, parent_span_id, name, start_time, end_time, status_code, spans.attributes,"
        " service_name from spans join resources on resources.id = resource_id order by 1, 2",
        "logs": "select time, body, logs.attributes, service_name from logs join resources on resources.id = resource_id"
        " order by 1, 2",
        "points": "select name, time, value, metric_streams.attributes from metric_points"
        " join metric_streams on metric_streams.id = stream_id order by 1, 2",
        "traces": "select trace_id, start_time, end_time, span_count, error_count, root_name, services from traces order by 1",
    }
    with closing(connect(path)) as connection:
        return {name: [tuple(row) for row in connection.execute(question)] for name, question in questions.items()}
