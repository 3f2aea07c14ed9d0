"""How otlpd itself is: ready or not, what it holds, and its own figures as JSON or for Prometheus."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, exposition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.openmetrics import exposition as openmetrics_exposition

from query import answers, shapes
from query.legacy.runs import run_figures
from query.legacy.times import iso
from query.question import Measurement
from storage.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from query.question import Question
    from storage.contract import StoreStatistics

READY_WITHIN = 5.0  # seconds; orchestrators and load balancers give up sooner than they get a later answer

# Of content what the settings took out is counted with the rows that it was taken from.
_SINCE_THE_FILE_BEGAN = {
    "content_cut": "Texts that the setting content cut, since the file began.",
    "content_removed": "Texts that the setting content left out, since the file began.",
    "content_masked": "Values in which content_masks put marks, since the file began.",
}


async def show_health(question: Question) -> web.Response:
    """200 when the store can commit now; else 503 with the reason. Alive is whoever answers at all."""
    try:
        async with asyncio.timeout(READY_WITHIN):
            await question.store.check_ready()
    except (StoreError, TimeoutError) as error:
        reason = str(error) or f"the store did not answer within {READY_WITHIN:.0f} s"
        return _health(question, 503, "unavailable", reason)
    return _health(question, 200, "ok", None)


def _health(question: Question, status: int, word: str, reason: str | None) -> web.Response:
    now = iso(question.now)
    answer = {"status": word, "version": question.context.version, "reason": reason, "server_time": now, "timestamp": now}
    # "service" is what the clients of a monitoring backend look for; /health is asked by those of a runs API.
    more = {"service": "monitoring-backend"} if question.route.path == "/healthz" else question.context.engine
    body = orjson.dumps({**answer, **more})
    return web.Response(body=body, status=status, content_type="application/json", headers={"Cache-Control": "no-store"})


async def show_statistics(question: Question) -> web.Response:
    return await answers.json(question, await question.store.statistics(), shapes.statistics)


async def show_metrics(question: Question) -> web.Response:
    """JSON, unless Accept asks for one of the formats of Prometheus."""
    measured = [*question.context.counters(), *store_measurements(await question.store.statistics())]
    accept = question.request.headers.get("Accept", "")
    if "application/openmetrics-text" in accept:
        text: bytes = openmetrics_exposition.generate_latest(_registry(measured))  # type: ignore[no-untyped-call]
        return await _exposition(question, text, openmetrics_exposition.CONTENT_TYPE_LATEST)
    if "text/plain" in accept:
        return await _exposition(question, exposition.generate_latest(_registry(measured)), CONTENT_TYPE_LATEST)
    runs = await run_figures(question.store, question.now, question.context.engine)
    return await answers.json(question, measured, lambda figures: {**_as_json(figures), **runs})


async def _exposition(question: Question, body: bytes, content_type: str) -> web.Response:
    response = await answers.compressed(question.request, body, "text/plain")
    response.headers["Content-Type"] = content_type
    return response


def store_measurements(statistics: StoreStatistics) -> list[Measurement]:
    figures = (
        ("otlpd_stored_spans", statistics.spans, "Spans in the store."),
        ("otlpd_stored_logs", statistics.logs, "Log records in the store."),
        ("otlpd_stored_metric_points", statistics.metric_points, "Metric points in the store."),
        ("otlpd_stored_traces", statistics.traces, "Traces in the store."),
        ("otlpd_store_size_bytes", statistics.size_bytes, "Size of the database file."),
        ("otlpd_store_wal_bytes", statistics.wal_bytes, "Size of the write-ahead log."),
        ("otlpd_store_queue_rows", statistics.queue_rows, "Rows that wait for a commit."),
        ("otlpd_store_queue_bytes", statistics.queue_bytes, "Bytes of the rows that wait for a commit."),
        ("otlpd_store_commits_total", statistics.commits, "Commits since the start."),
        ("otlpd_store_commit_seconds_total", statistics.commit_seconds, "Time spent in commits since the start."),
    )
    counted = (
        Measurement(f"otlpd_store_{name}_total", value, _SINCE_THE_FILE_BEGAN.get(name, "Counted by the store since the start."))
        for name, value in statistics.counters.items()
    )
    return [*(Measurement(*figure) for figure in figures), *counted]


def _as_json(measured: Iterable[Measurement]) -> dict[str, Any]:
    metrics: dict[str, Any] = {}
    for figure in measured:
        entry = metrics.setdefault(figure.name, {"description": figure.description, "samples": []})
        entry["samples"].append({"labels": dict(figure.labels), "value": figure.value})
    return {"metrics": metrics}


def _registry(measured: Iterable[Measurement]) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(_Collector(measured))
    return registry


class _Collector:
    """Hands the figures to prometheus-client, which knows the text formats."""

    def __init__(self, measured: Iterable[Measurement]) -> None:
        self._measured = measured

    def collect(self) -> Iterable[Metric]:
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for figure in self._measured:
            family = families.get(figure.name)
            if family is None:
                made = CounterMetricFamily if figure.name.endswith("_total") else GaugeMetricFamily
                family = families[figure.name] = made(figure.name, figure.description, labels=sorted(figure.labels))
            family.add_metric([figure.labels[label] for label in sorted(figure.labels)], figure.value)
        return families.values()

    def describe(self) -> Iterable[Metric]:
        return []
