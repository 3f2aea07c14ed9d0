"""Dialect `richardops`: `POST /ingest`, one payload per interval of a monitoring agent.

| from the payload | to OTLP |
| --- | --- |
| payload | primary log record `richardops.payload`, the exact text, `richardops.score` |
| `host`, `server_id`, `env`, `owner_team` | resource `host.name`, `host.id`, `deployment.environment.name`, `richardops.*` |
| `cpu_usage`, `memory_usage`, `disk_usage` | `system.cpu|memory|filesystem.utilization`, shares of 1 |
| byte rates | gauge `richardops.network.io.rate` by `network.io.direction`; no counter can be made of a rate |
| `tcp_connections` | `system.network.connection.count` |
| `score`, other numbers in `metrics` | gauges `richardops.alert.score`, `richardops.<key>` |
| `docker_events`, `logs`, `local_alerts` | log records of their own |

The agent repeats its buffers after a failure and replays old payloads from disk, so every item has an identity of its
own: the digest of what it says, and which of several equal items in its payload it is. An alert has no time: it is
known by its payload and its place. A `null` list is an empty one.

Signed requests (`authenticate`): HMAC-SHA256 over `<unix seconds>.<body>`, as the agent's headers say. The signed time is
the payload's, so a replay is as old as its payload: the window is a day unless set otherwise. Answers need nothing from
the store.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import PydanticCustomError

from receiver.vendors.dialect import (
    Answer,
    Dialect,
    Element,
    Endpoint,
    SignaturePolicy,
    Translation,
    VendorRequestError,
)
from receiver.vendors.export import Exports, LogEntry, Point, Scope
from receiver.vendors.json_text import JsonFaultError, digest, object_of, read_document, text_of
from receiver.vendors.validation import field_errors, json_fault_answer
from receiver.vendors.values import NANOSECONDS, finite_number, iso_time, parse_time_or_epoch, share_of_one

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from receiver.vendors.dialect import Json, JsonObject, Stored

SYSTEM = "richardops"
SCOPE = Scope("seed.richardops", "1.0.0")
_BODY = "richardops.payload"
_UTILIZATION: dict[str, tuple[str, JsonObject]] = {
    "cpu_usage": ("system.cpu.utilization", {}),
    "memory_usage": ("system.memory.utilization", {"system.memory.state": "used"}),
    "disk_usage": (
        "system.filesystem.utilization",
        {"system.filesystem.mountpoint": "/", "system.filesystem.state": "used"},
    ),
}
_RATES = {"network_rx_bytes_per_sec": "receive", "network_tx_bytes_per_sec": "transmit"}


def _check_time(value: Any) -> Any:
    if parse_time_or_epoch(value) is None:
        raise PydanticCustomError("datetime_parsing", "Input should be a valid datetime")
    return value


def _null_is_empty(value: Any) -> Any:
    return [] if value is None else value


_Time = Annotated[Any, BeforeValidator(_check_time)]


class _Model(BaseModel):
    """Unknown keys are allowed at every level; numbers must be finite."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)


class SystemMetrics(_Model):
    cpu_usage: float
    memory_usage: float
    disk_usage: float
    network_rx_bytes_per_sec: int
    network_tx_bytes_per_sec: int
    tcp_connections: int


class DockerEvent(_Model):
    type: str
    action: str
    container: str
    image: str
    timestamp: _Time


class LogLine(_Model):
    container: str
    message: str
    timestamp: _Time


class Payload(_Model):
    host: str
    server_id: str | None = None
    env: str | None = None
    owner_team: str | None = None
    timestamp: _Time
    metrics: SystemMetrics
    docker_events: Annotated[list[DockerEvent], BeforeValidator(_null_is_empty)] = []
    logs: Annotated[list[LogLine], BeforeValidator(_null_is_empty)] = []
    local_alerts: Annotated[list[str], BeforeValidator(_null_is_empty)] = []
    score: float


def translate(body: bytes, headers: Mapping[str, str], received_time_ns: int) -> Translation:  # noqa: ARG001
    """One payload with everything in it."""
    try:
        document = read_document(body)
        payload = Payload.model_validate(document.value)
    except JsonFaultError as fault:
        raise VendorRequestError(json_fault_answer(fault)) from None
    except ValidationError as error:
        raise VendorRequestError(Answer(422, {"detail": field_errors(error, ["body"])})) from None
    value = object_of(document.value)
    time_ns = parse_time_or_epoch(payload.timestamp) or 0
    body_digest = hashlib.sha256(body).hexdigest()
    uid = digest(SYSTEM, payload.host, payload.server_id, text_of(value["timestamp"]), body_digest)
    resource, exports = _resource(payload), Exports()
    entry = LogEntry(
        uid=uid,
        time_ns=time_ns,
        observed_time_ns=received_time_ns,
        body=value,
        attributes={"richardops.score": payload.score},
        event_name=_BODY,
        original=document.text,
    )
    exports.add_log(SCOPE, resource, entry)
    for item in (
        *_docker_events(payload, received_time_ns),
        *_log_lines(payload, received_time_ns),
        *_alerts(payload, uid, time_ns, received_time_ns),
    ):
        exports.add_log(SCOPE, resource, item)
    for point in _points(payload, time_ns or received_time_ns):
        exports.add_point(SCOPE, resource, point)
    element = Element(uid, uid, echo={"host": payload.host})
    return Translation(exports.requests(), (element,), is_batch=False, received_time_ns=received_time_ns)


