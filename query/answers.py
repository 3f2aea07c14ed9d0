"""Answers as bytes: JSON by orjson, compressed where the client takes gzip, bounded in size, with the Link to the next page.

Making and compressing a long answer takes longer than the event loop may stand still (it receives telemetry as well), so
from a certain length on that happens in a thread.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from aiohttp import web

from query.cursors import next_link
from query.faults import AnswerTooLarge
from query.parameters import pinned

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from query.question import Question
    from storage.contract import Page

Record = TypeVar("Record")

_RECORDS_IN_LOOP = 50  # about half a millisecond of shaping
_SMALLEST_COMPRESSED = 1024
_COMPRESSED_IN_LOOP = 256 * 1024  # about two milliseconds at level 1
_GZIP = re.compile(r"(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?(?:,|$)", re.IGNORECASE)


async def page(question: Question, found: Page[Record], shape: Callable[[Record], Any]) -> web.Response:
    return linked(question, await array(question, found.items, shape), found)


def linked(question: Question, response: web.Response, found: Page[Record]) -> web.Response:
    """The answer with the Link to what follows the page."""
    if found.next is not None:
        given = pinned(question.route, question.request.query.items(), question.values)
        response.headers["Link"] = next_link(question.request.path, given, found.next)
    return response


async def array(question: Question, records: Sequence[Record], shape: Callable[[Record], Any]) -> web.Response:
    return await _made(question, len(records), lambda limit: _array_bytes(records, shape, limit))


async def json(question: Question, record: Record, shape: Callable[[Record], Any], records: int = 1) -> web.Response:
    """One object; `records` is about how many there are in it."""
    return await _made(question, records, lambda limit: _checked(orjson.dumps(shape(record)), limit))


async def _made(question: Question, records: int, make: Callable[[int], bytes]) -> web.Response:
    limit = question.context.limits.answer_bytes
    body = make(limit) if records <= _RECORDS_IN_LOOP else await asyncio.to_thread(make, limit)
    return await compressed(question.request, body)


def _array_bytes(records: Sequence[Record], shape: Callable[[Record], Any], limit: int) -> bytes:
    parts: list[bytes] = []
    size = 2
    for record in records:
        part = orjson.dumps(shape(record))
        size += len(part) + 1
        if size > limit:
            raise AnswerTooLarge(limit)
        parts.append(part)
    return b"[" + b",".join(parts) + b"]"


def _checked(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise AnswerTooLarge(limit)
    return body


async def compressed(
    request: web.Request, body: bytes, content_type: str = "application/json", charset: str | None = None, status: int = 200
) -> web.Response:
    headers = {"Vary": "Accept-Encoding", "Cache-Control": "no-store"}
    if len(body) > _SMALLEST_COMPRESSED and takes_gzip(request.headers.get("Accept-Encoding", "")):
        headers["Content-Encoding"] = "gzip"
        body = _gzip(body) if len(body) <= _COMPRESSED_IN_LOOP else await asyncio.to_thread(_gzip, body)
    return web.Response(body=body, status=status, content_type=content_type, charset=charset, headers=headers)


def takes_gzip(accept_encoding: str) -> bool:
    match = _GZIP.search(accept_encoding)
    return match is not None and (match[1] is None or float(match[1]) > 0)


def _gzip(body: bytes) -> bytes:
    return zlib.compress(body, 1, 31)
