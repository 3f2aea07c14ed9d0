"""Sets up the plain OpenTelemetry SDK for a program that is recorded: three signals over OTLP, as its users would.

Endpoint and service name come by the standard ``OTEL_…`` variables. Batches are small, so that a run takes several requests
and roots come after their children, as they do in life.
"""

from opentelemetry import metrics, trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

SPANS_A_REQUEST = 12


def start(*before):
    """Set the three global providers. ``before``: span processors that rewrite spans ahead of the exporter."""
    tracer_provider = TracerProvider()
    for processor in before:
        tracer_provider.add_span_processor(processor)
    exporter = BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=600, max_export_batch_size=SPANS_A_REQUEST)
    tracer_provider.add_span_processor(exporter)
    trace.set_tracer_provider(tracer_provider)
    logger_provider = LoggerProvider()
    logger_provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    set_logger_provider(logger_provider)
    meter_provider = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())])
    metrics.set_meter_provider(meter_provider)

    def finish():
        for provider in (tracer_provider, logger_provider, meter_provider):
            provider.shutdown()

    return tracer_provider, finish
