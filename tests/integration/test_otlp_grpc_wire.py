"""What the gRPC client library cannot be made to say, in HTTP/2 frames by hand (cases 144, 160, 168, 169)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from receiver.signals import TRACES
from tests.integration.otlp_harness import http_request, traces

if TYPE_CHECKING:
    from tests.integration.otlp_harness import Receiver

DATA, HEADERS, SETTINGS, PING, GOAWAY = 0, 1, 4, 6, 7
END_STREAM, END_HEADERS = 1, 4


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, b"")


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, int, bytes]:
    """Kind, flags and payload."""
    head = await reader.readexactly(9)
    return head[3], head[4], await reader.readexactly(int.from_bytes(head[:3], "big"))


def header(name: str, value: str) -> bytes:
    """A literal without indexing (RFC 7541, 6.2.2)."""
    return b"".join((b"\x00", bytes([len(name)]), name.encode(), bytes([len(value)]), value.encode()))


async def export(receiver: Receiver, body: bytes, *, compressed: bool = False, **headers: str) -> bytes:
    """One call by hand; the header blocks of the answer, undecoded: the server writes them as plain text."""
    reader, writer = await asyncio.open_connection("127.0.0.1", receiver.grpc.port)
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": f"/{TRACES.service}/Export",
        ":authority": "localhost",
        "te": "trailers",
    }
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    block = b"".join(header(name, value) for name, value in fields.items())
    message = bytes([compressed]) + len(body).to_bytes(4, "big") + body
    writer.write(PREFACE + frame(HEADERS, END_HEADERS, 1, block) + frame(DATA, END_STREAM, 1, message))
    blocks = b""
    async with asyncio.timeout(5):
        while True:
            kind, flags, payload = await read_frame(reader)
            blocks += payload if kind == HEADERS else b""
            if (kind == HEADERS and flags & END_STREAM) or kind == 3:
                break
    writer.close()
    return blocks


@pytest.mark.parametrize("content_type", ["application/grpc", "application/grpc+proto"])
async def test_both_content_types_of_grpc(receiver: Receiver, content_type: str) -> None:
    """case 169; the answer also says which codings are understood."""
    blocks = await export(receiver, traces().SerializeToString(), content_type=content_type)
    assert b"grpc-status\x010" in blocks
    assert b"identity, deflate, gzip" in blocks
    assert (await receiver.stored())["traces"] == 1


@pytest.mark.parametrize("coding", ["zstd", "snappy"])
async def test_codings_that_grpc_does_not_know(receiver: Receiver, coding: str) -> None:
    """case 144: the library refuses before our code is asked, with INTERNAL; docs/otlp.md says what to set instead."""
    blocks = await export(receiver, b"xyz", compressed=True, content_type="application/grpc", grpc_encoding=coding)
    assert b"grpc-status\x0213" in blocks
    assert b"grpc-encoding" in blocks
    assert (await receiver.stored())["traces"] == 0


async def test_frequent_pings_are_no_offence(receiver: Receiver) -> None:
    """case 160: ten pings without a call, faster than any client; by default the third would end the connection.

    The client library cannot show this: it heals a connection that was ended before a test can see it.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", receiver.grpc.port)
    writer.write(PREFACE)
    answered = 0
    async with asyncio.timeout(5):
        for _ in range(10):
            writer.write(frame(PING, 0, 0, b"pingping"))
            kind = -1
            while kind != PING:
                kind, _, _ = await read_frame(reader)
                assert kind != GOAWAY
            answered += 1
    assert answered == 10
    writer.close()


async def test_http_1_on_the_grpc_port_is_closed(receiver: Receiver) -> None:
    """case 168: gRPC's server speaks HTTP/2 only; the connection ends at once instead of hanging."""
    reader, writer = await asyncio.open_connection("127.0.0.1", receiver.grpc.port)
    writer.write(http_request("/v1/traces", traces().SerializeToString()))
    async with asyncio.timeout(2):
        answer = await reader.read()
    assert not answer.startswith(b"HTTP/1.1")
    writer.close()
    assert (await receiver.stored())["traces"] == 0
