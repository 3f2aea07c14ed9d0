"""Answers for sessions: the list, and one of them from beginning to end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from storage.agents_contract import SessionContent, SessionSummary, Sums
from storage.contract import Page, Position
from storage.sqlite.reading.facts import END_OF_TIME, records, with_contents
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from storage.agents_contract import SessionQuery
    from storage.sqlite.connect import Reader

_SUMS: Final = (
    "turns", "runs", "llm_calls", "tool_calls", "errors", "input_tokens", "output_tokens", "cache_read_tokens",
    "cache_write_tokens", "reasoning_tokens", "reported_cost", "computed_cost", "unpriced_calls",
)  # fmt: skip


def find_sessions(reader: Reader, query: SessionQuery) -> Page[SessionSummary]:
    parameters = _parameters(reader, query)
    if parameters is None:
        return Page([])
    if query.order == "cost":
        return Page(summaries(reader, reader.rows("sessions_dearest", {**parameters, "count": query.limit})))
    if query.user is not None:
        found = reader.rows("sessions_linked", {**parameters, "kind": "user", "linked": parameters["user_key"]})
    elif query.agent is not None:
        found = reader.rows("sessions_linked", {**parameters, "kind": "agent", "linked": parameters["agent_key"]})
    else:
        found = reader.rows("sessions_newest", parameters)
    shown = found[: query.limit]
    following = Position(shown[-1][4], shown[-1][0]) if len(found) > query.limit else None
    return Page(summaries(reader, shown), following)


def _parameters(reader: Reader, query: SessionQuery) -> dict[str, Any] | None:
    keys: dict[str, int | None] = {}
    for place, name, given in (("agent_key", "agent_key_of", query.agent), ("user_key", "user_key_of", query.user)):
        found = reader.execute(statement(name), {"name": given}).fetchone() if given is not None else (None,)
        if found is None:
            return None
        keys[place] = found[0]
    return {
        **keys,
        "start": max(query.range.start or 0, 0),
        "end": END_OF_TIME if query.range.end is None else query.range.end,
        "failed": query.failed,
        "min_cost": query.min_cost,
        "after_time": query.after.time if query.after else None,
        "after_key": query.after.key if query.after else None,
        "count": query.limit + 1,
    }


def summaries(reader: Reader, rows: Sequence[Any]) -> list[SessionSummary]:
    """Rows of `session_columns`, in their order."""
    keys = {"keys": orjson.dumps([row[0] for row in rows]).decode()}
    linked: dict[tuple[int, str], list[str]] = {}
    for key, kind, name, _ in reader.rows("links_of_sessions", keys):
        linked.setdefault((key, kind), []).append(name)
    traces = dict(reader.rows("traces_of_sessions", keys))
    return [_summary(row, linked.get((row[0], "agent"), ()), linked.get((row[0], "user"), ()), traces) for row in rows]


def _summary(row: Any, agents: Iterable[str], users: Iterable[str], traces: dict[int, int]) -> SessionSummary:
    key, session_id, inferred, first, last, *sums = row
    values: dict[str, Any] = {
        name: round(value, 10) if isinstance(value, float) else value for name, value in zip(_SUMS, sums, strict=True)
    }
    return SessionSummary(
        session_id, bool(inferred), first, last, tuple(agents), tuple(users), traces.get(key, 0), Sums(**values)
    )


def session(reader: Reader, session_id: str, limit: int, after: Position | None) -> SessionContent | None:
    found = reader.rows("session_by_id", {"session_id": session_id})
    if not found:
        return None
    (summary,) = summaries(reader, found)
    parameters = {
        "session_key": found[0][0],
        "after_time": after.time if after else None,
        "after_key": after.key if after else None,
        "count": limit + 1,
    }
    listed = reader.rows("timeline", parameters)
    shown = listed[:limit]
    following = Position(*shown[-1]) if len(listed) > limit else None
    facts = with_contents(reader, records(reader, [row[1] for row in shown]))
    return SessionContent(summary, facts, following)
