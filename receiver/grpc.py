"""OTLP over gRPC: the Export method of each signal, and the health service.

Handlers take raw bytes. A generated servicer would parse them before our code is asked, and answer bytes that do not parse
with INTERNAL, which reads like a fault of ours. Keys and the memory bound are judged when the call's head is there: a
refused call's message is never read.
"""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from receiver.authorizer import INGEST_SCOPE, allow_all
from receiver.errors import Overloaded, UnknownPath
from receiver.ingest import FULL_SUCCESS, response_message
from receiver.listening import UNIX_PREFIX, PortInUse, host_and_port, open_sockets
from receiver.notices import Notices
from receiver.signals import SIGNALS
from receiver.status import classify, is_ours, retry_info_bytes, status_details
from receiver.tls import grpc_credentials

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from receiver.authorizer import Authorizer
    from receiver.ingest import Ingest
    from receiver.settings import ReceiverSettings, TlsSettings
    from receiver.signals import Signal

    Context = grpc.aio.ServicerContext[bytes, bytes]
    Handler = grpc.RpcMethodHandler[bytes, bytes]

_MAX_RESPONSE_BYTES = 4 * 1024 * 1024
_MAX_METADATA_BYTES = 64 * 1024
_MAX_STREAMS = 256
_PORT_TRIES = 5

_CODES = {code.value[0]: code for code in grpc.StatusCode}
_OTLP_PACKAGE = "/opentelemetry.proto.collector."

_logger = logging.getLogger(__name__)


def _options(max_body_bytes: int) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", max_body_bytes),
        ("grpc.max_send_message_length", _MAX_RESPONSE_BYTES),
        ("grpc.max_metadata_size", _MAX_METADATA_BYTES),
        ("grpc.max_concurrent_streams", _MAX_STREAMS),
        # Else a second daemon would silently share the port and take half of the connections.
        ("grpc.so_reuseport", 0),
        # Senders that ping every 10 s would be cut off with too_many_pings: the default allows one ping in 5 minutes.
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 5000),
        ("grpc.http2.max_ping_strikes", 0),
    ]


