"""Agents: who runs here, what each did, and who calls whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from query import agent_shapes, answers
from query.agent_vocabulary import fact_filter
from query.faults import NotFound
from query.parameters import time_range
from storage.agents_contract import FactFilter, UsageQuery

if TYPE_CHECKING:
    from aiohttp import web

    from query.question import Question


async def list_agents(question: Question) -> web.Response:
    found = await question.store.agents(fact_filter(question.values))
    return await answers.array(question, found[: question.values["limit"]], agent_shapes.agent)


async def show_agent(question: Question) -> web.Response:
    found = await question.store.agents(FactFilter(time_range(question.values), agent=question.values["id"]))
    if not found:
        raise _unknown(question.values["id"])
    return await answers.json(question, found[0], agent_shapes.agent)


async def show_agent_summary(question: Question) -> web.Response:
    found = await question.store.agent(question.values["id"], time_range(question.values))
    if found is None:
        raise _unknown(question.values["id"])
    return await answers.json(question, found, agent_shapes.agent_detail)


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
