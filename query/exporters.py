"""What is forwarded to other systems, and how far that has come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from query import answers

if TYPE_CHECKING:
    from aiohttp import web

    from query.question import Question


async def list_exporters(question: Question) -> web.Response:
    return await answers.array(question, [await state() for state in question.context.exporters], lambda state: state)
