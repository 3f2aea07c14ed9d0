"""The monitoring agents' payloads move in: the documents' examples are accepted as printed, repeats change nothing.

Proves lenient lists, item identities across replays, the mapping of every part, and signed requests.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from receiver.vendors import Answer, SignaturePolicy, Translation, VendorRequestError
from receiver.vendors.richardops import answer, authenticate, translate

if TYPE_CHECKING:
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
    from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

RECEIVED = 1_795_338_005_000_000_000
METRICS = {
    "cpu_usage": 42.5,
    "memory_usage": 70.1,
    "disk_usage": 55.3,
    "network_rx_bytes_per_sec": 12345,
    "network_tx_bytes_per_sec": 6789,
    "tcp_connections": 12,
}
PAYLOAD = {"host": "server1", "timestamp": "2024-01-20T12:34:56Z", "metrics": METRICS, "score": 0.7}
EVENT = {"type": "container", "action": "start", "container": "db", "image": "pg:16", "timestamp": "2024-01-20T12:34:56Z"}
LINE = {"container": "/web-app", "message": "up", "timestamp": "2024-01-20T12:34:56.5Z"}
POLICY = SignaturePolicy(b"shared secret")


def sent(**changes: Any) -> Translation:
    return translate(json.dumps({**PAYLOAD, **changes}).encode(), {}, RECEIVED)


def log_records(translation: Translation) -> list[LogRecord]:
    return [
        record
        for _, request in translation.requests
        if isinstance(request, ExportLogsServiceRequest)
        for resource in request.resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]


def metrics(translation: Translation) -> dict[str, Metric]:
    return {
        metric.name: metric
        for _, request in translation.requests
        if isinstance(request, ExportMetricsServiceRequest)
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def texts(record: LogRecord) -> dict[str, str]:
    return {item.key: item.value.string_value for item in record.attributes}


def uids(translation: Translation) -> list[str]:
    return [texts(record)["log.record.uid"] for record in log_records(translation)]


def refusal(body: bytes) -> Answer:
    with pytest.raises(VendorRequestError) as refused:
        translate(body, {}, RECEIVED)
    return refused.value.answer


def test_the_answer_names_the_host() -> None:
    assert answer(sent(), {}) == Answer(
        200,
        {
            "status": "success",
            "message": "Monitoring data received from server1",
            "timestamp": "2026-11-22T09:00:05.000Z",
        },
    )


def test_nil_slices_are_empty_lists() -> None:
    nothing = sent(docker_events=None, logs=None, local_alerts=None)
    assert len(log_records(nothing)) == len(log_records(sent())) == 1


@pytest.mark.parametrize(
    "timestamp", ["2024-01-20T12:34:56Z", "2024-01-20T14:34:56+02:00", 1705754096, "1705754096", 1705754096000]
)
def test_times_are_text_or_epoch_numbers(timestamp: object) -> None:
    assert log_records(sent(timestamp=timestamp))[0].time_unix_nano == 1_705_754_096_000_000_000


@pytest.mark.parametrize(
    ("changes", "location"),
    [
        ({"score": None}, ["body", "score"]),
        ({"timestamp": "soon"}, ["body", "timestamp"]),
        ({"metrics": {**METRICS, "network_tx_bytes_per_sec": 1.5}}, ["body", "metrics", "network_tx_bytes_per_sec"]),
        ({"logs": [LINE, {"container": "a"}]}, ["body", "logs", 1, "message"]),
    ],
)
def test_a_fault_is_422_with_its_place(changes: dict[str, Any], location: list[object]) -> None:
    refused = refusal(json.dumps({**PAYLOAD, **changes}).encode())
    assert refused.status == 422
    detail = refused.body["detail"]
    assert isinstance(detail, list)
    assert isinstance(detail[0], dict)
    assert detail[0]["loc"] == location


def test_rates_beyond_int64_are_doubles_and_shares_are_of_one() -> None:
    found = metrics(sent(metrics={**METRICS, "network_rx_bytes_per_sec": 2**64 - 1, "load_average": 1.25, "kernel": "6.1"}))
    receive, transmit = found["richardops.network.io.rate"].gauge.data_points
    assert receive.as_double == float(2**64 - 1)
    assert transmit.as_int == 6789
    assert found["system.cpu.utilization"].gauge.data_points[0].as_double == 0.425
    assert found["system.network.connection.count"].sum.data_points[0].as_int == 12
    assert not found["system.network.connection.count"].sum.is_monotonic
    assert found["richardops.load_average"].gauge.data_points[0].as_double == 1.25
    assert "richardops.kernel" not in found


def test_items_are_records_of_their_own() -> None:
    translation = sent(docker_events=[EVENT], logs=[LINE], local_alerts=["BRUTE_FORCE:203.0.113.9"])
    payload, event, line, alert = log_records(translation)
    assert [record.event_name for record in (payload, event, line, alert)] == [
        "richardops.payload",
        "richardops.docker.event",
        "",
        "richardops.alert",
    ]
    assert texts(event)["container.image.name"] == "pg"
    assert line.body.string_value == "up"
    assert (texts(line)["container.name"], texts(line)["richardops.container"]) == ("web-app", "/web-app")
    assert (alert.severity_text, texts(alert)["source.address"]) == ("WARN", "203.0.113.9")
    assert alert.time_unix_nano == payload.time_unix_nano


@pytest.mark.parametrize(
    ("image", "name", "tags"),
    [
        ("nginx:latest", "nginx", ["latest"]),
        ("nginx", "nginx", []),
        ("registry:5000/app", "registry:5000/app", []),
        ("registry:5000/app:1@sha256:abc", "registry:5000/app", ["1"]),
        ("sha256:abc", "sha256", ["abc"]),
    ],
)
def test_image_names_survive_ports_and_digests(image: str, name: str, tags: list[str]) -> None:
    values = {item.key: item.value for item in log_records(sent(docker_events=[{**EVENT, "image": image}]))[1].attributes}
    assert values["container.image.name"].string_value == name
    assert [tag.string_value for tag in values["container.image.tags"].array_value.values] == tags
    assert values["richardops.docker.image"].string_value == image


def test_a_payload_that_repeats_items_repeats_their_identity() -> None:
    """After a failure the agent's next payload holds the earlier items again, in the same order."""
    first = sent(docker_events=[EVENT, EVENT], logs=[LINE])
    later = sent(timestamp="2024-01-20T12:35:26Z", docker_events=[EVENT, EVENT, {**EVENT, "action": "stop"}], logs=[LINE])
    assert len(set(uids(first))) == 4
    assert set(uids(first)[1:]) < set(uids(later))
    assert uids(first)[0] != uids(later)[0]


