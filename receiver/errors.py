"""Why a request as a whole cannot be taken.

Decoding raises these; the HTTP and gRPC fronts turn them into their own status. Every message is written for the
sender: what is wrong, where, and what to do. One bad item never raises: it is counted as rejected instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


class RefusedRequest(Exception):
    """Base of all refusals. Unless a class has `retry_after`, a retry of the same bytes gets the same answer."""

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


class UnknownPath(RefusedRequest):
    """Nothing is received at this path."""

    http_status: ClassVar[int] = 404


class MethodNotAllowed(RefusedRequest):
    """The path is right, the HTTP method is not."""

    http_status: ClassVar[int] = 405


class HostNotAllowed(RefusedRequest):
    """The Host header names a machine that this daemon does not answer for: a web page may have rebound its DNS name."""

    http_status: ClassVar[int] = 403


class BodyTimeout(RefusedRequest):
    """The body did not arrive within the time allowed for it."""

    http_status: ClassVar[int] = 408


class Unauthenticated(RefusedRequest):
    """No key was given, or one that is not known."""

    http_status: ClassVar[int] = 401


class PermissionDenied(RefusedRequest):
    """The key is known and lacks the scope that is needed."""

    http_status: ClassVar[int] = 403


class RateLimited(RefusedRequest):
    """The key has used up its share; the same request is welcome after `retry_after` whole seconds, 1 to 5."""

    http_status: ClassVar[int] = 429

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Overloaded(RefusedRequest):
    """Requests in flight hold as much memory as they may; the same request is welcome after `retry_after` whole seconds."""

    http_status: ClassVar[int] = 503

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after
