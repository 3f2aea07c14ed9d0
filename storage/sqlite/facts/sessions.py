"""The sums of sessions, and which agents, users and days they have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from storage.sqlite.bulk import insert_many
from storage.sqlite.facts.events import ROW_COLUMNS
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    import sqlite3

    from storage.facts.fact import Row

DAY_NS: Final = 86_400 * 10**9
_KEY, _SOURCE, _AGENT, _USER, _TIME, _DURATION, _FACT, _COUNTED, _USAGE, _OPEN, _FAILED, _REPORTED, _COMPUTED, _ID = (
    ROW_COLUMNS.index(name)
    for name in (
        "session_key", "session_source", "agent_key", "user_key", "time", "duration", "fact", "counted", "counts_usage",
        "is_open", "failed", "reported_cost", "computed_cost", "id",
    )
)  # fmt: skip
_TOKENS: Final = tuple(
    ROW_COLUMNS.index(name)
    for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
)
# In the order of the columns of `sessions`.
_FACTS, _FIRST, _LAST, _TURNS, _RUNS, _LLM, _TOOLS, _FAILURES, _INPUT = range(9)
_REPORTED_SUM, _COMPUTED_SUM, _UNPRICED, _LOGS, _STATED = range(13, 18)
_SUM_OF_FACT: Final = {"user_turn": _TURNS, "agent_run": _RUNS, "llm_call": _LLM, "tool_call": _TOOLS}
_NO_TIME: Final = 2**63 - 1


class SessionSums:
    """Runs on the writer thread, inside its transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._clear()

    def _clear(self) -> None:
        self._sums: dict[int, list[Any]] = {}
        self._links: dict[tuple[str, int, int], int] = {}
        self._days: dict[tuple[int, int], int] = {}
        self._shrunk: set[int] = set()

    def add(self, row: Row, sign: int) -> None:
        """Puts a row (ROW_COLUMNS) in, or takes it out."""
        session = row[_KEY]
        if session is None:
            return
        sums = self._sums.get(session)
        if sums is None:
            sums = self._sums[session] = [0, _NO_TIME, 0, *([0] * 15)]
        sums[_FACTS] += sign
        sums[_LOGS] += sign * (row[_ID] & 1)
        sums[_STATED] += sign * (row[_SOURCE] < 3)
        time = row[_TIME]
        if sign > 0:
            sums[_FIRST] = min(sums[_FIRST], time)
            sums[_LAST] = max(sums[_LAST], time + (row[_DURATION] or 0))
        else:
            self._shrunk.add(session)
        place = _SUM_OF_FACT.get(row[_FACT])
        if row[_COUNTED] and not row[_OPEN] and place is not None:
            sums[place] += sign
            if row[_FAILED]:
                sums[_FAILURES] += sign
        if row[_USAGE]:
            _add_usage(sums, row, sign)
        self._link("agent", row[_AGENT], session, sign)
        self._link("user", row[_USER], session, sign)
        day = (time // DAY_NS, session)
        self._days[day] = self._days.get(day, 0) + sign

    def _link(self, kind: str, key: int | None, session: int, sign: int) -> None:
        if key is not None:
            link = (kind, key, session)
            self._links[link] = self._links.get(link, 0) + sign

    def write(self) -> None:
        connection = self._connection
        insert_many(connection, "insert_session_sums", [(key, f"\0{key}", *sums) for key, sums in sorted(self._sums.items())])
        links = [(*link, number) for link, number in sorted(self._links.items()) if number]
        insert_many(connection, "insert_session_link", links)
        days = [(*day, number) for day, number in sorted(self._days.items()) if number]
        insert_many(connection, "insert_session_day", days)
        if self._shrunk:
            keys = (orjson.dumps(sorted(self._shrunk)).decode(),)
            for name in ("delete_empty_links", "delete_empty_days", "measure_sessions"):
                connection.execute(statement(name), keys)
        self._clear()


def _add_usage(sums: list[Any], row: Row, sign: int) -> None:
    for place, column in enumerate(_TOKENS, _INPUT):
        if row[column]:
            sums[place] += sign * row[column]
    if row[_REPORTED] is not None:
        sums[_REPORTED_SUM] += sign * row[_REPORTED]
    elif row[_COMPUTED] is not None:
        sums[_COMPUTED_SUM] += sign * row[_COMPUTED]
    elif row[_FACT] == "llm_call":
        sums[_UNPRICED] += sign
