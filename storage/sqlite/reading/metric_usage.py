"""Answers what metrics count of agents' work: lines, commits, time, and tokens and cost where nothing else tells of them.

Delta points add up. Of a cumulative stream the differences count, and after a reset (another start time) it begins from
zero. Where one agent sends several families of metrics about the same thing, the first family that is there counts.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from storage.agents_contract import MetricUsage, Sums
from storage.facts.coding_agents import EXCLUSIVE_INPUT, client_of
from storage.facts.fact import FAMILIES
from storage.facts.metrics import measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.agents_contract import FactFilter
    from storage.sqlite.connect import Reader

    Told = dict[str, Any]

_FIELDS: Final = ("agent", "session", "user", "provider", "model", "tool", "service")
# What an agent's own counters measure that a plain service's of the same names do not.
_AGENTS_OWN: Final = ("tokens", "cost_usd")
_CACHED: Final = ("cache_read", "cache_write")
# The name that a product gives itself where it has sub-agents.
_ITSELF: Final = "main"
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


@dataclass(slots=True)
class MetricAgent:
    """What metrics count of one agent. `sums` has them by measure, and by type behind a dot; times are in ns."""

    service: str | None
    first_seen: int
    last_seen: int
    is_agent: bool = False
    sums: dict[str, float] = field(default_factory=dict)
    sessions: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)

    def add(self, told: Told) -> None:
        name = told["measure"] if told["type"] is None else f"{told['measure']}.{told['type']}"
        self.sums[name] = round(self.sums.get(name, 0) + told["value"], 9)
        self.first_seen = min(self.first_seen, told["first"])
        self.last_seen = max(self.last_seen, told["last"])
        self.sessions.update({told["session"]} - {None})
        self.users.update({told["user"]} - {None})
        # A service that names no agent is one by its own counters of tokens or dollars.
        is_own = told["family"] == "client" and told["measure"] in _AGENTS_OWN
        self.is_agent = (
            self.is_agent or is_own or told["agent"] != told["service"] or client_of(told["service"], None) is not None
        )

    def total(self, measure: str) -> float:
        return sum(value for name, value in self.sums.items() if name == measure or name.startswith(f"{measure}."))

    def as_sums(self) -> Sums:
        """As far as metrics know what events would tell."""
        tokens: dict[str, Any] = {
            f"{name}_tokens": round(self.sums.get(f"tokens.{name}", 0)) for name in ("input", "output", *_CACHED, "reasoning")
        }
        counts: dict[str, Any] = {
            name: round(self.total(measure))
            for name, measure in (
                ("runs", "agent_runs"), ("turns", "turns"), ("llm_calls", "llm_calls"), ("tool_calls", "tool_calls"),
            )
        }  # fmt: skip
        return Sums(**tokens, **counts, reported_cost=self.total("cost_usd"))


def metric_agents(reader: Reader, filter_: FactFilter) -> dict[str, MetricAgent]:
    """By name, the agents that metrics tell of."""
    found: dict[str, MetricAgent] = {}
    for told in _counted(_streams(reader, filter_)):
        name = told["agent"]
        if name is not None:
            found.setdefault(name, MetricAgent(told["service"], told["first"], told["last"])).add(told)
    return {name: one for name, one in found.items() if one.is_agent}


def _streams(reader: Reader, filter_: FactFilter) -> list[Told]:
    """Each stream with what it counted in the range."""
    parameters = {
        "start": filter_.range.start or 0, "end": 2**63 - 1 if filter_.range.end is None else filter_.range.end,
        "agent": filter_.agent, "user": filter_.user, "session": filter_.session, "model": filter_.model,
        "service": filter_.service,
    }  # fmt: skip
    found = []
    for family, metric, measure, type_, *named, label, counted, first, last in reader.rows("metric_usage", parameters):
        known = measured(metric)
        value = counted * known.factor if known is not None else counted
        told = dict(zip(_FIELDS, named, strict=True))
        client = client_of(told["service"], None)
        if client is not None and told["agent"] == _ITSELF:
            told["agent"] = told["service"]
        labels = orjson.loads(label) if label else {}
        told |= {
            "family": family,
            "measure": measure,
            "type": type_,
            "label": labels,
            "value": value,
            "first": first,
            "last": last,
        }
        found.append(told)
        if measure == "tokens" and type_ in _CACHED and client in EXCLUSIVE_INPUT:
            # Input holds the cached tokens wherever it is told.
            found.append({**told, "type": "input"})
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
