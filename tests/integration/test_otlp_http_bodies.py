"""Bodies of every coding, size and shape over HTTP: understood, or refused in words, never a crash (cases 26 to 61).

Each parameter is named after its case. The codings themselves are proven by the unit tests of decompression; here it is
that they are wired to real requests, with the status that each fault must have.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from typing import TYPE_CHECKING

import cramjam
import pytest

from receiver.settings import MIB
from tests.integration.otlp_harness import JSON, PROTOBUF, chunked, http_request, logs, raw, span_json, traces

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import StartReceiver
    from tests.integration.otlp_harness import Receiver

LIMIT = 100_000


@pytest.mark.parametrize(
    ("body", "content_type", "answered"),
    [
        pytest.param(b"", PROTOBUF, b"", id="case-26"),
        pytest.param(b"{}", JSON, b"{}", id="case-27"),
        pytest.param(b'{"resourceSpans":[]}', JSON, b"{}", id="case-27-list"),
        pytest.param(b'{"resourceSpans":null}', JSON, b"{}", id="case-27-null"),
        pytest.param(b'{"resourceSpans":[{"resource":{}}]}', JSON, b"{}", id="case-29"),
        pytest.param(b"\n\x02\n\x00", PROTOBUF, b"", id="case-29-protobuf"),
    ],
)
async def test_nothing_to_store_is_success(receiver: Receiver, body: bytes, content_type: str, answered: bytes) -> None:
    answer = await receiver.post("/v1/traces", body, content_type)
    assert (answer.status, answer.body) == (200, answered)
    assert (await receiver.stored())["traces"] == 0


async def test_json_after_a_byte_order_mark(receiver: Receiver) -> None:
    """case 31."""
    answer = await receiver.post("/v1/traces", b"\xef\xbb\xbf" + json.dumps(span_json()).encode(), JSON)
    assert answer.status == 200
    assert (await receiver.stored())["traces"] == 1


async def test_unknown_fields_of_protobuf_are_passed_over(receiver: Receiver) -> None:
    """case 34: field 1000 of the request is from a version to come."""
    body = traces().SerializeToString() + b"\xc2\x3e\x03abc"
    assert (await receiver.post("/v1/traces", body)).status == 200
    assert (await receiver.stored())["traces"] == 1


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param(b"", JSON, id="case-28"),
        pytest.param(b"1234", JSON, id="case-30-number"),
        pytest.param(b'"x"', JSON, id="case-30-string"),
        pytest.param(b"[]", JSON, id="case-30-list"),
        pytest.param(b"null", JSON, id="case-30-null"),
        pytest.param(b"{} {}", JSON, id="case-30-trailing"),
        pytest.param(b'{"resourceSpans":[', JSON, id="case-30-truncated"),
        pytest.param(b'{"resourceSpans":[{"schemaUrl":"\xff"}]}', JSON, id="case-32-json"),
        pytest.param(b"\n\x03\x1a\x01\xff", PROTOBUF, id="case-32-protobuf"),
        pytest.param(b"\xff\xff\xff\xffrandom", PROTOBUF, id="case-33-random"),
        pytest.param(b'{"resourceSpans":[]}', PROTOBUF, id="case-33-json-as-protobuf"),
        pytest.param(traces().SerializeToString(), JSON, id="case-33-protobuf-as-json"),
    ],
)
async def test_undecodable_bodies(receiver: Receiver, body: bytes, content_type: str) -> None:
    """case 76: 400 with code 3 and words, in the encoding of the request."""
    answer = await receiver.post("/v1/traces", body, content_type)
    assert (answer.status, answer.content_type) == (400, content_type)
    assert answer.error().code == 3
    assert answer.error().message


async def test_logs_at_the_door_of_traces_are_not_taken_for_spans(receiver: Receiver) -> None:
    """case 35: refused whole or item by item, and nothing is stored."""
    answer = await receiver.post("/v1/traces", logs(3).SerializeToString())
    assert answer.status == 400 or b"rejected" in answer.body
    assert (await receiver.stored())["traces"] == 0


def raw_deflate(plain: bytes) -> bytes:
    return zlib.compress(plain, wbits=-zlib.MAX_WBITS)


def zstd(plain: bytes) -> bytes:
    return bytes(cramjam.zstd.compress(plain))


def snappy_block(plain: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(plain))


def snappy_framed(plain: bytes) -> bytes:
    return bytes(cramjam.snappy.compress(plain))


def lz4(plain: bytes) -> bytes:
    return bytes(cramjam.lz4.compress(plain))


def two_members(plain: bytes) -> bytes:
    return gzip.compress(plain[:10]) + gzip.compress(plain[10:])


@pytest.mark.parametrize("spans", [1, 100], ids=["small", "in-a-thread"])
@pytest.mark.parametrize(
    ("coding", "compress"),
    [
        pytest.param("gzip", gzip.compress, id="case-36"),
        pytest.param(" GZIP ", gzip.compress, id="case-37"),
        pytest.param("x-gzip", gzip.compress, id="case-37-x"),
        pytest.param("gzip", two_members, id="case-38"),
        pytest.param("deflate", zlib.compress, id="case-39-zlib"),
        pytest.param("deflate", raw_deflate, id="case-39-raw"),
        pytest.param("zlib", zlib.compress, id="case-40"),
        pytest.param("zstd", zstd, id="case-41"),
        pytest.param("snappy", snappy_block, id="case-42-block"),
        pytest.param("snappy", snappy_framed, id="case-42-framed"),
        pytest.param("x-snappy-framed", snappy_framed, id="case-42-x"),
        pytest.param("lz4", lz4, id="case-43"),
        pytest.param("identity", bytes, id="case-44"),
        pytest.param("gzip, identity", gzip.compress, id="case-45"),
        pytest.param("zstd, gzip", lambda plain: gzip.compress(zstd(plain)), id="case-45-two"),
    ],
)
async def test_codings(receiver: Receiver, coding: str, compress: Callable[[bytes], bytes], spans: int) -> None:
    body = compress(traces(spans, attribute_bytes=50).SerializeToString())
    answer = await receiver.post("/v1/traces", body, Content_Encoding=coding)
    assert (answer.status, answer.body) == (200, b"")
    assert (await receiver.stored())["traces"] == spans


@pytest.mark.parametrize(
    ("coding", "body", "words"),
    [
        pytest.param("nosuchcompression", b"x", "unsupported Content-Encoding: nosuchcompression", id="case-46"),
        pytest.param("br", b"x", "unsupported Content-Encoding: br", id="case-46-br"),
        pytest.param("gzip", b"not gzip", "gzip", id="case-47"),
        pytest.param("zstd", b"garbage!", "zstd", id="case-48-zstd"),
        pytest.param("snappy", b"\xff\xff\xff", "snappy", id="case-48-snappy"),
        pytest.param("zlib", b"garbage!", "zlib", id="case-48-zlib"),
        pytest.param("lz4", b"garbage!", "lz4", id="case-48-lz4"),
        pytest.param("gzip", b"", "gzip", id="case-49"),
        pytest.param("gzip", gzip.compress(b"x" * 100)[:10], "truncated", id="case-50-header"),
        pytest.param("gzip", gzip.compress(bytes(range(256)))[:100], "truncated", id="case-50-middle"),
        pytest.param("gzip", gzip.compress(b"x" * 100)[:-8], "truncated", id="case-50-trailer"),
    ],
)
@pytest.mark.parametrize("content_type", [JSON, PROTOBUF])
async def test_bad_codings(receiver: Receiver, coding: str, body: bytes, words: str, content_type: str) -> None:
    answer = await receiver.post("/v1/traces", body, content_type, Content_Encoding=coding)
    assert (answer.status, answer.content_type) == (400, content_type)
    assert answer.error().code == 3
    assert words in answer.error().message


def of_size(size: int) -> bytes:
    """A traces request of exactly so many bytes."""
    body = traces(attribute_bytes=size - 200).SerializeToString()
    return body + b"\xc2\x3e" + _varint(size - len(body) - 3) + b"x" * (size - len(body) - 3)


def _varint(value: int) -> bytes:
    assert 0 <= value < 128
    return bytes([value])


async def test_the_limit_is_exact(start_receiver: StartReceiver) -> None:
    """case 51."""
    receiver = await start_receiver(max_body_bytes=LIMIT)
    assert (await receiver.post("/v1/traces", of_size(LIMIT))).status == 200
    answer = await receiver.post("/v1/traces", of_size(LIMIT + 1))
    assert answer.status == 413
    assert str(LIMIT) in answer.error().message
    assert (await receiver.stored())["traces"] == 1


async def test_an_announced_body_over_the_limit_is_refused_before_it_comes(start_receiver: StartReceiver) -> None:
    """case 52: only the head is sent, and the answer is there; the connection is closed after it."""
    receiver = await start_receiver(max_body_bytes=LIMIT)
    reader, writer = await asyncio.open_connection("127.0.0.1", receiver.http.port)
    writer.write(http_request("/v1/traces", b"", f"Content-Length: {LIMIT + 1}"))
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 2)
    assert head.split()[1] == b"413"
    assert b"connection: close" in head.lower()
    writer.close()


async def test_a_chunked_body_is_refused_when_it_crosses_the_limit(start_receiver: StartReceiver) -> None:
    """case 53: the answer comes although the body never ends."""
    receiver = await start_receiver(max_body_bytes=LIMIT)
    reader, writer = await asyncio.open_connection("127.0.0.1", receiver.http.port)
    writer.write(http_request("/v1/traces", b"", "Transfer-Encoding: chunked"))
    block = b"x" * 10_000
    for _ in range(LIMIT // len(block) + 1):
        writer.write(b"%x\r\n%s\r\n" % (len(block), block))
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 2)).split()[1] == b"413"
    writer.close()


@pytest.mark.parametrize(
    ("coding", "compress"),
    [
        pytest.param("gzip", gzip.compress, id="case-54-gzip"),
        pytest.param("zlib", zlib.compress, id="case-54-zlib"),
        pytest.param("zstd", zstd, id="case-54-zstd"),
        pytest.param("snappy", snappy_framed, id="case-54-snappy-framed"),
        pytest.param("snappy", snappy_block, id="case-55"),
        pytest.param("lz4", lz4, id="case-54-lz4"),
        pytest.param("gzip, gzip", lambda plain: gzip.compress(gzip.compress(plain)), id="case-56"),
    ],
)
async def test_bombs(receiver: Receiver, coding: str, compress: Callable[[bytes], bytes]) -> None:
    """Too large after decompression is 413, soon, and no memory stays reserved; the unit tests measure the peak."""
    bomb = compress(bytes(100 * MIB))
    async with asyncio.timeout(5):
        answer = await receiver.post("/v1/traces", bomb, Content_Encoding=coding)
    assert answer.status == 413
    assert receiver.ingest.pending.held == 0


async def test_long_explanations_are_cut(receiver: Receiver) -> None:
    """case 57: 1000 bad spans with long names are explained in less than 4 kB."""
    body = traces(0)
    for number in range(1000):
        body.resource_spans.add().scope_spans.add().spans.add(name=f"{number}" * 500)
    answer = await receiver.post("/v1/traces", body.SerializeToString())
    assert answer.status == 200
    assert 0 < len(answer.body) < 4096


@pytest.mark.parametrize("compress", [pytest.param(bytes, id="case-58"), pytest.param(gzip.compress, id="case-59")])
async def test_chunked_bodies(receiver: Receiver, compress: Callable[[bytes], bytes]) -> None:
    body = compress(traces(50).SerializeToString())
    coding = "identity" if compress is bytes else "gzip"
    headers = ("Transfer-Encoding: chunked", f"Content-Encoding: {coding}")
    chunks = [body[start : start + 700] for start in range(0, len(body), 700)]
    answer = await raw(receiver.http.port, http_request("/v1/traces", chunked(*chunks), *headers))
    assert answer.split()[1] == b"200"
    assert (await receiver.stored())["traces"] == 50


@pytest.mark.parametrize(
    "headers_and_body",
    [
        pytest.param((("Transfer-Encoding: chunked",), b"zz\r\nabc\r\n0\r\n\r\n"), id="case-60-chunk-size"),
        pytest.param((("Transfer-Encoding: chunked", "Content-Length: 3"), b"abc"), id="case-60-both"),
        pytest.param((("Content-Length: 3", "Content-Length: 4"), b"abcd"), id="case-60-two-lengths"),
    ],
)
async def test_unclear_framing_is_refused(receiver: Receiver, headers_and_body: tuple[tuple[str, ...], bytes]) -> None:
    headers, body = headers_and_body
    assert (await raw(receiver.http.port, http_request("/v1/traces", body, *headers))).split()[1] == b"400"


async def test_expect_continue(receiver: Receiver) -> None:
    """case 61: 100 first, then the answer."""
    body = traces().SerializeToString()
    reader, writer = await asyncio.open_connection("127.0.0.1", receiver.http.port)
    writer.write(http_request("/v1/traces", b"", f"Content-Length: {len(body)}", "Expect: 100-continue"))
    assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 2) == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(body)
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 2)).split()[1] == b"200"
    writer.close()
    assert (await receiver.stored())["traces"] == 1


async def test_expect_continue_is_answered_no_before_the_body(start_receiver: StartReceiver) -> None:
    """case 52: a sender that asks first is spared from sending what would be refused."""
    receiver = await start_receiver(max_body_bytes=LIMIT)
    sent = http_request("/v1/traces", b"", f"Content-Length: {LIMIT + 1}", "Expect: 100-continue")
    assert (await raw(receiver.http.port, sent)).split()[1] == b"413"
