"""The body of an HTTP request as plain bytes: bounded before and after decompression, in size, in time, and over all requests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from receiver.compression import decompress
from receiver.errors import BodyTimeout, Malformed, TooLarge

if TYPE_CHECKING:
    from aiohttp.streams import StreamReader

    from receiver.pending import Reservation
    from receiver.settings import ReceiverSettings

_INLINE_DECOMPRESSION_BYTES = 4096
"""Gzip makes at most 4 MiB of so much, in 10 ms; anything larger is inflated in a thread."""


class SenderLeft(Exception):
    """The connection ended before the body did: nothing to store, nobody to tell, nothing to log."""


class BodyReader:
    def __init__(self, settings: ReceiverSettings) -> None:
        self._limit = settings.max_body_bytes
        self._seconds = settings.body_timeout_seconds

    def judge_length(self, length: int | None) -> None:
        """Raises TooLarge by the head alone, before any byte of the body is read."""
        if (length or 0) > self._limit:
            raise self._too_large()

    async def read(self, request: web.Request, reservation: Reservation) -> bytes:
        """The plain body, within its limits before and after decompression."""
        headers = request.headers
        if hdrs.EXPECT in headers:
            await _continue(request)
        content = request.content
        # Small bodies arrive together with their heads; then there is nothing to wait for.
        body = content.read_nowait() if content.is_eof() else await self._read_slowly(content, reservation)
        if len(body) > self._limit:
            raise self._too_large()
        reservation.grow_to(len(body))
        coding = headers.get(hdrs.CONTENT_ENCODING)
        if not coding:
            return body
        if len(body) <= _INLINE_DECOMPRESSION_BYTES:
            plain = decompress(body, coding, self._limit)
        else:
            plain = await asyncio.to_thread(decompress, body, coding, self._limit)
        reservation.grow_to(len(body) + len(plain))
        return plain

    async def _read_slowly(self, content: StreamReader, reservation: Reservation) -> bytes:
        body = bytearray()
        try:
            async with asyncio.timeout(self._seconds):
                while not content.at_eof():
                    body += await content.readany()
                    if len(body) > self._limit:
                        raise self._too_large()
                    reservation.grow_to(len(body))
        except TimeoutError:
            raise BodyTimeout(f"the body did not arrive within {self._seconds:g} s: {len(body)} bytes of it did") from None
        except ConnectionError:
            raise SenderLeft from None
        except (web.RequestPayloadError, HttpProcessingError) as error:
            raise Malformed(f"the body breaks off or is not well chunked: {error}") from None
        return bytes(body)

    def _too_large(self) -> TooLarge:
        return TooLarge(f"request body is larger than {self._limit} bytes; send smaller batches", self._limit)


async def expect_later(request: web.Request) -> None:
    """Let the handler judge the head first: a sender that asks whether to send its body may be told no."""


async def _continue(request: web.Request) -> None:
    if request.headers[hdrs.EXPECT].lower() == "100-continue" and request.version >= (1, 1):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer itself has not begun
