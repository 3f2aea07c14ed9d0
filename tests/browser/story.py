"""What the daemon of the browser tests has received: a shop told by the OpenTelemetry SDK, and recorded requests of all kinds.

The shop calls a bank, once in three times in vain; a sweeper is slow once; a librarian runs jobs; a host and devices are
watched. Times are now, so that views which look at the last hour show it.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import time
from typing import TYPE_CHECKING, Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

from benchmarks.telemetry import log_request, set_resource, trace_request
from otlpd import __version__
from receiver.scrapers.host import HostScraper
from receiver.scrapers.points import Scrape
from tests.acceptance.clients import http_exporter
from tests.running import ROOT, request

if TYPE_CHECKING:
    from tests.running import Daemon

PURCHASES = 30
JOB_RUNS = 14
SLOW_MINUTE = 15
MILLISECOND, SECOND, MINUTE = 10**6, 10**9, 60 * 10**9
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
    _sweep(daemon, now)
    _watch(daemon, now)
    _read_devices(daemon, now)
    _run_jobs(daemon, now)
    tell_of(daemon, "*")
    for path in sorted(FIXTURES.glob("otlp/*.binpb")):
        _post(daemon, next(signal for signal in SIGNALS if signal in path.name), path.read_bytes())


def tell_of(daemon: Daemon, agents: str) -> None:
    """The recorded requests of these agents, by the names of their folders."""
    for path in sorted(FIXTURES.glob(f"agents/{agents}/*.binpb")):
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


def _sweep(daemon: Daemon, now: int) -> None:
    """A span of some 10 ms six times a minute for an hour and a half; a quarter of an hour ago it took 2 s for a minute."""
    export = ExportTraceServiceRequest()
    resource_spans = export.resource_spans.add()
    set_resource(resource_spans.resource, "sweeper")
    spans = resource_spans.scope_spans.add().spans
    rng = random.Random(5)
    for minute in range(90):
        for second in range(0, 60, 10):
            start = (now // MINUTE - minute) * MINUTE - second * SECOND - 70 * SECOND
            length = (2_000 if minute == SLOW_MINUTE else rng.randint(9, 12)) * MILLISECOND
            spans.add(
                trace_id=rng.randbytes(16), span_id=rng.randbytes(8), name="sweep", start_time_unix_nano=start,
                end_time_unix_nano=start + length,
            )  # fmt: skip
    _post(daemon, "traces", export.SerializeToString())


def _watch(daemon: Daemon, now: int) -> None:
    """This machine's own figures, as `otlpd collect` reads them, for five minutes."""
    scraper = HostScraper(processes=5)
    for minute in reversed(range(5)):
        scrape = Scrape(now - minute * MINUTE, "otlpd.host", __version__)
        scraper.scrape(scrape)
        _post(daemon, "metrics", scrape.request.SerializeToString())


def _read_devices(daemon: Daemon, now: int) -> None:
    samples = [
        {
            "device_name": device,
            "metric_name": metric,
            "value": base + (minute * 7) % 5,
            "timestamp": _text(now - minute * MINUTE),
        }
        for device, metric, base in (
            ("greenhouse", "humidity", 60),
            ("greenhouse", "temperature", 21),
            ("laptop-7", "cpu_usage", 12),
        )
        for minute in range(30)
    ]
    _post_json(daemon, "/api/v1/aggregator/metrics/batch", samples)


def _run_jobs(daemon: Daemon, now: int) -> None:
    """A run every ten minutes: every fourth fails, the newest goes on."""
    runs = [
        {
            "event_id": f"job-{number}", "run_id": f"run-{number}", "agent_name": "librarian",
            "job_type": "index" if number % 3 else "export", "start_time": _text(now - (number + 1) * 10 * MINUTE),
            **({"status": "running"} if number == 0 else _ended(number, now)),
        }
        for number in range(JOB_RUNS)
    ]  # fmt: skip
    _post_json(daemon, "/api/v1/runs/batch", runs)


def _ended(number: int, now: int) -> dict[str, Any]:
    end = {
        "end_time": _text(now - (number + 1) * 10 * MINUTE + number * 3 * SECOND), "duration_ms": number * 3_000,
        "items_discovered": 200, "items_succeeded": 200 - number, "items_failed": number, "host": "till-3",
        "git_repo": "https://github.com/example/library", "git_commit_hash": "4f2a9c1d8e7b6a5f",
        "metrics_json": {"pages": number},
    }  # fmt: skip
    if number % 4:
        return {**end, "status": "success"}
    return {**end, "status": "failure", "error_summary": "the catalogue was locked", "error_details": f"waited {number} s"}


def _text(moment: int) -> str:
    return dt.datetime.fromtimestamp(moment / SECOND, dt.UTC).isoformat().replace("+00:00", "Z")


def _post_json(daemon: Daemon, path: str, body: Any) -> None:
    answer = request("POST", daemon.api_url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    assert answer.status == 200, answer
