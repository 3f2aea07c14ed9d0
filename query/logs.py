"""Log records and events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from query import answers, shapes
from query.parameters import log_query

if TYPE_CHECKING:
    from aiohttp import web

    from query.question import Question


async def list_logs(question: Question) -> web.Response:
    page = await question.store.find_logs(log_query(question.values))
    shared = shapes.Shared()
    return await answers.page(question, page, lambda record: shapes.log(record, shared))
