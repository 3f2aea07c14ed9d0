"""Log lines about what senders do wrong: each kind at most once a minute, however often it happens."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging

_SECONDS_BETWEEN = 60.0
_MAX_KINDS = 1000


class Notices:
    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._next_time: dict[str, float] = {}
        self._held_back: dict[str, int] = {}

    def warn(self, kind: str, message: str, *arguments: object) -> None:
        """Log now, or count and say next time how many there were. Kinds are our own words, never the sender's."""
        now = time.monotonic()
        if now < self._next_time.get(kind, 0.0):
            self._held_back[kind] = self._held_back.get(kind, 0) + 1
            return
        if len(self._next_time) >= _MAX_KINDS:
            self._next_time.clear()
        self._next_time[kind] = now + _SECONDS_BETWEEN
        if held_back := self._held_back.pop(kind, 0):
            message = f"{message} ({held_back} more like this since the last line)"
        self._logger.warning(message, *arguments)
