"""Answers for agents and users: who they are and what they did."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import orjson

from storage.agents_contract import (
    AgentDetail,
    AgentSummary,
    FactFilter,
    FactKind,
    Sums,
    UsageQuery,
    UsageSummary,
    UserSummary,
)
from storage.sqlite.reading.metric_usage import MetricAgent, metric_agents
from storage.sqlite.reading.usage import names_of, totals_by, usage
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.contract import TimeRange
    from storage.sqlite.connect import Reader


def agents(reader: Reader, filter_: FactFilter) -> Sequence[AgentSummary]:
    """The one seen last first; agents of which only metrics tell come with what those say."""
    runs = totals_by(reader, filter_, ["agent"], None, "agent_run")
    calls = totals_by(reader, filter_, ["agent"], None, "llm_call")
    seen = _seen(reader)
    sessions = _sessions(reader, filter_.range)
    newest = _newest(reader)
    metrics = metric_agents(reader, filter_)
    found = []
    for (name, _, _), total in calls.items():
        if name is None:
            continue
        sums = total.finished()
        timed = runs[name, None, None].finished() if (name, None, None) in runs else sums
        sums = replace(sums, percentiles=timed.percentiles or sums.percentiles)
        first, last = seen.get(name, (0, 0))
        version, service, environment = newest.get(name, (None, None, None))
        told = metrics.pop(name, None)
        summary = AgentSummary(name, version, service, environment, first, last, sessions.get(name, 0), sums)
        is_told = told is None or sums.llm_calls or told.service in _calling_services(reader, filter_.range)
        found.append(summary if told is None or is_told else _with_metrics(summary, told))
    services = {service for _, service, _ in newest.values()}
    found += [
        AgentSummary(
            name, None, told.service, None, told.first_seen, told.last_seen, len(told.sessions), told.as_sums(), told.sums
        )
        for name, told in metrics.items()
        # Of a service with events metrics tell once more what its agents do.
        if filter_.agent in {None, name} and told.service not in services
    ]
    return sorted(found, key=lambda one: (-one.last_seen, one.name))


def _calling_services(reader: Reader, time_range: TimeRange) -> set[Any]:
    """Of these events tell of model calls, whichever agent made them."""
    rows = totals_by(reader, FactFilter(range=time_range), ["service"], None, "")
    return {service for (service, _, _), total in rows.items() if total.finished().llm_calls}


def _with_metrics(summary: AgentSummary, told: MetricAgent) -> AgentSummary:
    """An agent of which events tell, but none of a model call: its usage is what metrics count."""
    known, metrics = summary.sums, told.as_sums()
    sums = replace(
        metrics,
        **{
            name: value
            for name in (entry.name for entry in fields(Sums))
            if (value := getattr(known, name)) and not name.endswith(("_tokens", "_cost"))
        },
    )
    return replace(summary, sums=sums, metrics=told.sums)


def _seen(reader: Reader) -> dict[str, tuple[int, int]]:
    rows = reader.rows("agents_seen")
    names = names_of(reader, "agents", [row[0] for row in rows])
    return {names[key]: (first, last) for key, first, last in rows}


def _sessions(reader: Reader, time_range: TimeRange) -> dict[str, int]:
    """How many each agent has."""
    name = "all_sessions_of_agents" if time_range.start is None and time_range.end is None else "sessions_of_agents"
    counts = dict(reader.rows(name, {"kind": "agent", "start": time_range.start, "end": time_range.end}))
    names = names_of(reader, "agents", counts)
    return {names[key]: number for key, number in counts.items() if key in names}


def _newest(reader: Reader) -> dict[str, tuple[Any, ...]]:
    """What the newest fact of each agent says of version, service and environment."""
    rows = reader.rows("newest_of_agents")
    names = names_of(reader, "agents", {row[0] for row in rows})
    return {names[row[0]]: tuple(row[1:]) for row in rows}


def agent(reader: Reader, name: str, time_range: TimeRange) -> AgentDetail | None:
    own = FactFilter(range=time_range, agent=name)
    found = [one for one in agents(reader, own) if one.name == name]
    if not found:
        return None

    def by(group: str, filter_: FactFilter = own, times: FactKind = "llm_call") -> list[UsageSummary]:
        rows = usage(reader, UsageQuery(filter_, (group,), None, times))
        return [row for row in rows if row.group[group] is not None]

    return AgentDetail(
        found[0],
        sorted(row.group["version"] or "" for row in by("version")),
        sorted(row.group["service"] or "" for row in by("service")),
        by("model"),
        by("tool", times="tool_call"),
        [row for row in by("error_type") if row.sums.errors],
        by("parent_agent", times="agent_run"),
        by("agent", FactFilter(range=time_range, parent_agent=name), "agent_run"),
    )


def users(reader: Reader, time_range: TimeRange, limit: int) -> Sequence[UserSummary]:
    """The dearest first."""
    rows = [
        row
        for row in usage(reader, UsageQuery(FactFilter(range=time_range), ("user",), None, "llm_call", limit))
        if row.group["user"] is not None
    ]
    keys = {
        name: found[0]
        for row in rows
        if (name := row.group["user"]) and (found := reader.execute(statement("user_key_of"), {"name": name}).fetchone())
    }
    seen = {
        name: (first or 0, last or 0)
        for _, name, first, last in reader.rows("users_seen", {"keys": orjson.dumps(list(keys.values())).decode()})
    }
    bounds = {"keys": orjson.dumps(list(keys.values())).decode(), "start": time_range.start, "end": time_range.end}
    sessions = dict(reader.rows("sessions_of_users", bounds))
    agents_of: dict[str, list[str]] = {}
    names = {key: name for name, key in keys.items()}
    for key, agent_name in reader.rows("agents_of_users", {"keys": orjson.dumps(list(names)).decode()}):
        agents_of.setdefault(names[key], []).append(agent_name)
    found = []
    for row in rows:
        name = row.group["user"] or ""
        first, last = seen.get(name, (0, 0))
        found.append(UserSummary(name, first, last, sessions.get(keys.get(name, 0), 0), agents_of.get(name, []), row.sums))
    return found
