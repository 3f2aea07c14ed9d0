"""A trace of 30,000 spans, ever shorter ones below each other and beside each other, each with eleven attributes."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks.telemetry import set_attributes, set_resource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.telemetry import AttributeValue

TRACE_ID = "b" * 32
SPANS = 30_000
SPANS_PER_REQUEST = 500
MILLISECOND_NS = 10**6
LENGTH_NS = 50_000 * MILLISECOND_NS


def requests_of_large_trace(end_ns: int) -> Iterator[bytes]:
    """The same for the same time."""
    rng = random.Random(4)
    start = end_ns - LENGTH_NS - 10_000 * MILLISECOND_NS
    spans = [(rng.randbytes(8), b"", start, start + LENGTH_NS)]
    while len(spans) < SPANS:
        parent, _, begin, end = spans[int(len(spans) * rng.random() ** 3)]
        first = begin + int((end - begin) * rng.random() * 0.7)
        spans.append((rng.randbytes(8), parent, first, first + max(1, int((end - first) * rng.random()))))
    for offset in range(0, SPANS, SPANS_PER_REQUEST):
        export = ExportTraceServiceRequest()
        resource_spans = export.resource_spans.add()
        set_resource(resource_spans.resource, "batch")
        scope_spans = resource_spans.scope_spans.add()
        for number, (span_id, parent, begin, end) in enumerate(spans[offset : offset + SPANS_PER_REQUEST], offset):
            span = scope_spans.spans.add(
                trace_id=bytes.fromhex(TRACE_ID), span_id=span_id, parent_span_id=parent, name=f"step {number % 40}",
                start_time_unix_nano=begin, end_time_unix_nano=end,
            )  # fmt: skip
            set_attributes(span.attributes, _attributes(rng, number))
        yield export.SerializeToString()


def _attributes(rng: random.Random, number: int) -> dict[str, AttributeValue]:
    return {
        "http.request.method": "POST", "http.route": f"/step/{number % 40}", "http.response.status_code": 200,
        "url.path": f"/step/{number}", "server.address": "batch.internal", "server.port": 8080, "thread.id": number % 8,
        "thread.name": "worker", "code.function.name": "run_step", "retry": rng.random() < 0.05, "size": rng.randint(10, 20_000),
    }  # fmt: skip
