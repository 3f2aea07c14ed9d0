"""Which web pages may send from a browser, and the headers that tell the browser so.

Pages of this machine may by default. The origin is echoed and never answered with `*`: browsers refuse that together with
credentials, which the SDKs' old beacon transport always sends.
"""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from receiver.hosts import host_pattern, is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_CACHED = 1024
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Cors:
    """Answers by origin. Patterns are whole origins with `*` for any part of the name: `https://*.example.com`, or `*`."""

    def __init__(self, allowed_origins: Iterable[str] = ()) -> None:
        patterns = list(allowed_origins)
        self._everyone = "*" in patterns
        self._patterns = host_pattern(patterns)
        self.headers = lru_cache(_CACHED)(self._headers)

    def allows(self, origin: str) -> bool:
        if self._everyone or self._patterns.fullmatch(origin.lower()):
            return True
        try:
            parts = urlsplit(origin)
            return parts.scheme in ("http", "https") and is_loopback(parts.hostname or "")
        except ValueError:
            return False

    def _headers(self, origin: str) -> Mapping[str, str]:
        """What an answer to a page of this origin carries; nothing when it may not read it."""
        if not self.allows(origin):
            return MappingProxyType({"Vary": "Origin"})
        return MappingProxyType(
            {
                "Access-Control-Allow-Origin": origin,
                "Access-Control-Allow-Credentials": "true",
                "Access-Control-Expose-Headers": "Retry-After",
                "Vary": "Origin",
            }
        )

    def preflight(self, asked: Mapping[str, str]) -> Mapping[str, str]:
        """The answer to OPTIONS, judged before any key: a browser sends none with it."""
        origin = asked.get("Origin")
        if origin is None:
            return _NO_HEADERS
        headers = dict(self.headers(origin))
        if "Access-Control-Allow-Origin" in headers:
            headers["Access-Control-Allow-Methods"] = "POST, OPTIONS"
            headers["Access-Control-Max-Age"] = "7200"
            if requested := asked.get("Access-Control-Request-Headers"):
                headers["Access-Control-Allow-Headers"] = requested
            if asked.get("Access-Control-Request-Private-Network") == "true":
                headers["Access-Control-Allow-Private-Network"] = "true"
        return headers
