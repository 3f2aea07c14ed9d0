"""Content-Encoding undone, in bounded memory.

`decompress` takes a request body and the header's value and gives the plain bytes back, or refuses. A body that
inflates past the limit costs the limit and one block or window of memory, whatever the coding and however many are
stacked (only a zstd window hidden in a later frame can cost the limit once more): gzip and deflate are inflated block
by block, the others straight into an anonymous mapping of `limit` bytes, whose pages only become real when written.
"""

from __future__ import annotations

import io
import mmap
import zlib
from typing import TYPE_CHECKING

import cramjam

from receiver.errors import Malformed, TooLarge, UnsupportedEncoding

if TYPE_CHECKING:
    from collections.abc import Callable

_BLOCK = 256 * 1024
"""Bytes of plain output per step of inflating."""

_INPUT_BLOCK = 16 * 1024
"""Bytes of gzip input per step. What follows a member is copied, so a small step keeps many members cheap."""

_MAX_GZIP_MEMBERS = 4096
"""A 64 MiB body written in 64 KiB members (the smallest that parallel gzip writers make) has 1024 of them."""

_MAX_CODINGS = 4
"""Each stacked coding may cost the time of inflating `limit` bytes."""

_IDENTITY = "identity"

_SNAPPY_STREAM_HEADER = b"\xff\x06\x00\x00sNaPpY"

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"

_MAX_ZSTD_WINDOW = 8 * 1024 * 1024
"""RFC 9659's bound for this coding; levels up to 19 keep to it. The decoder holds one window beside its output."""

_GZIP_WBITS = 16 + zlib.MAX_WBITS
_ZLIB_WBITS = zlib.MAX_WBITS
_RAW_DEFLATE_WBITS = -zlib.MAX_WBITS

_OUTPUT_FULL = "failed to write whole buffer"
"""What cramjam's decoders say when the output buffer is full; every other error is about the input."""


def decompress(body: bytes, content_encoding: str, limit: int) -> bytes:
    """Undo the codings named by a Content-Encoding header, last one first; no layer may exceed `limit` bytes."""
    codings = [coding for part in content_encoding.lower().split(",") if (coding := part.strip())]
    unknown = [coding for coding in codings if coding not in SUPPORTED]
    if unknown:
        raise UnsupportedEncoding(unknown[0], SUPPORTED)
    if len(codings) > _MAX_CODINGS:
        raise UnsupportedEncoding(f"{len(codings)} stacked codings (at most {_MAX_CODINGS})", SUPPORTED)
    if len(body) > limit:
        raise TooLarge(f"request body is larger than {limit} bytes; send smaller batches", limit)
    for coding in reversed(codings):
        body = _decode_one(body, coding, limit)
    return body


def _decode_one(body: bytes, coding: str, limit: int) -> bytes:
    if coding == _IDENTITY:
        return body
    if not body:
        raise Malformed(f"{coding}: the body is empty, not even a {coding} header is there")
    try:
        return _DECODERS[coding](body, limit)
    except _Overflow:
        message = f"request body is larger than {limit} bytes after {coding} decompression; send smaller batches"
        raise TooLarge(message, limit) from None
    except (zlib.error, cramjam.DecompressionError, _Garbage) as error:
        raise Malformed(f"{coding}: the body cannot be decompressed: {error}") from None


class _Overflow(Exception):
    """The plain bytes exceed the limit."""


class _Garbage(Exception):
    """The input is not a whole, well-formed stream."""


def _gunzip(body: bytes, limit: int) -> bytes:
    """Inflate one gzip member after another; zero bytes may pad the end, as with gzip(1)."""
    plain = io.BytesIO()
    position = _inflate(body, 0, _GZIP_WBITS, plain, limit)
    for _ in range(_MAX_GZIP_MEMBERS - 1):
        if position == len(body) or body[position] == 0:
            break
        position = _inflate(body, position, _GZIP_WBITS, plain, limit)
    if body[position:].strip(b"\0"):
        raise _Garbage(f"bytes after the last gzip member, or more than {_MAX_GZIP_MEMBERS} members")
    return plain.getvalue()


