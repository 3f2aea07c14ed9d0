"""What is remembered of one trace to say whose its facts are: its spans, and the statements that spans and logs make.

A `Statement` is a span, or a log record of the trace, with the fact row or the identity row that was derived from it, if any.
Spans without either are kept as well: they connect the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from storage.facts.fact import FACT_COLUMNS, IDENTITY_COLUMNS

if TYPE_CHECKING:
    from storage.facts.fact import Row
    from storage.sqlite.facts.inferred import Heard

(
    SOURCE, RESOURCE, TRACE_ID, SPAN_ID, PARENT, FACT, KIND, ORIGIN, NAME, RANK, IS_PART, IS_OPEN, VIA, TIME, DURATION, AGENT,
    TURN,
    RESPONSE_ID, CALL_ID, SEQUENCE, PAIR_KEY, MODEL, INPUT, OUTPUT, CACHE_READ, REASONING, TOTAL, REPORTED_COST, COMPUTED_COST,
    PRICE_VERSION, FINISH_REASONS, TOOL_NAME, ARGUMENTS_HASH, DECISION, FAILED, STATUS_CODE, DETAILS,
) = (
    FACT_COLUMNS.index(name)
    for name in (
        "source", "resource", "trace_id", "span_id", "parent_span_id", "fact", "kind", "origin", "name", "rank", "is_part",
        "is_open",
        "via", "time", "duration", "agent_name", "turn_id", "response_id", "tool_call_id", "event_sequence", "pair_key", "model",
        "input_tokens", "output_tokens", "cache_read_tokens", "reasoning_tokens", "total_tokens", "reported_cost",
        "computed_cost", "price_version", "finish_reasons", "tool_name", "arguments_hash", "decision", "failed", "status_code",
        "details",
    )
)  # fmt: skip
IDENTITY: Final = slice(AGENT, FACT_COLUMNS.index("user_id") + 1)
# Where the same eight values stand in an identity row.
STATED: Final = slice(IDENTITY_COLUMNS.index("agent_name"), None)
IDENTITY_TIME: Final = IDENTITY_COLUMNS.index("time")
NO_PARENT: Final = "0000000000000000"
NOTHING: Final = (None,) * 8
# What is inferred from a record has a number of its own, from which the record's follows, and with it whether it is a log's.
INFERRED_NUMBERS: Final = 2**50
MOST_INFERRED: Final = 512


class Identity(NamedTuple):
    """Whose something is.

    `session_source`: 0 said or inherited, 1 by the turn, 2 by the resource, 3 the trace id for want of a session, 4 none.
    `weak` has a bit for every value that only the resource says.
    """

    agent_name: str | None
    agent_id: str | None
    agent_version: str | None
    parent_agent: str | None
    workflow: str | None
    session_id: str | None
    turn_id: str | None
    user_id: str | None
    session_source: int
    weak: int


NOBODY: Final = Identity(*NOTHING, 4, 0)


class ResourceIdentity(NamedTuple):
    """What a resource says: the stored number, and RESOURCE_IDENTITY_COLUMNS without their position."""

    number: int
    client: str | None = None
    agent_name: str | None = None
    agent_version: str | None = None
    session_id: str | None = None
    user_id: str | None = None
    service_name: str | None = None
    environment: str | None = None
    project: str | None = None


UNKNOWN_RESOURCE: Final = ResourceIdentity(0)


class Statement:
    """What one span or log record says.

    `number` is twice the span row's, or twice the log record's and one. `said` is a fact row, `own` what is said about
    identity. What `reset` sets is worked out anew each time.
    """

    __slots__ = (
        "above", "chain", "counted", "counts_usage", "event_id", "group", "has_content", "heard", "identity", "is_log",
        "llm_below", "mark", "name", "number", "own", "parent", "parent_id", "probed", "resource", "run", "said", "span_id",
        "time", "trace_id", "usage_below",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913, PLR0917  it is made for every span of an agent's trace, by position
        self,
        number: int,
        time: int,
        span_id: str | None,
        parent_id: str | None,
        own: tuple[Any, ...] | None,
        resource: ResourceIdentity,
        name: str | None = None,
    ) -> None:
        self.number = number
        self.is_log = number & 1
        self.time = time
        self.span_id = span_id
        self.parent_id = parent_id
        self.own = own
        self.resource = resource
        self.name = name
        self.said: Row | None = None
        self.trace_id: str | None = None
        self.has_content = 0
        self.heard: Heard | None = None
        # The event that it belongs to, and the identity under which other records of the event were looked for.
        self.event_id = 0
        self.probed: Identity | None = None
        self.reset()

    def reset(self) -> None:
        self.parent: Statement | None = None
        self.above: Statement | None = None
        self.run: Statement | None = None
        self.chain: tuple[Any, ...] = NOTHING
        self.identity: Identity = NOBODY
        self.mark = 0
        self.counted = 1
        self.counts_usage = 0
        self.usage_below = 0
        self.llm_below = 0
        self.group: Statement = self


def stated(number: int, said: Row, resource: ResourceIdentity, has_content: int) -> Statement:
    """The statement that a fact row makes."""
    own = said[IDENTITY]
    made = Statement(number, said[TIME], said[SPAN_ID], said[PARENT], None if own == NOTHING else own, resource, said[NAME])
    made.said = said
    made.trace_id = said[TRACE_ID]
    made.has_content = has_content
    return made


def identified(number: int, row: Row, resource: ResourceIdentity) -> Statement:
    """The statement that an identity row makes."""
    return Statement(number, row[IDENTITY_TIME], row[5], row[6], row[STATED], resource)


def record_of(number: int) -> int:
    """The number of the record that a statement is by, or is inferred from."""
    return number if number < INFERRED_NUMBERS else (number - INFERRED_NUMBERS) // (2 * MOST_INFERRED)


def uses(said: Row) -> bool:
    """Whether a fact row has tokens or a cost."""
    return any(said[place] is not None for place in (INPUT, OUTPUT, TOTAL, REPORTED_COST, COMPUTED_COST))


@dataclass(slots=True)
class TraceFacts:
    """One trace. `spans` by span id; `others` are its log records, and placeholders of spans; `inferred` is what none
    of them tells; `rows` are the stored facts by id.
    """

    trace_id: str
    spans: dict[str, Statement] = field(default_factory=dict)
    others: list[Statement] = field(default_factory=list)
    inferred: list[Statement] = field(default_factory=list)
    rows: dict[int, Row] = field(default_factory=dict)
    # The numbers of the others: a record that is owed may be read with its trace before its own turn comes.
    _told: set[int] = field(default_factory=set)

    def add(self, made: Statement, row_span_id: str | None = None) -> None:
        """`row_span_id` is the id of the span itself where the statement is about another span."""
        if made.is_log or made.span_id is None or (row_span_id is not None and row_span_id != made.span_id):
            if made.number not in self._told:
                self._told.add(made.number)
                self.others.append(made)
        else:
            self.spans[made.span_id] = made

    def size(self) -> int:
        return len(self.spans) + len(self.others)
