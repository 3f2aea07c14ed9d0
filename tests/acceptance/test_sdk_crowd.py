"""Proves case 72: two hundred requests at the same moment are all answered within ten seconds, and none is lost.

Over HTTP on two hundred connections, over gRPC as two hundred calls on one channel; what was answered is what is there.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.running import request

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.running import Daemon

CROWD = 200
SPANS = 10
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def body(number: int) -> bytes:
    """A trace of its own."""
    message = ExportTraceServiceRequest()
    spans = message.resource_spans.add().scope_spans.add().spans
    for place in range(1, SPANS + 1):
        spans.add(
            trace_id=(number + 1).to_bytes(16, "big"),
            span_id=place.to_bytes(8, "big"),
            parent_span_id=b"" if place == 1 else (1).to_bytes(8, "big"),
            name=f"span {place}",
            start_time_unix_nano=time.time_ns(),
            end_time_unix_nano=time.time_ns() + place,
        )
    return message.SerializeToString()


def over_http(daemon: Daemon, bodies: list[bytes]) -> float:
    def send(one: bytes) -> bytes:
        answer = request("POST", f"{daemon.http_url}/v1/traces", one, {"Content-Type": "application/x-protobuf"})
        assert answer.status == 200
        return answer.body

    return at_once(send, bodies)


def over_grpc(daemon: Daemon, bodies: list[bytes]) -> float:
    with grpc.insecure_channel(daemon.grpc_target) as channel:
        export = channel.unary_unary(EXPORT, None, None)
        return at_once(lambda one: export(one, timeout=10), bodies)


def at_once(send: Callable[[bytes], bytes], bodies: list[bytes]) -> float:
    """All threads start together; how long the slowest waited for its answer."""
    together = threading.Barrier(len(bodies))

    def wait_and_send(one: bytes) -> float:
        together.wait()
        began = time.monotonic()
        assert send(one) == b""
        return time.monotonic() - began

    with ThreadPoolExecutor(len(bodies)) as threads:
        return max(threads.map(wait_and_send, bodies))


@pytest.mark.parametrize("send", [over_http, over_grpc])
def test_a_crowd_is_answered_and_nobody_is_lost(daemon: Daemon, send: Callable[[Daemon, list[bytes]], float]) -> None:
    """case 72."""
    bodies = [body(number) for number in range(CROWD)]
    assert send(daemon, bodies) < 10
    traces = daemon.ask(f"/api/traces?limit={CROWD + 1}")
    assert {trace["trace_id"] for trace in traces} == {f"{number + 1:032x}" for number in range(CROWD)}
    assert {trace["span_count"] for trace in traces} == {SPANS}
