"""Answers what metrics count of agents' work: lines, commits, time, and tokens and cost where nothing else tells of them.

Delta points add up. Of a cumulative stream the differences count, and after a reset (another start time) it begins from
zero. Where one agent sends several families of metrics about the same thing, the first family that is there counts.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import orjson

from storage.agents_contract import MetricUsage
from storage.facts.fact import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.agents_contract import FactFilter
    from storage.sqlite.connect import Reader

    Told = dict[str, Any]

_FIELDS: Final = ("agent", "session", "user", "provider", "model", "tool", "service")
_SHARED: Final = ("tokens", "cost_usd", "llm_calls", "tool_calls", "agent_runs", "errors")


def metric_usage(reader: Reader, filter_: FactFilter, group_by: tuple[str, ...]) -> Sequence[MetricUsage]:
    """By measure and type, the greatest first."""
    totals: dict[tuple[tuple[str | None, ...], str, str | None], float] = defaultdict(float)
    for told in _counted(_streams(reader, filter_)):
        group = tuple(told["label"].get(name) if name not in _FIELDS else told[name] for name in group_by)
        totals[tuple(None if value is None else str(value) for value in group), told["measure"], told["type"]] += told["value"]
    found = [
        MetricUsage(dict(zip(group_by, group, strict=True)), measure, type_, round(value, 9))
        for (group, measure, type_), value in totals.items()
    ]
    return sorted(found, key=lambda one: (one.measure, str(one.type), -one.value, str(one.group)))


def metric_totals(reader: Reader, filter_: FactFilter) -> dict[str, dict[str, float]]:
    """By agent: measure (and type behind a dot) → sum, and when it was first and last seen (ns)."""
    totals: dict[str, dict[str, float]] = {}
    for told in _counted(_streams(reader, filter_)):
        if told["agent"] is None:
            continue
        sums = totals.setdefault(told["agent"], {"first_seen": told["first"], "last_seen": told["last"]})
        name = told["measure"] if told["type"] is None else f"{told['measure']}.{told['type']}"
        sums[name] = round(sums.get(name, 0) + told["value"], 9)
        sums["first_seen"] = min(sums["first_seen"], told["first"])
        sums["last_seen"] = max(sums["last_seen"], told["last"])
    return totals


def _streams(reader: Reader, filter_: FactFilter) -> list[Told]:
    """Each stream with what it counted in the range."""
    parameters = {
        "start": filter_.range.start or 0, "end": 2**63 - 1 if filter_.range.end is None else filter_.range.end,
        "agent": filter_.agent, "user": filter_.user, "session": filter_.session, "model": filter_.model,
        "service": filter_.service,
    }  # fmt: skip
    found = []
    for family, measure, type_, *named, label, value, first, last in reader.rows("metric_usage", parameters):
        told = dict(zip(_FIELDS, named, strict=True))
        labels = orjson.loads(label) if label else {}
        found.append(
            {
                **told,
                "family": family,
                "measure": measure,
                "type": type_,
                "label": labels,
                "value": value,
                "first": first,
                "last": last,
            }
        )
    return found


def _counted(streams: Sequence[Told]) -> list[Told]:
    """Without the families that repeat what another already counts."""
    best: dict[tuple[Any, str], int] = {}
    for told in streams:
        key = (told["agent"], told["measure"])
        best[key] = min(best.get(key, len(FAMILIES)), FAMILIES.index(told["family"]))
    return [
        told
        for told in streams
        if told["measure"] not in _SHARED or FAMILIES.index(told["family"]) == best[told["agent"], told["measure"]]
    ]
