"""The device metrics system moves in: its collectors' samples become gauges, and no bad one blocks an upload.

Proves the two names of the value, the answers of both endpoints, identities, and the semantic-convention names.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from receiver.vendors import Answer, Translation, VendorRequestError
from receiver.vendors.device_metrics import answer, answer_batch, translate, translate_batch

if TYPE_CHECKING:
    from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics

    from receiver.vendors.dialect import JsonObject

RECEIVED = 1_795_338_005_000_000_000
SAMPLE: JsonObject = {
    "device_name": "Device 1",
    "metric_name": "cpu_usage",
    "metric_value": 12.5,
    "timestamp": "2025-02-28T10:00:00",
}


def single(**changes: Any) -> Translation:
    document = {key: value for key, value in {**SAMPLE, **changes}.items() if value != "absent"}
    return translate(json.dumps(document).encode(), {}, RECEIVED)


def batch(*documents: object) -> Translation:
    return translate_batch(json.dumps(documents).encode(), {}, RECEIVED)


def resources(translation: Translation) -> list[ResourceMetrics]:
    return [
        resource
        for _, request in translation.requests
        if isinstance(request, ExportMetricsServiceRequest)
        for resource in request.resource_metrics
    ]


def points(translation: Translation) -> dict[str, list[float]]:
    return {
        metric.name: [point.as_double for point in metric.gauge.data_points]
        for resource in resources(translation)
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def test_one_sample_is_echoed() -> None:
    assert answer(single(), {}) == Answer(200, {**SAMPLE})
    assert answer(single(metric_value="12.5"), {}) == Answer(200, {**SAMPLE})


def test_a_sample_without_time_gets_the_time_of_receipt() -> None:
    translation = single(timestamp="absent")
    assert answer(translation, {}).body["timestamp"] == "2026-11-22T09:00:05.000"
    assert translation.keys != translate(json.dumps({**SAMPLE, "timestamp": None}).encode(), {}, RECEIVED + 1).keys


def test_the_value_has_either_name_on_either_endpoint() -> None:
    by_value = single(metric_value="absent", value=12.5)
    assert by_value.keys == single().keys == batch(SAMPLE).keys
    assert batch({**SAMPLE, "value": 12.5}).keys == single().keys


def test_percentages_have_the_conventions_names_too() -> None:
    assert points(single(metric_value=55.3)) == {"device_metrics.cpu_usage": [55.3], "system.cpu.utilization": [0.553]}
    assert points(single(metric_name="temperature")) == {"device_metrics.temperature": [12.5]}


def test_a_computer_is_a_host_and_a_sensor_is_not() -> None:
    [computer], [sensor] = resources(single()), resources(single(metric_name="humidity"))
    assert {item.key for item in computer.resource.attributes} == {"host.name", "device_metrics.device_name"}
    assert {item.key for item in sensor.resource.attributes} == {"device_metrics.device_name"}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"device_name": "absent"}, "device_name"),
        ({"device_name": 7}, "device_name"),
        ({"metric_name": "absent"}, "metric_name"),
        ({"metric_value": "absent"}, "metric_value"),
        ({"metric_value": "much"}, "metric_value"),
        ({"metric_value": True}, "metric_value"),
        ({"metric_value": float("nan")}, "metric_value"),
        ({"metric_value": 10**400}, "metric_value"),
        ({"value": 13}, "differ"),
        ({"timestamp": "soon"}, "timestamp"),
        ({"timestamp": 5}, "timestamp"),
    ],
)
def test_a_fault_is_named_and_costs_only_its_element(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(VendorRequestError) as refused:
        single(**changes)
    assert refused.value.answer.status == 400
    assert named in str(refused.value.answer.body["error"])
    bad = {key: value for key, value in {**SAMPLE, **changes}.items() if value != "absent"}
    translation = batch(SAMPLE, bad, {**SAMPLE, "metric_value": 14})
    answered = answer_batch(translation, {})
    assert answered.status == 200
    assert answered.body["count"] == 2
    assert answered.body["errors"] == [{"index": 1, "error": refused.value.answer.body["error"]}]
    assert points(translation)["device_metrics.cpu_usage"] == [12.5, 14]


def test_a_good_batch_has_the_one_line() -> None:
    assert answer_batch(batch(SAMPLE), {}) == Answer(200, {"message": "Metrics batch uploaded successfully"})
    assert answer_batch(batch(), {}) == Answer(200, {"message": "Metrics batch uploaded successfully"})


def test_a_batch_must_be_an_array() -> None:
    with pytest.raises(VendorRequestError) as refused:
        translate_batch(b"{}", {}, RECEIVED)
    assert refused.value.answer.status == 400


def test_identity_is_device_metric_time_and_value() -> None:
    keys = {
        single(**changes).keys
        for changes in (
            {},
            {"device_name": "Device 2"},
            {"metric_name": "memory_usage"},
            {"metric_value": 13},
            {"timestamp": "2025-02-28T10:00:01"},
            {"device_id": "7f8e"},
        )
    }
    assert len(keys) == 6
    assert single(timestamp="2025-02-28T12:00:00+02:00").keys == single().keys
