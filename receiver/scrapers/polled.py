"""Figures that other programs show over HTTP: the text formats of Prometheus, or JSON with numbers in it.

JSON: every number (and true as 1, false as 0) becomes a gauge that is named by its way through the document, joined with dots.
Prometheus: counters, gauges, histograms and summaries keep their types, names and labels.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import aiohttp
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_prometheus

from receiver.scrapers.points import Distribution, Figure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prometheus_client import Metric
    from prometheus_client.samples import Sample

SCOPE = "otlpd.polled"
MOST_BYTES = 16 * 2**20
MOST_FIGURES = 50_000
MOST_LEVELS = 16
_ACCEPT = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.8"
_COUNTERS = frozenset({"counter"})


class BadSource(ValueError):
    """What was asked for cannot be polled; the message says why."""


class PollFailed(Exception):
    """One answer could not be used; the next may."""


@dataclass(frozen=True, slots=True)
class Source:
    """Something to poll: `format` is "prometheus" or "json". Headers may be secrets."""

    format: Literal["prometheus", "json"]
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @staticmethod
    def of(text: str, headers: Mapping[str, str]) -> Source:
        """`prometheus=URL` or `json=URL`."""
        kind, _, url = text.partition("=")
        if kind not in {"prometheus", "json"}:
            raise BadSource(f"{text[:100]}: must begin with prometheus= or json=")
        if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
            raise BadSource(f"{text[:100]}: must name an http:// or https:// address")
        return Source("json" if kind == "json" else "prometheus", url, headers)

    @property
    def resource(self) -> dict[str, str | int]:
        parts = urlsplit(self.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return {
            "service.name": parts.hostname or "unknown",
            "service.instance.id": f"{parts.hostname}:{port}",
            "server.address": parts.hostname or "unknown",
            "server.port": port,
            "url.scheme": parts.scheme,
        }

    async def read(self, session: aiohttp.ClientSession) -> list[Figure | Distribution]:
        """Raises PollFailed."""
        try:
            async with session.get(self.url, headers={"Accept": _ACCEPT, **self.headers}) as response:
                body = await response.content.read(MOST_BYTES + 1)
                if response.status != 200:
                    raise PollFailed(f"HTTP {response.status}")
                if len(body) > MOST_BYTES or not response.content.at_eof():
                    raise PollFailed(f"the answer is larger than {MOST_BYTES} bytes")
                openmetrics = response.content_type == "application/openmetrics-text"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise PollFailed(f"{type(error).__name__}: {error}") from None
        found = figures_of_json(body) if self.format == "json" else figures_of_text(body.decode("utf-8", "replace"), openmetrics)
        return _bounded(found)


def _bounded(found: Iterable[Figure | Distribution]) -> list[Figure | Distribution]:
    figures: list[Figure | Distribution] = []
    for figure in found:
        figures.append(figure)
        if len(figures) > MOST_FIGURES:
            raise PollFailed(f"the answer has more than {MOST_FIGURES} figures")
    return figures


def figures_of_json(body: bytes) -> Iterator[Figure]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise PollFailed(f"the answer is not JSON: {str(error)[:100]}") from None
    yield from _numbers(document, ())


def _numbers(value: Any, path: tuple[str, ...]) -> Iterator[Figure]:
    if isinstance(value, int | float) and math.isfinite(value):
        number = int(value) if isinstance(value, bool) else value
        yield Figure(".".join(path) or "value", number)
    elif len(path) < MOST_LEVELS and isinstance(value, dict):
        for key, inner in value.items():
            yield from _numbers(inner, (*path, key))
    elif len(path) < MOST_LEVELS and isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _numbers(inner, (*path, str(place)))


def figures_of_text(text: str, openmetrics: bool) -> Iterator[Figure | Distribution]:
    try:
        families = list((read_openmetrics if openmetrics else read_prometheus)(text))
    except (ValueError, KeyError, IndexError) as error:
        raise PollFailed(f"the answer is not in the format of Prometheus: {str(error)[:100]}") from None
    for family in families:
        if family.type in {"histogram", "summary"}:
            yield from _distributions(family)
        else:
            yield from _single_numbers(family)


def _single_numbers(family: Metric) -> Iterator[Figure]:
    for sample in family.samples:
        if sample.name.endswith("_created") or math.isnan(sample.value):
            continue
        kind: Literal["counter", "gauge"] = "counter" if family.type in _COUNTERS else "gauge"
        yield Figure(sample.name, sample.value, family.unit, kind, dict(sample.labels), family.documentation)


def _distributions(family: Metric) -> Iterator[Distribution]:
    groups: dict[tuple[tuple[str, str], ...], list[Sample]] = {}
    for sample in family.samples:
        labels = tuple(sorted((key, value) for key, value in sample.labels.items() if key not in {"le", "quantile"}))
        groups.setdefault(labels, []).append(sample)
    for labels, samples in groups.items():
        yield _distribution(family, dict(labels), samples)


def _distribution(family: Metric, labels: dict[str, str], samples: list[Sample]) -> Distribution:
    named = {sample.name.removeprefix(family.name): sample.value for sample in samples}
    buckets = sorted((float(sample.labels["le"]), int(sample.value)) for sample in samples if "le" in sample.labels)
    quantiles = sorted((float(sample.labels["quantile"]), sample.value) for sample in samples if "quantile" in sample.labels)
    if not buckets and not quantiles:
        quantiles = [(0.5, math.nan)] if family.type == "summary" else []
    counts = [count - before for (_, count), before in zip(buckets, [0, *(count for _, count in buckets)], strict=False)]
    total = int(named.get("_count", buckets[-1][1] if buckets else 0))
    bounds = [bound for bound, _ in buckets if math.isfinite(bound)]
    if len(counts) == len(bounds):
        counts.append(total - sum(counts))
    return Distribution(
        family.name, total, named.get("_sum", 0.0), labels, family.documentation, family.unit,
        bounds=bounds if buckets else (), counts=counts if buckets else (), quantiles=quantiles,
    )  # fmt: skip
