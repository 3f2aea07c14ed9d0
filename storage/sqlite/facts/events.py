"""From the statements about one event to the event: who speaks first, what the others add, and the row that is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from storage.facts.fact import FACT_COLUMNS
from storage.sqlite.facts.identity import RESOURCE_SAYS_AGENT, RESOURCE_SAYS_USER
from storage.sqlite.facts.told import (
    DURATION,
    FACT,
    IS_OPEN,
    IS_PART,
    KIND,
    NAME,
    ORIGIN,
    PARENT,
    RANK,
    RESPONSE_ID,
    SPAN_ID,
    TIME,
    VIA,
    Identity,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.facts.fact import Row
    from storage.sqlite.facts.told import Statement

FIGURES: Final = FACT_COLUMNS[RESPONSE_ID:]
_START: Final = RESPONSE_ID


def _places(*names: str) -> tuple[int, ...]:
    return tuple(FIGURES.index(name) for name in names)


USAGE: Final = _places(
    "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "total_tokens",
    "computed_cost", "cache_saving", "price_version",
)  # fmt: skip
_FAILURE: Final = _places("failed", "error_type", "error_message", "status_code")
_TOKENS: Final = USAGE[:6]
_IN_GROUPS: Final = frozenset((*USAGE, *_FAILURE))
_FAILED: Final = _FAILURE[0]


@dataclass(slots=True)
class Event:
    """`figures` are FIGURES of all statements together; `leader` is the statement that speaks first."""

    leader: Statement
    statements: list[Statement]
    identity: Identity
    time: int
    duration: int | None
    figures: Row
    counted: int
    counts_usage: int
    has_content: int
    id: int = 0

    @property
    def fact(self) -> str:
        assert self.leader.said is not None
        return str(self.leader.said[FACT])


def event_of(statements: list[Statement]) -> Event:
    if len(statements) == 1:
        made = statements[0]
        said = made.said
        assert said is not None
        counted = made.counted and not said[IS_PART]
        usage = made.counts_usage and counted if said[FACT] == "llm_call" else made.counts_usage
        return Event(made, statements, made.identity, said[TIME], said[DURATION], said[_START:], counted, usage, made.has_content)
    return _merged(statements)


def _merged(statements: list[Statement]) -> Event:
    speaking = sorted(_without_older_parts(statements), key=_speaking_order)
    whole = [made for made in speaking if made.said is not None and not made.said[IS_PART]]
    leader = whole[0] if whole else speaking[0]
    time, duration = _when(leader, whole or speaking)
    spans = [made for made in whole if not made.is_log]
    judges = spans or whole
    counted = int(any(made.counted for made in judges))
    counts_usage = int(any(made.counts_usage for made in judges))
    figures = _figures(speaking)
    if leader.said is not None and leader.said[FACT] == "llm_call":
        counts_usage = int(counted and any(figures[place] is not None for place in USAGE) and leader.said[KIND] != "cached")
    return Event(
        leader,
        statements,
        _identity([*(made for made in speaking if made is leader), *(made for made in speaking if made is not leader)]),
        time,
        duration,
        figures,
        counted,
        counts_usage,
        int(any(made.has_content for made in statements)),
    )


def _speaking_order(made: Statement) -> tuple[int, int, int, int, int, str, str]:
    said = made.said
    assert said is not None
    # Of two spans about one event the shorter is the inner one.
    length = 0 if made.is_log or said[DURATION] is None else said[DURATION]
    return (-said[RANK], made.is_log, said[IS_OPEN], length, said[TIME], said[ORIGIN], str(said[_START:]))


def _without_older_parts(statements: list[Statement]) -> list[Statement]:
    """Of parts of one origin the latest wins."""
    latest: dict[str, Statement] = {}
    kept: list[Statement] = []
    for made in statements:
        said = made.said
        assert said is not None
        if not said[IS_PART]:
            kept.append(made)
            continue
        known = latest.get(said[ORIGIN])
        if known is None or (made.time, str(said)) > (known.time, str(known.said)):
            latest[said[ORIGIN]] = made
    return [*kept, *latest.values()]


def _when(leader: Statement, whole: Sequence[Statement]) -> tuple[int, int | None]:
    """Start and duration. An end that does not know its beginning has it from the placeholder."""
    said = leader.said
    assert said is not None
    if said[DURATION] is not None or said[IS_OPEN]:
        return said[TIME], said[DURATION]
    for made in whole:
        other = made.said
        if other is not None and other[DURATION] is not None:
            return other[TIME], other[DURATION]
    begun = [made.time for made in whole if made.said is not None and made.said[IS_OPEN] and made.time <= said[TIME]]
    if begun:
        return min(begun), said[TIME] - min(begun)
    return said[TIME], None


def _figures(speaking: Sequence[Statement]) -> Row:
    rows = [made.said[_START:] for made in speaking if made.said is not None]
    merged: list[Any] = list(rows[0])
    for row in rows[1:]:
        for place, value in enumerate(row):
            if merged[place] is None and value is not None:
                merged[place] = value
    for group, first in (
        (USAGE, next((row for row in rows if any(row[place] is not None for place in _TOKENS)), None)),
        (_FAILURE, next((row for row in rows if row[_FAILED]), rows[0])),
    ):
        if first is not None:
            for place in group:
                merged[place] = first[place]
    return tuple(merged)


def _identity(speaking: Sequence[Statement]) -> Identity:
    """Each value from the first that has it; what only a resource says comes last."""
    first = speaking[0].identity
    values: list[Any] = list(first)
    for made in speaking[1:]:
        other = made.identity
        for place in range(8):
            if values[place] is None and other[place] is not None:
                values[place] = other[place]
        if values[9] & RESOURCE_SAYS_AGENT and other.agent_name is not None and not other.weak & RESOURCE_SAYS_AGENT:
            values[:4] = other[:4]
            values[9] &= ~RESOURCE_SAYS_AGENT
        if values[9] & RESOURCE_SAYS_USER and other.user_id is not None and not other.weak & RESOURCE_SAYS_USER:
            values[7] = other.user_id
            values[9] &= ~RESOURCE_SAYS_USER
        if other.session_id is not None and other.session_source < values[8]:
            values[5], values[8] = other.session_id, other.session_source
    return Identity(*values)


# The columns of `facts`, in the order of a stored row.
ROW_COLUMNS: Final = (
    "id", "sources", "trace_key", "span_id", "parent_span_id", "parent_id", "run_id", "resource_id", "service_name", "counted",
    "counts_usage", "has_content", "fact", "kind", "origin", "name", "is_part", "is_open", "via", "time", "duration", "agent_key",
    "agent_id", "agent_version", "parent_agent", "workflow", "session_key", "session_source", "turn_id", "user_key", *FIGURES,
    "run_llm_calls", "run_tool_calls", "run_input_tokens", "run_output_tokens", "run_cost",
)  # fmt: skip
NO_RUN: Final = (None, None, None, None, None)


def row_of(event: Event, keys: tuple[int | None, int | None, int | None, int | None], run: Row = NO_RUN) -> Row:
    """The row of an event; `keys` are those of its trace, agent, session and user."""
    leader, identity = event.leader, event.identity
    said = leader.said
    assert said is not None
    trace_key, agent_key, session_key, user_key = keys
    above, around = leader.above, leader.run
    return (
        event.id,
        _sources(event),
        trace_key,
        said[SPAN_ID],
        said[PARENT],
        above.event_id if above is not None else None,
        around.event_id if around is not None else None,
        leader.resource.number,
        leader.resource.service_name,
        event.counted,
        event.counts_usage,
        event.has_content,
        *said[FACT : NAME + 1],
        said[IS_PART],
        said[IS_OPEN],
        said[VIA],
        event.time,
        event.duration,
        agent_key,
        identity.agent_id,
        identity.agent_version,
        identity.parent_agent,
        identity.workflow,
        session_key,
        identity.session_source,
        identity.turn_id,
        user_key,
        *event.figures,
        *run,
    )


def _sources(event: Event) -> str | None:
    if len(event.statements) == 1:
        return None
    return "[" + ",".join(map(str, sorted(made.number for made in event.statements))) + "]"
