"""Who may do what: finds the key in a request's headers, checks its scope, and holds it to its rate.

Without keys everybody who reaches the port may do everything; the settings see to it that this is only this machine. Changes
by `otlpd keys` count within a second. Once a running daemon has had a key it never falls back to letting everybody in.
"""

from __future__ import annotations

import base64
import binascii
import logging
import math
import time
from typing import TYPE_CHECKING

from otlpd.keys import BadKeys, Key, KeyRing, read_keys
from receiver.errors import PermissionDenied, RateLimited, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

KEY_HEADERS = ("x-api-key", "api-key", "x-otlp-api-key")

_LOOK_EVERY_SECONDS = 1.0
_BURST_SECONDS = 2.0
_LONGEST_WAIT = 5

_logger = logging.getLogger(__name__)


def secrets_in(headers: Mapping[str, str]) -> Iterator[str]:
    """What may be a key, in every place where senders put one."""
    scheme, _, credentials = headers.get("authorization", "").strip().partition(" ")
    credentials = credentials.strip()
    if scheme.lower() == "bearer" and credentials:
        yield credentials
    elif scheme.lower() == "basic" and (password := _password(credentials)):
        yield password
    for name in KEY_HEADERS:
        if given := headers.get(name):
            yield given.strip()


def _password(credentials: str) -> str:
    """The password of `user:password`; any user will do."""
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""


class TokenBucket:
    """Holds `rate` tokens for each of two seconds and gets `rate` new ones a second; every request takes one."""

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._capacity = max(1.0, rate * _BURST_SECONDS)
        self._tokens = self._capacity
        self._filled = clock()

    def take(self) -> float:
        """Seconds until there is a token again; 0 when one was there and is now taken."""
        now = self._clock()
        self._tokens = min(self._capacity, self._tokens + (now - self._filled) * self._rate)
        self._filled = now
        if self._tokens < 1:
            return (1 - self._tokens) / self._rate
        self._tokens -= 1
        return 0.0


class Gate:
    """Called with headers and a scope: returns when they fit, else raises Unauthenticated, PermissionDenied or RateLimited."""

    def __init__(
        self,
        keys_path: Path,
        fixed: Sequence[Key] = (),
        rate_limit: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = keys_path
        self._fixed = tuple(fixed)
        self._rate_limit = rate_limit
        self._clock = clock
        self._buckets: dict[str, TokenBucket] = {}
        self._mark = _mark(keys_path)
        self._ring = KeyRing([*self._fixed, *read_keys(keys_path)])
        self._next_look = clock() + _LOOK_EVERY_SECONDS
        self.locked = len(self._ring) > 0

    @property
    def keys(self) -> KeyRing:
        return self._ring

    def __call__(self, headers: Mapping[str, str], scope: str) -> None:
        if self._clock() >= self._next_look:
            self._look()
        if not self.locked:
            return
        key = self._known(headers)
        if not key.allows(scope):
            raise PermissionDenied(f"the key {key.name!r} has the scope {', '.join(key.scopes)}; this needs {scope}")
        if self._rate_limit is not None:
            self._hold_to_rate(key, self._rate_limit)

    def _known(self, headers: Mapping[str, str]) -> Key:
        given = list(secrets_in(headers))
        for secret in given:
            key = self._ring.find(secret)
            if key is not None:
                return key
        if given:
            raise Unauthenticated("the API key is not known; `otlpd keys list` shows those that are, `otlpd keys add` makes one")
        raise Unauthenticated("an API key is needed: send it as `Authorization: Bearer <key>` or `x-api-key: <key>`")

    def _hold_to_rate(self, key: Key, rate: float) -> None:
        bucket = self._buckets.get(key.identifier)
        if bucket is None:
            bucket = self._buckets[key.identifier] = TokenBucket(rate, self._clock)
        wait = bucket.take()
        if wait:
            message = f"the key {key.name!r} may make {rate:g} requests a second and has made more; send again later"
            raise RateLimited(message, retry_after=min(_LONGEST_WAIT, max(1, math.ceil(wait))))

    def _look(self) -> None:
        """Read the keys again when the file has changed; a file that cannot be read changes nothing."""
        self._next_look = self._clock() + _LOOK_EVERY_SECONDS
        mark = _mark(self._path)
        if mark == self._mark:
            return
        self._mark = mark
        try:
            ring = KeyRing([*self._fixed, *read_keys(self._path)])
        except BadKeys as error:
            _logger.error("%s; the keys of before stay in force", error)  # noqa: TRY400  the message says it all
            return
        self._ring = ring
        self._buckets = {name: bucket for name, bucket in self._buckets.items() if name in {key.identifier for key in ring}}
        self.locked = self.locked or len(ring) > 0
        _logger.info("API keys read again: %d", len(ring))


def _mark(path: Path) -> tuple[int, int, int] | None:
    """Changes whenever the file is replaced."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
