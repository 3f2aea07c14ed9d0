"""Single spans, whatever trace they are in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from query import answers, shapes
from query.parameters import span_query

if TYPE_CHECKING:
    from aiohttp import web

    from query.question import Question


async def list_spans(question: Question) -> web.Response:
    page = await question.store.find_spans(span_query(question.values))
    shared = shapes.Shared()
    return await answers.page(question, page, lambda record: shapes.span(record, shared))