def answer(translation: Translation, stored: Mapping[str, Stored]) -> Answer:  # noqa: ARG001
    """The same for a payload that was there already."""
    host = text_of(translation.elements[0].echo["host"])
    body: JsonObject = {
        "status": "success",
        "message": f"Monitoring data received from {host}",
        "timestamp": iso_time(translation.received_time_ns),
    }
    return Answer(200, body)


def authenticate(body: bytes, headers: Mapping[str, str], received_time_ns: int, policy: SignaturePolicy) -> None:
    """Refuses a request that is not signed with the secret (401), or whose signed time is no time or too old (400, 401)."""
    signature, signed_time = headers.get("x-agent-signature", ""), headers.get("x-agent-timestamp", "")
    if not signature or not signed_time:
        raise VendorRequestError(refuse(401, "Missing header: X-Agent-Signature and X-Agent-Timestamp are required"))
    if not (signed_time.isascii() and signed_time.isdigit() and len(signed_time) <= 12):
        raise VendorRequestError(refuse(400, "X-Agent-Timestamp: must be Unix seconds"))
    expected = hmac.new(policy.secret, f"{signed_time}.".encode("ascii") + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(f"sha256={expected}".encode("ascii"), signature.lower().encode("utf-8", "replace")):
        raise VendorRequestError(refuse(401, "Invalid signature"))
    if abs(received_time_ns // NANOSECONDS - int(signed_time)) > policy.window_seconds:
        raise VendorRequestError(refuse(401, f"X-Agent-Timestamp: more than {policy.window_seconds} s from now"))


def refuse(status: int, message: str) -> Answer:
    return Answer(status, {"detail": message})


def _resource(payload: Payload) -> JsonObject:
    values: JsonObject = {
        "host.name": payload.host,
        "host.id": payload.server_id,
        "deployment.environment.name": payload.env,
        "richardops.owner_team": payload.owner_team,
        "richardops.server_id": payload.server_id,
    }
    return {key: value for key, value in values.items() if value is not None}


def _docker_events(payload: Payload, received_time_ns: int) -> Iterator[LogEntry]:
    seen: Counter[str] = Counter()
    for event in payload.docker_events:
        identity: list[Json] = [payload.host, event.type, event.action, event.container, event.image, event.timestamp]
        name, tag = _image_parts(event.image)
        attributes: JsonObject = {
            "container.name": event.container,
            "container.image.name": name,
            "container.image.tags": [tag] if tag else [],
            "richardops.docker.type": event.type,
            "richardops.docker.action": event.action,
            "richardops.docker.image": event.image,
        }
        yield LogEntry(
            uid=_item_uid(seen, "docker", identity),
            time_ns=parse_time_or_epoch(event.timestamp) or 0,
            observed_time_ns=received_time_ns,
            body=event.model_dump(),
            attributes=attributes,
            event_name="richardops.docker.event",
        )


def _log_lines(payload: Payload, received_time_ns: int) -> Iterator[LogEntry]:
    seen: Counter[str] = Counter()
    for line in payload.logs:
        yield LogEntry(
            uid=_item_uid(seen, "log", [payload.host, line.container, line.timestamp, line.message]),
            time_ns=parse_time_or_epoch(line.timestamp) or 0,
            observed_time_ns=received_time_ns,
            body=line.message,
            attributes={
                "container.name": line.container.removeprefix("/"),
                "richardops.container": line.container,
            },
        )


def _alerts(payload: Payload, payload_uid: str, time_ns: int, received_time_ns: int) -> Iterator[LogEntry]:
    for index, alert in enumerate(payload.local_alerts):
        kind, _, address = alert.partition(":")
        attributes: JsonObject = {"richardops.alert.type": kind}
        if kind == "BRUTE_FORCE" and address:
            attributes["source.address"] = address
        yield LogEntry(
            uid=digest(SYSTEM, "alert", payload_uid, index),
            time_ns=time_ns,
            observed_time_ns=received_time_ns,
            body=alert,
            attributes=attributes,
            event_name="richardops.alert",
            level="WARN",
        )


def _item_uid(seen: Counter[str], kind: str, identity: list[Json]) -> str:
    """Equal items of one payload are told apart by their order, which the agent's buffers keep."""
    same = digest(SYSTEM, kind, *identity)
    seen[same] += 1
    return digest(SYSTEM, kind, *identity, seen[same] - 1)


def _image_parts(image: str) -> tuple[str, str]:
    """Name and tag: `registry:5000/team/app:1.2@sha256:…` has a port, a tag and a digest."""
    name = image.partition("@")[0]
    base, colon, tag = name.rpartition(":")
    return (base, tag) if colon and "/" not in tag else (name, "")


def _points(payload: Payload, time_ns: int) -> Iterator[Point]:
    metrics = payload.metrics
    for key, (name, attributes) in _UTILIZATION.items():
        yield Point(name, "1", share_of_one(getattr(metrics, key)), time_ns, attributes)
    for key, direction in _RATES.items():
        attribute: JsonObject = {"network.io.direction": direction}
        yield Point("richardops.network.io.rate", "By/s", getattr(metrics, key), time_ns, attribute)
    transport: JsonObject = {"network.transport": "tcp"}
    connections = metrics.tcp_connections
    yield Point("system.network.connection.count", "{connection}", connections, time_ns, transport, kind="sum")
    yield Point("richardops.alert.score", "1", payload.score, time_ns)
    for key, value in (metrics.model_extra or {}).items():
        number = finite_number(value)
        if number is not None:
            yield Point(f"richardops.{key}", "", number, time_ns)


DIALECT = Dialect(
    system=SYSTEM,
    version=SCOPE.version,
    endpoints=(Endpoint(("POST",), "/ingest", translate, answer, authenticate),),
    refuse=refuse,
)
