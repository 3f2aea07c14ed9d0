"""A shop that reports with the OpenTelemetry SDK for Python: for every order number on standard input one trace, two log
records and three metrics, flushed before the number is repeated on standard output.

Everything about the receiver comes from the standard OTEL_… variables; warnings of the SDK go to standard error.
"""

from __future__ import annotations

import logging
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

if TYPE_CHECKING:
    from collections.abc import Callable

EXPORTERS = {
    "grpc": "opentelemetry.exporter.otlp.proto.grpc",
    "http/protobuf": "opentelemetry.exporter.otlp.proto.http",
    "http/json": "opentelemetry.exporter.otlp.json.http",
}


def exporter(module: str, name: str) -> Any:
    return getattr(import_module(f"{EXPORTERS[os.environ['OTEL_EXPORTER_OTLP_PROTOCOL']]}.{module}"), name)()


class Shop:
    def __init__(self) -> None:
        self.traces = TracerProvider()
        self.traces.add_span_processor(BatchSpanProcessor(exporter("trace_exporter", "OTLPSpanExporter")))
        self.logs = LoggerProvider()
        self.logs.add_log_record_processor(BatchLogRecordProcessor(exporter("_log_exporter", "OTLPLogExporter")))
        self.metrics = MeterProvider([PeriodicExportingMetricReader(exporter("metric_exporter", "OTLPMetricExporter"))])
        self._tracer = self.traces.get_tracer("shop")
        self._logger = self.logs.get_logger("shop")
        meter = self.metrics.get_meter("shop")
        self._orders = meter.create_counter("orders", unit="{order}")
        self._durations = meter.create_histogram("checkout.duration", unit="ms")
        self._queue = meter.create_gauge("queue.length")

    def sell(self, order: str) -> None:
        self._logger.emit(LogRecord(severity_number=SeverityNumber.INFO, body=f"order {order} received"))
        basket: dict[str, Any] = {
            "order.id": order,
            "cart.items": 3,
            "cart.total": 59.5,
            "customer.returning": True,
            "tags": ["gift", "express"],
        }
        with self._tracer.start_as_current_span("checkout", kind=SpanKind.SERVER, attributes=basket):
            self._charge(order)
        self._orders.add(2, {"region": "eu"})
        self._durations.record(12.5)
        self._durations.record(40.5)
        self._queue.set(7)

    def _charge(self, order: str) -> None:
        with self._tracer.start_as_current_span("charge card", kind=SpanKind.CLIENT) as span:
            span.add_event("card declined", {"attempt": 1})
            span.set_status(StatusCode.ERROR, "declined")
            self._logger.emit(
                LogRecord(
                    severity_number=SeverityNumber.ERROR,
                    severity_text="ERROR",
                    body=f"card declined for order {order}",
                    event_name="payment.failed",
                    attributes={"order.id": order},
                )
            )

    def each(self, step: Callable[[Any], object]) -> None:
        for provider in (self.traces, self.logs, self.metrics):
            step(provider)


def main() -> None:
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    shop = Shop()
    for line in sys.stdin:
        shop.sell(line.strip())
        shop.each(lambda provider: provider.force_flush())
        print(line.strip(), flush=True)  # noqa: T201  the answer to who wrote the number
    shop.each(lambda provider: provider.shutdown())


if __name__ == "__main__":
    main()
