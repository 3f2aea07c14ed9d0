"""Content-Type → the encoding of OTLP that it names, and the type that the answer carries."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from receiver.errors import UnsupportedMediaType

if TYPE_CHECKING:
    from receiver.ingest import Encoding

_ACCEPTED = "send application/x-protobuf or application/json"
_ADVICE = {
    "application/grpc": "gRPC is not spoken over HTTP/1.1; send it to the gRPC port (4317 unless set otherwise)",
    "application/x-www-form-urlencoded": "curl sends it unless told otherwise: add -H 'Content-Type: application/json'",
    "text/plain": "any web page could send it without asking; use application/json",
}


@dataclass(frozen=True, slots=True)
class Media:
    """The encoding of a body and its type as the answer repeats it, without parameters and in lower case."""

    encoding: Encoding
    content_type: str


JSON = Media("json", "application/json")
_MEDIA = {
    "application/json": JSON,
    "application/x-protobuf": Media("protobuf", "application/x-protobuf"),
    "application/protobuf": Media("protobuf", "application/protobuf"),
    "application/vnd.google.protobuf": Media("protobuf", "application/vnd.google.protobuf"),
}


@lru_cache(1024)
def media_of(header: str | None) -> Media | None:
    """The encoding that a Content-Type header names; None for what is not OTLP."""
    return None if header is None else _MEDIA.get(_plain(header))


def refuse_media(header: str | None) -> UnsupportedMediaType:
    """Why a header is not taken, with what to send instead."""
    if not header:
        return UnsupportedMediaType(f"the Content-Type header is missing: {_ACCEPTED}")
    plain = _plain(header)
    advice = _ADVICE.get(plain.partition("+")[0])
    return UnsupportedMediaType(f"Content-Type {plain[:100]!r} is not OTLP: {_ACCEPTED}{f' ({advice})' if advice else ''}")


def _plain(header: str) -> str:
    return header.partition(";")[0].strip().lower()