class OtlpGrpc(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic only in the stubs
    """Finds the handler of a call by its path; what is wrong with the call's head is answered in its place."""

    def __init__(self, ingest: Ingest, authorize: Authorizer = allow_all) -> None:
        self._ingest = ingest
        self._authorize = authorize
        self._notices = Notices(_logger)
        self._signals = {f"/{signal.service}/Export": signal for signal in SIGNALS}
        self._exports = {
            path: grpc.unary_unary_rpc_method_handler(partial(self._export, signal)) for path, signal in self._signals.items()
        }

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        path = str(handler_call_details.method)
        try:
            handler = self._exports.get(path)
            if handler is None:
                return self._refusing(None, UnknownPath(_explain(path)))
            self._judge_head(handler_call_details)
        except Exception as error:  # noqa: BLE001  every error is answered, none with its own words unless it is ours
            return self._refusing(self._signals[path], error)
        return handler

    def _judge_head(self, call: grpc.HandlerCallDetails) -> None:
        self._authorize({key: value for key, value in call.invocation_metadata if isinstance(value, str)}, INGEST_SCOPE)
        pending = self._ingest.pending
        if pending.held >= pending.limit:
            raise Overloaded(f"requests in flight hold all of {pending.limit} bytes; send again in a second")

    async def _export(self, signal: Signal, body: bytes, context: Context) -> bytes:
        try:
            with self._ingest.pending.reserve(len(body)):
                accepted = await self._ingest.accept(signal, body, "protobuf", "grpc")
        except Exception as error:  # noqa: BLE001  as above
            return self._refuse(signal, error, context)
        if accepted is FULL_SUCCESS:
            return b""
        return response_message(signal, accepted).SerializeToString()

    def _refusing(self, signal: Signal | None, error: Exception) -> Handler:
        """A handler that answers without reading: one that takes a stream only gets what it asks for."""

        async def refuse(_messages: AsyncIterator[bytes], context: Context) -> bytes:
            return self._refuse(signal, error, context)

        return grpc.stream_unary_rpc_method_handler(refuse)

    def _refuse(self, signal: Signal | None, error: Exception, context: Context) -> bytes:
        refusal = classify(error)
        counters = self._ingest.counters
        name = signal.name if signal else "a call"
        if signal is None:
            counters.refuse_unrouted(refusal.reason)
        else:
            counters.of(signal, "grpc").refuse(refusal.reason)
        if is_ours(error):
            self._notices.warn(f"{name} {refusal.reason}", "refused %s over gRPC: %s", name, refusal.message)
        else:
            _logger.error("a call over gRPC failed", exc_info=error)
        context.set_code(_CODES[refusal.grpc_code])
        context.set_details(refusal.message)
        trailers: list[tuple[str, str | bytes]] = [("grpc-status-details-bin", status_details(refusal))]
        if refusal.retry_after is not None:
            # The Python exporter looks for the delay here and nowhere else.
            trailers.append(("google.rpc.retryinfo-bin", retry_info_bytes(refusal.retry_after)))
        context.set_trailing_metadata(tuple(trailers))
        return b""


def _explain(path: str) -> str:
    services = ", ".join(signal.service.rpartition(".")[2] for signal in SIGNALS)
    if path.startswith(f"{_OTLP_PACKAGE}profiles."):
        return f"profiles are not stored; received are {services}"
    return f"{path[:200]} is not received; OTLP's Export methods are those of {services}"


class GrpcServer:
    """One gRPC server on several addresses. `addresses` are what people write: 127.0.0.1:4317."""

    def __init__(self, server: grpc.aio.Server, health_service: Any, addresses: list[str], port: int) -> None:
        self._server = server
        self._health = health_service
        self.addresses = addresses
        self.port = port

    @classmethod
    async def start(
        cls, services: OtlpGrpc, settings: ReceiverSettings, hosts: Sequence[str], port: int, tls: TlsSettings | None = None
    ) -> GrpcServer:
        """Listen on `hosts` (names, addresses, or unix:/path); port 0 picks one that is free on all of them."""
        credentials = None if tls is None else grpc_credentials(tls)
        for _ in range(_PORT_TRIES - 1):
            try:
                return await cls._try_start(services, settings, _free_addresses(hosts, port), credentials)
            except PortInUse:
                if port:
                    raise
        return await cls._try_start(services, settings, _free_addresses(hosts, port), credentials)

    @classmethod
    async def _try_start(
        cls,
        services: OtlpGrpc,
        settings: ReceiverSettings,
        addresses: list[str],
        credentials: grpc.ServerCredentials | None,
    ) -> GrpcServer:
        server = grpc.aio.server(options=_options(settings.max_body_bytes))
        health_service = health.aio.HealthServicer()  # type: ignore[attr-defined]  # missing from the stubs
        health_pb2_grpc.add_HealthServicer_to_server(health_service, server)
        server.add_generic_rpc_handlers((services,))
        port = 0
        for address in _without_twins(addresses):
            try:
                bound = server.add_insecure_port(address) if credentials is None else server.add_secure_port(address, credentials)
            except RuntimeError:
                await server.stop(None)
                raise PortInUse(f"cannot listen on {address}: another program has just taken it") from None
            port = port or (0 if address.startswith(UNIX_PREFIX) else bound)
        for name in ("", *(signal.service for signal in SIGNALS)):
            await health_service.set(name, health_pb2.HealthCheckResponse.SERVING)
        await server.start()
        return cls(server, health_service, addresses, port)

    async def aclose(self, within: float) -> None:
        """Say NOT_SERVING, accept no more, answer what is in flight within so many seconds. Safe twice."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(within)


def _without_twins(addresses: list[str]) -> list[str]:
    """The addresses without a second wildcard: gRPC listens on both families for either."""
    wildcards = [address for address in addresses if address.startswith(("0.0.0.0:", "[::]:"))]
    return [address for address in addresses if address not in wildcards[1:]]


def _free_addresses(hosts: Sequence[str], port: int) -> list[str]:
    """Addresses that can be bound right now. gRPC opens its own sockets, and cannot say what is wrong when it fails."""
    sockets = open_sockets(hosts, port)
    addresses = []
    for listener in sockets:
        name = listener.getsockname()
        listener.close()
        if isinstance(name, str):
            Path(name).unlink()
        addresses.append(f"{UNIX_PREFIX}{name}" if isinstance(name, str) else host_and_port(name[0], name[1]))
    return addresses
