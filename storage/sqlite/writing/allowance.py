"""How much of its time the writer gives to facts: what is over, and a share of what is not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Of a busy writer's time, what facts may take; idle time is all theirs. Saved up to so many seconds.
SHARE_OF_BUSY_TIME = 0.2
MOST_SAVED_SECONDS = 0.5
# A gap shorter than this between two groups is no idle time: others decode what comes next, on the same processors. When all
# of it went to facts, facts took half of the writer's time under load, and the rest of two processors with it.
PAUSE_SECONDS = 0.05
SHARE_OF_GAPS = 0.3
# Facts that would hold up one group for longer are owed, whatever has been saved: the senders wait.
MOST_AT_ONCE_SECONDS = 0.25
# What one event is expected to take before any was measured, and how fast the expectation follows what is.
EVENT_SECONDS = 200e-6
WEIGHT_OF_LATEST = 0.2
EVENTS_TO_LEARN_FROM = 50


class Allowance:
    """How much of its time the writer may spend on facts now. For the writer thread, but for the guess."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds = MOST_SAVED_SECONDS
        self._counted_to = clock()
        self._event_seconds = EVENT_SECONDS

    @property
    def is_left(self) -> bool:
        return self._seconds > 0

    def covers(self, events: int) -> bool:
        """Whether the facts of so many events may be written with the group that brings them."""
        return self.is_left and events * self._event_seconds <= MOST_AT_ONCE_SECONDS

    def would_be_left(self, *, at_rest: bool) -> bool:
        """What `is_left` would say, for any thread: the time that the writer has been `at_rest` is not counted yet.

        It may be a moment late. Then facts are derived that come to be owed, or are found only afterwards.
        """
        return self._seconds + (self._clock() - self._counted_to if at_rest else 0.0) > 0

    def busy_until_now(self) -> None:
        """The time since the last call went into work."""
        self._earn(SHARE_OF_BUSY_TIME, SHARE_OF_BUSY_TIME)

    def idle_until_now(self) -> None:
        """The time since the last call was spent waiting for work."""
        self._earn(SHARE_OF_GAPS, 1.0)

    def spend(self, seconds: float, events: int = 0) -> None:
        """Takes what facts took; that of `events` at once is learned from."""
        self._seconds -= seconds
        if events >= EVENTS_TO_LEARN_FROM:
            self._event_seconds += WEIGHT_OF_LATEST * (seconds / events - self._event_seconds)

    def _earn(self, share: float, share_of_pause: float) -> None:
        now = self._clock()
        passed = now - self._counted_to
        earned = passed * (share if passed < PAUSE_SECONDS else share_of_pause)
        self._seconds = min(self._seconds + earned, MOST_SAVED_SECONDS)
        self._counted_to = now
