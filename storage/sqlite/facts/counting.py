"""Which facts of a trace count, so that no call, token or dollar is counted twice.

Of nested model calls the innermost with usage counts. Usage that anything else reports is a total of what lies below, and
counts only where nothing below has usage. The transport of a tool call (MCP client and server) counts only where the call
itself was not told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from storage.sqlite.facts.told import CALL_ID, FACT, IS_OPEN, IS_PART, KIND, RESPONSE_ID, TOOL_NAME, VIA, uses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.sqlite.facts.told import Statement

_PLACES: Final = {None: 0, "mcp_client": 1, "mcp_server": 2}
_LLM_BELOW, _USING_LLM_BELOW = 1, 2


def count(ordered: Sequence[Statement], others: Sequence[Statement]) -> None:
    """Sets `counted`, `counts_usage`, `above` (the fact above) and `run` (the agent run around) of a trace's statements."""
    facts: list[Statement] = []
    for group in (ordered, others):
        for made in group:
            _place(made)
            if made.said is not None and not made.said[IS_PART]:
                facts.append(made)
    calls = [made for made in facts if made.said is not None and made.said[FACT] == "llm_call"]
    for made in facts:
        said = made.said
        assert said is not None
        if uses(said):
            _mark_usage(made)
    for made in calls:
        _mark_calls(made)
    independent = _independent(calls)
    for made in facts:
        _judge(made, made in independent)


def _place(made: Statement) -> None:
    parent = made.parent
    if parent is None:
        return
    if parent.said is not None and not parent.said[IS_PART]:
        made.above = parent
        made.run = parent if parent.said[FACT] == "agent_run" else parent.run
    else:
        made.above, made.run = parent.above, parent.run


def _first_above(made: Statement) -> Statement | None:
    """Where the climb from a statement begins. A log record in a span of its own fact tells of that span, not of one below."""
    parent = made.parent
    assert made.said is not None
    if made.is_log and parent is not None and parent.said is not None and parent.said[FACT] == made.said[FACT]:
        return parent.parent
    return parent


def _mark_usage(made: Statement) -> None:
    at = _first_above(made)
    while at is not None and not at.usage_below:
        at.usage_below = 1
        at = at.parent


def _mark_calls(made: Statement) -> None:
    said = made.said
    assert said is not None
    mark = _USING_LLM_BELOW if uses(said) else _LLM_BELOW
    at = _first_above(made)
    while at is not None and at.llm_below < mark:
        at.llm_below = mark
        if at.said is not None and at.said[FACT] == "tool_call":
            return  # a tool that asks a model is a call of its own
        at = at.parent


def _independent(calls: Sequence[Statement]) -> set[Statement]:
    """The calls around calls that are calls of their own: all below answer under other response ids."""
    around = {made for made in calls if made.llm_below == _USING_LLM_BELOW and _response(made) is not None}
    if not around:
        return around
    apart = set(around)
    for made in calls:
        if made.said is None or not uses(made.said):
            continue
        at = made.above
        while at is not None and not (at.said is not None and at.said[FACT] == "tool_call"):
            if at in around:
                if _response(made) in {None, _response(at)}:
                    apart.discard(at)
                if _response(made) is not None:
                    break  # what lies further up is compared with the call in between
            at = at.above
    return apart


def _response(made: Statement) -> str | None:
    return made.said[RESPONSE_ID] if made.said is not None else None


def _judge(made: Statement, is_independent: bool) -> None:
    said = made.said
    assert said is not None
    fact = said[FACT]
    if fact == "llm_call":
        using = uses(said)
        if using:
            made.counted = int(made.llm_below < _USING_LLM_BELOW or is_independent)
        else:
            made.counted = int(not made.llm_below and not _inside_call(made))
        made.counts_usage = int(made.counted and using and said[KIND] != "cached")
        return
    if uses(said):
        made.counts_usage = int(not made.usage_below and not made.is_log and not said[IS_OPEN] and not _inside_call(made))
    if fact == "tool_call" and said[VIA] is not None:
        made.counted = int(not _inside_tool(made))


def _inside_call(made: Statement) -> bool:
    """Whether a model call with usage encloses it, with no tool call between."""
    at = made.above
    while at is not None and at.said is not None:
        fact = at.said[FACT]
        if fact == "tool_call":
            return False
        if fact == "llm_call" and uses(at.said):
            return True
        at = at.above
    return False


def _inside_tool(made: Statement) -> bool:
    said = made.said
    assert said is not None
    at = made.above
    while at is not None and at.said is not None:
        other = at.said
        is_same = other[TOOL_NAME] == said[TOOL_NAME] or (other[CALL_ID] is not None and other[CALL_ID] == said[CALL_ID])
        if other[FACT] == "tool_call" and is_same and _PLACES.get(other[VIA], 0) < _PLACES.get(said[VIA], 3):
            return True
        at = at.above
    return False
