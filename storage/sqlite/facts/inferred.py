"""What nothing tells by itself, and the messages of model calls show: that a user spoke, and that a tool was called.

A trace in which an agent ran, or a model was asked by a user, is one user turn, unless a record tells of turns. A tool call that
a model asked for and whose result a later call was given is a tool call, unless a span or an event tells of it. Both follow from
the whole trace, so no order of arrival matters, and both give way to any record that tells the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from storage.facts.completion import arguments_hash
from storage.facts.fact import CONTENT_COLUMNS
from storage.sqlite.facts.told import (
    AGENT,
    ARGUMENTS_HASH,
    CALL_ID,
    DURATION,
    FACT,
    FAILED,
    INFERRED_NUMBERS,
    IS_PART,
    KIND,
    MOST_INFERRED,
    RESPONSE_ID,
    SOURCE,
    SPAN_ID,
    TIME,
    TOOL_NAME,
    Statement,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from storage.facts.fact import Row
    from storage.sqlite.facts.told import TraceFacts

INFERRED: Final = "inferred"
RANK: Final = 1
# Coding agents that tell of every prompt and every tool call.
_TELLING: Final = frozenset(("claude-code", "codex", "gemini-cli", "qwen-code", "grok"))
_NO_USER: Final = frozenset(("assistant", "tool", "system", "developer", "model"))
HANDOVER: Final = "transfer_to_"
_PLACE, _DIRECTION, _ROLE, _CONTENT_KIND, _NAME, _ID, _TEXT = (
    CONTENT_COLUMNS.index(name) for name in ("fact", "direction", "role", "kind", "name", "call_id", "text")
)


class Call(NamedTuple):
    """A tool call in a message; the hash is of its arguments."""

    call_id: str
    name: str
    arguments_hash: str | None


class Heard(NamedTuple):
    """What the messages of a model call say.

    `asked`: whether the last word before the call was a user's, None where nothing was heard. `requested` are the tool calls
    of the answer, `told` those of the history whose results came last, `answered` the ids of these results.
    """

    asked: bool | None
    requested: tuple[Call, ...]
    told: tuple[Call, ...]
    answered: tuple[str, ...]


class _Listener:
    """Hears the parts of one model call in their order."""

    __slots__ = ("answered", "last", "requested", "told")

    def __init__(self) -> None:
        self.last: Row | None = None
        self.requested: list[Row] = []
        self.told: list[Row] = []
        self.answered: list[str] = []

    def hear(self, row: Row) -> None:
        direction, kind = row[_DIRECTION], row[_CONTENT_KIND]
        if direction == "output":
            if kind == "tool_call" and row[_ID] is not None:
                self.requested.append(row)
        elif direction == "input":
            self.last = row
            if kind == "tool_result":
                if row[_ID] is not None:
                    self.answered.append(row[_ID])
            elif kind == "tool_call" or row[_ROLE] == "assistant":
                if self.answered:
                    # What lies before was the business of an earlier call.
                    self.answered, self.told = [], []
                if kind == "tool_call" and row[_ID] is not None:
                    self.told.append(row)

    def heard(self) -> Heard:
        wanted = set(self.answered)
        last = self.last
        return Heard(
            None if last is None else last[_CONTENT_KIND] not in {"tool_result", "tool_call"} and last[_ROLE] not in _NO_USER,
            tuple(_call(row) for row in self.requested if row[_NAME]),
            tuple(_call(row) for row in self.told if row[_NAME] and row[_ID] in wanted),
            tuple(self.answered),
        )


def _call(row: Row) -> Call:
    return Call(row[_ID], row[_NAME], arguments_hash(row[_TEXT]))


def hear(facts: Sequence[Row], contents: Iterable[Row]) -> dict[int, Heard | None]:
    """By the position of its fact, for all that have content; None but for model calls."""
    listening: dict[int, _Listener | None] = {}
    for row in contents:
        place = row[_PLACE]
        if place not in listening:
            listening[place] = _Listener() if facts[place][FACT] == "llm_call" else None
        listener = listening[place]
        if listener is not None:
            listener.hear(row)
    return {place: None if listener is None else listener.heard() for place, listener in listening.items()}


def hands_over(made: Statement) -> bool:
    """Whether the answer of a model call asks for another agent."""
    return made.heard is not None and any(call.name.startswith(HANDOVER) for call in made.heard.requested)


def infer(trace: TraceFacts, ordered: Sequence[Statement]) -> list[Statement]:
    """What the trace shows and none of its records tells; the identities of `ordered`, and what counts, are worked out."""
    told = [made for group in (ordered, trace.others) for made in group if made.said is not None]
    kinds = {made.said[FACT] for made in told if made.said is not None}
    if not kinds & {"llm_call", "agent_run"} or any(made.resource.client in _TELLING for made in told):
        return []
    calls = sorted((made for made in told if _is_call(made)), key=_by_age)
    found = [] if "user_turn" in kinds else _turn(told, calls)
    found += _tool_calls(told, calls)
    known = {made.number: made for made in trace.inferred}
    return [_again(known.get(made.number), made) for made in found]


def _again(known: Statement | None, made: Statement) -> Statement:
    """The same statement as before keeps what is known of where else to look."""
    if known is None or known.said != made.said:
        return made
    known.reset()
    known.identity, known.above, known.run = made.identity, made.above, made.run
    return known


def _is_call(made: Statement) -> bool:
    said = made.said
    assert said is not None
    return bool(said[FACT] == "llm_call" and said[KIND] != "embedding")


def _by_age(made: Statement) -> tuple[bool, int, int, str, str]:
    """Whole statements first, so that parts speak only where they are alone."""
    said = made.said
    assert said is not None
    # Spans differ in their ids.
    return (bool(said[IS_PART]), said[TIME], made.is_log, said[SPAN_ID] or "", str(said[AGENT:]) if made.is_log else "")


def _turn(told: Sequence[Statement], calls: Sequence[Statement]) -> list[Statement]:
    runs = [made for made in told if made.said is not None and made.said[FACT] == "agent_run" and not made.said[IS_PART]]
    first = next((made for made in calls if made.heard is not None and made.heard.asked is not None), None)
    asked = None if first is None or first.heard is None else first.heard.asked
    if asked is False or (not runs and not asked):
        return []
    run = min(runs, key=_by_age, default=None)
    leading = run or first
    assert leading is not None
    said = leading.said
    assert said is not None
    # Just before what it set off, so that it comes first in every list.
    when = (max(said[TIME] - 1, 0), said[DURATION] if run is not None else None)
    turn = _made(leading, first or leading, 0, ("user_turn", "user turn"), when, {})
    return [turn]


def _tool_calls(told: Sequence[Statement], calls: Sequence[Statement]) -> list[Statement]:
    answering = [made for made in calls if made.heard is not None and made.heard.answered]
    if not answering:
        return []
    tools = [made.said for made in told if made.said is not None and made.said[FACT] == "tool_call"]
    if any(said[CALL_ID] is None and not said[IS_PART] for said in tools):
        return []  # which of the calls in messages it is cannot be known
    seen = {said[CALL_ID] for said in tools}
    requested = {call.call_id: (call, made) for made in reversed(calls) if made.heard for call in made.heard.requested}
    found = []
    for made in answering:
        assert made.heard is not None
        history = {call.call_id: call for call in made.heard.told}
        for place, call_id in enumerate(made.heard.answered[: MOST_INFERRED - 1], 1):
            call, asking = requested.get(call_id, (history.get(call_id), None))
            if call is None or call_id in seen or call.name.startswith(HANDOVER):
                continue
            seen.add(call_id)
            figures = {CALL_ID: call_id, TOOL_NAME: call.name, ARGUMENTS_HASH: call.arguments_hash}
            when = (_asked_at(asking, made), None)
            found.append(_made(asking or made, made, place, ("tool_call", call.name), when, figures))
    return found


def _asked_at(asking: Statement | None, answering: Statement) -> int:
    """When the model had asked for the tool; how long it took is not known."""
    first, later = (asking or answering).said, answering.said
    assert first is not None
    assert later is not None
    return int(min(first[TIME] + (first[DURATION] or 0), later[TIME])) if asking is not None else int(later[TIME])


def _made(
    whose: Statement,
    shown_by: Statement,
    place: int,
    what: tuple[str, str],
    when: tuple[int, int | None],
    figures: dict[int, Any],
) -> Statement:
    """A statement about what `whose` had to do with, numbered after the record whose messages show it. The kind marks it."""
    said = whose.said
    assert said is not None
    fact, name = what
    row = [*said[:FACT], fact, INFERRED, INFERRED, name, RANK, 0, 0, None, *when, *said[AGENT:RESPONSE_ID]]
    row += [None] * (len(said) - len(row))
    row[FAILED] = 0
    row[SOURCE] = "log" if shown_by.is_log else "span"
    for column, value in figures.items():
        row[column] = value
    number = INFERRED_NUMBERS + shown_by.number * 2 * MOST_INFERRED + 2 * place + shown_by.is_log
    made = Statement(number, when[0], None, None, whose.own, whose.resource)
    made.said = tuple(row)
    made.trace_id = whose.trace_id
    made.has_content = shown_by.has_content
    made.identity = whose.identity
    if fact == "tool_call":
        made.above, made.run = whose.above, whose.run
    return made


def without_inferred(members: list[Statement]) -> list[Statement]:
    """What records tell of an event; where none does, the earliest that was inferred, and what adds to it."""
    if len(members) == 1:
        return members
    inferred = [made for made in members if made.number >= INFERRED_NUMBERS]
    if not inferred:
        return members
    told = [made for made in members if made.number < INFERRED_NUMBERS]
    if any(made.said is not None and not made.said[IS_PART] for made in told):
        for made in inferred:
            made.probed = None  # nothing links it to what was told, which has to be found again
        return told
    return [*told, min(inferred, key=_by_age)]
