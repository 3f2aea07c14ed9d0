"""The first bytes of a connection to an HTTP port say which protocol the client really speaks.

HTTP/1 is handed to the HTTP server as it is. HTTP/2 without TLS is a gRPC client on the wrong port: its bytes are carried to
the gRPC port, so that it works all the same. TLS on a plain port can only be closed; the log says what to change.
The look costs a few microseconds per connection and nothing per request.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from receiver.notices import Notices

_SILENCE_SECONDS = 120.0
"""SDKs open connections only to use them; Go keeps idle ones for 90 s."""

_HTTP2_PREFACE = b"PRI"
_TLS_HANDSHAKE = 0x16


class FirstBytes(asyncio.Protocol):
    """A connection that has not said anything yet. `undecided` holds all of them, so that a stop can close them."""

    def __init__(
        self,
        http: Callable[[], asyncio.Protocol],
        grpc_address: tuple[str, int] | None,
        undecided: set[FirstBytes],
        notices: Notices,
    ) -> None:
        self._http = http
        self._grpc_address = grpc_address
        self._undecided = undecided
        self._notices = notices
        self._transport: asyncio.Transport | None = None
        self._silence: asyncio.TimerHandle | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._undecided.add(self)
        self._silence = asyncio.get_running_loop().call_later(_SILENCE_SECONDS, self.close)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio names it
        self._decide()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        transport = self._transport
        assert transport is not None
        self._received += data
        if self._received[0] == _TLS_HANDSHAKE:
            self._decide()
            self._notices.warn(
                "tls",
                "a client (%s) spoke TLS to a port without TLS: give it an http:// endpoint, or give otlpd a certificate",
                _peer(transport),
            )
            transport.close()
        elif not self._received.startswith(_HTTP2_PREFACE[: len(self._received)]):
            self._decide()
            protocol = self._http()
            transport.set_protocol(protocol)
            protocol.connection_made(transport)
            protocol.data_received(self._received)
        elif len(self._received) >= len(_HTTP2_PREFACE):
            self._decide()
            self._carry_to_grpc(transport)

    def _decide(self) -> None:
        self._undecided.discard(self)
        if self._silence is not None:
            self._silence.cancel()

    def _carry_to_grpc(self, transport: asyncio.Transport) -> None:
        if self._grpc_address is None:
            self._notices.warn(
                "http2", "a client (%s) spoke HTTP/2 (gRPC?) to the HTTP port: use the gRPC port", _peer(transport)
            )
            transport.close()
            return
        port = self._grpc_address[1]
        self._notices.warn("http2", "a gRPC client (%s) came to the HTTP port: carried to port %d", _peer(transport), port)
        client = _Carried(transport, self._received)
        transport.set_protocol(client)
        transport.pause_reading()
        loop = asyncio.get_running_loop()
        connecting = loop.create_task(client.connect(self._grpc_address))
        client.connecting = connecting  # the loop itself keeps only a weak reference


class _Carried(asyncio.Protocol):
    """One side of a connection that is carried over; `other` is where its bytes go."""

    def __init__(self, own: asyncio.Transport | None, received: bytes = b"") -> None:
        self.own = own
        self.other: asyncio.Transport | None = None
        self.connecting: asyncio.Task[None] | None = None
        self._received = received

    async def connect(self, address: tuple[str, int]) -> None:
        own = self.own
        assert own is not None
        far = _Carried(None)
        far.other = own
        try:
            transport, _ = await asyncio.get_running_loop().create_connection(lambda: far, *address)
        except OSError:
            own.close()
            return
        far.own = transport
        self.other = transport
        if own.is_closing():
            transport.close()
            return
        transport.write(self._received)
        own.resume_reading()

    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            self.other.write(data)

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None:
            self.other.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio names it
        if self.other is not None:
            self.other.close()


def _peer(transport: asyncio.Transport) -> str:
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) else "local socket"
