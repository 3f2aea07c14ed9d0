"""How long spans take, and how often they fail, by service, operation or attribute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from query import answers, shapes
from query.parameters import latency_query

if TYPE_CHECKING:
    from aiohttp import web

    from query.question import Question


async def list_latencies(question: Question) -> web.Response:
    found = await question.store.latency(latency_query(question.values))
    return await answers.array(question, found, shapes.latency)
