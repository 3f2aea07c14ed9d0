"""OTLP over HTTP is found and understood as the table of cases says: paths, methods, content types (cases 1 to 25).

Each parameter is named after its case. Sockets, parser and store are the real ones.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from receiver.signals import LOGS, METRICS, SIGNALS, TRACES
from tests.integration.otlp_harness import JSON, PROTOBUF, one_item, one_item_json, raw, span_json, traces

if TYPE_CHECKING:
    from receiver.signals import Signal
    from tests.integration.conftest import StartReceiver
    from tests.integration.otlp_harness import Receiver

ALL_SIGNALS = [
    pytest.param(TRACES, id="case-1-traces"),
    pytest.param(METRICS, id="case-2-metrics"),
    pytest.param(LOGS, id="case-2-logs"),
]


@pytest.mark.parametrize("signal", ALL_SIGNALS)
async def test_protobuf_is_stored_and_answered_in_protobuf(receiver: Receiver, signal: Signal) -> None:
    answer = await receiver.post(signal.path, one_item(signal).SerializeToString())
    assert (answer.status, answer.content_type, answer.body) == (200, PROTOBUF, b"")
    assert (await receiver.stored())[signal.name] == 1


@pytest.mark.parametrize("signal", [pytest.param(signal, id=f"case-4-{signal.name}") for signal in SIGNALS])
async def test_json_is_stored_and_answered_in_json(receiver: Receiver, signal: Signal) -> None:
    answer = await receiver.post_json(signal.path, one_item_json(signal))
    assert (answer.status, answer.content_type, answer.body) == (200, JSON, b"{}")
    assert (await receiver.stored())[signal.name] == 1


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        pytest.param("application/json; charset=utf-8", JSON, id="case-6"),
        pytest.param("APPLICATION/JSON", JSON, id="case-7-upper-case"),
        pytest.param("application/json ; charset=utf-8", JSON, id="case-7-space"),
        pytest.param("application/x-protobuf; proto=x", PROTOBUF, id="case-6-protobuf"),
        pytest.param("application/protobuf", "application/protobuf", id="case-11"),
        pytest.param("application/vnd.google.protobuf", "application/vnd.google.protobuf", id="case-11-vendor"),
    ],
)
async def test_spellings_of_content_type(receiver: Receiver, sent: str, answered: str) -> None:
    body = json.dumps(span_json()).encode() if answered == JSON else traces().SerializeToString()
    answer = await receiver.post("/v1/traces", body, sent)
    assert (answer.status, answer.content_type) == (200, answered)
    assert (await receiver.stored())["traces"] == 1


@pytest.mark.parametrize(
    ("sent", "advice"),
    [
        pytest.param(None, "missing", id="case-8"),
        pytest.param("invalid", "application/x-protobuf or application/json", id="case-9-invalid"),
        pytest.param("text/plain", "application/json", id="case-9-text"),
        pytest.param("application/x-www-form-urlencoded", "-H 'Content-Type: application/json'", id="case-9-form"),
        pytest.param("application/octet-stream", "application/json", id="case-9-octets"),
        pytest.param("application/grpc", "gRPC port", id="case-12"),
        pytest.param("application/grpc+proto", "gRPC port", id="case-12-proto"),
    ],
)
async def test_other_content_types_are_refused_in_json(receiver: Receiver, sent: str | None, advice: str) -> None:
    """case 10: the answer is a JSON Status when the request's own type cannot be used."""
    headers = {} if sent is None else {"Content_Type": sent}
    answer = await receiver.request("POST", "/v1/traces", json.dumps(span_json()).encode(), **headers)
    assert (answer.status, answer.content_type) == (415, JSON)
    assert advice in answer.error().message
    assert (await receiver.stored())["traces"] == 0


