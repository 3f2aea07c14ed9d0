"""Remembers starts of operations until their finish comes in a later request, so that both become one span.

Cylestio's clients post event by event. What is remembered is bounded and does not outlive the process: a start that is forgotten
costs its span, never an event, and agents' calls are put together from the records in any case.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from receiver.vendors.cylestio_events import EarlierStart, Event, halves_alone, span_id_of_start

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_STARTS = 10_000
MOST_BYTES = 32 * 2**20


@dataclass(slots=True)
class OpenStarts:
    """Asked before a request is stored, and told after its commit: what is not stored closes nothing."""

    most_starts: int = MOST_STARTS
    most_bytes: int = MOST_BYTES
    # The oldest first; `_closed` by the uid of the finish, so that a finish that is sent again closes the same start.
    _open: OrderedDict[str, Event] = field(default_factory=OrderedDict)
    _closed: OrderedDict[str, EarlierStart] = field(default_factory=OrderedDict)
    _taken: OrderedDict[tuple[bytes, bytes], str] = field(default_factory=OrderedDict)
    _done: OrderedDict[str, None] = field(default_factory=OrderedDict)
    # Starts that a request which is being stored closes: no other may.
    _claimed: set[str] = field(default_factory=set)
    _by_key: dict[str, list[str]] = field(default_factory=dict)
    _bytes: int = 0

    def closed_by(self, events: Sequence[Event]) -> dict[str, EarlierStart]:
        """By the uid of each finish that came alone the start that it closes: the latest at or before it."""
        found: dict[str, EarlierStart] = {}
        for finish in halves_alone(events):
            if finish.role != "finish":
                continue
            known = self._closed.get(finish.entry.uid)
            start = None if known else self._latest(finish)
            if start is not None:
                self._claimed.add(start.entry.uid)
                known = self._with_ids(start)
            if known is not None:
                found[finish.entry.uid] = known
        return found

    def _latest(self, finish: Event) -> Event | None:
        starts = [self._open[uid] for uid in self._by_key.get(finish.pair_key, ()) if uid not in self._claimed]
        before = [start for start in starts if start.entry.time_ns <= finish.entry.time_ns]
        return max(before, key=lambda start: start.entry.time_ns, default=None)

    def _with_ids(self, start: Event) -> EarlierStart:
        trace_id, span_id = start.entry.trace_id, start.entry.span_id
        if self._taken.get((trace_id, span_id), start.entry.uid) != start.entry.uid:
            # The client's span already stands for another operation: this one is a child of it.
            return EarlierStart(start, trace_id, span_id_of_start(start.entry.uid), span_id)
        return EarlierStart(start, trace_id, span_id, start.parent_span_id)

    def release(self, closed: Mapping[str, EarlierStart]) -> None:
        """The request is over, whatever came of it."""
        self._claimed.difference_update(start.event.entry.uid for start in closed.values())

    def stored(self, events: Sequence[Event], closed: Mapping[str, EarlierStart]) -> None:
        for uid, start in closed.items():
            begun = start.event.entry.uid
            self._forget(begun)
            if uid not in self._closed:
                self._closed[uid] = start
                self._bytes += _size(start.event)
            self._taken[start.trace_id, start.span_id] = begun
            self._done[begun] = None
        for event in halves_alone(events):
            if event.role == "start" and event.entry.uid not in self._open and event.entry.uid not in self._done:
                self._remember(event)
        self._bound()

    def _remember(self, event: Event) -> None:
        """The span needs its attributes, and nothing of the rest."""
        kept = replace(event, entry=replace(event.entry, body=None, original=None))
        self._open[event.entry.uid] = kept
        self._by_key.setdefault(event.pair_key, []).append(event.entry.uid)
        self._bytes += _size(kept)

    def _forget(self, uid: str) -> None:
        event = self._open.pop(uid, None)
        if event is None:
            return
        self._bytes -= _size(event)
        uids = self._by_key[event.pair_key]
        uids.remove(uid)
        if not uids:
            del self._by_key[event.pair_key]

    def _bound(self) -> None:
        while self._closed and (len(self._closed) > self.most_starts or self._bytes > self.most_bytes):
            _, start = self._closed.popitem(last=False)
            self._bytes -= _size(start.event)
        while self._open and (len(self._open) > self.most_starts or self._bytes > self.most_bytes):
            self._forget(next(iter(self._open)))
        while len(self._done) > self.most_starts:
            self._done.popitem(last=False)
        while len(self._taken) > self.most_starts:
            self._taken.popitem(last=False)


def _size(event: Event) -> int:
    return 500 + sum(len(str(value)) for value in event.entry.attributes.values())
