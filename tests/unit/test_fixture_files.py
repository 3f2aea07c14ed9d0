"""Proves that the recorded requests can be trusted as test vectors.

Each body parses with opentelemetry-proto, has its meta and its answer, and says, read straight from the protobuf message,
exactly what its answer says; together they cover every signal, transport, client, kind of metric and kind of value; and none
carries a path or a name of the machine that recorded it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import json_format

from proto_fixtures import FOLDER, SIGNALS, Fixture, fixtures
from proto_fixtures.reading import canonical, read

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDED = [fixture for fixture in fixtures() if fixture.meta["recorded"]]
MACHINE = re.compile(rb"/tmp/|/root|/home/|/usr/|/work/|site-packages|node_modules|127\.0\.0\.1|localhost")


def by_name(fixture: Fixture) -> str:
    return fixture.name


def of(signal: str) -> list[Fixture]:
    return [fixture for fixture in fixtures() if fixture.signal == signal]


def values(node: Any) -> Iterator[Any]:
    yield node
    if isinstance(node, dict | list):
        for item in node.values() if isinstance(node, dict) else node:
            yield from values(item)


@pytest.mark.parametrize("fixture", fixtures(), ids=by_name)
def test_the_request_says_what_its_answer_says(fixture: Fixture) -> None:
    assert canonical(read(fixture.message())) == canonical(fixture.answer)


@pytest.mark.parametrize("fixture", of("traces"), ids=by_name)
def test_spans_are_counted_in_the_json_form_too(fixture: Fixture) -> None:
    """The counts hold in protobuf's own JSON form of the message, which reading.py has no part in."""
    text = json_format.MessageToDict(fixture.message())
    spans = [span for group in text["resourceSpans"] for part in group["scopeSpans"] for span in part["spans"]]
    answer = fixture.answer
    assert sum(trace["span_count"] for trace in answer["traces"]) == len(spans)
    assert sorted(span["name"] for span in answer["spans"]) == sorted(span["name"] for span in spans)
    failed = [span for span in spans if span.get("status", {}).get("code") == "STATUS_CODE_ERROR"]
    assert sum(trace["error_count"] for trace in answer["traces"]) == len(failed)


@pytest.mark.parametrize("fixture", of("logs") + of("metrics"), ids=by_name)
def test_records_are_counted_in_the_json_form_too(fixture: Fixture) -> None:
    text = json_format.MessageToDict(fixture.message())
    outer, inner, items, listed = {
        "logs": ("resourceLogs", "scopeLogs", "logRecords", "logs"),
        "metrics": ("resourceMetrics", "scopeMetrics", "metrics", "metrics"),
    }[fixture.signal]
    found = [item for group in text[outer] for part in group[inner] for item in part[items]]
    answered = fixture.answer[listed]
    assert len(answered) == len(found)
    if fixture.signal == "metrics":
        points = [one for item in found for data in item.values() if isinstance(data, dict) for one in data["dataPoints"]]
        assert sorted(metric["name"] for metric in answered) == sorted(item["name"] for item in found)
        assert sum(len(metric["points"]) for metric in answered) == len(points)


@pytest.mark.parametrize("fixture", RECORDED, ids=by_name)
def test_meta_says_what_sent_the_request(fixture: Fixture) -> None:
    meta = fixture.meta
    client, transport, signal = meta["client"], meta["transport"], meta["signal"]
    assert fixture.name.startswith(f"{client}-{transport}-{signal}")
    assert fixture.encoding == ("json" if transport == "http-json" else "protobuf")
    content_types = {
        "grpc": "application/grpc",
        "http-protobuf": "application/x-protobuf",
        "http-json": "application/json",
    }
    assert meta["content_type"] == content_types[transport]
    assert "otel" in meta["user_agent"].lower()
    assert re.fullmatch(r"\d+\.\d+\S*", meta["exporter_version"])


def test_every_file_belongs_to_a_fixture() -> None:
    suffixes = {"protobuf": ".binpb", "json": ".json"}
    expected = {
        f"{fixture.name}{suffix}"
        for fixture in fixtures()
        for suffix in (suffixes[fixture.encoding], ".meta.json", ".answer.json")
    }
    assert {path.name for path in FOLDER.iterdir()} == expected


def test_files_are_small() -> None:
    sizes = [path.stat().st_size for path in FOLDER.iterdir()]
    assert max(sizes) < 100_000
    assert sum(sizes) < 2_000_000


