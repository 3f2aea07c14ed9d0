"""Sessions: the list, and one of them from beginning to end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from query import agent_shapes, answers
from query.faults import NotFound
from query.parameters import time_range
from storage.agents_contract import SessionQuery
from storage.contract import Page

if TYPE_CHECKING:
    from aiohttp import web

    from query.question import Question
    from storage.agents_contract import SessionContent


async def list_sessions(question: Question) -> web.Response:
    values = question.values
    query = SessionQuery(
        time_range(values),
        agent=values["agent"],
        user=values["user"],
        failed=None if values["status"] is None else values["status"] == "error",
        min_cost=values["min_cost"],
        order=values["order"],
        limit=values["limit"],
        after=values["cursor"],
    )
    return await answers.page(question, await question.store.find_sessions(query), agent_shapes.session)


async def show_session(question: Question) -> web.Response:
    values = question.values
    found = await question.store.session(values["id"], values["limit"], values["cursor"])
    if found is None:
        raise NotFound("id", "no session of this id is kept; /api/sessions lists those that are")
    response = await answers.json(question, found, _session, len(found.facts))
    return answers.linked(question, response, Page([], found.next))


def _session(record: SessionContent) -> dict[str, Any]:
    return {**agent_shapes.session(record.summary), "facts": [agent_shapes.fact(fact) for fact in record.facts]}
