"""The layout of facts: what one record (span or log record) says that an agent, a model, a tool or a user did.

Deriving looks at one record at a time. Everything that needs another record is the store's, so that the answers do not depend
on the order of arrival or on how the sender cut its batches. This is the contract between the two:

*One event, several records.* A fact row is a statement about an event, not yet the event. Statements with the same `fact` are
the same event when, in this order,
1. both have a `response_id` and it is equal, at the same moment (two spans overlap; a log record that was logged in the span of
   an llm_call tells of that one, another lies within 10 s), and of two traces only in one session, or, where one names none, with
   equal input: a stub, a cache or a replay gives many answers one id. Both have one and it differs: never the same event;
2. `(trace_id, span_id)` is equal. For a log statement that pair is the span it was logged in: it is the same event only when
   that span is a statement of the same `fact`, and otherwise that span is its parent;
3. `tool_call_id` is equal within one session or one trace;
4. for user_turn and agent_run: `turn_id` (agent_run: `agent_id`) is equal within one session, and the origins differ or
   either is a part or open;
5. `session_id` and `event_sequence` are equal and both are logs; `pair_key` is equal and one is open, the other not, and the
   open one is the latest that starts before the other ends;
6. last resort, only across different `origin`s, one to one: session (after inheritance), model and input tokens are equal
   (user_turn: session; tool_call, where one does not know its id: session and tool), and the ends (`time + duration`; of
   turns the beginnings) lie within 2 s. Output is not asked: twins differ over reasoning.
Of an event's statements the one of highest `rank` speaks first; ties go to the span, of two spans to the inner one (a
client's own telemetry knows more than what is wrapped around it), then to the earlier time, then to the smaller origin. Each
empty column is filled by the next statement. Three groups go together, from the first statement that has any of them: the
tokens with `computed_cost`, `cache_saving` and `price_version`; `failed` with `error_type`, `error_message` and `status_code`
(a statement with failed = 1 goes before those with 0); `agent_name` with `agent_id`. The log record resent by an export retry
is the same row already.

*Parts.* `is_part` = 1 adds to an event (a decision about a tool call, the text of an answer, a turn's running cost) and is
never counted by itself; it waits until its event is told. Of parts with one identity and origin the latest wins.

*Leaves.* An llm_call counts with its tokens when no llm_call with usage lies below it in the trace (spans that are no fact
may lie between), or when it has a `response_id` and all those below have others; otherwise its tokens are a roll-up. Tokens
and cost on every other `fact` are always roll-ups (`gen_ai.usage.*` of an agent, `usage.estimated_usd` of a turn): shown
beside, and used only where nothing below has usage.
`via` is set on the statement of a transport ("mcp_client", "mcp_server"): it does not count while it has an ancestor that is a
tool_call with the same `tool_name` and an earlier place in (no via, client, server).
kind "embedding" is an llm_call; kind "cached" an llm_call answered from a cache, which costs nothing and counts no tokens.

*Open.* `is_open` = 1 is a placeholder for something unfinished (a pending span, a start without its end). The finished
statement with the same identity replaces it. A start event that has a partner (`agent.start`/`agent.finish`) is such a one.

*Identity.* `agent_name` … `user_id` are what the record itself says. Effective values come from the record, else the nearest
ancestor span (fact or `IDENTITY_COLUMNS` row), else any record of the trace (earliest start, then smallest span id; logs
after spans), else the resource (`RESOURCE_IDENTITY_COLUMNS`), else for the session the trace id. For `agent_name` the run
itself is meant: an llm_call below `invoke_agent x` belongs to x. `parent_agent` is what the record says, else the agent of
the nearest ancestor with another name. A session also reaches facts of the same `turn_id` that have none. A fact row is its
own identity row. Workflow: record, ancestors, trace, else the name of the root span.

*Content.* `CONTENT_COLUMNS` rows point at their fact. The same text has the same `hash` wherever it occurs, so it is kept once.
Where several statements of one event carry content of one `direction`, the first in speaking order has the word.

*Inferred.* What no record tells and the messages of model calls show is a fact of origin and kind "inferred". A trace with an
agent_run, or with a first llm_call whose last input is a user's, and without any user_turn is one user_turn (not where that
input is a tool's result). A tool_call part whose tool_result part ends the input of an llm_call of the trace is a tool_call,
where no told tool_call has its id, and none of the trace lacks an id; a hand-over (`transfer_to_…`) is none. Both have the rank
below all others and give way to any telling of the same event. Of coding agents that tell all of this nothing is inferred.

Everything is plain tuples, so that `marshal` carries it; positions refer to the lists of the same `Batch`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

FACT_COLUMNS: Final = (
    # Where it came from: positions in batch.rows, batch.resources and batch.traces (None for logs); "span" or "log".
    "row", "source", "resource", "trace", "trace_id", "span_id", "parent_span_id",
    # What it is. fact: llm_call | tool_call | agent_run | user_turn | step | event. kind: the canonical kind (table 2.1), for
    # events their name without the client's prefix. origin: "span", or the event name without prefix. name: as sent.
    "fact", "kind", "origin", "name", "rank", "is_part", "is_open", "via",
    # Start in ns (of a log record with a duration: its time less the duration), and ns or None.
    "time", "duration",
    "agent_name", "agent_id", "agent_version", "parent_agent", "workflow", "session_id", "turn_id", "user_id",
    "response_id", "tool_call_id", "event_sequence", "pair_key",
    "provider", "model", "request_model",
    # Normalised: input with cached tokens, output with reasoning.
    "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "total_tokens",
    # USD. reported beats computed; both None = unpriced. cache_saving: what the cached tokens would have cost more.
    # price_version says which prices `computed_cost` comes from.
    "reported_cost", "computed_cost", "cache_saving", "price_version",
    # Not USD: a client's own unit (premium requests, AI units in nano).
    "credits", "nano_units",
    # Seconds to the first token; a JSON array of text. The parameters of a request are in the source row's attributes.
    "time_to_first_token", "finish_reasons",
    # tool_type: function | extension | datastore | native | mcp …; arguments_hash: equal arguments, equal hash (16 hex).
    "tool_name", "tool_type", "mcp_server", "arguments_hash", "decision",
    # failed: 0 or 1. status_code: HTTP. attempt: 1 is the first.
    "failed", "error_type", "error_message", "status_code", "attempt",
    # JSON: array of text, object of scalars by the sender's names (charge-back: team, repository, skill …), and what
    # an event or evaluation says besides, as an object.
    "tags", "metadata", "details",
)  # fmt: skip

# What a span or log record that is no fact says about identity; source, positions and ids as in FACT_COLUMNS.
IDENTITY_COLUMNS: Final = (
    "row", "source", "resource", "trace", "trace_id", "span_id", "parent_span_id", "time",
    "agent_name", "agent_id", "agent_version", "parent_agent", "workflow", "session_id", "turn_id", "user_id",
)  # fmt: skip

# One row for each resource of the batch that has a fact or an identity row: what holds when nothing in the trace says better.
# client: the coding agent's product name, else None. project: service namespace or a framework's project name.
RESOURCE_IDENTITY_COLUMNS: Final = (
    "resource", "client", "agent_name", "agent_version", "session_id", "user_id", "service_name", "environment", "project",
)  # fmt: skip

# fact: position in Facts.facts. direction: system | input | output | tools | arguments | result | query | documents.
# message and part number them. kind: text | reasoning | tool_call | tool_result | media | reference | json.
# text is JSON where kind says so (tool_call: the arguments; json: anything). size: characters before any cut.
CONTENT_COLUMNS: Final = (
    "fact", "direction", "message", "part", "role", "kind", "name", "call_id", "text", "size", "hash",
)  # fmt: skip

# One metric point that counts what an agent used: the fallback where neither spans nor logs came. row, resource and stream
# are positions in the batch. measure: tokens | cost_usd | sessions | turns | lines | commits | pull_requests | active_seconds |
# decisions | tool_calls | llm_calls | agent_runs | errors. type: of tokens input | output | cache_read | cache_write |
# reasoning | total, of lines added | removed, of decisions accept | reject, else the sender's. temporality: "delta" (add up)
# or "cumulative" (differences within the stream, start_time marks a reset). family tells which metrics repeat each other:
# where one agent sends several, take the first of FAMILIES that is there. value may be a float.
USAGE_COLUMNS: Final = (
    "row", "resource", "stream", "family", "metric", "measure", "type", "temporality", "start_time", "time", "value",
    "agent_name", "session_id", "user_id", "provider", "model", "tool_name",
)  # fmt: skip
FAMILIES: Final = ("client", "semconv_counter", "semconv_histogram")

FAULTS_KEPT: Final = 3
FACT_KINDS: Final = ("llm_call", "tool_call", "agent_run", "user_turn", "step", "event")

Row = tuple[Any, ...]


class Fact(NamedTuple):
    """A fact row by name: FACT_COLUMNS. The hot path makes plain tuples; `Fact._make(row)` reads them."""

    row: int
    source: str
    resource: int
    trace: int | None
    trace_id: str | None
    span_id: str | None
    parent_span_id: str | None
    fact: str
    kind: str
    origin: str
    name: str
    rank: int
    is_part: int
    is_open: int
    via: str | None
    time: int
    duration: int | None
    agent_name: str | None
    agent_id: str | None
    agent_version: str | None
    parent_agent: str | None
    workflow: str | None
    session_id: str | None
    turn_id: str | None
    user_id: str | None
    response_id: str | None
    tool_call_id: str | None
    event_sequence: int | None
    pair_key: str | None
    provider: str | None
    model: str | None
    request_model: str | None
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    total_tokens: int | None
    reported_cost: float | None
    computed_cost: float | None
    cache_saving: float | None
    price_version: str | None
    credits: float | None
    nano_units: int | None
    time_to_first_token: float | None
    finish_reasons: str | None
    tool_name: str | None
    tool_type: str | None
    mcp_server: str | None
    arguments_hash: str | None
    decision: str | None
    failed: int
    error_type: str | None
    error_message: str | None
    status_code: int | None
    attempt: int | None
    tags: str | None
    metadata: str | None
    details: str | None


class Content(NamedTuple):
    """A content row by name: CONTENT_COLUMNS."""

    fact: int
    direction: str
    message: int
    part: int
    role: str | None
    kind: str
    name: str | None
    call_id: str | None
    text: str
    size: int
    hash: bytes


class Identity(NamedTuple):
    """An identity row by name: IDENTITY_COLUMNS."""

    row: int
    source: str
    resource: int
    trace: int | None
    trace_id: str | None
    span_id: str | None
    parent_span_id: str | None
    time: int
    agent_name: str | None
    agent_id: str | None
    agent_version: str | None
    parent_agent: str | None
    workflow: str | None
    session_id: str | None
    turn_id: str | None
    user_id: str | None


class Usage(NamedTuple):
    """A usage row by name: USAGE_COLUMNS."""

    row: int
    resource: int
    stream: int
    family: str
    metric: str
    measure: str
    type: str | None
    temporality: str
    start_time: int
    time: int
    value: float
    agent_name: str | None
    session_id: str | None
    user_id: str | None
    provider: str | None
    model: str | None
    tool_name: str | None


@dataclass(slots=True)
class Facts:
    """What one batch says: lists of plain tuples, named by the …_COLUMNS above."""

    facts: list[Row] = field(default_factory=list)
    contents: list[Row] = field(default_factory=list)
    identities: list[Row] = field(default_factory=list)
    resource_identities: list[Row] = field(default_factory=list)
    usages: list[Row] = field(default_factory=list)
    # Records that could not be read because of a fault of ours: they are stored, and give no fact. The first few, for the log.
    faults: list[str] = field(default_factory=list)

    def add_fault(self, error: Exception) -> None:
        if len(self.faults) < FAULTS_KEPT:
            self.faults.append(f"{type(error).__name__}: {error}")
