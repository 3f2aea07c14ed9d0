"""What came of sending one request, and how long to wait before it is sent again."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from exporter.settings import Pace

Kind = Literal["accepted", "retry", "too_large", "refused"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`rejected` items of an accepted request broke a rule of the receiver. `retry_after` is in seconds."""

    kind: Kind
    message: str = ""
    rejected: int = 0
    retry_after: float | None = None


class Backoff:
    """Waits between attempts: doubled each time, the second half of each by chance, so that senders do not come together."""

    def __init__(self, pace: Pace, chance: random.Random | None = None) -> None:
        self._pace = pace
        self._chance = chance or random.Random()  # noqa: S311  nothing is kept secret by it
        self.attempts = 0

    def next_wait(self, asked: float | None) -> float:
        """Seconds until the next attempt; what the upstream asked for is kept at least, within its bound."""
        whole = min(self._pace.first_wait_seconds * 2.0**self.attempts, self._pace.longest_wait_seconds)
        self.attempts = min(self.attempts + 1, 30)
        wait = whole / 2 + self._chance.uniform(0, whole / 2)
        return wait if asked is None else max(min(asked, self._pace.longest_asked_seconds), wait)

    def reset(self) -> None:
        self.attempts = 0
