"""Tells the story with the OpenTelemetry SDK for Python, through its own OTLP exporters.

Runs in an environment of its own (requirements.txt beside it):
``python client.py TRANSPORT PART STORY``, where the endpoint, the compression and the temporality come from the
standard ``OTEL_EXPORTER_OTLP_…`` variables and nothing else does.
"""

from __future__ import annotations

import json
import logging
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opentelemetry import context, trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Story = dict[str, Any]

PACKAGES = {
    "grpc": "opentelemetry.exporter.otlp.proto.grpc",
    "http-protobuf": "opentelemetry.exporter.otlp.proto.http",
    "http-json": "opentelemetry.exporter.otlp.json.http",
}
NEVER_MS = float("inf")


def exporter(transport: str, module: str, name: str) -> Any:
    return getattr(import_module(f"{PACKAGES[transport]}.{module}"), name)()


def native(value: Any) -> Any:
    """Give the Python value of a value in the story: bytes are written ``{"$hex": hex}``, all else stands for itself."""
    if isinstance(value, list):
        return [native(item) for item in value]
    if isinstance(value, dict):
        if "$hex" in value:
            return bytes.fromhex(value["$hex"])
        return {key: native(item) for key, item in value.items()}
    return value


def span_context(span: Story, *, remote: bool = False) -> trace.SpanContext:
    state = trace.TraceState.from_header([span["trace_state"]]) if span.get("trace_state") else None
    return trace.SpanContext(
        int(span["trace_id"], 16), int(span["span_id"], 16), remote, trace.TraceFlags(trace.TraceFlags.SAMPLED), state
    )


def within(story: Story, index: int | None) -> context.Context:
    """Give the context in which the span of that index is the current one."""
    if index is None:
        return context.Context()
    return trace.set_span_in_context(trace.NonRecordingSpan(span_context(story["spans"][index])), context.Context())


class ToldIds(IdGenerator):
    """Gives the ids of the story in its order, so that recordings can be compared with it."""

    def __init__(self, spans: list[Story]) -> None:
        self._span_ids = iter([int(span["span_id"], 16) for span in spans])
        self._trace_ids = iter([int(span["trace_id"], 16) for span in spans if not span["parent_span_id"]])

    def generate_span_id(self) -> int:
        return next(self._span_ids)

    def generate_trace_id(self) -> int:
        return next(self._trace_ids)


def declined() -> ValueError:
    try:
        raise ValueError("card declined")  # noqa: TRY301 - only a raised exception has a traceback
    except ValueError as error:
        return error


# The traceback is part of what is recorded, and must not hold the path of the machine that recorded it.
declined.__code__ = declined.__code__.replace(co_filename="checkout.py")


def send_traces(story: Story, transport: str, resource: Resource) -> None:
    provider = TracerProvider(resource=resource, id_generator=ToldIds(story["spans"]), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter(transport, "trace_exporter", "OTLPSpanExporter")))
    epoch = story["epoch_seconds"] * 10**9
    started: dict[str, trace.Span] = {}
    for span in story["spans"]:
        scope = story["scopes"][span["scope"]]
        tracer = provider.get_tracer(span["scope"], scope["version"], scope["schema_url"], scope["attributes"])
        parent = started.get(span["parent_span_id"])
        if parent is None and span["parent_span_id"]:
            remote = {**span, "span_id": span["parent_span_id"]}
            parent = trace.NonRecordingSpan(span_context(remote, remote=True))
        empty = context.Context()
        started[span["span_id"]] = tracer.start_span(
            span["name"],
            context=empty if parent is None else trace.set_span_in_context(parent, empty),
            kind=trace.SpanKind[span["kind"].upper()],
            attributes=native(span["attributes"]),
            links=[trace.Link(span_context(link), native(link["attributes"])) for link in span["links"]],
            start_time=epoch + span["start"],
        )
    for span in reversed(story["spans"]):
        finish(started[span["span_id"]], span, epoch)
    provider.force_flush()