def test_bodies_carry_nothing_of_the_machine_that_recorded_them() -> None:
    for path in FOLDER.iterdir():
        assert not MACHINE.search(path.read_bytes()), path.name


def test_every_client_sent_every_signal_over_every_transport() -> None:
    sent = {(one.meta["client"], one.meta["transport"], one.signal) for one in RECORDED}
    transports = ("grpc", "http-protobuf", "http-json")
    expected = {
        (client, transport, signal) for client in ("python", "javascript", "go") for transport in transports for signal in SIGNALS
    }
    # Go's exporters for logs and metrics do not write JSON.
    assert expected - sent == {("go", "http-json", "logs"), ("go", "http-json", "metrics")}


@pytest.mark.parametrize("client", ["python", "javascript", "go"])
def test_every_client_sent_every_kind_of_metric(client: str) -> None:
    kinds = {
        (metric["type"], metric["temporality"], metric["monotonic"])
        for fixture in RECORDED
        if fixture.signal == "metrics" and fixture.meta["client"] == client
        for metric in fixture.answer["metrics"]
    }
    assert kinds == {
        ("gauge", None, None),
        ("sum", "cumulative", True),
        ("sum", "delta", True),
        ("sum", "cumulative", False),
        ("histogram", "cumulative", None),
        ("histogram", "delta", None),
        ("exponential_histogram", "cumulative", None),
        ("exponential_histogram", "delta", None),
    }


def test_summaries_are_there_and_marked_as_written_by_hand() -> None:
    with_summaries = [
        fixture for fixture in of("metrics") if any(metric["type"] == "summary" for metric in fixture.answer["metrics"])
    ]
    assert [fixture.name for fixture in with_summaries] == ["handwritten-metrics-summary"]
    assert all(not fixture.meta["recorded"] and fixture.meta["why"] for fixture in with_summaries)


def test_spans_cover_kinds_statuses_and_parts() -> None:
    spans = [span for fixture in of("traces") for span in fixture.answer["spans"]]
    assert {span["kind"] for span in spans} == {"unspecified", "internal", "server", "client", "producer", "consumer"}
    assert {span["status"]["code"] for span in spans} == {"unset", "ok", "error"}
    assert any(span["links"] for span in spans)
    assert any(span["trace_state"] for span in spans)
    assert any(event["name"] == "exception" for span in spans for event in span["events"])


@pytest.mark.parametrize("signal", ["traces", "logs"])
def test_values_cover_every_type(signal: str) -> None:
    kept = {"traces": ("spans", "attributes"), "logs": ("logs", "body")}[signal]
    found = [value for one in of(signal) for item in one.answer[kept[0]] for value in values(item[kept[1]])]
    assert {type(value) for value in found} == {str, int, float, bool, list, dict, type(None)}
    tags = {key for value in found if isinstance(value, dict) for key in value if key.startswith("$")}
    assert tags == {"$bytes", "$double"}


def test_logs_cover_events_exceptions_and_severities() -> None:
    logs = [log for fixture in RECORDED if fixture.signal == "logs" for log in fixture.answer["logs"]]
    assert {log["event_name"] for log in logs} == {None, "order.placed", "cart.abandoned"}
    assert {0, 1, 5, 9, 10, 13, 17, 21} == {log["severity_number"] for log in logs}
    assert any("exception.type" in log["attributes"] for log in logs)
    assert any(log["trace_id"] for log in logs)


def test_exemplars_were_sent_by_the_clients_that_have_them() -> None:
    senders = {
        fixture.meta["client"]
        for fixture in RECORDED
        if fixture.signal == "metrics"
        for metric in fixture.answer["metrics"]
        for point in metric["points"]
        if any(exemplar["filtered_attributes"] for exemplar in point["exemplars"])
    }
    assert senders == {"python", "go"}


def test_ids_in_recorded_json_are_hexadecimal() -> None:
    """OTLP/JSON's ids are hex: the reader's rewriting would otherwise hide a sender that writes base64."""
    ids = re.compile(rb'"(?:traceId|spanId|parentSpanId)": ?"([^"]*)"')
    for fixture in of("traces"):
        if fixture.encoding == "json":
            found = ids.findall(fixture.body)
            assert found
            assert all(re.fullmatch(rb"(?i)(?:[0-9a-f]{16}){0,2}", one) for one in found), fixture.name
            json.loads(fixture.body)
