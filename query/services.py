"""Who sends: services, and the operations (span names) of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from query import answers, shapes
from query.parameters import time_range

if TYPE_CHECKING:
    from aiohttp import web

    from query.question import Question


async def list_services(question: Question) -> web.Response:
    found = await question.store.services(time_range(question.values))
    return await answers.array(question, found, shapes.service)


async def list_operations(question: Question) -> web.Response:
    found = await question.store.operations(question.values["service"], time_range(question.values))
    return await answers.array(question, found, shapes.operation)
