"""Why a request as a whole cannot be taken.

Decoding raises these; the HTTP and gRPC fronts turn them into their own status. Every message is written for the
sender: what is wrong, where, and what to do. One bad item never raises: it is counted as rejected instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


class RefusedRequest(Exception):
    """The sender must change the request: a retry of the same bytes gets the same answer."""

    http_status: ClassVar[int] = 400

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Malformed(RefusedRequest):
    """The bytes are not what the headers say they are."""


class TooLarge(RefusedRequest):
    """The body, or what it decompresses to, is larger than `limit` bytes."""

    http_status: ClassVar[int] = 413

    def __init__(self, message: str, limit: int) -> None:
        super().__init__(message)
        self.limit = limit


class UnsupportedMediaType(RefusedRequest):
    """The Content-Type is missing or names no encoding of OTLP."""

    http_status: ClassVar[int] = 415


class UnsupportedEncoding(RefusedRequest):
    """The Content-Encoding names a coding that is not known here; `supported` lists those that are."""

    def __init__(self, content_encoding: str, supported: Sequence[str]) -> None:
        # A header can be 64 KiB long; the answer quotes only enough of it to be recognised.
        super().__init__(f"unsupported Content-Encoding: {content_encoding[:100]}; supported: {', '.join(supported)}")
        self.supported = tuple(supported)