def test_a_replay_is_the_same_payload() -> None:
    assert uids(sent(local_alerts=["CPU_SPIKE"])) == uids(sent(local_alerts=["CPU_SPIKE"]))


def signed(body: bytes, seconds: int, secret: bytes = b"shared secret") -> dict[str, str]:
    mac = hmac.new(secret, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return {"x-agent-signature": f"sha256={mac}", "x-agent-timestamp": str(seconds)}


@pytest.mark.parametrize("age", [0, 120, 3600, 86_400, -300])
def test_a_signed_payload_of_up_to_a_day_is_accepted(age: int) -> None:
    authenticate(b"body", signed(b"body", RECEIVED // 10**9 - age), RECEIVED, POLICY)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"x-agent-signature": "sha256=00"}, 401),
        ({**signed(b"body", RECEIVED // 10**9), "x-agent-timestamp": "noon"}, 400),
        (signed(b"other body", RECEIVED // 10**9), 401),
        (signed(b"body", RECEIVED // 10**9, b"another secret"), 401),
        (signed(b"body", RECEIVED // 10**9 - 86_401), 401),
        ({"x-agent-signature": "sha256=\udcff", "x-agent-timestamp": "1"}, 401),
    ],
)
def test_other_signatures_are_refused(headers: dict[str, str], status: int) -> None:
    with pytest.raises(VendorRequestError) as refused:
        authenticate(b"body", headers, RECEIVED, POLICY)
    assert refused.value.answer.status == status


def test_an_empty_secret_is_no_secret_and_none_is_shown() -> None:
    with pytest.raises(ValueError, match="empty"):
        SignaturePolicy(b"")
    assert "shared secret" not in repr(POLICY)
