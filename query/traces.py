"""Traces: found by what their spans say, and one of them whole, as JSON or as the OTLP/JSON it can be sent on with."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from query import answers, shapes
from query.faults import AnswerTooLarge, NotFound
from query.parameters import trace_query
from storage.rows.otlp_json_text import to_json
from storage.rows.to_otlp import traces_request

if TYPE_CHECKING:
    from aiohttp import web

    from query.question import Question
    from storage.contract import TraceContent


async def list_traces(question: Question) -> web.Response:
    page = await question.store.find_traces(trace_query(question.values))
    return await answers.page(question, page, shapes.trace_summary)


async def show_trace(question: Question) -> web.Response:
    trace_id = question.values["trace_id"]
    content = await question.store.trace(trace_id)
    if content is None:
        raise NotFound("trace_id", f"no span of the trace {trace_id} is stored")
    if question.values["format"] == "otlp":
        return await _otlp(question, content)
    shared = shapes.Shared()
    return await answers.json(
        question, content, lambda record: shapes.trace(record, shared), len(content.spans) + len(content.logs)
    )


async def _otlp(question: Question, content: TraceContent) -> web.Response:
    body = await asyncio.to_thread(lambda: to_json(traces_request(content.spans)))
    if len(body) > question.context.limits.answer_bytes:
        raise AnswerTooLarge(question.context.limits.answer_bytes)
    return await answers.compressed(question.request, body)
