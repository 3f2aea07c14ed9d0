"""Answers what failed, by type and place, with the newest example of each."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from storage.agents_contract import ErrorGroup
from storage.sqlite.facts.sums import group_sums
from storage.sqlite.reading.facts import END_OF_TIME, records
from storage.sqlite.reading.usage import bound_filters, cube_of, facts_within, fits, names_of, told_of
from storage.sqlite.reading.usage_range import usage_range
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.agents_contract import FactFilter
    from storage.sqlite.connect import Reader

_PLACE: Final = ("fact", "error_type", "agent", "model", "tool")
_FAILED: Final = 1


def error_groups(reader: Reader, filter_: FactFilter, limit: int) -> Sequence[ErrorGroup]:
    """The most frequent first. A model belongs to a model call, a tool to a tool call."""
    counts = _counts(reader, replace(filter_, failed=True))
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], *map(str, entry[0])))[:limit]
    names = names_of(reader, "agents", {place[2] for place, _ in ordered if place[2]})
    return [_error_group(reader, filter_, place, names.get(place[2]), count) for place, count in ordered]


def _counts(reader: Reader, filter_: FactFilter) -> Counter[tuple[Any, ...]]:
    cube_of(filter_, ())
    bound = bound_filters(reader, filter_)
    counts: Counter[tuple[Any, ...]] = Counter()
    if bound is None:
        return counts
    within = usage_range(reader, filter_.range)
    parameters = {**within.parameters(None), **bound, "cube": "error", "groups": None}
    for *place, count in reader.rows("failures", parameters):
        counts[tuple(place)] += count
    for start, end in within.edges:
        for group, _, sums, _, _ in group_sums(facts_within(reader, start, end), "error"):
            told = told_of(group)
            if sums[_FAILED] and fits(told, bound):
                counts[tuple(told[name] for name in _PLACE)] += sums[_FAILED]
    return counts


def _error_group(reader: Reader, filter_: FactFilter, place: tuple[Any, ...], agent: str | None, count: int) -> ErrorGroup:
    fact, error_type, agent_key, model, tool = place
    range_ = filter_.range
    parameters = {
        "fact": fact, "error_type": error_type, "agent_key": agent_key, "model": model, "tool": tool,
        "start": max(range_.start or 0, 0), "end": END_OF_TIME if range_.end is None else range_.end,
    }  # fmt: skip
    example = reader.execute(statement("error_example"), parameters).fetchone()
    newest = records(reader, [example[0]]) if example else []
    return ErrorGroup(fact, error_type, agent, model or None, tool or None, count, newest[0] if newest else None)
