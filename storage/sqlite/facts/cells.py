"""The stored cells of the sums by hour, day and month: what changed is added to them, each once for a group of commits.

A cell costs most in being read, unpacked and packed again, so those written lately are remembered. Changes are sparse, since
most facts add to few of a cell's sums.
"""

from __future__ import annotations

from array import array
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from storage.sqlite.bulk import insert_many
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

    # Of a level: (period, number of the group).
    Place = tuple[int, int]

# The sums of a cell, in the order of the columns of usage_hours, then two histograms.
SUMS: Final = (
    "count", "failed", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens",
    "reported_cost", "computed_cost", "cache_saving", "credits", "reported", "computed", "unpriced", "without_usage",
    "without_session", "without_content", "retries", "rate_limited", "run_llm_calls", "run_tool_calls", "timed_output_tokens",
    "timed_ns",
)  # fmt: skip
_NO_SUMS: Final = (0,) * len(SUMS)
# Dollars, and what says whether there are any: taking out what was put in leaves a trace in the last digits.
_DOLLARS: Final = tuple(
    (SUMS.index(number), SUMS.index(dollars))
    for number, dollars in (("reported", "reported_cost"), ("computed", "computed_cost"), ("cache_read_tokens", "cache_saving"))
)
# Not a calendar's months: 32 days each.
LEVELS: Final = {"hour": 1, "day": 24, "month": 768}
# Of each level. A cell takes about 700 bytes.
CELLS_REMEMBERED: Final = 15_000


class Change(NamedTuple):
    """What is added to a cell: sums by their place in SUMS, and counts by bucket; taking out is adding less than nothing."""

    sums: dict[int, Any]
    durations: dict[int, int]
    first_tokens: dict[int, int]


class _Histogram:
    """As storage.histogram packs it, to be counted in where it stands."""

    __slots__ = ("_packed", "_places")

    def __init__(self, packed: bytes = b"") -> None:
        self._packed = array("I", packed)
        self._places = {bucket: 2 * place + 1 for place, bucket in enumerate(self._packed[::2])}

    def add(self, counts: Mapping[int, int]) -> None:
        packed, places = self._packed, self._places
        for bucket, number in counts.items():
            place = places.get(bucket)
            if place is None:
                if number > 0:
                    places[bucket] = len(packed) + 1
                    packed.extend((bucket, number))
            else:
                packed[place] = max(packed[place] + number, 0)

    def packed(self) -> bytes:
        return self._packed.tobytes()


class _Cell(NamedTuple):
    sums: list[Any]
    durations: _Histogram
    first_tokens: _Histogram


class Cells:
    """Runs on the writer thread, inside its transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        # The least lately written first.
        self._known: dict[str, dict[Place, _Cell]] = {level: {} for level in LEVELS}

    def forget(self) -> None:
        for known in self._known.values():
            known.clear()

    def add(self, by_hour: dict[Place, Change], cube_of: Callable[[int], str], first_new: int) -> None:
        """Adds changes by (hour, group). Groups from `first_new` on have no cells yet."""
        for level, hours in LEVELS.items():
            changes = by_hour if hours == 1 else _joined(by_hour, hours)
            self._write(level, changes, cube_of, first_new)

    def _write(self, level: str, changes: dict[Place, Change], cube_of: Callable[[int], str], first_new: int) -> None:
        known = self._known[level]
        self._read(level, [place for place in changes if place not in known and place[1] < first_new], cube_of)
        rows = []
        for place in sorted(changes):
            cell = known.pop(place, None) or _Cell(list(_NO_SUMS), _Histogram(), _Histogram())
            _merge(cell, changes[place])
            known[place] = cell
            rows.append((cube_of(place[1]), *place, *cell.sums, cell.durations.packed(), cell.first_tokens.packed()))
        insert_many(self._connection, f"insert_usage_{level}_cell", rows)
        if len(known) > CELLS_REMEMBERED:
            for place in list(islice(known, len(known) - CELLS_REMEMBERED)):
                del known[place]

    def _read(self, level: str, places: list[Place], cube_of: Callable[[int], str]) -> None:
        if not places:
            return
        known = self._known[level]
        wanted = orjson.dumps([(cube_of(number), period, number) for period, number in places]).decode()
        for _, period, number, *sums, durations, first_tokens in self._connection.execute(
            statement(f"usage_cells_{level}"), (wanted,)
        ):
            known[period, number] = _Cell(sums, _Histogram(durations), _Histogram(first_tokens))


def _joined(by_hour: Mapping[Place, Change], hours: int) -> dict[Place, Change]:
    """The changes by longer periods; what stands alone is not copied."""
    found: dict[Place, Change] = {}
    own: set[Place] = set()
    for (hour, number), change in by_hour.items():
        join_at(found, own, (hour // hours, number), change)
    return found


def join_at(into: dict[Any, Change], own: set[Any], place: Any, change: Change) -> None:
    """Adds a change to the one at `place`; a change that is not among our `own` is copied before it is changed."""
    known = into.get(place)
    if known is None:
        into[place] = change
        return
    if place not in own:
        own.add(place)
        known = into[place] = Change(*map(dict, known))
    for ours, theirs in zip(known, change, strict=True):
        for key, value in theirs.items():
            ours[key] = ours.get(key, 0) + value


def _merge(cell: _Cell, change: Change) -> None:
    sums = cell.sums
    for place, value in change.sums.items():
        sums[place] += value
    for number, dollars in _DOLLARS:
        if not sums[number]:
            sums[dollars] = 0.0
    if change.durations:
        cell.durations.add(change.durations)
    if change.first_tokens:
        cell.first_tokens.add(change.first_tokens)