async def test_two_content_types_are_refused(receiver: Receiver) -> None:
    """case 13: a request that says two things at once says nothing."""
    head = b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
    types = b"Content-Type: application/json\r\nContent-Type: application/x-protobuf\r\n\r\n{}"
    assert (await raw(receiver.http.port, head + types)).split()[1] == b"400"


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD"])
async def test_other_methods(receiver: Receiver, method: str) -> None:
    """cases 14, 15: the method is judged before the content type."""
    answer = await receiver.request(method, "/v1/traces", Content_Type=JSON)
    assert (answer.status, answer.headers["allow"]) == (405, "POST, OPTIONS")
    if method != "HEAD":
        assert method in answer.error().message


async def test_options_without_cors(receiver: Receiver) -> None:
    """case 16."""
    answer = await receiver.request("OPTIONS", "/v1/traces")
    assert (answer.status, answer.headers["allow"], answer.body) == (204, "POST, OPTIONS", b"")


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/v1/traces/", id="case-17"),
        pytest.param("//v1/traces", id="case-18-double-slash"),
        pytest.param("/v1//traces", id="case-18-inner-slash"),
        pytest.param("/v1/traces?token=x&a=b", id="case-20-query"),
        pytest.param("/v1/%74races", id="case-20-percent"),
        pytest.param("http://localhost/v1/traces", id="case-20-absolute"),
    ],
)
async def test_paths_that_mean_the_same_are_served_without_redirect(receiver: Receiver, path: str) -> None:
    """Raw sockets, because clients tidy such paths."""
    body = traces().SerializeToString()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {PROTOBUF}\r\nContent-Length: {len(body)}\r\n\r\n"
    assert (await raw(receiver.http.port, head.encode() + body)).split()[1] == b"200"
    assert (await receiver.stored())["traces"] == 1


@pytest.mark.parametrize("prefix", ["/otlp", "/api/otel/"])
async def test_configured_prefixes(start_receiver: StartReceiver, prefix: str) -> None:
    """case 21: under each prefix and still without one."""
    receiver = await start_receiver(path_prefixes=(prefix,))
    for path in (f"{prefix.rstrip('/')}/v1/traces", "/v1/traces"):
        assert (await receiver.post(path, traces().SerializeToString())).status == 200
    assert (await receiver.stored())["traces"] == 2


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        pytest.param("/v1development/profiles", "profiles are not stored", id="case-3"),
        pytest.param("/v1/traces/v1/traces", "OTEL_EXPORTER_OTLP_ENDPOINT must be the base URL", id="case-18-doubled"),
        pytest.param("/v1/v1/traces", "doubled", id="case-18-v1-twice"),
        pytest.param("/", "/v1/traces, /v1/logs or /v1/metrics", id="case-19"),
        pytest.param("/v1/profiles", "profiles are not stored", id="case-23"),
        pytest.param("/nowhere", "/nowhere", id="case-24"),
        pytest.param("/otlp/v1/traces", "path_prefixes", id="case-24-prefix"),
        pytest.param("/opentelemetry.proto.collector.trace.v1.TraceService/Export", "gRPC port", id="case-24-grpc"),
    ],
)
@pytest.mark.parametrize("content_type", [JSON, PROTOBUF])
async def test_wrong_paths_are_explained_in_the_encoding_of_the_request(
    receiver: Receiver, path: str, hint: str, content_type: str
) -> None:
    answer = await receiver.post(path, b"{}" if content_type == JSON else b"", content_type)
    assert (answer.status, answer.content_type) == (404, content_type)
    error = answer.error()
    assert error.code == 12
    assert hint in error.message


@pytest.mark.parametrize("path", ["/", "/healthz"])
async def test_people_who_curl_the_port_get_a_word(receiver: Receiver, path: str) -> None:
    """case 25."""
    answer = await receiver.request("GET", path)
    assert answer.status == 200
    assert b"/v1/traces" in answer.body


async def test_the_answer_names_no_library(receiver: Receiver) -> None:
    """Versions of what answers are nobody's business."""
    answers = [
        await receiver.post("/v1/traces", b""),
        await receiver.request("GET", "/v1/traces"),
        await receiver.request("GET", "/nowhere"),
        await receiver.request("OPTIONS", "/v1/traces"),
        await receiver.request("GET", "/"),
    ]
    assert {answer.headers["server"] for answer in answers} == {"otlpd"}
