"""Dialect `device_metrics`: `POST /api/v1/aggregator/metrics` and `/batch` below it, `/api/v1/aggregator/register_device`.

A sample is `device_name` (or `device_id`), `metric_name`, its value under `metric_value` or `value`, and an optional
`timestamp`. It becomes a log record with the exact text, and points of gauges:

| metric | gauge |
| --- | --- |
| any | `device_metrics.<metric_name>`, the client's number and unit |
| `cpu_usage` | and `system.cpu.utilization`, a share of 1 |
| `memory_usage` | and `system.memory.utilization`, `system.memory.state` = `used` |
| `disk_usage` | and `system.filesystem.utilization`, `system.filesystem.mountpoint` = `/` |

`log.record.uid` is the digest of device, metric, time and value. A sample without a time has no identity of its own:
its time of receipt takes part, so that it is never taken for a duplicate.

A faulty element of a batch costs only itself and is named in the answer, because the uploader resends a refused batch
for ever. Answers need nothing from the store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from receiver.vendors.dialect import Answer, Dialect, Element, Endpoint, Translation, VendorRequestError
from receiver.vendors.export import Exports, LogEntry, Point, Scope
from receiver.vendors.json_text import (
    JsonFaultError,
    JsonRecord,
    digest,
    object_of,
    quoted,
    read_document,
    read_elements,
    text_of,
)
from receiver.vendors.values import finite_number, iso_time, parse_time, share_of_one

if TYPE_CHECKING:
    from collections.abc import Mapping

    from receiver.vendors.dialect import Json, JsonObject, Stored

SYSTEM = "device_metrics"
SCOPE = Scope("seed.device_metrics", "1")
# Percentages of a whole machine and their names in the semantic conventions.
_UTILIZATION: dict[str, tuple[str, JsonObject]] = {
    "cpu_usage": ("system.cpu.utilization", {}),
    "memory_usage": ("system.memory.utilization", {"system.memory.state": "used"}),
    "disk_usage": (
        "system.filesystem.utilization",
        {"system.filesystem.mountpoint": "/", "system.filesystem.state": "used"},
    ),
}


class _SampleFaultError(ValueError):
    """What is wrong with one sample, in words for its sender."""


def translate(body: bytes, headers: Mapping[str, str], received_time_ns: int) -> Translation:  # noqa: ARG001
    """One sample."""
    document = _read(body)
    exports = Exports()
    try:
        element = _add_sample(exports, document, received_time_ns, 0)
    except _SampleFaultError as fault:
        raise VendorRequestError(refuse(400, str(fault))) from None
    return Translation(exports.requests(), (element,), is_batch=False, received_time_ns=received_time_ns)


def translate_batch(body: bytes, headers: Mapping[str, str], received_time_ns: int) -> Translation:  # noqa: ARG001
    """A bare array of samples."""
    document = _read(body)
    if not isinstance(document.value, list):
        raise VendorRequestError(refuse(400, "the body must be a JSON array of metrics"))
    exports, elements = Exports(), []
    for index, record in enumerate(read_elements(document)):
        try:
            elements.append(_add_sample(exports, record, received_time_ns, index))
        except _SampleFaultError as fault:
            elements.append(Element(None, None, str(fault)))
    return Translation(exports.requests(), tuple(elements), is_batch=True, received_time_ns=received_time_ns)


def translate_device(body: bytes, headers: Mapping[str, str], received_time_ns: int) -> Translation:  # noqa: ARG001
    """A device that says that it is there, as later collectors do before their first sample."""
    record = _read(body)
    document = object_of(record.value)
    name = document.get("name")
    if not isinstance(name, str) or not name:
        raise VendorRequestError(refuse(400, "name: a text is required"))
    uid = digest(SYSTEM, "device", name)
    exports = Exports()
    entry = LogEntry(
        uid=uid,
        time_ns=received_time_ns,
        observed_time_ns=received_time_ns,
        body=document,
        attributes={},
        event_name="device_metrics.device",
        original=record.text,
    )
    exports.add_log(SCOPE, {"device_metrics.device_name": name}, entry)
    echo: JsonObject = {"name": name, "description": document.get("description")}
    return Translation(exports.requests(), (Element(uid, uid, echo=echo),), False, received_time_ns)


def answer_device(translation: Translation, stored: Mapping[str, Stored]) -> Answer:
    """Its clients take 409 for what it is: they are known already."""
    [element] = translation.elements
    assert element.key is not None
    if stored[element.key].is_new:
        return Answer(201, {"status": "success", **element.echo})
    return Answer(409, {"error": "the device is registered already", **element.echo})


def answer(translation: Translation, stored: Mapping[str, Stored]) -> Answer:  # noqa: ARG001
    """The sample as it was understood."""
    return Answer(200, translation.elements[0].echo)


def answer_batch(translation: Translation, stored: Mapping[str, Stored]) -> Answer:  # noqa: ARG001
    """One line when all is well; the refused elements beside it when not."""
    body: JsonObject = {"message": "Metrics batch uploaded successfully"}
    errors: list[Json] = [
        {"index": index, "error": element.error}
        for index, element in enumerate(translation.elements)
        if element.error is not None
    ]
    if errors:
        body = {**body, "count": len(translation.elements) - len(errors), "errors": errors}
    return Answer(200, body)


def refuse(status: int, message: str) -> Answer:
    return Answer(status, {"error": message})


def _read(body: bytes) -> JsonRecord:
    try:
        return read_document(body)
    except JsonFaultError as fault:
        raise VendorRequestError(refuse(400, f"the body is not JSON: {fault}")) from None


def _add_sample(exports: Exports, record: JsonRecord, received_time_ns: int, index: int) -> Element:
    document = object_of(record.value)
    if not isinstance(record.value, dict):
        raise _SampleFaultError("a metric must be a JSON object")
    device, name = _device(document), document.get("metric_name")
    if not isinstance(name, str):
        raise _SampleFaultError("metric_name: a text is required")
    value, timestamp = _value(document), document.get("timestamp")
    time_ns = received_time_ns if timestamp is None else parse_time(timestamp)
    if time_ns is None:
        raise _SampleFaultError(f"timestamp: not an ISO 8601 time: {text_of(quoted(timestamp))}")
    identity: list[Json] = [device, name, time_ns or timestamp, float(value)]
    if timestamp is None:
        identity += [received_time_ns, index]
    uid = digest(SYSTEM, *identity)
    resource = _resource(document, name)
    entry = LogEntry(
        uid=uid,
        time_ns=time_ns,
        observed_time_ns=received_time_ns,
        body=document,
        attributes={},
        event_name="device_metrics.sample",
        original=record.text,
    )
    exports.add_log(SCOPE, resource, entry)
    for point in _points(name, float(value), time_ns or received_time_ns):
        exports.add_point(SCOPE, resource, point)
    echo: JsonObject = {
        "device_name": document.get("device_name"),
        "metric_name": name,
        "metric_value": float(value),
        "timestamp": iso_time(received_time_ns).removesuffix("Z") if timestamp is None else timestamp,
    }
    return Element(uid, uid, echo=echo)


def _device(document: JsonObject) -> str:
    """What tells devices apart: the hardware's id where the client sends one."""
    for key in ("device_id", "device_name"):
        value = document.get(key)
        if value is not None and not isinstance(value, str):
            raise _SampleFaultError(f"{key}: must be a text")
        if value is not None:
            return value
    raise _SampleFaultError("device_name: a text is required")


