"""What a program with an OpenTelemetry SDK does: the real SDK and its exporters, nothing of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import grpc
    from opentelemetry.sdk.trace import ReadableSpan

    from tests.running import Daemon

Transport = Literal["grpc", "http"]
TRANSPORTS: tuple[Transport, ...] = ("grpc", "http")


class Watched(SpanExporter):
    """An exporter that keeps what came of each export: the SDK itself only logs it."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.results: list[SpanExportResult] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        self.results.append(result)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


def http_exporter(url: str, headers: Mapping[str, str] | None = None, files: Files | None = None) -> SpanExporter:
    files = files or Files()
    return HttpExporter(
        endpoint=f"{url}/v1/traces",
        headers=dict(headers or {}),
        timeout=5,
        certificate_file=files.authority,
        client_key_file=files.key,
        client_certificate_file=files.certificate,
    )


def grpc_exporter(
    daemon: Daemon, headers: Mapping[str, str] | None = None, credentials: grpc.ChannelCredentials | None = None
) -> SpanExporter:
    return GrpcExporter(
        endpoint=daemon.grpc_target,
        insecure=credentials is None,
        credentials=credentials,
        headers=tuple((headers or {}).items()),
        timeout=5,
    )


class Files:
    """PEM files of a TLS client, as paths in text."""

    def __init__(self, authority: Path | None = None, certificate: Path | None = None, key: Path | None = None) -> None:
        self.authority = None if authority is None else str(authority)
        self.certificate = None if certificate is None else str(certificate)
        self.key = None if key is None else str(key)


def exporter_to(daemon: Daemon, transport: Transport, headers: Mapping[str, str] | None = None) -> SpanExporter:
    return grpc_exporter(daemon, headers) if transport == "grpc" else http_exporter(daemon.http_url, headers)


def send_trace(exporter: SpanExporter, service: str = "shop") -> tuple[str, list[SpanExportResult]]:
    """A trace of two spans, exported one by one; its id, and what came of both exports."""
    watched = Watched(exporter)
    provider = TracerProvider(resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(watched))
    tracer = provider.get_tracer("acceptance")
    with tracer.start_as_current_span("checkout", attributes={"cart.items": 3}) as root, tracer.start_as_current_span("pay"):
        trace_id = format(root.get_span_context().trace_id, "032x")
    provider.shutdown()
    return trace_id, watched.results
