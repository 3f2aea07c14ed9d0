"""What may stand between a client and the daemon: a load balancer that answers for it, or changes what passes.

A front speaks HTTP/1.1 or gRPC and counts the requests of each signal. Its conduct decides what becomes of them.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import grpc
from google.protobuf import json_format
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from receiver.signals import SIGNALS
from tests.running import request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.acceptance.sdk.clients import Client
    from tests.running import Daemon

SIGNAL_OF = {
    **{signal.path: signal.name for signal in SIGNALS},
    **{f"/{signal.service}/Export": signal.name for signal in SIGNALS},
}


Forward: TypeAlias = "Callable[[bytes], Any]"


@dataclass
class Busy:
    """The answer of a receiver that has no room: 503 and Retry-After, UNAVAILABLE and RetryInfo."""

    seconds: int = 1


class Conduct(Protocol):
    def __call__(self, signal: str, attempt: int, body: bytes, forward: Forward, /) -> Any:
        """Busy, or what `forward` gave for a body; `attempt` counts the requests of the signal from 0."""
        ...


def busy_twice(_signal: str, attempt: int, body: bytes, forward: Forward) -> Any:
    """The first request is turned away, the second is taken and its answer lost, the third is served."""
    if attempt == 0:
        return Busy()
    answer = forward(body)
    return Busy() if attempt == 1 else answer


# One more item in each request, which breaks a rule; the encodings can be joined to those of a whole request.
_TIMELESS = {"name": "timeless", "gauge": {"dataPoints": [{"asInt": "1"}]}}
_BAD: dict[str, dict[str, Any]] = {
    "traces": {"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "without ids"}]}]}]},
    "logs": {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": str(2**63)}]}]}]},
    "metrics": {"resourceMetrics": [{"scopeMetrics": [{"metrics": [_TIMELESS]}]}]},
}


def add_a_bad_item(signal: str, _attempt: int, body: bytes, forward: Forward) -> Any:
    if body.startswith(b"{"):
        whole = json.loads(body)
        for key, items in _BAD[signal].items():
            whole[key] += items
        return forward(json.dumps(whole).encode())
    return forward(body + _bad_message(signal))


def _bad_message(signal: str) -> bytes:
    kind = next(one.request for one in SIGNALS if one.name == signal)
    return json_format.ParseDict(_BAD[signal], kind()).SerializeToString()


@dataclass
class Front:
    conduct: Conduct
    url: str = ""
    requests: Counter[str] = field(default_factory=Counter)
    codings: set[str] = field(default_factory=set)
    """The Content-Encoding of every HTTP request that had one."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, path: str, body: bytes, forward: Forward) -> Any:
        signal = SIGNAL_OF[path]
        with self._lock:
            attempt = self.requests[signal]
            self.requests[signal] += 1
        return self.conduct(signal, attempt, body, forward)


@contextmanager
def front_of(daemon: Daemon, client: Client, conduct: Conduct) -> Iterator[Front]:
    """A front that speaks the client's protocol, on a port of its own."""
    front = Front(conduct)
    with _grpc_front(daemon, front) if client.protocol == "grpc" else _http_front(daemon, front):
        yield front


class _HttpHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    daemon: Daemon
    front: Front

    def do_POST(self) -> None:
        body = self._body()
        if coding := self.headers.get("Content-Encoding"):
            self.front.codings.add(coding)
        answer = self.front.take(self.path, body, self._forward)
        if isinstance(answer, Busy):
            self._send(503, {"Content-Type": "application/json", "Retry-After": str(answer.seconds)}, b'{"message":"busy"}')
        else:
            self._send(answer.status, {"Content-Type": answer.headers["Content-Type"]}, answer.body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"]))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _forward(self, body: bytes) -> Any:
        headers = {name: self.headers[name] for name in ("Content-Type", "Content-Encoding") if name in self.headers}
        return request("POST", self.daemon.http_url + self.path, body, headers)

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, text in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def _http_front(daemon: Daemon, front: Front) -> Iterator[None]:
    handler = type("_Handler", (_HttpHandler,), {"daemon": daemon, "front": front})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        front.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield
        finally:
            server.shutdown()


@contextmanager
def _grpc_front(daemon: Daemon, front: Front) -> Iterator[None]:
    with ThreadPoolExecutor(8) as threads, grpc.insecure_channel(daemon.grpc_target) as channel:
        server = grpc.server(threads, options=(("grpc.so_reuseport", 0),))
        for signal in SIGNALS:
            handler = _grpc_handler(front, channel, f"/{signal.service}/Export")
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(signal.service, {"Export": handler}),))
        front.url = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        try:
            yield
        finally:
            server.stop(0.5).wait()


def _grpc_handler(front: Front, channel: grpc.Channel, path: str) -> grpc.RpcMethodHandler[bytes, bytes]:
    forward = channel.unary_unary(path, None, None)

    def serve(body: bytes, context: Any) -> Any:
        answer = front.take(path, body, lambda changed: forward(changed, timeout=10))
        if isinstance(answer, Busy):
            _abort(context, answer)
        return answer

    return grpc.unary_unary_rpc_method_handler(serve, None, None)


def _abort(context: Any, busy: Busy) -> None:
    detail = AnyMessage()
    detail.Pack(RetryInfo(retry_delay=Duration(seconds=busy.seconds)))
    status = Status(code=grpc.StatusCode.UNAVAILABLE.value[0], message="busy", details=[detail])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNAVAILABLE, "busy")
