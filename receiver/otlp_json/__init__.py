"""OTLP/JSON → the protobuf messages of OTLP, forgiving where the sender's meaning is plain.

`parse` is pure: bytes in, message out. Rules of the data that protobuf knows as well (ids of zeros, points without a time)
are not judged here but later, on the message, for both encodings alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from receiver.errors import Malformed
from receiver.otlp_json.outcome import Decoded, Outcome, path_text
from receiver.otlp_json.shapes import Shapes, fill
from receiver.otlp_json.text import read_object
from receiver.otlp_json.values import UnreadableValue

if TYPE_CHECKING:
    from google.protobuf.message import Message

__all__ = ["Decoded", "parse"]

_REQUESTS: dict[str, type[Message]] = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}
_SHAPES = Shapes(*_REQUESTS.values())
_TOP_KEYS = {
    key: (signal, field.json_name)
    for signal, request in _REQUESTS.items()
    for field in request.DESCRIPTOR.fields
    for key in (field.json_name, field.name)
}


def parse(body: bytes, signal_name: str) -> Decoded:
    """Read a whole request; refuse it only when it cannot be read at all or belongs to another signal."""
    given = read_object(body)
    request = _REQUESTS[signal_name]
    message = request()
    outcome = Outcome()
    _check_top_level(given, signal_name, outcome)
    try:
        fill(message, given, _SHAPES.of(request), outcome, 0)
    except UnreadableValue as error:
        raise Malformed(f"{path_text(error.path[::-1])[:200]}: {error.problem}") from None
    except RecursionError:
        raise Malformed("the values of this request are nested too deeply") from None
    return Decoded(message, outcome.rejected, outcome.reasons, outcome.warnings)


def _check_top_level(given: dict[str, object], signal_name: str, outcome: Outcome) -> None:
    """Say what is wrong with a body that would otherwise be taken for an empty request."""
    known = [_TOP_KEYS[key] for key in given if key in _TOP_KEYS]
    if any(signal == signal_name for signal, _ in known):
        return
    if known:
        signal, key = known[0]
        raise Malformed(f"{key} are {signal}, not {signal_name}: post them to /v1/{signal}")
    if given:
        wanted = next(key for signal, key in _TOP_KEYS.values() if signal == signal_name)
        outcome.warn(f"nothing was found: the top level has no key {wanted!r}")
