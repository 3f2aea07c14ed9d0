"""Proves which start a finish closes when the two come in different requests, and that what is remembered is bounded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from receiver.vendors import cylestio_mini
from receiver.vendors.open_starts import OpenStarts

if TYPE_CHECKING:
    from receiver.vendors.cylestio_events import Event

SECOND = 10**9


def event(kind: str, second: int, text: str = "") -> Event:
    """A half of a model call; all of them are of one agent and session, so that only time tells them apart."""
    document = {
        "timestamp": f"2026-01-01T00:00:{second:02}Z", "agent_id": "a", "session_id": "s", "event_type": f"LLM_call_{kind}",
        "data": {"model": "m", "prompt": text},
    }  # fmt: skip
    [found] = cylestio_mini.translate(json.dumps(document).encode(), {}, 0).events
    return found


def test_the_latest_open_start_at_or_before_the_finish() -> None:
    starts = OpenStarts()
    early, late, after = (event("start", second) for second in (1, 3, 9))
    for one in (late, early, after):
        starts.stored([one], {})
    first, second = event("finish", 5), event("finish", 6)
    closed = starts.closed_by([first])
    assert closed[first.entry.uid].event.entry.uid == late.entry.uid
    beside = starts.closed_by([second])
    assert beside[second.entry.uid].event.entry.uid == early.entry.uid, "the first is being stored and holds its start"
    starts.release(beside)
    starts.stored([first], closed)
    starts.release(closed)
    assert starts.closed_by([first]) == closed, "sent again it closes the same"
    assert starts.closed_by([second]) == beside


def test_a_start_that_came_again_waits_for_nothing() -> None:
    starts = OpenStarts()
    start, finish = event("start", 1), event("finish", 2)
    starts.stored([start], {})
    starts.stored([finish], starts.closed_by([finish]))
    starts.stored([start], {})
    assert starts.closed_by([event("finish", 4)]) == {}


def test_a_start_that_was_not_stored_is_not_remembered() -> None:
    starts = OpenStarts()
    assert starts.closed_by([event("start", 1)]) == {}
    assert starts.closed_by([event("finish", 2)]) == {}


def test_the_oldest_are_forgotten_by_number_and_by_size() -> None:
    for starts, kept in ((OpenStarts(most_starts=3), 3), (OpenStarts(most_bytes=30_000), 2)):
        begun = [event("start", second, text=f"{second}" * 10_000) for second in range(1, 9)]
        for one in begun:
            starts.stored([one], {})
        finishes = [event("finish", 20 + number) for number in range(8)]
        found = [closed for finish in finishes for closed in starts.closed_by([finish]).values()]
        assert [one.event.entry.uid for one in found] == [one.entry.uid for one in reversed(begun[-kept:])]
