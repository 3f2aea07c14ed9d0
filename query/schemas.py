"""JSON schemas of the answers, as OpenAPI 3.1 takes them. Every key of an object is always there; null says "none".

`SCHEMAS` are the named ones, which generated clients turn into types; routes refer to them by `ref`.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from query.kinds import SPAN_KINDS, STATUS_CODES

Schema: TypeAlias = dict[str, Any]


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def thing(description: str, /, **properties: Schema) -> Schema:
    """An object with exactly these keys."""
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def nullable(schema: Schema) -> Schema:
    return {**schema, "type": [schema["type"], "null"]}


def told(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description}


TEXT: Schema = {"type": "string"}
TEXT_OR_NULL = nullable(TEXT)
BOOLEAN: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
NUMBER_OR_NULL = nullable(NUMBER)
POINT_VALUE: Schema = {
    "type": ["number", "string", "null"],
    "description": "Null where the series has a gap; NaN and the infinities by name.",
}
RATE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
MILLISECONDS: Schema = {"type": "number", "minimum": 0, "description": "Milliseconds."}
TIME: Schema = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$",
    "examples": ["2026-01-31T12:00:00.123456789Z"],
}
TIME_OR_NULL = nullable(TIME)
TRACE_ID: Schema = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
SPAN_ID: Schema = {"type": "string", "pattern": "^[0-9a-f]{16}$"}
ATTRIBUTES: Schema = {
    "type": "object",
    "description": "Plain JSON values; bytes as base64 text, NaN and the infinities as their names.",
    "additionalProperties": True,
}
STRINGS = array(TEXT)
TEXTS_BY_NAME: Schema = {"type": "object", "additionalProperties": TEXT_OR_NULL}
COUNTS_BY_NAME: Schema = {"type": "object", "additionalProperties": {"type": "integer"}}

_TRACE_SUMMARY: dict[str, Schema] = {
    "trace_id": TRACE_ID,
    "root_name": told(TEXT_OR_NULL, "Null until the root span has arrived."),
    "service": told(TEXT_OR_NULL, "The root span's service."),
    "services": told(STRINGS, "Every service with a span in the trace, sorted."),
    "start_time": TIME,
    "end_time": TIME,
    "duration_ms": MILLISECONDS,
    "span_count": COUNT,
    "error_count": told(COUNT, "Spans whose status is error."),
}
_LATENCY: dict[str, Schema] = {
    "group": told(TEXT_OR_NULL, "Null for spans without the attribute."),
    "interval_start": told(TIME_OR_NULL, "Null when no interval was asked."),
    "count": COUNT,
    "error_count": COUNT,
    "error_rate": RATE,
    "mean_ms": MILLISECONDS,
    "min_ms": MILLISECONDS,
    "max_ms": MILLISECONDS,
    "p50_ms": MILLISECONDS,
    "p90_ms": MILLISECONDS,
    "p95_ms": MILLISECONDS,
    "p99_ms": MILLISECONDS,
}

SCHEMAS: dict[str, Schema] = {
    "Error": thing(
        "Why there is no answer.",
        error=thing(
            "The refusal.",
            code=told(TEXT, "For programs; stable."),
            message=told(TEXT, "For people: what happened and what to do."),
            details=told({"type": "object", "additionalProperties": True}, "`parameter` names the one that was refused."),
        ),
    ),
    "Resource": thing(
        "What sent it.",
        service=TEXT_OR_NULL,
        attributes=ATTRIBUTES,
        schema_url=TEXT_OR_NULL,
        dropped_attributes_count=COUNT,
    ),
    "Scope": thing(
        "The instrumentation that made it.",
        name=TEXT_OR_NULL,
        version=TEXT_OR_NULL,
        attributes=ATTRIBUTES,
        schema_url=TEXT_OR_NULL,
        dropped_attributes_count=COUNT,
    ),
    "Service": thing(
        "A service that sent spans, logs or metrics in the range.",
        name=TEXT_OR_NULL,
        span_count=told(COUNT, "0 where it sent only logs or metrics."),
        error_count=COUNT,
        error_rate=RATE,
        first_seen=TIME,
        last_seen=TIME,
    ),
    "Operation": thing(
        "A span name of a service.",
        service=TEXT_OR_NULL,
        name=TEXT,
        kind=told(TEXT, f"One of {', '.join(SPAN_KINDS)}."),
        span_count=COUNT,
        error_count=COUNT,
        error_rate=RATE,
    ),
    "TraceSummary": thing("One trace in a list.", **_TRACE_SUMMARY),
    "Trace": thing(
        "One trace whole.",
        **_TRACE_SUMMARY,
        truncated=told(BOOLEAN, "True when the trace has more spans or logs than one answer holds."),
        spans=array(ref("Span")),
        logs=array(ref("Log")),
    ),
    "SpanEvent": thing(
        "Something that happened during a span.", time=TIME, name=TEXT, attributes=ATTRIBUTES, dropped_attributes_count=COUNT
    ),
    "SpanLink": thing(
        "A span elsewhere that this one refers to.",
        trace_id=TEXT,
        span_id=TEXT,
        trace_state=TEXT,
        flags=COUNT,
        attributes=ATTRIBUTES,
        dropped_attributes_count=COUNT,
    ),
    "Span": thing(
        "One span.",
        trace_id=TRACE_ID,
        span_id=SPAN_ID,
        parent_span_id=nullable(SPAN_ID),
        name=TEXT,
        kind=told(TEXT, f"One of {', '.join(SPAN_KINDS)}."),
        service=TEXT_OR_NULL,
        start_time=TIME,
        end_time=TIME,
        duration_ms=MILLISECONDS,
        status=thing("How it ended.", code=told(TEXT, f"One of {', '.join(STATUS_CODES)}."), message=TEXT),
        attributes=ATTRIBUTES,
        events=array(ref("SpanEvent")),
        links=array(ref("SpanLink")),
        trace_state=TEXT,
        flags=COUNT,
        dropped_attributes_count=COUNT,
        dropped_events_count=COUNT,
        dropped_links_count=COUNT,
        resource=ref("Resource"),
        scope=ref("Scope"),
    ),
    "Log": thing(
        "One log record or event.",
        id=told(COUNT, "Its number in the store, in order of arrival."),
        time=told(TIME, "The record's time, else when it was observed, else when it arrived."),
        observed_time=TIME_OR_NULL,
        severity=told(TEXT_OR_NULL, "trace, debug, info, warn, error or fatal, with 2, 3 or 4 behind it for the steps between."),
        severity_number={"type": "integer"},
        severity_text=told(TEXT_OR_NULL, "What the sender calls the severity."),
        service=TEXT_OR_NULL,
        event_name=TEXT_OR_NULL,
        body={"description": "Any JSON value; mostly text."},
        trace_id=nullable(TRACE_ID),
        span_id=nullable(SPAN_ID),
        flags=COUNT,
        attributes=ATTRIBUTES,
        dropped_attributes_count=COUNT,
        resource=ref("Resource"),
        scope=ref("Scope"),
    ),
    "Metric": thing(
        "A metric that was received.",
        name=TEXT,
        type=told(TEXT, "gauge, sum, histogram, exponential_histogram or summary."),
        unit=TEXT_OR_NULL,
        description=TEXT_OR_NULL,
        services=STRINGS,
        series_count=COUNT,
        temporalities=told(STRINGS, "delta, cumulative, or both where senders differ; empty for gauges and summaries."),
        monotonic={"type": ["boolean", "null"]},
    ),
    "MetricSeries": thing(
        "One group of a metric over time.",
        group=told(TEXTS_BY_NAME, "The group_by attributes; null where the series has none."),
        points=array(
            thing(
                "A moment.",
                time=TIME,
                value=POINT_VALUE,
            )
        ),
    ),
    "Latency": thing("How long the spans of one group took.", **_LATENCY),
    "LatencyHistogram": thing(
        "The spans that began in one part of the range, by duration.",
        interval_start=TIME,
        count=COUNT,
        error_count=COUNT,
        buckets=array(
            thing(
                "Spans that took from min_ms up to, and not including, max_ms; those that took no time lie below 0.000001 ms.",
                min_ms=MILLISECONDS,
                max_ms=MILLISECONDS,
                count=COUNT,
            )
        ),
    ),
    "ServiceCalls": thing(
        "Calls from a service to what it calls.",
        source=told(TEXT_OR_NULL, "Null where the calling spans name no service."),
        target=TEXT_OR_NULL,
        kind=told(TEXT, "service where its spans were received; else database, queue, model or peer, as the calling span says."),
        count=COUNT,
        error_count=COUNT,
        error_rate=RATE,
        mean_ms=MILLISECONDS,
        max_ms=MILLISECONDS,
    ),
    "Statistics": thing(
        "What the store holds and what its writer does.",
        spans=COUNT,
        logs=COUNT,
        metric_points=COUNT,
        traces=COUNT,
        size_bytes=COUNT,
        wal_bytes=COUNT,
        queue_rows=COUNT,
        queue_bytes=COUNT,
        commits=COUNT,
        commit_seconds={"type": "number", "minimum": 0},
        counters=COUNTS_BY_NAME,
    ),
    "Exporter": thing(
        "One exporter. Times are seconds since 1970.",
        name=TEXT,
        url=TEXT,
        protocol={"type": "string", "enum": ["grpc", "http/protobuf"]},
        state={"type": "string", "enum": ["idle", "sending", "retrying"]},
        next_attempt_seconds=NUMBER_OR_NULL,
        requests=COUNT,
        retries=COUNT,
        refused_requests=COUNT,
        last_success=NUMBER_OR_NULL,
        last_error=TEXT_OR_NULL,
        last_error_time=NUMBER_OR_NULL,
        queues={
            "type": "object",
            "additionalProperties": thing("One queue of rows.", sent=COUNT, pending=COUNT, rejected=COUNT, lost=COUNT),
        },
    ),
    "Health": {
        **thing(
            "Whether otlpd can take and keep telemetry now, and what some systems' clients look for besides.",
            status={"type": "string", "enum": ["ok", "unavailable"]},
            version=TEXT,
            reason=told(TEXT_OR_NULL, "Why not, when it is unavailable."),
            server_time=TEXT,
            timestamp=TEXT,
            service=TEXT,
            db_path=TEXT,
            journal_mode=TEXT,
            synchronous=TEXT,
        ),
        "required": ["status", "version", "reason", "server_time", "timestamp"],
    },
    "Measurements": thing(
        "The program's own figures, by name; beside them how many runs of jobs are stored, by agent.",
        total_runs=COUNT,
        agents={"type": "object", "additionalProperties": COUNT},
        recent_24h=COUNT,
        performance={"type": "object", "additionalProperties": TEXT},
        metrics={
            "type": "object",
            "additionalProperties": thing(
                "One figure.",
                description=TEXT,
                samples=array(thing("A value.", labels={"type": "object", "additionalProperties": TEXT}, value=NUMBER)),
            ),
        },
    ),
}
