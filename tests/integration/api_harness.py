"""A small story for the API's tests to ask about, and an API before a real store.

A shop calls a bank: the trace CHECKOUT, whose payment fails, then one trace of a health check; log records of both, and one
metric of every type. All times count from START.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_DELTA
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from query.application import add_routes
from query.question import Measurement, QueryContext
from storage.rows import batch_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.test_utils import TestClient
    from google.protobuf.message import Message
    from pytest_aiohttp import AiohttpClient

    from storage.contract import Store


SECOND = 10**9
MILLISECOND = 10**6
START = 1_760_000_000 * SECOND  # 2025-10-09T08:53:20Z
NOW = START + 600 * SECOND
CHECKOUT = "0af7651916cd43dd8448eb211c80319c"
HEALTH = "00000000000000000000000000000abc"
ROOT_ATTRIBUTES = {
    "http.route": "/checkout", "items": 5, "price": 5.0, "gift": True, "blob": b"\x00\xff", "nothing": None,
    "odd": float("nan"), "tags": ["a", 1], "user": {"id": "u1", "$ref": 1}, "money": "$5",
}  # fmt: skip
ROOT, PAYMENT, PROBE = "b7ad6b7169203331", "00f067aa0ba902b7", "00000000000000ff"


async def serve(aiohttp_client: AiohttpClient, store: Store, **settings: Any) -> TestClient[web.Request, web.Application]:
    app = web.Application()
    context = QueryContext(store=store, clock=lambda: NOW, counters=counters, version="1.2.3", **settings)
    add_routes(app, context)
    return await aiohttp_client(app)


def counters() -> list[Measurement]:
    received = "otlpd_received_items_total"
    return [
        Measurement(received, 3, "Items received.", {"signal": "traces"}),
        Measurement(received, 2, "Items received.", {"signal": "logs"}),
        Measurement("otlpd_uptime_seconds", 1.5, "Time since the start."),
    ]


async def write(store: Store, signal: str, request: Message) -> None:
    written = await store.write(batch_of(signal, request.SerializeToString(), NOW))
    assert written.duplicates == 0


async def write_story(store: Store) -> None:
    await write(store, "traces", traces())
    await write(store, "logs", logs())
    await write(store, "metrics", metrics())


def value(plain: Any) -> AnyValue:
    scalars = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value", bytes: "bytes_value"}
    if isinstance(plain, list):
        return AnyValue(array_value=ArrayValue(values=[value(item) for item in plain]))
    if isinstance(plain, dict):
        return AnyValue(kvlist_value=KeyValueList(values=pairs(plain)))
    return AnyValue() if plain is None else AnyValue(**{scalars[type(plain)]: plain})


def pairs(plain: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=value(item)) for key, item in plain.items()]


def resource(service: str) -> Resource:
    return Resource(attributes=pairs({"service.name": service, "service.version": "2.1"}))


def traces() -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    shop = request.resource_spans.add(resource=resource("shop"), schema_url="https://example.test/schema")
    shop_spans = shop.scope_spans.add()
    shop_spans.scope.name, shop_spans.scope.version = "cart", "0.9"
    root = shop_spans.spans.add(name="POST /checkout", kind=Span.SPAN_KIND_SERVER, flags=257, trace_state="a=b")
    root.trace_id, root.span_id = bytes.fromhex(CHECKOUT), bytes.fromhex(ROOT)
    root.start_time_unix_nano, root.end_time_unix_nano = START + 1, START + 250 * MILLISECOND + 1
    root.attributes.extend(pairs(ROOT_ATTRIBUTES))
    event = root.events.add(name="charged", time_unix_nano=START + 2, dropped_attributes_count=1)
    event.attributes.extend(pairs({"amount": 9.5, "key": b"k"}))
    link = root.links.add(trace_id=bytes.fromhex(HEALTH), span_id=bytes.fromhex(PROBE), trace_state="c=d", flags=1)
    link.attributes.extend(pairs({"why": "retry"}))
    root.dropped_links_count = 3
    probe = shop_spans.spans.add(name="GET /health", kind=Span.SPAN_KIND_INTERNAL)
    probe.trace_id, probe.span_id = bytes.fromhex(HEALTH), bytes.fromhex(PROBE)
    probe.start_time_unix_nano, probe.end_time_unix_nano = START + 60 * SECOND, START + 60 * SECOND + MILLISECOND
    bank = request.resource_spans.add(resource=resource("bank"))
    payment = bank.scope_spans.add().spans.add(name="pay", kind=Span.SPAN_KIND_CLIENT)
    payment.trace_id, payment.span_id, payment.parent_span_id = (
        bytes.fromhex(CHECKOUT),
        bytes.fromhex(PAYMENT),
        bytes.fromhex(ROOT),
    )
    payment.start_time_unix_nano, payment.end_time_unix_nano = START + 10 * MILLISECOND, START + 110 * MILLISECOND
    payment.status.code, payment.status.message = Status.STATUS_CODE_ERROR, "card declined"
    return request


def logs() -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    shop = request.resource_logs.add(resource=resource("shop"))
    records = shop.scope_logs.add().log_records
    declined = records.add(
        time_unix_nano=START + 5,
        observed_time_unix_nano=START + 6,
        severity_number=SeverityNumber.SEVERITY_NUMBER_ERROR2,
        severity_text="ERR",
    )
    declined.trace_id, declined.span_id = bytes.fromhex(CHECKOUT), bytes.fromhex(ROOT)
    declined.body.CopyFrom(value("payment declined by the bank"))
    declined.attributes.extend(pairs({"attempt": 2}))
    emptied = records.add(
        time_unix_nano=START + 61 * SECOND, severity_number=SeverityNumber.SEVERITY_NUMBER_INFO, event_name="cart.emptied"
    )
    emptied.body.CopyFrom(value({"items": 5, "raw": b"\x01"}))
    return request


def metrics() -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    scope = request.resource_metrics.add(resource=resource("shop")).scope_metrics.add()
    orders = scope.metrics.add(name="orders", unit="{order}", description="Orders taken")
    orders.sum.aggregation_temporality, orders.sum.is_monotonic = AGGREGATION_TEMPORALITY_DELTA, True
    for number, country in enumerate(("de", "fr"), start=1):
        point = orders.sum.data_points.add(start_time_unix_nano=START, time_unix_nano=START + 60 * SECOND, as_int=10 * number)
        point.attributes.extend(pairs({"country": country}))
    load = scope.metrics.add(name="load", unit="1")
    load.gauge.data_points.add(time_unix_nano=START + 60 * SECOND, as_double=0.5)
    duration = scope.metrics.add(name="checkout.duration", unit="ms")
    duration.histogram.aggregation_temporality = AGGREGATION_TEMPORALITY_DELTA
    times = duration.histogram.data_points.add(start_time_unix_nano=START, time_unix_nano=START + 60 * SECOND, count=4, sum=100.0)
    times.explicit_bounds.extend([10.0, 100.0])
    times.bucket_counts.extend([1, 3, 0])
    return request
