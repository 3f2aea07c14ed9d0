"""Answers usage by session: of the dearest sessions active in the range everything that falls into it, added up fact by fact.

Sums are not kept by session and hour: a session is short, and there are as many as there are conversations.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import orjson

from storage.agents_contract import FactFilter, UsageSummary
from storage.errors import BadQuestion
from storage.sqlite.facts.sums import AGENT, SESSION, USER, group_sums, summed
from storage.sqlite.reading.facts import END_OF_TIME
from storage.sqlite.reading.usage import Total, size_of, told_of
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.agents_contract import UsageQuery
    from storage.facts.fact import Row
    from storage.sqlite.connect import Reader

SESSION_GROUP: Final = "session"
MOST_SESSIONS: Final = 1_000
# A cube that every fact is in.
_CUBE: Final = "agent"


def session_usage(reader: Reader, query: UsageQuery) -> Sequence[UsageSummary]:
    """The dearest first. Raises BadQuestion for what is not known of a session."""
    filter_ = query.filter
    if query.group_by != (SESSION_GROUP,) or query.interval_ns is not None:
        raise BadQuestion("group_by", "session goes alone and without interval; start and end narrow what is summed")
    if FactFilter(filter_.range, agent=filter_.agent, user=filter_.user) != filter_:
        raise BadQuestion("group_by", "session can be narrowed by agent, user, start and end alone")
    bound = _bound(reader, query)
    if bound is None:
        return []
    names = dict(reader.rows("dearest_session_names", bound))
    by_session: dict[int, list[Row]] = defaultdict(list)
    for row in reader.execute(statement("facts_of_sessions"), {**bound, "keys": orjson.dumps(list(names)).decode()}):
        if bound["agent_key"] in {None, row[AGENT]} and bound["user_key"] in {None, row[USER]}:
            by_session[row[SESSION]].append(row)
    reader.check_time()
    found = [_summary(names[key], rows, query.percentiles_of) for key, rows in by_session.items()]
    return sorted(found, key=lambda one: (*size_of(one.sums), str(one.group)))


def _bound(reader: Reader, query: UsageQuery) -> dict[str, Any] | None:
    """None where a name is unknown, so that nothing fits."""
    filter_ = query.filter
    bound: dict[str, Any] = {
        "start": max(filter_.range.start or 0, 0),
        "end": END_OF_TIME if filter_.range.end is None else filter_.range.end,
        "failed": None,
        "min_cost": None,
        "count": min(query.limit, MOST_SESSIONS),
    }
    for place, name, given in (("agent_key", "agent_key_of", filter_.agent), ("user_key", "user_key_of", filter_.user)):
        found = reader.execute(statement(name), {"name": given}).fetchone() if given is not None else (None,)
        if found is None:
            return None
        bound[place] = found[0]
    return bound


def _summary(session_id: str, rows: Sequence[Row], percentiles_of: str) -> UsageSummary:
    total = Total()
    for group, _, sums, durations, first_tokens in group_sums(summed(rows), _CUBE):
        fact = told_of(group)["fact"]
        total.add(fact, sums)
        if fact == percentiles_of:
            total.add_times(durations, first_tokens)
    return UsageSummary({SESSION_GROUP: session_id}, None, total.finished())
