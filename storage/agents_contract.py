"""The part of the store's contract that answers for agents: what can be asked of facts, and what the answers look like.

A fact is one real event, whatever told of it: a model call, a tool call, a run of an agent, a turn of a user, a step, an event.
Only facts that count are listed and summed unless told otherwise; docs/questions.md says which. Times, ranges and pages are as
in storage.contract. Sums come from roll-ups per hour and day, and at the ends of a range from the facts themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storage.pages import Page, Position, TimeRange

FactKind = Literal["llm_call", "tool_call", "agent_run", "user_turn", "step", "event"]
SessionOrder = Literal["newest", "cost"]
CallOrder = Literal["newest", "duration", "input_tokens", "output_tokens", "cost"]

# By what usage can be grouped. "session", "user" and "metadata.<key>" are answered from sums of their own.
GROUPS = (
    "agent", "parent_agent", "version", "service", "workflow", "provider", "model", "tool", "mcp_server", "error_type",
    "finish_reason", "decision", "kind", "fact",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FactFilter:
    """Every filter given must hold. `failed` is None for both; `finish_reason` is one other than the usual ends."""

    range: TimeRange
    agent: str | None = None
    parent_agent: str | None = None
    version: str | None = None
    service: str | None = None
    workflow: str | None = None
    provider: str | None = None
    model: str | None = None
    tool: str | None = None
    mcp_server: str | None = None
    error_type: str | None = None
    finish_reason: str | None = None
    decision: str | None = None
    kind: str | None = None
    user: str | None = None
    session: str | None = None
    trace_id: str | None = None
    failed: bool | None = None


@dataclass(frozen=True, slots=True)
class FactQuery:
    """Facts of one kind. Orders other than "newest" give the first `limit` of the range and no next page."""

    fact: FactKind
    filter: FactFilter
    order: CallOrder = "newest"
    min_cost: float | None = None
    limit: int = 50
    after: Position | None = None
    content: bool = False


@dataclass(frozen=True, slots=True)
class SessionQuery:
    """Sessions with activity in the range; with `order` "cost" the most expensive first."""

    range: TimeRange
    agent: str | None = None
    user: str | None = None
    failed: bool | None = None
    min_cost: float | None = None
    order: SessionOrder = "newest"
    limit: int = 50
    after: Position | None = None


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """Sums over facts. `group_by` names up to two of GROUPS, or one of "session", "user", "metadata.<key>".

    `interval_ns` is whole hours. `percentiles_of` says whose durations the percentiles are of.
    """

    filter: FactFilter
    group_by: tuple[str, ...] = ()
    interval_ns: int | None = None
    percentiles_of: FactKind = "llm_call"
    limit: int = 1000


@dataclass(frozen=True, slots=True)
class ContentPart:
    """A piece of what went in or came out. `text` is JSON where `kind` is tool_call or json. `size` is before any cut."""

    direction: str
    message: int
    part: int
    role: str | None
    kind: str
    name: str | None
    call_id: str | None
    text: str
    size: int


@dataclass(frozen=True, slots=True)
class FactRecord:
    """One fact. `values` has the columns of the view `named_facts` by name; `sources` the records that tell of it."""

    id: int
    values: Mapping[str, Any]
    sources: Sequence[tuple[str, int]]
    contents: Sequence[ContentPart] = ()
    attributes: str | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """What facts add up to. Durations and times to first token are in ns, None where nothing was timed."""

    runs: int = 0
    turns: int = 0
    llm_calls: int = 0
    tool_calls: int = 0
    steps: int = 0
    events: int = 0
    errors: int = 0
    llm_errors: int = 0
    tool_errors: int = 0
    run_errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    reported_cost: float = 0.0
    computed_cost: float = 0.0
    cache_saving: float = 0.0
    credits: float = 0.0
    reported_calls: int = 0
    computed_calls: int = 0
    unpriced_calls: int = 0
    calls_without_usage: int = 0
    without_session: int = 0
    without_content: int = 0
    retries: int = 0
    rate_limited: int = 0
    run_llm_calls: int = 0
    run_tool_calls: int = 0
    timed_output_tokens: int = 0
    timed_ns: int = 0
    percentiles: tuple[float, float, float] | None = None
    first_token_percentiles: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class UsageSummary:
    """`group` has the value of each group_by (None: none); `sessions` and `users` are None where they are not counted."""

    group: Mapping[str, str | None]
    interval_start: int | None
    sums: Sums
    sessions: int | None = None
    users: int | None = None
    new_users: int | None = None


@dataclass(frozen=True, slots=True)
class AgentSummary:
    """`metrics` has what only metrics told, where no span and no log did: measure → sum."""

    name: str
    version: str | None
    service: str | None
    environment: str | None
    first_seen: int
    last_seen: int
    sessions: int
    sums: Sums
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AgentDetail:
    summary: AgentSummary
    versions: Sequence[str]
    services: Sequence[str]
    models: Sequence[UsageSummary]
    tools: Sequence[UsageSummary]
    errors: Sequence[UsageSummary]
    callers: Sequence[UsageSummary]
    callees: Sequence[UsageSummary]


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """`inferred`: nothing named a session, so each trace is one."""

    session_id: str
    inferred: bool
    first_time: int
    last_time: int
    agents: Sequence[str]
    users: Sequence[str]
    traces: int
    sums: Sums


@dataclass(frozen=True, slots=True)
class SessionContent:
    """One session and a page of its facts by time."""

    summary: SessionSummary
    facts: Sequence[FactRecord]
    next: Position | None = None


@dataclass(frozen=True, slots=True)
class UserSummary:
    user: str
    first_seen: int
    last_seen: int
    sessions: int
    agents: Sequence[str]
    sums: Sums


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Failures of one type at one place, with the newest."""

    fact: FactKind
    error_type: str
    agent: str | None
    model: str | None
    tool: str | None
    count: int
    newest: FactRecord | None


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A text that holds what was searched, with the fact that brought it first."""

    snippet: str
    part: ContentPart
    fact: FactRecord


@dataclass(frozen=True, slots=True)
class ActiveRun:
    """Something unfinished, or a session in which something happened lately."""

    session_id: str | None
    agent: str | None
    fact: FactRecord
    running: bool


@dataclass(frozen=True, slots=True)
class LoopGroup:
    """One tool called again and again with the same arguments."""

    session_id: str | None
    run_id: int | None
    agent: str | None
    tool: str
    arguments_hash: str
    count: int
    first_time: int
    last_time: int
    example_id: int


@dataclass(frozen=True, slots=True)
class MetricUsage:
    """What the metrics of a client count: lines, commits, tokens …"""

    group: Mapping[str, str | None]
    measure: str
    type: str | None
    value: float


@dataclass(frozen=True, slots=True)
class Completeness:
    """What the answers leave out. `sums` is over everything in the range.

    `open_facts` have begun and not ended, and are in no sum. The `content_…` counts are of the days that the range touches.
    """

    sums: Sums
    sessions: int
    inferred_sessions: int
    merged_facts: int
    uncounted_facts: int
    waiting_parts: int
    unpriced_models: Sequence[tuple[str | None, str, int]]
    searchable: bool
    metrics_only_agents: Sequence[str]
    open_facts: int
    inferred_turns: int
    inferred_tool_calls: int
    content_cut: int
    content_removed: int
    content_masked: int


class AgentStore(Protocol):
    """What a store answers about agents; `storage.contract` says what holds of every method."""

    async def agents(self, filter_: FactFilter) -> Sequence[AgentSummary]: ...

    async def agent(self, name: str, time_range: TimeRange) -> AgentDetail | None: ...

    async def find_sessions(self, query: SessionQuery) -> Page[SessionSummary]: ...

    async def session(self, session_id: str, limit: int, after: Position | None) -> SessionContent | None: ...

    async def find_facts(self, query: FactQuery) -> Page[FactRecord]: ...

    async def fact(self, fact: FactKind, fact_id: int) -> FactRecord | None: ...

    async def trace_facts(self, trace_id: str, limit: int) -> Sequence[FactRecord]:
        """Every fact of a trace by time, also those that do not count."""
        ...

    async def usage(self, query: UsageQuery) -> Sequence[UsageSummary]: ...

    async def users(self, time_range: TimeRange, limit: int) -> Sequence[UserSummary]: ...

    async def error_groups(self, filter_: FactFilter, limit: int) -> Sequence[ErrorGroup]: ...

    async def search_contents(self, text: str, filter_: FactFilter, limit: int) -> Sequence[SearchHit]: ...

    async def active(self, since: int, limit: int) -> Sequence[ActiveRun]: ...

    async def loops(self, filter_: FactFilter, at_least: int, limit: int) -> Sequence[LoopGroup]: ...

    async def metric_usage(self, filter_: FactFilter, group_by: tuple[str, ...]) -> Sequence[MetricUsage]: ...

    async def completeness(self, time_range: TimeRange) -> Completeness: ...
