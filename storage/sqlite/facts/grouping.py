"""Which statements tell of the same event: the rules of storage.facts.fact, in their order.

Whatever statements are given, the answer is the same for every order of them: rules that name a key join all that share it,
and rules that guess by time pair one to one, nearest first.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from storage.sqlite.facts.told import (
    CALL_ID,
    DURATION,
    FACT,
    INPUT,
    IS_OPEN,
    IS_PART,
    MODEL,
    NAME,
    ORIGIN,
    PAIR_KEY,
    RESPONSE_ID,
    SEQUENCE,
    TIME,
    TOOL_NAME,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from storage.sqlite.facts.told import Statement

NEAR_NS: Final = 2 * 10**9
# How far from a call a log record may be that names its response.
LOGGED_NEAR_NS: Final = 10 * 10**9
# From this source on a session is only the trace's id.
NO_SESSION: Final = 3
# Of spans that all name one response, each is compared with so many before it.
COMPARED: Final = 50
MOST_PAIRED_EXACTLY: Final = 60
_AGENT_ID: Final = 1


def end_of(made: Statement) -> int:
    """The end, by which tellings of one event are compared; of a turn its beginning, when the prompt is told."""
    said = made.said
    assert said is not None
    if said[FACT] == "user_turn":
        return int(said[TIME])
    return int(said[TIME] + (said[DURATION] or 0))


def group(statements: Sequence[Statement]) -> list[list[Statement]]:
    """The statements by event; within an event in no particular order."""
    groups = _Groups(statements)
    groups.by_key(_response_key, _may_share_response)
    groups.by_span()
    groups.by_key(_call_in_session_key)
    groups.by_key(_call_in_trace_key)
    groups.by_key(_sequence_key)
    for rule in (_turn_key, _agent_key):
        groups.pair(rule, _is_other_telling, None)
    groups.pair_open()
    groups.pair(_figures_key, _is_other_origin, NEAR_NS)
    groups.pair(_tool_key, _is_other_call, NEAR_NS)
    return groups.finished()


class _Groups:
    """Sets of statements that grow together. Two that name different responses never do."""

    def __init__(self, statements: Sequence[Statement]) -> None:
        self._statements = statements
        self._ordered: list[Statement] | None = None
        self._members: dict[Statement, list[Statement]] = {}
        for made in statements:
            made.group = made

    def _in_order(self) -> list[Statement]:
        if self._ordered is None:
            self._ordered = sorted(self._statements, key=_order)
        return self._ordered

    def members(self, made: Statement) -> list[Statement]:
        return self._members.get(made.group) or [made]

    def join(self, one: Statement, other: Statement) -> bool:
        if one.group is other.group:
            return True
        ours, theirs = self.members(one), self.members(other)
        responses = {said[RESPONSE_ID] for made in (*ours, *theirs) if (said := made.said) and said[RESPONSE_ID] is not None}
        if len(responses) > 1:
            return False
        head = one.group
        for made in theirs:
            made.group = head
        self._members[head] = ours + theirs
        return True

    def by_key(
        self,
        key_of: Callable[[Statement], Hashable | None],
        may_join: Callable[[Statement, Statement], bool] | None = None,
    ) -> None:
        """Joins all that have the same key."""
        first: dict[Hashable, Statement] = {}
        shared: set[Hashable] = set()
        for made in self._statements:
            key = key_of(made)
            if key is not None and first.setdefault(key, made) is not made:
                shared.add(key)
        if not shared:
            return
        buckets: dict[Hashable, list[Statement]] = defaultdict(list)
        for made in self._in_order():
            key = key_of(made)
            if key in shared:
                buckets[key].append(made)
        for bucket in buckets.values():
            for place, made in enumerate(bucket):
                for earlier in bucket[max(place - COMPARED, 0) : place] if may_join else bucket[: min(place, 1)]:
                    if may_join is None or may_join(earlier, made):
                        self.join(earlier, made)

    def by_span(self) -> None:
        """A log record tells of the span that it was logged in, and a placeholder of its span, where the fact is the same."""
        spans: dict[Hashable, Statement] = {}
        later: list[Statement] = []
        for made in self._statements:
            if made.span_id is None or made.trace_id is None or made.said is None:
                continue
            if made.is_log or spans.setdefault(_span_key(made), made) is not made:
                later.append(made)
        if later:
            for made in sorted(later, key=_order):
                found = spans.get(_span_key(made))
                if found is not None:
                    self.join(found, made)

    def pair_open(self) -> None:
        """An end goes with the latest beginning before it that has the same pair key."""
        for bucket in self._buckets(_pair_key).values():
            waiting: list[Statement] = []
            for made in sorted(bucket, key=lambda one: (end_of(one), *_order(one))):
                assert made.said is not None
                if made.said[IS_OPEN]:
                    waiting.append(made)
                elif waiting:
                    self.join(waiting.pop(), made)

    def pair(
        self,
        key_of: Callable[[Statement], Hashable | None],
        may_pair: Callable[[list[Statement], list[Statement]], bool],
        within: int | None,
    ) -> None:
        """Pairs the groups that share a key, the two nearest in time first, each with one of every other origin."""
        for bucket in self._buckets(key_of).values():
            if not _may_differ(bucket):
                continue
            heads = list(dict.fromkeys(made.group for made in sorted(bucket, key=_order)))
            if len(heads) < 2:
                continue
            for distance, _, _, one, other in _distances(heads):
                if within is not None and distance > within:
                    break
                if one.group is not other.group and may_pair(self.members(one), self.members(other)):
                    self.join(one, other)

    def _buckets(self, key_of: Callable[[Statement], Hashable | None]) -> dict[Hashable, list[Statement]]:
        buckets: dict[Hashable, list[Statement]] = defaultdict(list)
        for made in self._statements:
            key = key_of(made)
            if key is not None:
                buckets[key].append(made)
        return {key: bucket for key, bucket in buckets.items() if len(bucket) > 1}

    def finished(self) -> list[list[Statement]]:
        done: list[list[Statement]] = []
        for made in self._statements:
            members = self._members.get(made.group)
            if members is None:
                done.append([made])
            elif made is made.group:
                done.append(members)
        return done


def _may_differ(bucket: list[Statement]) -> bool:
    """Whether any two can tell of one event: not where all are whole statements of one origin, as spans alone are."""
    origins = {made.said[ORIGIN] for made in bucket if made.said is not None}
    return len(origins) > 1 or any(made.said is not None and (made.said[IS_PART] or made.said[IS_OPEN]) for made in bucket)


def _distances(heads: list[Statement]) -> list[tuple[int, int, int, Statement, Statement]]:
    """How far in time each two are apart, nearest first; of very many only those that follow each other closely."""
    ordered = sorted(heads, key=lambda made: (end_of(made), *_order(made)))
    reach = len(heads) if len(heads) <= MOST_PAIRED_EXACTLY else 5
    found = [
        (end_of(other) - end_of(one), place, further, one, other)
        for place, one in enumerate(ordered)
        for further, other in enumerate(ordered[place + 1 : place + reach], place + 1)
    ]
    return sorted(found, key=lambda entry: entry[:3])


def _order(made: Statement) -> tuple[int, int, str, str, str, str]:
    """An order that does not depend on which arrived first."""
    said = made.said
    assert said is not None
    return (made.is_log, made.time, made.trace_id or "", made.span_id or "", said[ORIGIN], str(said[RESPONSE_ID:]))


def _span_key(made: Statement) -> Hashable:
    assert made.said is not None
    return made.trace_id, made.span_id, made.said[FACT]


def _response_key(made: Statement) -> Hashable | None:
    said = made.said
    assert said is not None
    return (said[FACT], said[RESPONSE_ID]) if said[RESPONSE_ID] is not None else None


def _may_share_response(one: Statement, other: Statement) -> bool:
    """A stub, a cache or a replay gives many answers the same id: so the same moment is asked for, and no contradiction."""
    if one.is_log or other.is_log:
        first, second = _call_of(one), _call_of(other)
        if first is not None and second is not None:
            return first is second
        if not _meet(one, other, LOGGED_NEAR_NS):
            return False
    elif not _meet(one, other, 0):
        return False
    return (one.trace_id is not None and one.trace_id == other.trace_id) or _may_cross_traces(one, other)


def _meet(one: Statement, other: Statement, apart: int) -> bool:
    return one.time <= end_of(other) + apart and other.time <= end_of(one) + apart


def _call_of(made: Statement) -> Statement | None:
    """The span of a model call that a statement is, or was logged in."""
    if not made.is_log:
        return made
    parent = made.parent
    return parent if parent is not None and parent.said is not None and parent.said[FACT] == "llm_call" else None


def _may_cross_traces(one: Statement, other: Statement) -> bool:
    """Of two traces, or of none: a gateway and its client, or logs and spans; in one session where both have one."""
    if one.identity.session_source < NO_SESSION and other.identity.session_source < NO_SESSION:
        return one.identity.session_id == other.identity.session_id
    ours, theirs = one.said, other.said
    assert ours is not None
    assert theirs is not None
    return ours[INPUT] is None or theirs[INPUT] is None or bool(ours[INPUT] == theirs[INPUT])


def _call_in_session_key(made: Statement) -> Hashable | None:
    said = made.said
    assert said is not None
    session = made.identity.session_id
    return (said[FACT], session, said[CALL_ID]) if said[CALL_ID] is not None and session is not None else None


def _call_in_trace_key(made: Statement) -> Hashable | None:
    said = made.said
    assert said is not None
    return (said[FACT], made.trace_id, said[CALL_ID]) if said[CALL_ID] is not None and made.trace_id is not None else None


def _sequence_key(made: Statement) -> Hashable | None:
    said = made.said
    assert said is not None
    session = made.identity.session_id
    if not made.is_log or said[SEQUENCE] is None or session is None:
        return None
    return (said[FACT], said[NAME], session, said[SEQUENCE])


def _turn_key(made: Statement) -> Hashable | None:
    said = made.said
    assert said is not None
    identity = made.identity
    if said[FACT] != "user_turn" or identity.turn_id is None or identity.session_id is None:
        return None
    return (said[FACT], identity.session_id, identity.turn_id)


def _agent_key(made: Statement) -> Hashable | None:
    said = made.said
    assert said is not None
    identity = made.identity
    if said[FACT] != "agent_run" or made.own is None or made.own[_AGENT_ID] is None or identity.session_id is None:
        return None
    return (identity.session_id, made.own[_AGENT_ID])


def _pair_key(made: Statement) -> Hashable | None:
    said = made.said
    assert said is not None
    return (said[FACT], said[PAIR_KEY]) if said[PAIR_KEY] is not None else None


def _figures_key(made: Statement) -> Hashable | None:
    said = made.said
    assert said is not None
    session = made.identity.session_id
    if session is None or said[IS_PART] or not made.counted:
        return None
    if said[FACT] == "user_turn":
        return ("user_turn", session)
    if said[FACT] != "llm_call" or said[MODEL] is None or said[INPUT] is None:
        return None
    return (session, said[MODEL], said[INPUT])


def _tool_key(made: Statement) -> Hashable | None:
    said = made.said
    assert said is not None
    session = made.identity.session_id
    if session is None or said[FACT] != "tool_call" or said[IS_PART] or said[TOOL_NAME] is None or not made.counted:
        return None
    return (session, said[TOOL_NAME])


def _origins(members: Iterable[Statement]) -> set[str]:
    return {made.said[ORIGIN] for made in members if made.said is not None and not made.said[IS_PART]}


def _is_other_origin(ours: list[Statement], theirs: list[Statement]) -> bool:
    return not _origins(ours) & _origins(theirs) and not _are_other_clients(ours, theirs)


def _are_other_clients(ours: list[Statement], theirs: list[Statement]) -> bool:
    """Two coding agents that each tell of themselves."""
    clients = {made.resource.client for made in (*ours, *theirs)} - {None}
    return len(clients) > 1


def _is_other_call(ours: list[Statement], theirs: list[Statement]) -> bool:
    """Of a tool: one at least must not know the call's id."""
    return _is_other_origin(ours, theirs) and not (_has_call_id(ours) and _has_call_id(theirs))


def _has_call_id(members: Iterable[Statement]) -> bool:
    return any(made.said is not None and made.said[CALL_ID] is not None for made in members)


def _is_other_telling(ours: list[Statement], theirs: list[Statement]) -> bool:
    """Origins differ, or one side only adds to the other or stands in for it."""
    return _is_provisional(ours) or _is_provisional(theirs) or _is_other_origin(ours, theirs)


def _is_provisional(members: Iterable[Statement]) -> bool:
    return all(made.said is not None and (made.said[IS_PART] or made.said[IS_OPEN]) for made in members)
