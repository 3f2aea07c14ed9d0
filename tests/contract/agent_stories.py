"""Telemetry of agents for the contract tests, told record by record, and everything that a store answers about it.

A `Record` is one span or log record. `deliver` sends records in any order, cut into requests of any size, with some of them
sent twice; `answers` asks the store everything that has no number of its own in it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from storage.agents_contract import FactFilter, FactQuery, SessionQuery, UsageQuery
from storage.contract import TimeRange
from storage.rows import batch_of
from tests.contract.told import NOW, SECOND, Attribute, any_value, key_values

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from storage.agents_contract import FactKind
    from storage.contract import Store

EVER = TimeRange()
ALL = FactFilter(EVER)
FACTS: tuple[FactKind, ...] = ("llm_call", "tool_call", "agent_run", "user_turn", "step", "event")


@dataclass(frozen=True)
class Record:
    """A span where it has an `id` and no `event`, else a log record. Times are in seconds from the story's beginning."""

    name: str
    at: float
    attributes: dict[str, Attribute]
    duration: float = 1.0
    trace: int | None = None
    id: int | None = None
    parent: int | None = None
    event: bool = False
    service: str = "agents"
    failed: bool = False
    resource: dict[str, Attribute] = field(default_factory=dict)

    def says_of_resource(self) -> dict[str, Attribute]:
        return {"service.name": self.service, **self.resource}

    @property
    def time(self) -> int:
        return NOW + int(self.at * SECOND)


def span(trace: int, number: int, parent: int | None, at: float, name: str, **attributes: Any) -> Record:
    return Record(name, at, _dotted(attributes), trace=trace, id=number, parent=parent)


def event(name: str, at: float, service: str = "claude-code", **attributes: Any) -> Record:
    return Record(name, at, _dotted(attributes), event=True, service=service)


def _dotted(attributes: dict[str, Any]) -> dict[str, Attribute]:
    """`gen_ai__agent__name` stands for gen_ai.agent.name."""
    return {name.replace("__", "."): value for name, value in attributes.items()}


def request_of(records: Sequence[Record]) -> list[tuple[str, bytes]]:
    """One request a signal."""
    spans, logs = ExportTraceServiceRequest(), ExportLogsServiceRequest()
    for record in records:
        if record.event:
            _add_log(logs, record)
        else:
            _add_span(spans, record)
    made = []
    if spans.resource_spans:
        made.append(("traces", spans.SerializeToString()))
    if logs.resource_logs:
        made.append(("logs", logs.SerializeToString()))
    return made


def _add_span(request: ExportTraceServiceRequest, record: Record) -> None:
    group = request.resource_spans.add()
    group.resource.attributes.extend(key_values(record.says_of_resource()))
    assert record.trace is not None
    assert record.id is not None
    made = group.scope_spans.add().spans.add(
        trace_id=record.trace.to_bytes(16),
        span_id=record.id.to_bytes(8),
        parent_span_id=b"" if record.parent is None else record.parent.to_bytes(8),
        name=record.name,
        kind=1,
        start_time_unix_nano=record.time,
        end_time_unix_nano=record.time + int(record.duration * SECOND),
        attributes=key_values(record.attributes),
    )
    if record.failed:
        made.status.code = Status.STATUS_CODE_ERROR


def _add_log(request: ExportLogsServiceRequest, record: Record) -> None:
    group = request.resource_logs.add()
    group.resource.attributes.extend(key_values(record.says_of_resource()))
    group.scope_logs.add().log_records.add(
        time_unix_nano=record.time,
        severity_number=9,
        body=any_value(record.name),
        event_name=record.name,
        trace_id=b"" if record.trace is None else record.trace.to_bytes(16),
        span_id=b"" if record.id is None else record.id.to_bytes(8),
        attributes=key_values(record.attributes),
    )


async def deliver(store: Store, records: Sequence[Record], source: random.Random | None = None) -> None:
    """In one request a signal; with a `source` of chance in any order and any requests, some of them twice."""
    if source is None:
        await _send(store, records)
        return
    shuffled = list(records)
    source.shuffle(shuffled)
    while shuffled:
        size = source.choice((1, 1, 2, 3, 5, 8, 20))
        await _send(store, shuffled[:size])
        if source.random() < 0.2:
            await _send(store, shuffled[:size])
        del shuffled[:size]


async def _send(store: Store, records: Sequence[Record]) -> None:
    for signal, body in request_of(records):
        await store.write(batch_of(signal, body, NOW))


async def answers(store: Store) -> dict[str, Any]:
    """Everything about agents, without numbers that the store gives."""
    groups = (
        ("agent", "parent_agent"), ("model", "provider"), ("tool", "decision"), ("error_type", "agent"), ("workflow", "agent"),
        ("user",), ("fact", "kind"), ("finish_reason",), ("version", "service"),
    )  # fmt: skip
    told: dict[str, Any] = {"agents": [asdict(agent) for agent in await store.agents(ALL)]}
    for group in groups:
        rows = await store.usage(UsageQuery(ALL, group, None, "agent_run"))
        told["usage by " + ", ".join(group)] = sorted((asdict(row) for row in rows), key=str)
    told["days"] = [asdict(row) for row in await store.usage(UsageQuery(ALL, (), 86_400 * SECOND))]
    sessions = (await store.find_sessions(SessionQuery(EVER, limit=500))).items
    told["sessions"] = sorted((asdict(one) for one in sessions), key=str)
    for fact in FACTS:
        records = (await store.find_facts(FactQuery(fact, ALL, limit=1000, content=True))).items
        told[fact] = sorted((_told(record) for record in records), key=str)
    told["complete"] = asdict(await store.completeness(EVER))
    return told


def _told(record: Any) -> dict[str, Any]:
    left_out = {"id", "parent_id", "run_id"}
    values = {name: value for name, value in record.values.items() if name not in left_out}
    return {
        **values,
        "has_parent": record.values["parent_id"] is not None,
        "has_run": record.values["run_id"] is not None,
        "sources": len(record.sources),
        "contents": [asdict(part) for part in record.contents],
    }
