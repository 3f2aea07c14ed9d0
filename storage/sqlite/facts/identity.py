"""Whose the facts of a trace are: agent, session, user and so on, handed down from the spans that say it.

A record's own word goes first, then its nearest ancestor's, then that of any record of the trace (the earliest; logs after
spans), then the resource's. The whole trace is worked out at once, so that no order of arrival can matter.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from storage.sqlite.facts.inferred import HANDOVER, hands_over
from storage.sqlite.facts.told import (
    FACT,
    KIND,
    NO_PARENT,
    NOTHING,
    TOOL_NAME,
    Identity,
    ResourceIdentity,
    Statement,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from storage.facts.fact import Row
    from storage.sqlite.facts.told import TraceFacts

    Chain = tuple[Any, ...]

_AGENT, _AGENT_ID, _VERSION, _OUTER, _WORKFLOW, _SESSION, _TURN, _USER = range(8)
_BY_AGE = attrgetter("time", "span_id")
RESOURCE_SAYS_AGENT: Final = 1
RESOURCE_SAYS_USER: Final = 2


def resolve_identity(trace: TraceFacts) -> list[Statement]:
    """Gives every statement of a fact its `identity`; the spans in an order in which parents come first."""
    spans = trace.spans
    for made in spans.values():
        made.reset()
    for made in spans.values():
        if made.parent_id is not None:
            parent = spans.get(made.parent_id)
            made.parent = parent if parent is not made else None
    ordered = _parents_first(spans.values())
    _hand_down(ordered, {})
    handed = _handed_over(ordered)
    if handed:
        _hand_down(ordered, handed)
    for made in trace.others:
        _attach(made, spans)
    whole = _of_whole_trace(trace)
    workflow = whole[_WORKFLOW]
    fallback = (*whole[:_WORKFLOW], workflow if workflow is not None else _root_name(ordered), *whole[_SESSION:])
    _settle(trace, ordered, fallback)
    return ordered


def _hand_down(ordered: Sequence[Statement], handed: Mapping[Statement, str]) -> None:
    """What holds for each span; `handed` has the agents that others handed over to."""
    for made in ordered:
        above = made.parent.chain if made.parent is not None else NOTHING
        own = made.own
        if made in handed and own is not None:
            own = (*own[:_OUTER], handed[made], *own[_WORKFLOW:])
        made.chain = above if own is None else below(own, above)


def _handed_over(ordered: Sequence[Statement]) -> dict[Statement, str]:
    """Runs that began because an agent beside them handed over: the first run of another agent after it, by the agent before."""
    handing = [
        made
        for made in ordered
        if made.said is not None and made.chain[_AGENT] is not None and (_is_handover(made.said) or hands_over(made))
    ]
    if not handing:
        return {}
    runs = sorted((made for made in ordered if made.said is not None and made.said[FACT] == "agent_run"), key=_BY_AGE)
    found: dict[Statement, str] = {}
    for made in sorted(handing, key=_BY_AGE):
        agent = made.chain[_AGENT]
        later = (run for run in runs if run.time >= made.time and run.chain[_AGENT] not in {None, agent})
        run = next(later, None)
        if run is not None and run.chain[_OUTER] is None:
            found.setdefault(run, agent)
    return found


def _is_handover(said: Row) -> bool:
    return said[KIND] == "handoff" or (said[FACT] == "tool_call" and str(said[TOOL_NAME]).startswith(HANDOVER))


def _attach(made: Statement, spans: dict[str, Statement]) -> None:
    made.reset()
    # A log record belongs to the span that it was logged in; a placeholder stands in for one.
    found = spans.get(made.span_id or "")
    made.parent = found or (None if made.is_log else spans.get(made.parent_id or ""))
    above = made.parent.chain if made.parent is not None else NOTHING
    made.chain = above if made.own is None else below(made.own, above)


def _parents_first(spans: Iterable[Statement]) -> list[Statement]:
    """Spans whose ancestors form a ring are taken as roots, each of the ring."""
    ordered: list[Statement] = []
    for made in spans:
        path: list[Statement] = []
        at: Statement | None = made
        while at is not None and at.mark == 0:
            at.mark = 1
            path.append(at)
            at = at.parent
        if at is not None and at.mark == 1:
            for member in path[path.index(at) :]:
                member.parent = None
        for member in reversed(path):
            member.mark = 2
            ordered.append(member)
    return ordered


def below(own: Chain, above: Chain) -> Chain:
    """What holds for a record that says `own` under one for which `above` holds."""
    if above is NOTHING:
        return own
    agent, agent_id, version, outer, workflow, session, turn, user = own
    if agent is None:
        agent, agent_id = above[_AGENT], agent_id if agent_id is not None else above[_AGENT_ID]
    if outer is None:
        outer = above[_OUTER] if agent == above[_AGENT] else above[_AGENT]
    if version is None and agent == above[_AGENT]:
        version = above[_VERSION]
    return (
        agent,
        agent_id,
        version,
        outer,
        workflow if workflow is not None else above[_WORKFLOW],
        session if session is not None else above[_SESSION],
        turn if turn is not None else above[_TURN],
        user if user is not None else above[_USER],
    )


def _of_whole_trace(trace: TraceFacts) -> Chain:
    """For each value the word of the earliest record that has one."""
    speaking = sorted(
        (made for made in (*trace.spans.values(), *trace.others) if made.own is not None),
        key=lambda made: (made.is_log, made.time, made.span_id or "", str(made.own) if made.is_log else ""),
    )
    found: list[Any] = list(NOTHING)
    for made in speaking:
        own = made.own
        assert own is not None
        for place in range(8):
            if found[place] is None and own[place] is not None:
                found[place] = own[place]
                if place == _AGENT:
                    found[_AGENT_ID], found[_VERSION] = own[_AGENT_ID], own[_VERSION]
        if None not in found:
            break
    found[_OUTER] = None
    return tuple(found)


def _root_name(ordered: Sequence[Statement]) -> str | None:
    roots = [made for made in ordered if made.parent_id in {None, NO_PARENT} and made.name is not None]
    return min(roots, key=_BY_AGE).name if roots else None


def _settle(trace: TraceFacts, ordered: Sequence[Statement], fallback: Chain) -> None:
    known: dict[tuple[Chain, ResourceIdentity], Identity] = {}
    for group in (ordered, trace.others):
        for made in group:
            if made.said is None:
                continue
            key = (made.chain, made.resource)
            found = known.get(key)
            if found is None:
                found = known[key] = effective(made.chain, fallback, made.resource, trace.trace_id)
            made.identity = found


def effective(chain: Chain, fallback: Chain, resource: ResourceIdentity, trace_id: str | None) -> Identity:
    """What holds for a record, after all that could say it."""
    agent, agent_id, version, outer, workflow, session, turn, user = chain
    weak = source = 0
    if agent is None:
        agent, agent_id = fallback[_AGENT], agent_id if agent_id is not None else fallback[_AGENT_ID]
        version = version if version is not None else fallback[_VERSION]
    if agent is None:
        agent, weak = resource.agent_name, RESOURCE_SAYS_AGENT
    if version is None:
        version = resource.agent_version
    user = user if user is not None else fallback[_USER]
    if user is None:
        user, weak = resource.user_id, weak | RESOURCE_SAYS_USER
    session = session if session is not None else fallback[_SESSION]
    if session is None:
        session, source = resource.session_id, 2
    if session is None:
        session, source = trace_id, 3 if trace_id is not None else 4
    return Identity(
        agent,
        agent_id,
        version,
        outer,
        workflow if workflow is not None else fallback[_WORKFLOW],
        session,
        turn if turn is not None else fallback[_TURN],
        user,
        source,
        weak,
    )
