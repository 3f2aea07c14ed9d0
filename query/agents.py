"""Agents: who runs here, what each did, and who calls whom."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from query import agent_shapes, answers
from query.agent_shapes import agent_detail, listed_agent, shown_agent
from query.agent_vocabulary import fact_filter
from query.faults import NotFound
from query.legacy.agent_events import EVENT_COUNTS, NO_EVENTS
from query.parameters import time_range
from storage.agents_contract import AgentDetail, AgentSummary, FactFilter, Sums, UsageQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aiohttp import web

    from query.legacy.agent_events import AgentEvents
    from query.question import Question


async def list_agents(question: Question) -> web.Response:
    filter_ = fact_filter(question.values)
    found, events = await question.store.agents(filter_), await _events(question)
    return await answers.array(question, _all(filter_, found, events)[: question.values["limit"]], _shape(listed_agent, events))


async def show_agent(question: Question) -> web.Response:
    filter_ = FactFilter(time_range(question.values), agent=question.values["id"])
    found, events = await question.store.agents(filter_), await _events(question)
    everything = _all(filter_, found, events)
    if not everything:
        raise _unknown(question.values["id"])
    return await answers.json(question, everything[0], _shape(shown_agent, events))


async def show_agent_summary(question: Question) -> web.Response:
    name, range_ = question.values["id"], time_range(question.values)
    found, events = await question.store.agent(name, range_), await _events(question)
    everything = _all(FactFilter(range_, agent=name), [] if found is None else [found.summary], events)
    if not everything:
        raise _unknown(name)
    detail = AgentDetail(everything[0], *[()] * 7) if found is None else replace(found, summary=everything[0])
    return await answers.json(question, detail, lambda record: agent_detail(record, _of(events, name)))


async def _events(question: Question) -> Mapping[str, AgentEvents] | None:
    return await question.request.app[EVENT_COUNTS].by_agent()


def _of(events: Mapping[str, AgentEvents] | None, name: str) -> AgentEvents | None:
    """None while they are still being counted."""
    return None if events is None else events.get(name, NO_EVENTS)


def _shape(
    shape: Callable[[AgentSummary, AgentEvents | None], dict[str, Any]], events: Mapping[str, AgentEvents] | None
) -> Callable[[AgentSummary], dict[str, Any]]:
    return lambda record: shape(record, _of(events, record.name))


def _all(filter_: FactFilter, found: Sequence[AgentSummary], events: Mapping[str, AgentEvents] | None) -> list[AgentSummary]:
    """Agents seen by their runs and calls, and by events that tell of neither; the one seen last first."""
    if not events:
        return list(found)
    everyone = [_widened(one, events.get(one.name, NO_EVENTS)) for one in found]
    # Events alone have no model, no workflow and the like.
    if filter_ == FactFilter(filter_.range, agent=filter_.agent):
        known = {one.name for one in found}
        start, end = filter_.range.start or 0, filter_.range.end
        everyone += [
            AgentSummary(name, None, name, None, one.first_time, one.last_time, 0, Sums())
            for name, one in events.items()
            if name not in known and filter_.agent in {None, name}
            if one.last_time >= start and (end is None or one.first_time < end)
        ]
    return sorted(everyone, key=lambda one: (-one.last_seen, one.name))


def _widened(one: AgentSummary, events: AgentEvents) -> AgentSummary:
    if not events.count:
        return one
    return replace(one, first_seen=min(one.first_seen, events.first_time), last_seen=max(one.last_seen, events.last_time))


def _unknown(name: str) -> NotFound:
    return NotFound("id", f"no agent of the name {name[:200]!r} did anything in the range; /api/agents lists those that did")


async def show_agent_graph(question: Question) -> web.Response:
    query = UsageQuery(fact_filter(question.values), ("parent_agent", "agent"), None, "agent_run", question.values["limit"])
    found = [row for row in await question.store.usage(query) if row.group["agent"] is not None]
    return await answers.array(question, found, agent_shapes.edge)


async def list_users(question: Question) -> web.Response:
    found = await question.store.users(time_range(question.values), question.values["limit"])
    return await answers.array(question, found, agent_shapes.user)


async def list_active(question: Question) -> web.Response:
    found = await question.store.active(question.values["start"], question.values["limit"])
    return await answers.array(question, found, agent_shapes.active_run)


async def list_loops(question: Question) -> web.Response:
    filter_ = fact_filter(question.values)
    found = await question.store.loops(filter_, question.values["at_least"], question.values["limit"])
    return await answers.array(question, found, agent_shapes.loop)


async def show_completeness(question: Question) -> web.Response:
    found = await question.store.completeness(time_range(question.values))
    return await answers.json(question, found, agent_shapes.completeness)
