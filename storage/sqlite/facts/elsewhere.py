"""Finds stored events that records at hand may also tell of: in other traces, and in the logs of the same session.

Only what is new, or whose session has changed, is looked up, by indexes; and within a session only where logs were sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from storage.sqlite.bulk import insert_many
from storage.sqlite.facts.grouping import NEAR_NS, end_of
from storage.sqlite.facts.told import (
    CALL_ID,
    FACT,
    INPUT,
    IS_PART,
    MODEL,
    PAIR_KEY,
    RESPONSE_ID,
    SEQUENCE,
    TIME,
    TOOL_NAME,
)
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from storage.sqlite.facts.names import Names
    from storage.sqlite.facts.told import Statement

HOUR_NS: Final = 3_600 * 10**9
# A response told this close to the hour's edge is looked for on both sides of it.
EDGE_NS: Final = 600 * 10**9
# How much earlier a model call may have begun, and how far apart two tellings of a turn may be.
LONGEST_CALL_NS: Final = 900 * 10**9
TURN_NS: Final = 600 * 10**9
_KNOWN_SESSION, _INFERRED_SESSION = 0, 3
SESSIONS_REMEMBERED: Final = 50_000


class Elsewhere:
    """Runs on the writer thread, inside its transaction."""

    def __init__(self, connection: sqlite3.Connection, sessions: Names) -> None:
        self._connection = connection
        self._sessions = sessions
        self._logged: set[int] = set()
        self._silent: set[int] = set()

    def forget(self) -> None:
        self._logged.clear()
        self._silent.clear()

    def look(self, statements: Sequence[Statement]) -> set[int]:
        """The ids of stored events that may be those of `statements`."""
        fresh = [one for one in statements if one.probed is None or one.probed != one.identity]
        for one in fresh:
            one.probed = one.identity
        if not fresh:
            return set()
        self._sessions.find({one.identity.session_id for one in fresh if one.identity.session_id is not None})
        found = self._ids("facts_with_response", _response_keys(fresh))
        found |= self._ids(
            "facts_with_pair_key", sorted({one.said[PAIR_KEY] for one in fresh if one.said and one.said[PAIR_KEY]})
        )
        in_sessions = [(key, one) for one in fresh if (key := self._old_session(one)) is not None]
        if not in_sessions:
            return found
        found |= self._ids("facts_with_call_id", _call_keys(in_sessions))
        logged = self._with_logs(in_sessions)
        if logged:
            found |= self._ids("facts_with_sequence", _sequence_keys(logged))
            found |= self._ids("facts_of_turn", _turn_keys(logged))
            found |= self._ids("facts_with_figures", _figure_keys(logged))
            found |= self._ids("facts_of_tool", _tool_keys(logged))
        return found

    def adopt_sessions(self, statements: Sequence[Statement]) -> set[int]:
        """Gives what names only its turn the session of that turn; answers which stored events that concerns as well."""
        told: dict[str, str] = {}
        homeless: list[Statement] = []
        for one in statements:
            identity = one.identity
            if identity.turn_id is None:
                continue
            if identity.session_source == _KNOWN_SESSION and identity.session_id is not None:
                told.setdefault(identity.turn_id, identity.session_id)
            elif identity.session_source >= _INFERRED_SESSION:
                homeless.append(one)
        concerned = self._tell(told)
        if homeless:
            wanted = orjson.dumps(sorted({one.identity.turn_id or "" for one in homeless})).decode()
            known = dict(self._connection.execute(statement("sessions_of_turns"), (wanted,)).fetchall())
            for one in homeless:
                session = known.get(one.identity.turn_id)
                if session is not None:
                    one.identity = one.identity._replace(session_id=session, session_source=1)
        return concerned

    def _tell(self, told: dict[str, str]) -> set[int]:
        if not told or not insert_many(self._connection, "insert_turn", sorted(told.items())):
            return set()
        return self._ids("facts_of_turns_without_session", sorted(told))

    def _ids(self, name: str, keys: Sequence[Any]) -> set[int]:
        if not keys:
            return set()
        return {row[0] for row in self._connection.execute(statement(name), (orjson.dumps(keys).decode(),))}

    def _old_session(self, one: Statement) -> int | None:
        key = self._sessions.get(one.identity.session_id)
        return key if key is not None and self._sessions.is_old(key) else None

    def _with_logs(self, in_sessions: Sequence[tuple[int, Statement]]) -> list[tuple[int, Statement]]:
        """Those that are logs, or in a session that has some."""
        keys = {key for key, one in in_sessions if not one.is_log}
        unknown = keys - self._logged - self._silent
        if unknown:
            wanted = orjson.dumps(sorted(unknown)).decode()
            logged = {row[0] for row in self._connection.execute(statement("sessions_with_logs"), (wanted,))}
            if len(self._logged) + len(self._silent) > SESSIONS_REMEMBERED:
                self.forget()
            self._logged |= logged
            self._silent |= unknown - logged
        for key, one in in_sessions:
            if one.is_log:
                self._logged.add(key)
                self._silent.discard(key)
        return [(key, one) for key, one in in_sessions if one.is_log or key in self._logged]


def _response_keys(statements: Iterable[Statement]) -> list[Any]:
    keys = set()
    for one in statements:
        said = one.said
        if said is None or said[RESPONSE_ID] is None:
            continue
        hour, rest = divmod(said[TIME], HOUR_NS)
        keys.add((hour, said[RESPONSE_ID]))
        if rest < EDGE_NS or one.is_log:
            keys.add((hour - 1, said[RESPONSE_ID]))
        if rest > HOUR_NS - EDGE_NS or one.is_log:
            keys.add((hour + 1, said[RESPONSE_ID]))
    return sorted(keys)


def _call_keys(statements: Iterable[tuple[int, Statement]]) -> list[Any]:
    return sorted({(key, one.said[CALL_ID]) for key, one in statements if one.said and one.said[CALL_ID] is not None})


def _sequence_keys(statements: Iterable[tuple[int, Statement]]) -> list[Any]:
    return sorted(
        {(key, one.said[SEQUENCE]) for key, one in statements if one.is_log and one.said and one.said[SEQUENCE] is not None}
    )


def _turn_keys(statements: Iterable[tuple[int, Statement]]) -> list[Any]:
    """Session, fact, turn, agent, and the time around which a turn without an id is looked for."""
    keys = []
    for key, one in statements:
        said = one.said
        if said is not None and said[FACT] in {"user_turn", "agent_run"}:
            identity = one.identity
            at = end_of(one)
            agent_id = one.own[1] if one.own is not None and said[FACT] == "agent_run" else None
            turn_id = identity.turn_id if said[FACT] == "user_turn" else None
            keys.append((key, said[FACT], turn_id, agent_id, at - TURN_NS, at + TURN_NS))
    return keys


def _figure_keys(statements: Iterable[tuple[int, Statement]]) -> list[Any]:
    keys = []
    for key, one in statements:
        said = one.said
        if (
            said is not None
            and said[FACT] == "llm_call"
            and not said[IS_PART]
            and said[MODEL] is not None
            and said[INPUT] is not None
        ):
            at = end_of(one)
            keys.append((key, said[MODEL], said[INPUT], at - LONGEST_CALL_NS, at + 2 * NEAR_NS))
    return keys


def _tool_keys(statements: Iterable[tuple[int, Statement]]) -> list[Any]:
    keys = []
    for key, one in statements:
        said = one.said
        if said is not None and said[FACT] == "tool_call" and not said[IS_PART] and said[TOOL_NAME] is not None:
            at = end_of(one)
            keys.append((key, said[TOOL_NAME], at - LONGEST_CALL_NS, at + 2 * NEAR_NS))
    return keys
