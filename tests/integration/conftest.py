"""Fixtures of the receiver's tests: a real store, and receivers on free ports before it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import aiohttp
import pytest
from aiohttp import web

from receiver.authorizer import allow_all
from receiver.grpc import GrpcServer, OtlpGrpc
from receiver.http import OtlpHttp
from receiver.http_server import HttpServer
from receiver.ingest import Ingest
from receiver.listening import LOOPBACK, open_sockets
from receiver.settings import ReceiverSettings
from receiver.tls import ssl_context
from storage.sqlite.store import SqliteSettings, SqliteStore, open_store
from tests.integration.otlp_harness import Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from receiver.authorizer import Authorizer
    from receiver.ingest import BatchWriter, Decoder
    from receiver.settings import TlsSettings


class StartReceiver(Protocol):
    async def __call__(
        self,
        *,
        authorize: Authorizer = ...,
        writer: BatchWriter | None = ...,
        decoder: Decoder | None = ...,
        tls: TlsSettings | None = ...,
        hosts: Sequence[str] = ...,
        grpc_hosts: Sequence[str] | None = ...,
        http_port: int = ...,
        grpc_port: int = ...,
        **settings: object,
    ) -> Receiver: ...


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await open_store(SqliteSettings(tmp_path / "telemetry.db"))
    yield opened
    await opened.aclose()


@pytest.fixture
async def start_receiver(store: SqliteStore) -> AsyncIterator[StartReceiver]:
    """Starts receivers like the service does; all are stopped at the end of the test."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession(skip_auto_headers=("Content-Type",)))

        async def start(
            *,
            authorize: Authorizer = allow_all,
            writer: BatchWriter | None = None,
            decoder: Decoder | None = None,
            tls: TlsSettings | None = None,
            hosts: Sequence[str] = LOOPBACK,
            grpc_hosts: Sequence[str] | None = None,
            http_port: int = 0,
            grpc_port: int = 0,
            **settings: object,
        ) -> Receiver:
            chosen = replace(ReceiverSettings(), **settings)  # type: ignore[arg-type]  # names and types are the test's
            ingest = Ingest(writer or store, decoder, max_pending_bytes=chosen.max_pending_bytes)
            grpc_server = await GrpcServer.start(OtlpGrpc(ingest, authorize), chosen, grpc_hosts or hosts, grpc_port, tls)
            stack.push_async_callback(grpc_server.aclose, 1.0)
            http_server = await _serve_http(OtlpHttp(ingest, chosen, authorize), hosts, http_port, grpc_server.port, tls)
            stack.push_async_callback(http_server.aclose)
            return Receiver(store, ingest, http_server, grpc_server, session)

        yield start


async def _serve_http(handlers: OtlpHttp, hosts: Sequence[str], port: int, grpc_port: int, tls: TlsSettings | None) -> HttpServer:
    app = web.Application()
    handlers.add_routes(app)
    handlers.add_fallback(app)
    context = None if tls is None else ssl_context(tls)
    address = None if tls is not None else ("127.0.0.1", grpc_port)
    return await HttpServer.start(app, open_sockets(hosts, port), tls=context, grpc_address=address, stop_seconds=5.0)


@pytest.fixture
async def receiver(start_receiver: StartReceiver) -> Receiver:
    """A receiver with the default settings."""
    return await start_receiver()
