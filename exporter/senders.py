"""One OTLP request to an upstream, over HTTP or gRPC, and what came of it.

Only what a receiver calls malformed is given up; what time or a person can cure (it is down, full, wants another key, is at
another path) is tried again. What is too large is sent again in halves.
"""

from __future__ import annotations

import asyncio
import gzip
import ssl
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp
import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from exporter.outcomes import Outcome

if TYPE_CHECKING:
    from exporter.settings import Upstream
    from storage.contract import Signal

_PACKAGE = "opentelemetry.proto.collector"
SERVICES: dict[Signal, str] = {
    "traces": f"{_PACKAGE}.trace.v1.TraceService",
    "logs": f"{_PACKAGE}.logs.v1.LogsService",
    "metrics": f"{_PACKAGE}.metrics.v1.MetricsService",
}
_REFUSED = frozenset({400, 415, 422})
_GRPC_REFUSED = frozenset({grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.OUT_OF_RANGE, grpc.StatusCode.DATA_LOSS})
_COMPRESSED_INLINE_BYTES = 64 * 1024
_MOST_MESSAGE_CHARACTERS = 300


class Sender(Protocol):
    async def send(self, signal: Signal, body: bytes) -> Outcome: ...

    async def aclose(self) -> None: ...


def sender_to(upstream: Upstream) -> Sender:
    return GrpcSender(upstream) if upstream.is_grpc else HttpSender(upstream)


class HttpSender:
    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._session: aiohttp.ClientSession | None = None

    async def send(self, signal: Signal, body: bytes) -> Outcome:
        headers = {"Content-Type": "application/x-protobuf", "User-Agent": "otlpd", **self._upstream.headers}
        if self._upstream.compress:
            headers["Content-Encoding"] = "gzip"
            body = await _compressed(body)
        try:
            async with self._opened().post(f"{self._upstream.base}/v1/{signal}", data=body, headers=headers) as response:
                return _http_outcome(signal, response, await response.content.read(64 * 1024))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Outcome("retry", f"{type(error).__name__}: {error}"[:_MOST_MESSAGE_CHARACTERS])

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=_tls(self._upstream)) if self._upstream.is_tls else aiohttp.TCPConnector()
            timeout = aiohttp.ClientTimeout(total=self._upstream.timeout_seconds)
            self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        return self._session

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


def _tls(upstream: Upstream) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=upstream.ca_file)
    if upstream.cert_file is not None:
        context.load_cert_chain(upstream.cert_file, upstream.key_file)
    return context


async def _compressed(body: bytes) -> bytes:
    if len(body) <= _COMPRESSED_INLINE_BYTES:
        return gzip.compress(body, 1, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, 1, mtime=0)


def _http_outcome(signal: Signal, response: aiohttp.ClientResponse, body: bytes) -> Outcome:
    status = response.status
    if 200 <= status < 300:
        return accepted(signal, body)
    message = f"HTTP {status}: {_words(response, body)}"[:_MOST_MESSAGE_CHARACTERS]
    if status == 413:
        return Outcome("too_large", message)
    if status in _REFUSED:
        return Outcome("refused", message)
    return Outcome("retry", message, retry_after=_seconds(response.headers.get("Retry-After")))


def _words(response: aiohttp.ClientResponse, body: bytes) -> str:
    try:
        if "protobuf" in response.content_type:
            return Status.FromString(body).message
    except DecodeError:
        pass
    return body.decode("utf-8", "replace").strip()


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else max(float(text), 0.0)
    except ValueError:
        return None


def accepted(signal: Signal, body: bytes) -> Outcome:
    """A success, with what `partial_success` says. A body that is not OTLP's is a success without words."""
    try:
        if signal == "traces":
            traces = ExportTraceServiceResponse.FromString(body).partial_success
            return Outcome("accepted", traces.error_message, traces.rejected_spans)
        if signal == "logs":
            logs = ExportLogsServiceResponse.FromString(body).partial_success
            return Outcome("accepted", logs.error_message, logs.rejected_log_records)
        metrics = ExportMetricsServiceResponse.FromString(body).partial_success
        return Outcome("accepted", metrics.error_message, metrics.rejected_data_points)
    except DecodeError:
        return Outcome("accepted")


def _as_is(message: bytes) -> bytes:
    return message


class GrpcSender:
    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._channel: grpc.aio.Channel | None = None

    async def send(self, signal: Signal, body: bytes) -> Outcome:
        call = self._opened().unary_unary(f"/{SERVICES[signal]}/Export", _as_is, _as_is)
        metadata = tuple((name.lower(), value) for name, value in self._upstream.headers.items())
        compression = grpc.Compression.Gzip if self._upstream.compress else grpc.Compression.NoCompression
        try:
            answer = await call(body, timeout=self._upstream.timeout_seconds, metadata=metadata, compression=compression)
        except grpc.aio.AioRpcError as error:
            return _grpc_outcome(error)
        return accepted(signal, answer)

    def _opened(self) -> grpc.aio.Channel:
        if self._channel is None:
            options = (("grpc.max_reconnect_backoff_ms", 5000), ("grpc.primary_user_agent", "otlpd"))
            if self._upstream.is_tls:
                self._channel = grpc.aio.secure_channel(self._upstream.target, _credentials(self._upstream), options)
            else:
                self._channel = grpc.aio.insecure_channel(self._upstream.target, options)
        return self._channel

    async def aclose(self) -> None:
        if self._channel is not None:
            await self._channel.close(None)


def _credentials(upstream: Upstream) -> grpc.ChannelCredentials:
    files = (upstream.ca_file, upstream.key_file, upstream.cert_file)
    return grpc.ssl_channel_credentials(*(None if path is None else path.read_bytes() for path in files))


def _grpc_outcome(error: grpc.aio.AioRpcError) -> Outcome:
    code = error.code()
    message = f"{code.name}: {error.details() or ''}"[:_MOST_MESSAGE_CHARACTERS]
    if code in _GRPC_REFUSED:
        return Outcome("refused", message)
    wait = _asked_wait(error)
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and wait is None:
        return Outcome("too_large", message)
    return Outcome("retry", message, retry_after=wait)


def _asked_wait(error: grpc.aio.AioRpcError) -> float | None:
    """The delay of google.rpc.RetryInfo, where the receiver sent one."""
    trailing: Any = error.trailing_metadata() or ()
    for name, value in trailing:
        if name == "grpc-status-details-bin" and isinstance(value, bytes):
            info = RetryInfo()
            for detail in Status.FromString(value).details:
                if detail.Unpack(info):
                    return info.retry_delay.seconds + info.retry_delay.nanos / 1e9
    return None
