"""What the daemon of the browser tests has received: a shop told by the OpenTelemetry SDK, and recorded requests of all kinds.

The shop calls a bank, once in three times in vain. Times are now, so that views which look at the last hour show it.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

from benchmarks.telemetry import log_request, trace_request
from tests.acceptance.clients import http_exporter
from tests.running import ROOT, request

if TYPE_CHECKING:
    from tests.running import Daemon

PURCHASES = 30
SECOND = 10**9
FIXTURES = ROOT / "proto_fixtures"
SIGNALS = ("traces", "logs", "metrics")


def tell(daemon: Daemon) -> None:
    sell(daemon)
    _measure(daemon)
    rng = random.Random(11)
    now = time.time_ns()
    for number in range(20):
        _post(daemon, "traces", trace_request(rng, 50, now - (number + 1) * 90 * SECOND, 60 * SECOND))
        _post(daemon, "logs", log_request(rng, 20, now - (number + 1) * 90 * SECOND))
    for path in sorted(FIXTURES.glob("otlp/*.binpb")) + sorted(FIXTURES.glob("agents/*/*.binpb")):
        _post(daemon, next(signal for signal in SIGNALS if signal in path.name), path.read_bytes())


def _post(daemon: Daemon, signal: str, body: bytes) -> None:
    answer = request("POST", f"{daemon.api_url}/v1/{signal}", body, {"Content-Type": "application/x-protobuf"})
    assert answer.status in {200, 400}, answer  # some recorded requests hold what must be refused


def _provider(daemon: Daemon, service: str) -> TracerProvider:
    provider = TracerProvider(resource=Resource({"service.name": service, "host.name": "till-3"}))
    provider.add_span_processor(SimpleSpanProcessor(http_exporter(daemon.api_url)))
    return provider


def sell(daemon: Daemon) -> None:
    """Each purchase is a trace of two services; every third payment is declined."""
    shop, bank = _provider(daemon, "shop"), _provider(daemon, "bank")
    for number in range(PURCHASES):
        with shop.get_tracer("till").start_as_current_span("POST /checkout", kind=SpanKind.SERVER) as root:
            root.set_attribute("order.id", f"order-{number}")
            context = set_span_in_context(root)
            with bank.get_tracer("ledger").start_as_current_span("pay", context, SpanKind.SERVER) as payment:
                payment.add_event("asked", {"amount": number})
                if number % 3 == 0:
                    payment.set_status(Status(StatusCode.ERROR, "card declined"))
    for provider in (shop, bank):
        provider.shutdown()


def _measure(daemon: Daemon) -> None:
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=f"{daemon.api_url}/v1/metrics"), 3_600_000)
    provider = MeterProvider([reader], Resource({"service.name": "shop"}))
    meter = provider.get_meter("till")
    sold = meter.create_counter("shop.items.sold", "{item}", "Items sold.")
    waited = meter.create_histogram("shop.wait", "s", "How long customers waited.")
    for number in range(PURCHASES):
        sold.add(2, {"kind": "book" if number % 2 else "pen"})
        waited.record(number / 10, {"till": str(number % 3)})
    provider.shutdown()
