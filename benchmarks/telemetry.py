"""Makes the telemetry that the benchmarks send: agent-like traces, logs and metric points, the same for a given seed.

A trace is one agent run of ten spans: the run, then pairs of LLM call and tool call. Each span carries 11 attributes and one
event. Low-cardinality values (model, operation, tool) repeat; ids and token counts are drawn anew, as in real traffic, so that
nothing that remembers repeated values gets more help here than it would get in service.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality
from opentelemetry.proto.trace.v1.trace_pb2 import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.internal.containers import RepeatedCompositeFieldContainer
    from opentelemetry.proto.common.v1.common_pb2 import KeyValue
    from opentelemetry.proto.resource.v1.resource_pb2 import Resource
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

SPANS_PER_TRACE = 10
SECOND_NS = 1_000_000_000
MODELS = ("gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5", "gemini-2.5-flash", "o4-mini")
TOOLS = tuple(f"tool_{number}" for number in range(20))
SERVICES = tuple(f"agent-service-{number}" for number in range(8))
AGENTS = tuple(f"agent-{number}" for number in range(25))

CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
AttributeValue = str | int | float | bool


def set_attributes(target: RepeatedCompositeFieldContainer[KeyValue], values: dict[str, AttributeValue]) -> None:
    for key, value in values.items():
        entry = target.add(key=key)
        if isinstance(value, bool):
            entry.value.bool_value = value
        elif isinstance(value, str):
            entry.value.string_value = value
        elif isinstance(value, int):
            entry.value.int_value = value
        else:
            entry.value.double_value = value


def set_resource(resource: Resource, service: str) -> None:
    set_attributes(
        resource.attributes,
        {
            "service.name": service,
            "service.version": "1.4.2",
            "service.instance.id": f"{service}-pod-1",
            "deployment.environment.name": "production",
            "host.name": "node-3",
            "telemetry.sdk.language": "python",
            "telemetry.sdk.name": "opentelemetry",
            "telemetry.sdk.version": "1.38.0",
        },
    )


def hex_id(rng: random.Random) -> str:
    return f"{rng.getrandbits(64):016x}"


def llm_attributes(rng: random.Random, session: str, agent: str) -> dict[str, AttributeValue]:
    model = rng.choice(MODELS)
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": model,
        "gen_ai.response.model": model,
        "gen_ai.response.id": f"chatcmpl-{hex_id(rng)}",
        "gen_ai.conversation.id": session,
        "gen_ai.agent.name": agent,
        "gen_ai.usage.input_tokens": rng.randint(200, 9000),
        "gen_ai.usage.output_tokens": rng.randint(10, 1200),
        "gen_ai.request.temperature": 0.7,
        "server.address": "api.openai.com",
    }


def tool_attributes(rng: random.Random, session: str, agent: str) -> dict[str, AttributeValue]:
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": rng.choice(TOOLS),
        "gen_ai.tool.call.id": f"call_{hex_id(rng)}",
        "gen_ai.tool.type": "function",
        "gen_ai.conversation.id": session,
        "gen_ai.agent.name": agent,
        "thread.id": 140_000_000 + rng.randint(0, 7),
        "thread.name": "MainThread",
        "code.function.name": "run_tool",
        "tool.retry": rng.random() < 0.05,
        "tool.result.size": rng.randint(10, 20_000),
    }


def agent_attributes(rng: random.Random, session: str, agent: str) -> dict[str, AttributeValue]:
    return {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": agent,
        "gen_ai.agent.id": f"asst_{agent}",
        "gen_ai.conversation.id": session,
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": rng.choice(MODELS),
        "user.id": f"user-{rng.randint(0, 5000)}",
        "http.route": "/v1/agents/run",
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "client.address": f"10.0.{rng.randint(0, 255)}.{rng.randint(0, 255)}",
    }


def fill_span(span: Span, rng: random.Random, attributes: dict[str, AttributeValue]) -> None:
    """Attributes, one event and, for one span in 50, an error."""
    set_attributes(span.attributes, attributes)
    event = span.events.add(time_unix_nano=span.start_time_unix_nano + 1000, name="gen_ai.choice")
    set_attributes(event.attributes, {"index": 0, "finish_reason": "stop"})
    if rng.random() < 0.02:
        span.status.code = Status.STATUS_CODE_ERROR
        span.status.message = "timeout while waiting for the upstream"


def add_trace(spans: RepeatedCompositeFieldContainer[Span], rng: random.Random, start_ns: int) -> None:
    """One agent run of ten spans, children first, as batch processors send them (a span is exported when it ends)."""
    trace_id = rng.randbytes(16)
    session = f"session-{hex_id(rng)}"
    agent = rng.choice(AGENTS)
    root_id = rng.randbytes(8)
    clock = start_ns + 1_000_000
    for number in range(SPANS_PER_TRACE - 1):
        duration = int(rng.lognormvariate(19.0 if number % 2 == 0 else 17.0, 1.0))
        is_llm = number % 2 == 0
        attributes = llm_attributes(rng, session, agent) if is_llm else tool_attributes(rng, session, agent)
        name = f"chat {attributes['gen_ai.request.model']}" if is_llm else f"execute_tool {attributes['gen_ai.tool.name']}"
        span = spans.add(
            trace_id=trace_id,
            span_id=rng.randbytes(8),
            parent_span_id=root_id,
            name=name,
            kind=3 if is_llm else 1,
            start_time_unix_nano=clock,
            end_time_unix_nano=clock + duration,
            flags=0x101,
        )
        fill_span(span, rng, attributes)
        clock += duration + 100_000
    root = spans.add(
        trace_id=trace_id,
        span_id=root_id,
        name=f"invoke_agent {agent}",
        kind=2,
        start_time_unix_nano=start_ns,
        end_time_unix_nano=clock,
        flags=0x101,
    )
    fill_span(root, rng, agent_attributes(rng, session, agent))


def trace_request(rng: random.Random, spans: int, start_ns: int, spread_ns: int = SECOND_NS) -> bytes:
    """One export of `spans` spans (a multiple of ten) of one service; the traces start within `spread_ns` of `start_ns`."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    set_resource(resource_spans.resource, rng.choice(SERVICES))
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = "agent.instrumentation"
    scope_spans.scope.version = "0.9.1"
    for _ in range(spans // SPANS_PER_TRACE):
        add_trace(scope_spans.spans, rng, start_ns + rng.randrange(spread_ns))
    return request.SerializeToString()


def log_request(rng: random.Random, records: int, start_ns: int) -> bytes:
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    set_resource(resource_logs.resource, rng.choice(SERVICES))
    scope_logs = resource_logs.scope_logs.add()
    scope_logs.scope.name = "app.logger"
    for number in range(records):
        record = scope_logs.log_records.add(
            time_unix_nano=start_ns + number * 1000,
            observed_time_unix_nano=start_ns + number * 1000 + 500,
            severity_number=rng.choice((9, 9, 9, 13, 17)),
            severity_text="INFO",
            trace_id=rng.randbytes(16),
            span_id=rng.randbytes(8),
        )
        record.body.string_value = f"request {hex_id(rng)} for tenant {rng.randint(0, 500)} finished in {rng.randint(1, 900)} ms"
        set_attributes(
            record.attributes,
            {
                "http.route": "/v1/agents/run",
                "thread.name": "MainThread",
                "tenant": rng.randint(0, 500),
                "code.line.number": 88,
            },
        )
    return request.SerializeToString()


def metric_request(rng: random.Random, points: int, time_ns: int) -> bytes:
    """`points` points: a third each of gauge, cumulative sum and histogram, over 50 attribute sets of one service."""
    request = ExportMetricsServiceRequest()
    resource_metrics = request.resource_metrics.add()
    set_resource(resource_metrics.resource, rng.choice(SERVICES))
    scope_metrics = resource_metrics.scope_metrics.add()
    scope_metrics.scope.name = "app.meter"
    gauge = scope_metrics.metrics.add(name="process.memory", unit="By").gauge
    total = scope_metrics.metrics.add(name="http.requests", unit="{request}").sum
    total.aggregation_temporality, total.is_monotonic = CUMULATIVE, True
    histogram = scope_metrics.metrics.add(name="http.server.request.duration", unit="s").histogram
    histogram.aggregation_temporality = CUMULATIVE
    for number in range(points):
        labels: dict[str, AttributeValue] = {"route": f"/r/{number % 50}", "method": "GET"}
        moment = time_ns + number
        if number % 3 == 0:
            set_attributes(gauge.data_points.add(time_unix_nano=moment, as_double=rng.random() * 1e9).attributes, labels)
        elif number % 3 == 1:
            point = total.data_points.add(time_unix_nano=moment, start_time_unix_nano=time_ns, as_int=number)
            set_attributes(point.attributes, labels)
        else:
            counts = [rng.randint(0, 50) for _ in range(11)]
            bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0]
            histogram_point = histogram.data_points.add(
                time_unix_nano=moment,
                start_time_unix_nano=time_ns,
                count=sum(counts),
                sum=rng.random() * 100,
                bucket_counts=counts,
                explicit_bounds=bounds,
            )
            set_attributes(histogram_point.attributes, labels)
    return request.SerializeToString()


def trace_requests(seed: int, count: int, spans: int, start_ns: int) -> Iterator[bytes]:
    """`count` exports, a second of telemetry apart."""
    rng = random.Random(seed)
    for number in range(count):
        yield trace_request(rng, spans, start_ns + number * SECOND_NS)
