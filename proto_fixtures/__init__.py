"""Requests recorded from real OpenTelemetry exporters, each with the answer that must come out of it.

``fixtures()`` gives them all. Reading them needs opentelemetry-proto and nothing of the daemon, so that they can judge it.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).parent / "otlp"
SIGNALS: tuple[Signal, ...] = ("traces", "logs", "metrics")

Signal: TypeAlias = Literal["traces", "logs", "metrics"]
Encoding: TypeAlias = Literal["protobuf", "json"]
Message: TypeAlias = ExportTraceServiceRequest | ExportLogsServiceRequest | ExportMetricsServiceRequest

_MESSAGES: dict[Signal, Callable[[], Message]] = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
_IDS = frozenset({"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"})


@dataclass(frozen=True)
class Fixture:
    """One request: its body as recorded (after decompression), what sent it, and the answer it must give."""

    name: str
    signal: Signal
    encoding: Encoding
    body: bytes
    meta: dict[str, Any]
    answer: dict[str, Any]

    def message(self) -> Message:
        return parse(self.signal, self.encoding, self.body)


def parse(signal: Signal, encoding: Encoding, body: bytes) -> Message:
    message = _MESSAGES[signal]()
    if encoding == "protobuf":
        message.ParseFromString(body)
        return message
    # OTLP/JSON is protobuf's JSON mapping but for ids, which are hex in the one and base64 in the other.
    return json_format.ParseDict(_ids_as_base64(json.loads(body)), message, ignore_unknown_fields=True)


def _ids_as_base64(node: Any) -> Any:
    if isinstance(node, list):
        return [_ids_as_base64(item) for item in node]
    if isinstance(node, dict):
        return {
            key: base64.b64encode(bytes.fromhex(item)).decode() if key in _IDS and isinstance(item, str) else _ids_as_base64(item)
            for key, item in node.items()
        }
    return node


@cache
def fixtures() -> tuple[Fixture, ...]:
    """Read every fixture, in order of name."""
    bodies = [path for path in FOLDER.iterdir() if path.suffix == ".binpb" or len(path.suffixes) == 1]
    return tuple(_read(path) for path in sorted(bodies))


def _read(path: Path) -> Fixture:
    meta, answer = (json.loads(path.with_suffix(f".{part}.json").read_bytes()) for part in ("meta", "answer"))
    encoding: Encoding = "protobuf" if path.suffix == ".binpb" else "json"
    return Fixture(path.stem, cast("Signal", meta["signal"]), encoding, path.read_bytes(), meta, answer)
