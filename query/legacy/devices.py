"""Readers of the device metrics system: reports per device and metric, and the lists behind its page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from aiohttp import hdrs, web

from query.legacy.endpoint import HOUR, Ask, Endpoint, Refusal
from query.legacy.events import Event, Wanted, every
from storage.contract import TimeRange

if TYPE_CHECKING:
    from collections.abc import Sequence

_SCOPE = ("seed.device_metrics",)
_SAMPLE = "device_metrics.sample"


def _sample(event: Event) -> dict[str, Any]:
    document = event.document
    value = document.get("metric_value", document.get("value"))
    return {
        "device_name": document.get("device_name") or document.get("device_id"),
        "metric_name": document.get("metric_name"),
        "metric_value": float(value) if value is not None else None,
        "timestamp": event.timestamp,
    }


async def _samples(ask: Ask, within: TimeRange, device: str | None = None, metric: str | None = None) -> list[dict[str, Any]]:
    """Newest first."""

    def fits(event: Event) -> bool:
        sample = _sample(event)
        return device in {None, sample["device_name"]} and metric in {None, sample["metric_name"]}

    wanted = Wanted(within, event=_SAMPLE, scopes=_SCOPE, fits=fits)
    return [_sample(event) for event in await every(ask.store, wanted)]


async def device_report(ask: Ask) -> Any:
    return await _samples(ask, ask.range("start_time", "end_time"), device=ask.path("device_name"))


async def summary(ask: Ask) -> Any:
    """Per device and metric over the last hours; text that is no number means a day, as it always did."""
    try:
        hours = float(ask.text("time_range") or 24)
    except ValueError:
        hours = 24.0
    if not 0 < hours <= 24 * 366 * 10:
        raise Refusal(400, "time_range: must be a number of hours above 0")
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for sample in await _samples(ask, TimeRange(max(ask.now - int(hours * HOUR), 0), None)):
        groups.setdefault((sample["device_name"], sample["metric_name"]), []).append(sample)
    return [_summary(device, metric, samples) for (device, metric), samples in sorted(groups.items())]


def _summary(device: str, metric: str, samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    values = [sample["metric_value"] for sample in samples]
    return {
        "device_name": device,
        "metric_name": metric,
        "avg_value": math.fsum(values) / len(values),
        "min_value": min(values),
        "max_value": max(values),
        "last_updated": samples[0]["timestamp"],
        "count": len(values),
    }


async def devices(ask: Ask) -> Any:
    return sorted({sample["device_name"] for sample in await _samples(ask, TimeRange())})


async def metric_values(ask: Ask) -> Any:
    page, size = ask.integer("page", 1, 1), ask.integer("per_page", 10, 1, 1000)
    found = await _samples(ask, TimeRange(), ask.text("device"), ask.text("metric"))
    return {
        "total": len(found),
        "page": page,
        "per_page": size,
        "total_pages": math.ceil(len(found) / size),
        "data": [
            {
                "device_name": sample["device_name"],
                "metric_name": sample["metric_name"],
                "value": sample["metric_value"],
                "timestamp": sample["timestamp"][:19].replace("T", " "),
            }
            for sample in found[(page - 1) * size : page * size]
        ],
    }


async def dashboard(_: Ask) -> web.Response:
    """Where people's bookmarks lead: to the page."""
    return web.Response(status=302, headers={hdrs.LOCATION: "/"})


ENDPOINTS = (
    Endpoint("/dashboard", dashboard, open=True),
    Endpoint("/api/v1/reports/metrics/{device_name}", device_report),
    Endpoint("/api/v1/reports/summary", summary),
    Endpoint("/api/devices", devices),
    Endpoint("/api/metric-values", metric_values),
)
