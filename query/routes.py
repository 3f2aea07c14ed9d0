"""Every path of the API, as data: what answers it, what it takes, what it gives. To add a resource, add an entry here."""

from __future__ import annotations

from query import kinds, vocabulary
from query.agent_routes import AGENT_ROUTES
from query.anomalies import ANOMALIES
from query.exporters import list_exporters
from query.latency import list_latencies
from query.logs import list_logs
from query.metrics import list_metrics, query_metric
from query.pages import show_document, show_redoc, show_static, show_swagger
from query.pictures import list_calls, list_histograms
from query.question import Parameter, Route
from query.schemas import array, ref
from query.services import list_operations, list_services
from query.spans import list_spans
from query.status import show_health, show_metrics, show_statistics
from query.stream import stream
from query.traces import list_traces, show_trace
from query.vocabulary import DURATIONS, END, PAGE, RECENT, SERVICE, START

_UNREADY = {503: "Health"}

ROUTES = (
    Route(
        path="/api/services",
        handler=list_services,
        summary="Services that sent anything",
        parameters=(START, END),
        schema=array(ref("Service")),
        tag="traces",
    ),
    Route(
        path="/api/operations",
        handler=list_operations,
        summary="Span names, by service",
        parameters=(START, END, SERVICE),
        schema=array(ref("Operation")),
        tag="traces",
    ),
    Route(
        path="/api/traces",
        handler=list_traces,
        summary="Traces, newest first",
        description="Filters on operation, attributes and text hold when one span of the trace fits all of them.",
        parameters=(
            START, END, SERVICE, vocabulary.OPERATION, vocabulary.STATUS, *DURATIONS, vocabulary.SPAN_TEXT, *PAGE,
        ),
        schema=array(ref("TraceSummary")),
        tag="traces",
        attributes=True,
        paged=True,
    ),
    Route(
        path="/api/traces/{trace_id}",
        handler=show_trace,
        summary="One trace: every span, and the logs that name it",
        description="`format=otlp` gives the spans as OTLP/JSON, which any OTLP receiver takes.",
        parameters=(
            Parameter("trace_id", kinds.identifier(32), "The trace.", example=vocabulary.TRACE_ID.example, required=True),
            Parameter("format", kinds.choice(("json", "otlp")), "The form of the answer.", example="otlp", default="json"),
        ),
        schema={"anyOf": [ref("Trace"), {"type": "object", "required": ["resourceSpans"], "title": "OTLP"}]},
        tag="traces",
    ),
    Route(
        path="/api/spans",
        handler=list_spans,
        summary="Spans, newest first",
        parameters=(
            START, END, SERVICE, vocabulary.OPERATION, vocabulary.SPAN_KIND, vocabulary.SPAN_STATUS, *DURATIONS,
            vocabulary.TRACE_ID, vocabulary.SPAN_TEXT, *PAGE,
        ),
        schema=array(ref("Span")),
        tag="traces",
        attributes=True,
        paged=True,
    ),
    Route(
        path="/api/logs",
        handler=list_logs,
        summary="Log records and events, newest first",
        parameters=(
            START, END, SERVICE, vocabulary.SEVERITY, vocabulary.LOG_TEXT, vocabulary.TRACE_ID, vocabulary.SPAN_ID,
            vocabulary.EVENT, *PAGE,
        ),
        schema=array(ref("Log")),
        tag="logs",
        attributes=True,
        paged=True,
    ),
    Route(
        path="/api/metrics",
        handler=list_metrics,
        summary="Metrics, by name",
        parameters=(Parameter("q", kinds.TEXT, "Only metrics whose name holds this.", example="http."), SERVICE),
        schema=array(ref("Metric")),
        tag="metrics",
    ),
    Route(
        path="/api/metrics/query",
        handler=query_metric,
        summary="The values of one metric",
        description="Without `interval` each group has one value for the whole range. A question that the metric's type has "
        "no answer to (a percentile of a gauge) is refused.",
        parameters=(
            Parameter("name", kinds.TEXT, "The metric.", example="http.server.request.duration", required=True),
            Parameter("aggregate", kinds.choice(kinds.AGGREGATES), "What to make of its points.", example="p95", required=True),
            *RECENT,
            Parameter("group_by", kinds.several(kinds.TEXT), "Attribute keys, separated by commas.", example="http.route"),
            vocabulary.INTERVAL,
            SERVICE,
            vocabulary.MANY,
        ),
        schema=array(ref("MetricSeries")),
        tag="metrics",
        attributes=True,
    ),
    Route(
        path="/api/latency",
        handler=list_latencies,
        summary="Durations and failures of spans, in percentiles",
        description="By service and operation from roll-ups, to the minute (start rounds down, end up; percentiles within "
        "2.5 %). By an attribute from the spans of the range.",
        parameters=(
            vocabulary.GROUP_BY,
            *RECENT,
            vocabulary.INTERVAL,
            SERVICE,
            vocabulary.OPERATION,
            vocabulary.MANY,
        ),
        schema=array(ref("Latency")),
        tag="latency",
    ),
    *AGENT_ROUTES,
    ANOMALIES,
    Route(
        path="/api/latency/histogram",
        handler=list_histograms,
        summary="How durations are spread, over time",
        description="For a heat map: the spans that began in each part of the range, by duration in buckets that are 19 % wide. "
        "From roll-ups; with filters on attributes from the spans of the range. Parts without spans are left out.",
        parameters=(*RECENT, vocabulary.INTERVAL_OR_MINUTE, SERVICE, vocabulary.OPERATION),
        schema=array(ref("LatencyHistogram")),
        tag="latency",
        attributes=True,
    ),
    Route(
        path="/api/services/map",
        handler=list_calls,
        summary="Which services call each other, and what else they call",
        description="Counted from the spans of the range, by the service of a span and of its parent. What a span only names "
        "(a database, a queue, a model's provider, a peer) is there when no spans of a service of that name were received.",
        parameters=RECENT,
        schema=array(ref("ServiceCalls")),
        tag="traces",
    ),
    Route(
        path="/api/stream",
        handler=stream,
        summary="New traces and logs as they are stored (server-sent events)",
        description="Events `trace` (a TraceSummary; comes again when the trace grows) and `log` (a Log), and `dropped` with "
        "counts where more came than was sent. A comment every 15 s keeps the connection. What was missed while not "
        "connected is not sent again, and Last-Event-ID is not looked at: ask /api/traces and /api/logs for it.",
        parameters=(
            SERVICE,
            vocabulary.SIGNALS,
        ),
        schema={"type": "string"},
        media_type="text/event-stream",
        tag="live",
        bounded=False,
    ),
    Route(
        path="/api/stats",
        handler=show_statistics,
        summary="What the store holds and what its writer does",
        schema=ref("Statistics"),
    ),
    Route(
        path="/api/exporters",
        handler=list_exporters,
        summary="Where telemetry is forwarded to, and how far that has come",
        description="`lost` were removed by age or size before they could be sent, `rejected` were refused by the receiver.",
        schema=array(ref("Exporter")),
    ),
    Route(
        path="/health",
        handler=show_health,
        summary="Ready to receive, or why not",
        schema=ref("Health"),
        bounded=False,
        open=True,
        statuses=_UNREADY,
    ),
    Route(
        path="/healthz",
        handler=show_health,
        summary="The same as /health",
        schema=ref("Health"),
        bounded=False,
        open=True,
        statuses=_UNREADY,
    ),
    Route(
        path="/metrics",
        handler=show_metrics,
        summary="The program's own figures",
        description="JSON, or the text formats of Prometheus where Accept asks for text/plain or application/openmetrics-text.",
        schema=ref("Measurements"),
        text_types=("text/plain", "application/openmetrics-text"),
        bounded=False,
    ),
    Route(path="/openapi.json", handler=show_document, summary="This document", tag="pages", bounded=False, open=True),
    Route(path="/docs", handler=show_swagger, summary="Swagger UI", tag="pages", bounded=False, open=True),
    Route(path="/redoc", handler=show_redoc, summary="ReDoc", tag="pages", bounded=False, open=True),
    Route(
        path="/docs/static/{file}",
        handler=show_static,
        summary="Files of the pages",
        parameters=(Parameter("file", kinds.TEXT, "The file.", required=True),),
        tag="pages",
        bounded=False,
        open=True,
    ),
)  # fmt: skip
