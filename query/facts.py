"""Model calls, tool calls, runs, turns and events: lists, single ones, and what happened in one trace."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from query import agent_shapes, answers
from query.agent_trees import tree
from query.agent_vocabulary import fact_filter
from query.faults import NotFound
from storage.agents_contract import FactQuery
from storage.contract import TimeRange

if TYPE_CHECKING:
    from aiohttp import web

    from query.question import Question
    from storage.agents_contract import FactKind


WEEK_NS = 604_800 * 10**9


async def list_llm_calls(question: Question) -> web.Response:
    return await _list(question, "llm_call")


async def show_llm_call(question: Question) -> web.Response:
    return await _show(question, "llm_call")


async def list_tool_calls(question: Question) -> web.Response:
    return await _list(question, "tool_call")


async def show_tool_call(question: Question) -> web.Response:
    return await _show(question, "tool_call")


async def list_agent_runs(question: Question) -> web.Response:
    return await _list(question, "agent_run")


async def list_user_turns(question: Question) -> web.Response:
    return await _list(question, "user_turn")


async def list_agent_events(question: Question) -> web.Response:
    return await _list(question, "event")


async def list_agent_steps(question: Question) -> web.Response:
    return await _list(question, "step")


async def _list(question: Question, fact: FactKind) -> web.Response:
    values = question.values
    filter_ = fact_filter(values)
    if values["order"] != "newest" and filter_.range.start is None:
        filter_ = replace(filter_, range=TimeRange((filter_.range.end or question.now) - WEEK_NS, filter_.range.end))
    query = FactQuery(
        fact,
        filter_,
        order=values["order"],
        min_cost=values["min_cost"],
        limit=values["limit"],
        after=values["cursor"],
        content=values["content"] == "true",
    )
    found = await question.store.find_facts(query)
    if values["format"] == "json":
        return await answers.page(question, found, agent_shapes.fact)
    lines = b"".join(orjson.dumps(agent_shapes.fact(record)) + b"\n" for record in found.items)
    return answers.linked(question, await answers.compressed(question.request, lines, "application/jsonl"), found)


async def _show(question: Question, fact: FactKind) -> web.Response:
    found = await question.store.fact(fact, question.values["id"])
    if found is None:
        raise NotFound("id", f"no {fact.replace('_', ' ')} of this id is kept")
    return await answers.json(question, found, agent_shapes.fact_detail)


async def show_trace_facts(question: Question) -> web.Response:
    values = question.values
    found = await question.store.trace_facts(values["trace_id"], values["limit"] + 1)
    if not found:
        raise NotFound("trace_id", "no agent did anything in a trace of this id")

    def shape(records: Any) -> dict[str, Any]:
        return tree(values["trace_id"], records[: values["limit"]], truncated=len(records) > values["limit"])

    return await answers.json(question, found, shape, len(found))
