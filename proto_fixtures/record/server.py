"""A receiver that keeps what it is sent, byte for byte, and answers each request with an empty success.

One plain HTTP server and one gRPC server with generic handlers, both on free loopback ports. Bodies are kept after
decompression, with the headers that say what the client is.
"""

from __future__ import annotations

import gzip
import threading
import zlib
from concurrent import futures
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

import grpc

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

HTTP_PATHS = {"/v1/traces": "traces", "/v1/logs": "logs", "/v1/metrics": "metrics"}
GRPC_METHODS = {
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export": "traces",
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export": "logs",
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": "metrics",
}
DECOMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
}


@dataclass(frozen=True)
class Recording:
    signal: str
    body: bytes
    content_type: str
    content_encoding: str
    user_agent: str


class RecordingServer:
    """Listens while it is entered; ``take()`` gives what came since the last call, in order of arrival."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._recordings: list[Recording] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._http_handler())
        self._grpc = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
        self._grpc.add_generic_rpc_handlers((_AnyExport(self._keep),))
        self._grpc_port = self._grpc.add_insecure_port("127.0.0.1:0")

    def endpoint(self, transport: str) -> str:
        port = self._grpc_port if transport == "grpc" else self._http.server_address[1]
        return f"http://127.0.0.1:{port}"

    def take(self) -> list[Recording]:
        with self._lock:
            taken, self._recordings = self._recordings, []
        return taken

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        self._grpc.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._grpc.stop(grace=None).wait()

    def _keep(self, recording: Recording) -> None:
        with self._lock:
            self._recordings.append(recording)

    def _http_handler(self) -> type[BaseHTTPRequestHandler]:
        keep = self._keep

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = _body(self)
                encoding = self.headers.get("Content-Encoding", "identity")
                content_type = self.headers.get("Content-Type", "")
                user_agent = self.headers.get("User-Agent", "")
                decoded = DECOMPRESSORS[encoding](body)
                keep(Recording(HTTP_PATHS[self.path], decoded, content_type, encoding, user_agent))
                answer = b"{}" if content_type.startswith("application/json") else b""
                self.send_response(200)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
                """Say nothing: the recorder reports what it wrote."""

        return Handler


def _body(handler: BaseHTTPRequestHandler) -> bytes:
    """Read the body; Node's exporters send it in chunks."""
    if handler.headers.get("Transfer-Encoding", "").lower() != "chunked":
        return handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
    chunks: list[bytes] = []
    while size := int(handler.rfile.readline().split(b";")[0], 16):
        chunks.append(handler.rfile.read(size))
        handler.rfile.readline()
    handler.rfile.readline()
    return b"".join(chunks)


class _AnyExport(grpc.GenericRpcHandler):  # type: ignore[type-arg] # generic in its stubs alone
    """Takes the three Export methods as bytes: no servicer, no message class, nothing that could alter the body."""

    def __init__(self, keep: Callable[[Recording], None]) -> None:
        self._keep = keep

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        signal = GRPC_METHODS.get(handler_call_details.method)
        if signal is None:
            return None

        def export(body: bytes, context: grpc.ServicerContext) -> bytes:
            headers = {key: str(value) for key, value in context.invocation_metadata()}
            user_agent = headers.get("user-agent", "")
            # gRPC has decompressed the message and does not say what it was; the recorder knows what it asked for.
            self._keep(Recording(signal, body, "application/grpc", "identity", user_agent))
            return b""

        return grpc.unary_unary_rpc_method_handler(export)