def _value(document: JsonObject) -> float:
    """The number, under either of its two names; numeric text counts as a number."""
    found = {key: _number(key, document[key]) for key in ("metric_value", "value") if document.get(key) is not None}
    if not found:
        raise _SampleFaultError("metric_value: a number is required")
    if len(set(found.values())) > 1:
        raise _SampleFaultError("metric_value and value differ: send one of them")
    return next(iter(found.values()))


def _number(key: str, value: Json) -> float:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            value = None
    number = finite_number(value)
    if number is None:
        raise _SampleFaultError(f"{key}: must be a finite number")
    return float(number)


def _resource(document: JsonObject, metric_name: str) -> JsonObject:
    device_name = document.get("device_name")
    # only a computer reports these, so only then the device is a host
    is_host = metric_name in _UTILIZATION
    values: JsonObject = {
        "host.name": device_name if is_host else None,
        "device.id": document.get("device_id"),
        "device_metrics.device_name": device_name,
        "device_metrics.device_type": document.get("device_type"),
    }
    return {key: value for key, value in values.items() if value is not None}


def _points(name: str, value: float, time_ns: int) -> list[Point]:
    points = [Point(f"device_metrics.{name}", "units", value, time_ns, description=f"Metric for {name}")]
    if name in _UTILIZATION:
        convention, attributes = _UTILIZATION[name]
        points.append(Point(convention, "1", share_of_one(value), time_ns, attributes))
    return points


DIALECT = Dialect(
    system=SYSTEM,
    version=SCOPE.version,
    endpoints=(
        Endpoint(("POST",), "/api/v1/aggregator/metrics", translate, answer),
        Endpoint(("POST",), "/api/v1/aggregator/metrics/batch", translate_batch, answer_batch),
        Endpoint(("POST",), "/api/v1/aggregator/register_device", translate_device, answer_device, quotes_store=True),
    ),
    refuse=refuse,
)