def _inflate_deflate(body: bytes, limit: int) -> bytes:
    """Inflate the zlib stream that RFC 9110 means by "deflate", or what some senders send: one without its header."""
    try:
        return _inflate_whole(body, _ZLIB_WBITS, limit)
    except (zlib.error, _Garbage) as error:
        try:
            return _inflate_whole(body, _RAW_DEFLATE_WBITS, limit)
        except (zlib.error, _Garbage):
            raise error from None


def _inflate_zlib(body: bytes, limit: int) -> bytes:
    return _inflate_whole(body, _ZLIB_WBITS, limit)


def _inflate_whole(body: bytes, wbits: int, limit: int) -> bytes:
    plain = io.BytesIO()
    if _inflate(body, 0, wbits, plain, limit) != len(body):
        raise _Garbage("bytes after the end of the stream")
    return plain.getvalue()


def _inflate(body: bytes, position: int, wbits: int, plain: io.BytesIO, limit: int) -> int:
    """Inflate the stream that starts at `position` onto the end of `plain`; return where the stream ends."""
    inflater = zlib.decompressobj(wbits)
    while not inflater.eof:
        given = inflater.unconsumed_tail
        if not given:
            given = body[position : position + _INPUT_BLOCK]
            position += len(given)
        block = inflater.decompress(given, _BLOCK)
        # With all input given the inflater may still hold back output that did not fit the block before.
        if not given and not block and not inflater.eof:
            raise _Garbage("the stream is truncated")
        plain.write(block)
        if plain.tell() > limit:
            raise _Overflow
    return position - len(inflater.unused_data)


def _decode_zstd(body: bytes, limit: int) -> bytes:
    content_size, window = _zstd_frame_header(body)
    if content_size > limit:
        raise _Overflow
    if window > _MAX_ZSTD_WINDOW:
        raise _Garbage(f"the window of {window} bytes is larger than RFC 9659 allows ({_MAX_ZSTD_WINDOW})")
    return _decode_into(cramjam.zstd.decompress_into, body, limit)


def _zstd_frame_header(body: bytes) -> tuple[int, int]:
    """Announced content size and window of the first frame; 0 for what is not announced.

    A frame in a single segment has its content for its window and announces no other.
    """
    if len(body) < 6 or not body.startswith(_ZSTD_MAGIC):
        return 0, 0
    descriptor = body[4]
    single_segment = bool(descriptor & 0x20)
    position = 5 if single_segment else 6
    exponent, mantissa = body[5] >> 3, body[5] & 7
    window = 0 if single_segment else (8 + mantissa) << (exponent + 7)
    position += (0, 1, 2, 4)[descriptor & 3]  # the id of a dictionary
    width = (int(single_segment), 2, 4, 8)[descriptor >> 6]
    content_size = int.from_bytes(body[position : position + width], "little")
    return content_size + 256 if width == 2 else content_size, window


def _decode_lz4(body: bytes, limit: int) -> bytes:
    return _decode_into(cramjam.lz4.decompress_into, body, limit)


def _decode_snappy(body: bytes, limit: int) -> bytes:
    """Decode either format of this name: the framed one starts with a fixed header, the block one with its length."""
    if body.startswith(_SNAPPY_STREAM_HEADER):
        return _decode_snappy_framed(body, limit)
    declared = cramjam.snappy.decompress_raw_len(body)
    if declared > limit:
        raise _Overflow
    return _decode_into(cramjam.snappy.decompress_raw_into, body, declared)


def _decode_snappy_framed(body: bytes, limit: int) -> bytes:
    return _decode_into(cramjam.snappy.decompress_into, body, limit)


def _decode_into(decode: Callable[[bytes, mmap.mmap], int], body: bytes, limit: int) -> bytes:
    # A mapping cannot be empty. Making one of 64 MiB takes 10 µs; a bytearray of that size is zeroed first: 60 ms.
    with mmap.mmap(-1, max(limit, 1)) as plain:
        try:
            size = decode(body, plain)
        except cramjam.DecompressionError as error:
            if str(error) == _OUTPUT_FULL:
                raise _Overflow from None
            raise
        if size > limit:
            raise _Overflow
        return plain[:size]


_DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate_deflate,
    "zlib": _inflate_zlib,
    "zstd": _decode_zstd,
    "snappy": _decode_snappy,
    "x-snappy-framed": _decode_snappy_framed,
    "lz4": _decode_lz4,
}

SUPPORTED = (*_DECODERS, _IDENTITY)
