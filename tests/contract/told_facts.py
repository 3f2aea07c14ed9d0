"""The stored facts of a run, told as `expected.json` of the agent fixtures tells them, with what differs from an expectation."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from storage.agents_contract import FactFilter
from storage.contract import TimeRange
from storage.sqlite.connect import connect_reader
from storage.sqlite.reading.metric_usage import MetricAgent, metric_agents

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    Told = dict[str, Any]

TOKENS = ("input", "output", "cache_read", "cache_write", "reasoning")
# Sessions that nothing named: the trace id in its place, or none.
_INFERRED = 3
# Services of programs in which agents run.
_PROGRAMS = ("weather-service", "weather-mcp")
# Costs in micro dollars are rounded, each by half of one at most.
_ROUNDING = 5e-7
_COLUMNS = (
    "fact", "kind", "name", "origin", "service_name", "span_id", "counted", "counts_usage", "is_open", "time",
    "trace_id", "agent_name", "parent_agent", "workflow", "session_id", "session_source", "user_id", "turn_id",
    "provider", "model", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
    "reasoning_tokens", "reported_cost", "computed_cost", "cost_source", "tool_name", "mcp_server", "failed",
    "error_type", "tags", "details",
)  # fmt: skip


def facts_of(path: Path) -> list[Told]:
    """Everything that is stored as a fact, waiting parts among it."""
    connection = connect_reader(path)
    rows = connection.execute(f"select {', '.join(_COLUMNS)} from named_facts where is_part = 0").fetchall()
    return [dict(zip(_COLUMNS, row, strict=True)) for row in rows]


def metrics_of(path: Path) -> dict[str, MetricAgent]:
    """By agent, what metrics alone tell."""
    return metric_agents(connect_reader(path), FactFilter(TimeRange(None, None)))


def told(facts: list[Told], metrics: dict[str, MetricAgent]) -> Told:
    """All that an expectation may name."""
    counted = [fact for fact in facts if fact["counted"]]
    finished = [fact for fact in counted if not fact["is_open"]]
    calls = [fact for fact in finished if fact["fact"] == "llm_call" and fact["kind"] != "embedding"]
    embedded = [fact for fact in counted if fact["fact"] == "llm_call" and fact["kind"] == "embedding"]
    tools = [fact for fact in counted if fact["fact"] == "tool_call"]
    runs = [fact for fact in counted if fact["fact"] == "agent_run"]
    open_calls = [fact for fact in counted if fact["is_open"] and fact["fact"] == "llm_call"]
    from_metrics = not any(_tokens(fact) for fact in calls)
    return {
        "agents": sorted({*_agents(counted), *(metrics if from_metrics else ())}),
        "agent_runs": _count(runs, "agent_name"),
        "parents": {fact["agent_name"]: fact["parent_agent"] for fact in counted if fact["parent_agent"] and fact["agent_name"]},
        "sessions": sorted(
            {fact["session_id"] for fact in counted if fact["session_source"] < _INFERRED}.union(
                *(one.sessions for one in metrics.values() if from_metrics)
            )
        ),
        "users": sorted(_names(counted, "user_id").union(*(one.users for one in metrics.values() if from_metrics))),
        "workflows": sorted(_names(counted, "workflow")),
        "user_turns": sum(fact["fact"] == "user_turn" for fact in counted),
        "llm_calls": {
            "count": len(calls),
            "errors": sum(fact["failed"] for fact in calls),
            "no_usage": sum(not _tokens(fact) for fact in calls),
            "models": _count(calls, "model"),
            "providers": _count(calls, "provider"),
            "by_agent": _count(calls, "agent_name"),
        },
        "embedding_calls": {
            "count": len(embedded),
            "models": _count(embedded, "model"),
            "input": sum(fact["input_tokens"] or 0 for fact in embedded),
        },
        "tool_calls": {
            "count": len(tools),
            "errors": sum(fact["failed"] for fact in tools),
            "names": _count(tools, "tool_name"),
            "mcp": _count(tools, "mcp_server"),
            "inferred": sum(fact["origin"] == "inferred" for fact in tools),
        },
        "tokens": _tokens_of_metrics(metrics) if from_metrics and metrics else _sums(facts),
        "cost": _costs(calls, metrics),
        "errors": [
            {"kind": kind, "name": fact["tool_name"] or fact["model"], "type": fact["error_type"]}
            for fact in counted
            if fact["failed"] and (kind := _kind_of_error(fact))
        ],
        "refused_attempts": sum(fact["kind"] == "attempt" for fact in counted),
        "evaluations": sum(fact["kind"] == "evaluation" for fact in counted),
        "tags": sorted({tag for fact in counted if fact["tags"] for tag in orjson.loads(fact["tags"])}),
        "turn_cost_usd": {
            fact["turn_id"]: pytest.approx(fact["reported_cost"])
            for fact in counted
            if fact["fact"] == "user_turn" and fact["reported_cost"] is not None
        },
        "open_calls": len(open_calls),
    }


def _agents(facts: Iterable[Told]) -> set[str]:
    """Without a service that stands in where nothing names an agent; of coding agents the service is the name."""
    named = {
        (fact["agent_name"], fact["service_name"]) for fact in facts if fact["agent_name"] is not None and fact["fact"] != "event"
    }
    return {agent for agent, service in named if agent != service or service not in _PROGRAMS}


def _names(facts: Iterable[Told], column: str) -> set[str]:
    return {fact[column] for fact in facts if fact[column] is not None}


def _count(facts: Iterable[Told], column: str) -> dict[str, int]:
    return dict(Counter(fact[column] for fact in facts if fact[column] is not None))


def _tokens(fact: Told) -> bool:
    return fact["input_tokens"] is not None or fact["output_tokens"] is not None


def _sums(facts: Iterable[Told]) -> dict[str, int]:
    using = [fact for fact in facts if fact["counts_usage"] and fact["kind"] != "embedding"]
    return {name: sum(fact[f"{name}_tokens"] or 0 for fact in using) for name in TOKENS}


def _tokens_of_metrics(metrics: dict[str, MetricAgent]) -> dict[str, int]:
    return {name: sum(getattr(one.as_sums(), f"{name}_tokens") for one in metrics.values()) for name in TOKENS}


def _costs(calls: Iterable[Told], metrics: dict[str, MetricAgent]) -> Told:
    using = [fact for fact in calls if _tokens(fact)]
    sources = Counter(fact["cost_source"] for fact in using)
    reported = sum(fact["reported_cost"] or 0 for fact in using)
    return {
        **{source: sources[source] for source in ("reported", "computed", "unpriced")},
        "reported_usd": pytest.approx(reported, abs=_ROUNDING * len(using)),
        "reported_micros": pytest.approx(reported * 1e6),
        "metric_usd": pytest.approx(sum(one.as_sums().reported_cost for one in metrics.values())),
    }


def _kind_of_error(fact: Told) -> str | None:
    if fact["kind"] == "attempt":
        return "attempt"
    return {"llm_call": "llm", "tool_call": "tool"}.get(fact["fact"])


def differences(expected: Told, found: Told, claim: str) -> list[str]:
    """One line for each part of a claim that does not hold."""
    wanted, kept = expected[claim], found[claim]
    if claim == "errors":
        return _different_errors(wanted, kept)
    if not isinstance(wanted, dict):
        return [] if kept == wanted else [f"{claim}: {kept} instead of {wanted}"]
    tolerance = expected.get("tolerance", {})
    return [
        f"{claim}.{name}: {kept.get(name)} instead of {value}"
        for name, value in wanted.items()
        if not _is_same(name, value, kept.get(name), tolerance.get(f"{claim}.{name}", 0))
    ]


def _is_same(name: str, wanted: Any, kept: Any, tolerance: int) -> bool:
    if name in {"models", "providers"}:
        # Expected are the calls that name one; to others a request or the model may give it.
        return all(kept.get(key) == value for key, value in wanted.items())
    return bool(kept == wanted) or (tolerance > 0 and abs(kept - wanted) <= tolerance)


def _different_errors(wanted: list[Told], found: list[Told]) -> list[str]:
    """A type that no attribute names (_OTHER) may be known from an exception."""
    missing = [one for one in wanted if not any(_is_error(one, other) for other in found)]
    surplus = [other for other in found if not any(_is_error(one, other) for one in wanted)]
    return [f"error missing: {one}" for one in missing] + [f"error too many: {one}" for one in surplus]


def _is_error(wanted: Told, found: Told) -> bool:
    return all(found[key] == value or (key == "type" and value == "_OTHER") for key, value in wanted.items())
