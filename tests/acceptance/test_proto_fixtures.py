"""The shared test vectors, end to end: every recorded request over gRPC, HTTP/protobuf and HTTP/JSON into three daemons.

Proves that the API gives the answer beside each fixture whatever way it came (case 172), and that the three databases hold
identical rows in the end, although everything was then sent twice.
"""

from __future__ import annotations

import json
import math
import sqlite3
import urllib.request
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import grpc
import pytest

from proto_fixtures import Fixture, fixtures
from proto_fixtures.reading import canonical, nanoseconds
from receiver.signals import SIGNALS
from storage.rows.otlp_json_text import to_json
from tests.running import Daemon

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SINCE = "start=2026-01-01T00:00:00Z"
TRANSPORTS = ("grpc", "http-protobuf", "http-json")
SERVICES = {signal.name: f"/{signal.service}/Export" for signal in SIGNALS}
# Tables and the columns that number rows or say when they came; what refers to a number is replaced by what it refers to.
ROWS = {
    "spans": "select spans.*, resources.hash, scopes.hash from spans join resources on resources.id = resource_id"
    " join scopes on scopes.id = scope_id",
    "logs": "select logs.*, resources.hash, scopes.hash from logs join resources on resources.id = resource_id"
    " join scopes on scopes.id = scope_id",
    "points": "select metric_points.*, metric_streams.*, resources.hash, scopes.hash from metric_points"
    " join metric_streams on metric_streams.id = stream_id join resources on resources.id = resource_id"
    " join scopes on scopes.id = scope_id",
    "resources": "select * from resources",
    "scopes": "select * from scopes",
    "traces": "select * from traces",
    "latency": "select latency_hours.*, service_name, name, kind from latency_hours"
    " join operations on operations.id = operation_id",
}
NUMBERS = frozenset({"id", "key", "trace_key", "resource_id", "scope_id", "stream_id", "operation_id"})


@pytest.fixture(scope="module")
def daemons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Daemon]]:
    with ExitStack() as stack:
        yield {
            transport: stack.enter_context(Daemon(tmp_path_factory.mktemp(transport) / "otlpd.db")) for transport in TRANSPORTS
        }


