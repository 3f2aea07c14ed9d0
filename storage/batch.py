"""One decoded request, ready to be written: the rows, and what the writer would otherwise have to work out under its lock.

A batch is made by `storage.rows`, often in another process, and consumed by the one writer. Its parts are lists of plain
tuples so that `marshal` carries them (0.4 µs a span each way; `pickle` took 0.75 and 0.6) and SQLite binds them as they are.
The tuples' fields are named by the `…_COLUMNS` constants, which are also the columns of the tables.

References inside a batch are positions in its own lists: the first fields of a row hold the position of its trace, resource
and scope, and the writer puts the stored numbers in their place.
"""

from __future__ import annotations

import marshal
from dataclasses import dataclass, field, fields
from typing import Any

RESOURCE_COLUMNS = (
    "hash", "service_name", "service_namespace", "service_version", "service_instance_id", "environment", "host_name",
    "attributes", "dropped_attributes_count", "entity_refs", "schema_url",
)  # fmt: skip
SCOPE_COLUMNS = ("hash", "name", "version", "attributes", "dropped_attributes_count", "schema_url")
SPAN_COLUMNS = (
    "trace_key", "resource_id", "scope_id", "trace_id", "span_id", "parent_span_id", "name", "kind", "start_time", "end_time",
    "status_code", "status_message", "trace_state", "flags", "attributes", "events", "links",
    "dropped_attributes_count", "dropped_events_count", "dropped_links_count",
)  # fmt: skip
LOG_COLUMNS = (
    "resource_id", "scope_id", "time", "time_unix_nano", "observed_time_unix_nano", "severity_number", "severity_text",
    "body", "body_type", "event_name", "trace_id", "span_id", "flags", "attributes", "dropped_attributes_count", "record_uid",
)  # fmt: skip
STREAM_COLUMNS = (
    "resource_id", "scope_id", "hash", "name", "description", "unit", "type", "temporality", "monotonic", "metadata",
    "attributes",
)  # fmt: skip
POINT_COLUMNS = (
    "stream_id", "time", "start_time", "flags", "value", "count", "sum", "min", "max", "data", "exemplars",
)  # fmt: skip
OPERATION_COLUMNS = ("service_name", "name", "kind")
# What one request says of one trace; `trace` is a position in `Batch.traces`. Times are ns; `services` is sorted.
TRACE_SUMMARY_COLUMNS = (
    "trace", "start_time", "end_time", "span_count", "error_count", "root_span_id", "root_name", "root_service", "services",
)  # fmt: skip
# One cell of the latency roll-up: `operation` is a position in `Batch.operations`, `minute` counts from the epoch, times are
# ns, `buckets` maps a bucket of storage.histogram to its count.
LATENCY_COLUMNS = ("operation", "minute", "count", "error_count", "sum", "min", "max", "buckets")
# A run of rows that the block index describes together: how many, their earliest and latest time, and the 32-bit hashes of
# what a search can ask for (storage.rows.hashes), packed as array('I').
SEGMENT_COLUMNS = ("rows", "min_time", "max_time", "hashes")

Row = tuple[Any, ...]


@dataclass(slots=True)
class Batch:
    """One request of one signal. `rejected` items were refused by rule; `reasons` has the first few, for the sender."""

    signal: str
    received_time: int = 0
    resources: list[Row] = field(default_factory=list)
    scopes: list[Row] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    segments: list[Row] = field(default_factory=list)
    traces: list[str] = field(default_factory=list)
    trace_summaries: list[Row] = field(default_factory=list)
    operations: list[Row] = field(default_factory=list)
    latencies: list[Row] = field(default_factory=list)
    streams: list[Row] = field(default_factory=list)
    # What the rows say of agents: the lists of storage.facts.fact.Facts.
    facts: list[Row] = field(default_factory=list)
    contents: list[Row] = field(default_factory=list)
    identities: list[Row] = field(default_factory=list)
    resource_identities: list[Row] = field(default_factory=list)
    usages: list[Row] = field(default_factory=list)
    # False where there was no time to look for facts: the writer then owes them.
    derived: bool = True
    # How many values the policy for content cut, removed and masked.
    content_counts: tuple[int, int, int] = (0, 0, 0)
    digest: str = ""
    rejected: int = 0
    reasons: list[str] = field(default_factory=list)
    size_bytes: int = 0

    def dump(self) -> bytes:
        return marshal.dumps(tuple(getattr(self, name) for name in _FIELDS))

    @staticmethod
    def load(data: bytes) -> Batch:
        """The inverse of `dump`; only ever given bytes that this program wrote."""
        return Batch(*marshal.loads(data))  # noqa: S302  our own worker process wrote it


_FIELDS = tuple(entry.name for entry in fields(Batch))


@dataclass(frozen=True, slots=True)
class Written:
    """What a commit did with one batch. `stored` + `duplicates` = the rows handed in.

    Log records of the batch have the numbers from `first_log_id` on, in order; 0 where no log record was new.
    """

    stored: int
    duplicates: int
    first_log_id: int = 0

    def has_log(self, log_id: int) -> bool:
        """Whether this commit gave the number to a log record."""
        return 0 < self.first_log_id <= log_id < self.first_log_id + self.stored + self.duplicates