def finish(live: trace.Span, span: Story, epoch: int) -> None:
    for event in span["events"]:
        live.add_event(event["name"], native(event["attributes"]), epoch + event["at"])
    if "exception_at" in span:
        live.record_exception(declined(), timestamp=epoch + span["exception_at"])
    code = trace.StatusCode[span["status"]["code"].upper()]
    if code is not trace.StatusCode.UNSET:
        live.set_status(trace.Status(code, span["status"]["message"] or None))
    live.end(epoch + span["start"] + span["duration"])


def send_logs(story: Story, transport: str, resource: Resource) -> None:
    provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_log_record_processor(
        BatchLogRecordProcessor(exporter(transport, "_log_exporter", "OTLPLogExporter"), schedule_delay_millis=60_000)
    )
    epoch = story["epoch_seconds"] * 10**9
    for log in story["logs"]:
        scope = story["scopes"][log["scope"]]
        logger = provider.get_logger(log["scope"], scope["version"], scope["schema_url"], scope["attributes"])
        logger.emit(
            LogRecord(
                timestamp=epoch + log["at"],
                observed_timestamp=epoch + log["observed_at"],
                context=within(story, log["span"]),
                severity_number=SeverityNumber(log["severity_number"]),
                severity_text=log["severity_text"] or None,
                body=native(log["body"]),
                attributes=native(log["attributes"]),
                event_name=log["event_name"] or None,
                exception=declined() if log.get("exception") else None,
            )
        )
    provider.force_flush()


def view(instrument: Story) -> View | None:
    if instrument["kind"] == "exponential_histogram":
        return View(instrument_name=instrument["name"], aggregation=ExponentialBucketHistogramAggregation())
    if "keep" in instrument:
        return View(instrument_name=instrument["name"], attribute_keys=set(instrument["keep"]))
    return None


def send_metrics(story: Story, transport: str, resource: Resource) -> None:
    reader = PeriodicExportingMetricReader(exporter(transport, "metric_exporter", "OTLPMetricExporter"), NEVER_MS)
    views = [found for found in map(view, story["instruments"]) if found]
    provider = MeterProvider([reader], resource=resource, views=views, shutdown_on_exit=False)
    name, scope = next(iter(story["scopes"].items()))
    meter = provider.get_meter(name, scope["version"], scope["schema_url"], scope["attributes"])
    current = [0]
    recorders = [(one, instrument(meter, one, current)) for one in story["instruments"]]
    for current[0] in range(2):
        for one, record in recorders:
            for point in one["rounds"][current[0]] if record else ():
                record(point["value"], point["attributes"], context=within(story, point.get("span")))
        provider.force_flush()


def instrument(meter: Any, one: Story, current: list[int]) -> Any:
    """Make the instrument; give the function that records into it, or None where the SDK asks (observable ones)."""

    def observe(_options: CallbackOptions) -> Iterable[Observation]:
        return [Observation(point["value"], point["attributes"]) for point in one["rounds"][current[0]]]

    kind = one["kind"].removeprefix("exponential_")
    make: Callable[..., Any] = getattr(meter, f"create_{kind}")
    if kind.startswith("observable"):
        make(one["name"], [observe], one["unit"], one["description"])
        return None
    extra = {"explicit_bucket_boundaries_advisory": one["bounds"]} if "bounds" in one else {}
    made = make(one["name"], one["unit"], one["description"], **extra)
    return getattr(made, {"gauge": "set", "histogram": "record"}.get(kind, "add"))


def main(transport: str, part: str, path: str) -> None:
    logging.basicConfig(level=logging.WARNING)
    story = json.loads(Path(path).read_text(encoding="utf-8"))
    resource = Resource.create(native(story["resource"]))
    send = {"traces": send_traces, "logs": send_logs}.get(part, send_metrics)
    send(story, transport, resource)


if __name__ == "__main__":
    main(*sys.argv[1:])
