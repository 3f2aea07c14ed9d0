"""The contract that every storage engine keeps: what can be written, what can be asked, and what the answers look like.

Times are integer nanoseconds since 1970 (UTC) and ranges are half-open, [start, end). Ids are lower-case hex. Attributes and
other OTLP values are JSON text in the form of docs/schema.md, as stored. Lists come newest first, at most `limit` of them,
with the position from which the next page goes on. An engine answers a question it cannot put to its data with BadQuestion,
one that takes longer than its deadline with QueryTimeout, and never keeps a writer waiting for a reader.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from storage.agents_contract import AgentStore
from storage.pages import EVER, AttributeFilter, Page, Position, TimeRange
from storage.pictures_contract import PictureStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from storage.batch import Batch, Written

# What is defined in storage.pages belongs to the contract.
__all__ = ["AttributeFilter", "Page", "Position", "TimeRange"]

Signal = Literal["traces", "logs", "metrics"]
Aggregate = Literal["sum", "avg", "min", "max", "last", "rate", "count", "p50", "p90", "p95", "p99"]


@dataclass(frozen=True, slots=True)
class TraceQuery:
    """Traces by start time. Every filter given must hold; attribute, operation and text filters hold when one span fits.

    `text` is found, whatever its case, in a span's name, status message or attributes.
    """

    range: TimeRange = EVER
    service: str | None = None
    operation: str | None = None
    failed: bool | None = None
    min_duration_ns: int | None = None
    max_duration_ns: int | None = None
    attributes: tuple[AttributeFilter, ...] = ()
    text: str | None = None
    limit: int = 50
    after: Position | None = None


@dataclass(frozen=True, slots=True)
class SpanQuery:
    """Spans by start time; `operation` is the span's name, `kind` the OTLP number, `status` the OTLP code (0, 1, 2)."""

    range: TimeRange = EVER
    service: str | None = None
    operation: str | None = None
    kind: int | None = None
    status: int | None = None
    min_duration_ns: int | None = None
    max_duration_ns: int | None = None
    trace_id: str | None = None
    attributes: tuple[AttributeFilter, ...] = ()
    text: str | None = None
    limit: int = 50
    after: Position | None = None


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Log records by time (record time, else observed time, else time of receipt).

    `min_severity` is an OTLP severity number, `severity` the text that was sent; `text` is words and "quoted phrases", all of
    which the body must hold. `scopes` are names of instrumentation scopes; `is_event` asks for records with an event name.
    """

    range: TimeRange = EVER
    service: str | None = None
    min_severity: int | None = None
    text: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    event: str | None = None
    attributes: tuple[AttributeFilter, ...] = ()
    limit: int = 50
    after: Position | None = None
    severity: str | None = None
    scopes: tuple[str, ...] | None = None
    is_event: bool | None = None


@dataclass(frozen=True, slots=True)
class LogCountQuery:
    """Log records counted by `group_by` (up to 3): attribute keys, or "event", "service", "severity" (its text), "scope".

    Filters are those of LogQuery; attributes (up to 3) are compared as text. `interval_ns` counts each interval by itself.
    `sum_of` are up to 4 attribute keys whose numbers are summed, `values_of` is one whose numbers are given one by one.
    Only records numbered after `after_id` and up to `last_id` are looked at.
    """

    range: TimeRange = EVER
    scopes: tuple[str, ...] | None = None
    service: str | None = None
    event: str | None = None
    severity: str | None = None
    is_event: bool | None = None
    attributes: tuple[AttributeFilter, ...] = ()
    group_by: tuple[str, ...] = ()
    interval_ns: int | None = None
    sum_of: tuple[str, ...] = ()
    values_of: str | None = None
    after_id: int = 0
    last_id: int | None = None
    limit: int = 10_000


@dataclass(frozen=True, slots=True)
class LatencyQuery:
    """Latency of spans by `group_by`: "service", "operation", or an attribute key.

    Service and operation are answered from the roll-ups, to the minute (start is rounded down, end up). Another key is
    answered from the spans of the range, within the deadline. `interval_ns` (whole minutes) adds one answer per interval.
    """

    range: TimeRange
    group_by: str = "operation"
    service: str | None = None
    operation: str | None = None
    interval_ns: int | None = None
    limit: int = 1000


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """One metric over time. Without `interval_ns` there is one value for the whole range. `group_by` are attribute keys."""

    name: str
    aggregate: Aggregate
    range: TimeRange
    group_by: tuple[str, ...] = ()
    attributes: tuple[AttributeFilter, ...] = ()
    service: str | None = None
    interval_ns: int | None = None
    limit: int = 1000


@dataclass(frozen=True, slots=True)
class ResourceRecord:
    id: int
    service_name: str | None
    attributes: str | None
    dropped_attributes_count: int = 0
    entity_refs: str | None = None
    schema_url: str | None = None


@dataclass(frozen=True, slots=True)
class ScopeRecord:
    id: int
    name: str | None
    version: str | None
    attributes: str | None
    dropped_attributes_count: int = 0
    schema_url: str | None = None


@dataclass(frozen=True, slots=True)
class SpanRecord:
    """A span as stored; `events` and `links` are JSON arrays or None, `status_code` is None where no status was sent."""

    id: int
    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    kind: int
    start_time: int
    end_time: int
    status_code: int | None
    status_message: str | None
    trace_state: str | None
    flags: int
    attributes: str
    events: str | None
    links: str | None
    dropped_attributes_count: int
    dropped_events_count: int
    dropped_links_count: int
    resource: ResourceRecord
    scope: ScopeRecord


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A log record as stored. `body` is text when `body_type` is "string", else JSON; both are None without a body."""

    id: int
    time: int
    time_unix_nano: int
    observed_time_unix_nano: int
    severity_number: int
    severity_text: str | None
    body: str | None
    body_type: str | None
    event_name: str | None
    trace_id: str | None
    span_id: str | None
    flags: int
    attributes: str
    dropped_attributes_count: int
    record_uid: str | None
    resource: ResourceRecord
    scope: ScopeRecord


