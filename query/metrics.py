"""Metrics: which there are, and the values of one over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from query import answers, shapes
from query.parameters import metric_query

if TYPE_CHECKING:
    from aiohttp import web

    from query.question import Question


async def list_metrics(question: Question) -> web.Response:
    found = await question.store.metrics(question.values["q"], question.values["service"])
    return await answers.array(question, found, shapes.metric)


async def query_metric(question: Question) -> web.Response:
    found = await question.store.metric_series(metric_query(question.values))
    return await answers.array(question, found, shapes.metric_series)
