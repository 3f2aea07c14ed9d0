"""An aiohttp server with the settings that OTLP senders need, on sockets that are already open.

Both the OTLP port and the API port are served like this, so that OTLP works on either.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from receiver.first_bytes import FirstBytes
from receiver.listening import address_text
from receiver.notices import Notices

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Sequence

_MAX_FIELD_BYTES = 64 * 1024
"""Bearer tokens outgrow aiohttp's default of 8190."""

_KEEPALIVE_SECONDS = 630.0
"""Go keeps idle connections for 90 s: a server that closes earlier makes its next export fail."""

_LINGER_SECONDS = 5.0
"""How long the rest of a refused body is read, so that the sender gets to read the answer."""

_BACKLOG = 1024


def make_runner(app: web.Application, stop_seconds: float = 10.0) -> web.AppRunner:
    """Bodies stay as sent (receiver.compression undoes codings), and a client that leaves does not cancel a commit.

    A stop waits `stop_seconds` for requests in flight.
    """
    return web.AppRunner(
        app,
        access_log=None,
        auto_decompress=False,
        handler_cancellation=False,
        keepalive_timeout=_KEEPALIVE_SECONDS,
        lingering_time=_LINGER_SECONDS,
        max_field_size=_MAX_FIELD_BYTES,
        max_line_size=_MAX_FIELD_BYTES,
        logger=_logger(),
        shutdown_timeout=stop_seconds,
    )


def _logger() -> logging.Logger:
    """The server's own logger, without a traceback for each request that is not HTTP: the client has been told."""
    logger = logging.getLogger("receiver.http_server.aiohttp")
    logger.addFilter(_not_a_bad_request)
    return logger


def _not_a_bad_request(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return type(error).__module__ != "aiohttp.http_exceptions"


class HttpServer:
    """Serves one application on several sockets. `addresses` are what people write: 127.0.0.1:4318."""

    def __init__(self, runner: web.AppRunner, servers: list[asyncio.Server], undecided: set[FirstBytes]) -> None:
        self._runner = runner
        self._servers = servers
        self._undecided = undecided
        self.addresses = [address_text(listener) for server in servers for listener in server.sockets]

    @classmethod
    async def start(
        cls,
        app: web.Application,
        sockets: Sequence[socket.socket],
        *,
        tls: ssl.SSLContext | None = None,
        grpc_address: tuple[str, int] | None = None,
        stop_seconds: float = 10.0,
    ) -> HttpServer:
        """Serve; `grpc_address` is where gRPC clients that come to this port are carried (never with TLS)."""
        runner = make_runner(app, stop_seconds)
        await runner.setup()
        http = runner.server
        assert http is not None
        undecided: set[FirstBytes] = set()
        # With TLS the handshake has already settled on HTTP/1.1.
        protocol = (
            http if tls is not None else partial(FirstBytes, http, grpc_address, undecided, Notices(logging.getLogger(__name__)))
        )
        loop = asyncio.get_running_loop()
        servers = [await loop.create_server(protocol, sock=listener, ssl=tls, backlog=_BACKLOG) for listener in sockets]
        return cls(runner, servers, undecided)

    @property
    def port(self) -> int:
        """The TCP port that all addresses share; 0 when there are only unix sockets."""
        names = [listener.getsockname() for server in self._servers for listener in server.sockets]
        return next((int(name[1]) for name in names if isinstance(name, tuple)), 0)

    async def aclose(self) -> None:
        """Accept no more, answer what is in flight, close what is left. Safe twice."""
        for server in self._servers:
            server.close()
        self._servers = []
        for connection in list(self._undecided):
            connection.close()
        await self._runner.cleanup()