@dataclass(frozen=True, slots=True)
class LogCount:
    """One group of log records; `sums` has None where no record of the group has a number. The largest groups come first."""

    group: tuple[str | None, ...]
    interval_start: int | None
    count: int
    first_time: int
    last_time: int
    sums: tuple[float | int | None, ...] = ()
    values: Sequence[float | int] = ()


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """One metric with one set of attributes.

    `type` is "gauge", "sum", "histogram", "exponential_histogram" or "summary". `temporality` is the OTLP number, `monotonic`
    0 or 1; both are None where the type has none.
    """

    id: int
    name: str
    description: str | None
    unit: str | None
    type: str
    temporality: int | None
    monotonic: int | None
    metadata: str | None
    attributes: str
    resource: ResourceRecord
    scope: ScopeRecord


@dataclass(frozen=True, slots=True)
class PointRecord:
    """A data point as stored. Text in place of a number is NaN ("NaN") or an integer above 2^63 - 1 (decimal digits).

    With bit 0 of `flags` the sender says that nothing was recorded: the point is a gap, whatever its values.
    """

    time: int
    start_time: int
    flags: int
    value: float | str | None
    count: int | str | None
    sum: float | str | None
    min: float | str | None
    max: float | str | None
    data: str | None
    exemplars: str | None
    stream: StreamRecord


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """`service` is the root's (None when the root has none or has not arrived); `services` is sorted."""

    trace_id: str
    root_name: str | None
    service: str | None
    services: tuple[str, ...]
    start_time: int
    end_time: int
    span_count: int
    error_count: int


@dataclass(frozen=True, slots=True)
class TraceContent:
    """All of one trace: spans by start time, and the log records that name it, by time. `truncated` tells of the bound."""

    summary: TraceSummary
    spans: Sequence[SpanRecord]
    logs: Sequence[LogRecord]
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class ServiceSummary:
    """A service that sent anything; the counts are of spans. First and last seen are of all signals, cut to the range asked."""

    name: str | None
    span_count: int
    error_count: int
    first_seen: int
    last_seen: int