def send(daemon: Daemon, transport: str, fixture: Fixture) -> None:
    message = fixture.message()
    if transport == "grpc":
        with grpc.insecure_channel(daemon.grpc_target) as channel:
            export = channel.unary_unary(SERVICES[fixture.signal], None, None)
            assert export(message.SerializeToString(), timeout=20) == b""
        return
    as_json = transport == "http-json"
    recorded = fixture.body if fixture.encoding == ("json" if as_json else "protobuf") else None
    body = recorded or (to_json(message) if as_json else message.SerializeToString())
    request = urllib.request.Request(
        f"{daemon.http_url}/v1/{fixture.signal}",
        body,
        {"Content-Type": "application/json" if as_json else "application/x-protobuf"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.read() == (b"{}" if as_json else b"")


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("fixture", fixtures(), ids=lambda fixture: fixture.name)
def test_the_api_gives_the_answer_beside_the_fixture(daemons: Mapping[str, Daemon], fixture: Fixture, transport: str) -> None:
    daemon = daemons[transport]

    send(daemon, transport, fixture)

    CHECKS[fixture.signal](daemon, fixture.answer)


def test_every_transport_leaves_the_same_rows(daemons: Mapping[str, Daemon]) -> None:
    for transport, daemon in daemons.items():
        for fixture in fixtures():
            send(daemon, transport, fixture)

    rows = {transport: stored(daemon) for transport, daemon in daemons.items()}

    assert all(rows["grpc"][table] for table in ROWS)
    assert rows["http-protobuf"] == rows["grpc"]
    assert rows["http-json"] == rows["grpc"]


def stored(daemon: Daemon) -> dict[str, list[tuple[str, ...]]]:
    with closing(sqlite3.connect(f"file:{daemon.database}?mode=ro", uri=True)) as connection:
        return {table: _rows(connection.execute(question)) for table, question in ROWS.items()}


def _rows(cursor: sqlite3.Cursor) -> list[tuple[str, ...]]:
    kept = [place for place, column in enumerate(cursor.description) if column[0] not in NUMBERS]
    return sorted(tuple(repr(_buckets(row[place])) for place in kept) for row in cursor)


def _buckets(value: object) -> object:
    """Packed histograms have no order of their own."""
    if not isinstance(value, bytes):
        return value
    return sorted(value[first : first + 8] for first in range(0, len(value), 8))


def untagged(value: Any) -> Any:
    """Answer files keep what JSON has no word for in tags; the API writes it plain."""
    if isinstance(value, list):
        return [untagged(item) for item in value]
    if isinstance(value, dict):
        if set(value) in ({"$bytes"}, {"$double"}):
            return next(iter(value.values()))
        return {key: untagged(item) for key, item in value.items()}
    return value


def same(expected: Mapping[str, Any], answer: Mapping[str, Any], *fields: str) -> None:
    for field in fields:
        assert canonical(untagged(expected[field])) == canonical(answer[field]), (field, expected, answer)


def check_traces(daemon: Daemon, answer: dict[str, Any]) -> None:
    listed = {trace["trace_id"]: trace for trace in daemon.ask(f"/api/traces?{SINCE}&limit=1000")}
    for expected in answer["traces"]:
        fields = ("root_name", "service", "services", "start_time", "duration_ms", "span_count", "error_count")
        same(expected, listed[expected["trace_id"]], *fields)
        spans = {span["span_id"]: span for span in daemon.ask(f"/api/traces/{expected['trace_id']}")["spans"]}
        wanted = [span for span in answer["spans"] if span["trace_id"] == expected["trace_id"]]
        assert len(spans) == len(wanted) == expected["span_count"]
        for span in wanted:
            check_span(span, spans[span["span_id"]])


def check_span(expected: dict[str, Any], span: dict[str, Any]) -> None:
    plain = (
        "parent_span_id",
        "trace_state",
        "name",
        "kind",
        "start_time",
        "end_time",
        "duration_ms",
        "status",
        "attributes",
        "service",
    )
    same(expected, span, *plain)
    assert canonical(untagged(expected["resource"])) == canonical(span["resource"]["attributes"])
    check_scope(expected["scope"], span["scope"])
    assert len(span["events"]) == len(expected["events"])
    for wanted, event in zip(expected["events"], span["events"], strict=True):
        same(wanted, event, "name", "time", "attributes")
    assert len(span["links"]) == len(expected["links"])
    for wanted, link in zip(expected["links"], span["links"], strict=True):
        same(wanted, link, "trace_id", "span_id", "trace_state", "attributes")


def check_scope(expected: dict[str, Any], scope: dict[str, Any]) -> None:
    """An empty name or version is null in answers."""
    same(
        {**expected, "name": expected["name"] or None, "version": expected["version"] or None},
        scope,
        "name",
        "version",
        "attributes",
    )


def check_logs(daemon: Daemon, answer: dict[str, Any]) -> None:
    found = daemon.ask(f"/api/logs?{SINCE}&limit=1000")
    for expected in answer["logs"]:
        wanted = expected["time"] or expected["observed_time"]
        fields = ("observed_time", "severity_number", "event_name", "body", "trace_id", "span_id", "attributes", "service")
        matching = [
            log
            for log in found
            if (wanted is None or log["time"] == wanted)
            and all(canonical(untagged(expected[field])) == canonical(log[field]) for field in fields)
            and (log["severity_text"] or "") == expected["severity_text"]
            and canonical(untagged(expected["resource"])) == canonical(log["resource"]["attributes"])
        ]
        # Equal records within one request are kept as often as they were sent.
        assert len(matching) == answer["logs"].count(expected), (expected, [log for log in found if log["time"] == wanted])
        check_scope(expected["scope"], matching[0]["scope"])


def check_metrics(daemon: Daemon, answer: dict[str, Any]) -> None:
    listed = {(metric["name"], metric["type"]): metric for metric in daemon.ask("/api/metrics")}
    for expected in answer["metrics"]:
        metric = listed[expected["name"], expected["type"]]
        assert (metric["unit"] or "") == expected["unit"]
        assert expected["service"] is None or expected["service"] in metric["services"]
        assert expected["temporality"] is None or expected["temporality"] in metric["temporalities"]
        for point in expected["points"]:
            check_point(daemon, expected, point)


def check_point(daemon: Daemon, metric: dict[str, Any], point: dict[str, Any]) -> None:
    """The value of a number point at its moment; the count of a delta histogram in it."""
    number = metric["type"] in {"gauge", "sum"}
    if not number and metric["temporality"] != "delta":
        return  # a cumulative count is answered as what came since the point before: tests/unit/test_metric_math.py
    moment = nanoseconds(point["time"])
    delta_sum = metric["type"] == "sum" and metric["temporality"] == "delta"
    aggregate = "count" if not number else "sum" if delta_sum else "last"
    question = f"/api/metrics/query?name={quote(metric['name'])}&aggregate={aggregate}&start={moment}&end={moment + 1}"
    question += "".join(f"&attr.{quote(key)}={quote(_text(value))}" for key, value in point["attributes"].items())
    question += f"&service={quote(metric['service'])}" if metric["service"] else ""
    values = [found["value"] for series in daemon.ask(question) for found in series["points"] if found["value"] is not None]
    wanted = untagged(point["value"] if number else point["count"])
    if wanted in {None, "NaN"}:
        assert values in ([], ["NaN"]), (question, values)
    elif isinstance(wanted, str):
        assert [str(value) for value in values] == [wanted], question
    else:
        assert len(values) == 1, (question, values)
        assert math.isclose(values[0], wanted), (question, values, wanted)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


CHECKS: dict[str, Callable[[Daemon, dict[str, Any]], None]] = {
    "traces": check_traces,
    "logs": check_logs,
    "metrics": check_metrics,
}