@dataclass(frozen=True, slots=True)
class OperationSummary:
    service: str | None
    name: str
    kind: int
    span_count: int
    error_count: int


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """`group` is None for spans without the attribute; `interval_start` is None when no interval was asked."""

    group: str | None
    interval_start: int | None
    count: int
    error_count: int
    mean_ns: float
    min_ns: int
    max_ns: int
    p50_ns: float
    p90_ns: float
    p95_ns: float
    p99_ns: float


@dataclass(frozen=True, slots=True)
class MetricSummary:
    """One metric name and type; `temporalities` are OTLP numbers."""

    name: str
    type: str
    unit: str | None
    description: str | None
    services: tuple[str, ...]
    series_count: int
    temporalities: tuple[int, ...] = ()
    monotonic: bool | None = None


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """`value` is None for an interval in which the series has a gap."""

    time: int
    value: float | int | None


@dataclass(frozen=True, slots=True)
class MetricSeries:
    """One group of a metric: the values of its `group_by` attributes (None where absent) and its points by time."""

    group: dict[str, str | None]
    points: Sequence[MetricPoint]


@dataclass(frozen=True, slots=True)
class Committed:
    """One commit, told to listeners after the fact."""

    signal: Signal
    rows: int
    trace_ids: Sequence[str] = ()
    first_log_id: int = 0
    last_log_id: int = 0


@dataclass(frozen=True, slots=True)
class StoreStatistics:
    """How much is there and what the writer is doing; `queue_*` is what waits for a commit."""

    spans: int
    logs: int
    metric_points: int
    traces: int
    size_bytes: int
    wal_bytes: int
    queue_rows: int
    queue_bytes: int
    commits: int
    commit_seconds: float
    counters: dict[str, int] = field(default_factory=dict)


class Store(AgentStore, PictureStore, Protocol):
    """See the module docstring for what holds of every method."""

    async def write(self, batch: Batch) -> Written:
        """Returns once the batch is on disk: nothing short of the disk's loss undoes it.

        Idempotent for spans by (trace_id, span_id), the last complete one wins; for metric points by stream and time; for
        logs by record_uid and by the digest of the request. Raises StoreBusy, StoreFull, StoreClosed (try again later) or
        StoreUnwritable; then nothing of the batch is kept.
        """
        ...

    async def services(self, time_range: TimeRange) -> Sequence[ServiceSummary]:
        """Services with spans in the range, or with logs or metrics from before its end until after its start."""
        ...

    async def operations(self, service: str | None, time_range: TimeRange) -> Sequence[OperationSummary]: ...

    async def find_traces(self, query: TraceQuery) -> Page[TraceSummary]: ...

    async def trace(self, trace_id: str) -> TraceContent | None:
        """None when no span has this id; a trace that only logs name is not one."""
        ...

    async def trace_summaries(self, trace_ids: Sequence[str]) -> Sequence[TraceSummary]:
        """The traces that are there, in the order asked for."""
        ...

    async def find_spans(self, query: SpanQuery) -> Page[SpanRecord]: ...

    async def find_logs(self, query: LogQuery) -> Page[LogRecord]: ...

    async def logs_by_number(self, numbers: Sequence[int]) -> Sequence[LogRecord]:
        """The records that are there, in the order asked for."""
        ...

    async def log_counts(self, query: LogCountQuery) -> Sequence[LogCount]: ...

    async def log_numbers(self, record_uids: Sequence[str]) -> Mapping[str, int]:
        """The number of the first log record stored under each uid; uids that were never stored are left out.

        A uid that ends in "#" stands for all that begin with it: several records of one thing.
        """
        ...

    async def last_log_number(self) -> int:
        """The number of the log record that was stored last, of those that are there; 0 where there is none."""
        ...

    async def metrics(self, name_contains: str | None = None, service: str | None = None) -> Sequence[MetricSummary]: ...

    async def metric_series(self, query: MetricQuery) -> Sequence[MetricSeries]: ...

    async def latency(self, query: LatencyQuery) -> Sequence[LatencySummary]: ...

    async def statistics(self) -> StoreStatistics: ...

    async def check_ready(self) -> None:
        """Returns when the store could commit now; raises the StoreError that would meet a write otherwise."""
        ...

    def listen(self) -> AsyncIterator[Committed]:
        """Commits from now on. A listener that falls behind by more than 1,000 commits loses the oldest of them."""
        ...
