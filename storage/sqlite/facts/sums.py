"""The sums that follow from facts: per hour and day by what is asked for, and per session.

A fact that changes is first taken out as it was and then added as it is, so the sums always agree with the facts. Of a group
of commits each cell is read, merged and written once.
"""

from __future__ import annotations

from functools import cache, lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from storage.histogram import bucket_of
from storage.sqlite.facts.cells import LEVELS, SUMS, Cells, Change, join_at
from storage.sqlite.facts.cubes import CUBES, OF_FAILURES
from storage.sqlite.facts.events import ROW_COLUMNS
from storage.sqlite.facts.sessions import SessionSums
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from storage.facts.fact import Row

    Group = tuple[Any, ...]
    # What a row adds to which sums, and the buckets of its duration and time to first token.
    Added = tuple[list[tuple[int, Any]], int | None, int | None]

HOUR_NS: Final = 3_600 * 10**9
HOURS_PER_DAY: Final = LEVELS["day"]
HOURS_PER_MONTH: Final = LEVELS["month"]
GROUPS_REMEMBERED: Final = 20_000
LONGEST_NAME: Final = 200
LONGEST_LABEL: Final = 1_000

(
    SERVICE, COUNTED, COUNTS_USAGE, HAS_CONTENT, FACT, KIND, IS_OPEN, TIME, DURATION, AGENT, VERSION, PARENT_AGENT, WORKFLOW,
    SESSION, SESSION_SOURCE, USER, PROVIDER, MODEL, INPUT, OUTPUT, CACHE_READ, CACHE_WRITE, REASONING, REPORTED, COMPUTED, SAVING,
    CREDITS, TTFT, FINISH, TOOL, SERVER, DECISION, FAILED, ERROR_TYPE, STATUS, ATTEMPT, METADATA, RUN_LLM, RUN_TOOLS,
) = (
    ROW_COLUMNS.index(name)
    for name in (
        "service_name", "counted", "counts_usage", "has_content", "fact", "kind", "is_open", "time", "duration", "agent_key",
        "agent_version", "parent_agent", "workflow", "session_key", "session_source", "user_key", "provider", "model",
        "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "reported_cost",
        "computed_cost", "cache_saving", "credits", "time_to_first_token", "finish_reasons", "tool_name", "mcp_server",
        "decision", "failed", "error_type", "status_code", "attempt", "metadata", "run_llm_calls", "run_tool_calls",
    )
)  # fmt: skip

(
    _COUNT, _FAILED, _INPUT, _OUTPUT, _CACHE_READ, _CACHE_WRITE, _REASONING, _REPORTED_COST, _COMPUTED_COST, _SAVING, _CREDITS,
    _REPORTED, _COMPUTED, _UNPRICED, _WITHOUT_USAGE, _WITHOUT_SESSION, _WITHOUT_CONTENT, _RETRIES, _RATE_LIMITED, _RUN_LLM,
    _RUN_TOOLS, _TIMED_OUTPUT, _TIMED_NS,
) = range(len(SUMS))  # fmt: skip
_USAGE_SUMS: Final = (
    (_INPUT, INPUT), (_OUTPUT, OUTPUT), (_CACHE_READ, CACHE_READ), (_CACHE_WRITE, CACHE_WRITE), (_REASONING, REASONING),
    (_SAVING, SAVING), (_CREDITS, CREDITS),
)  # fmt: skip
_USUAL_ENDS: Final = frozenset((
    "stop", "end_turn", "tool_calls", "tool_use", "stop_sequence", "function_call", "completed", "complete", "success", "goal",
    "tool-calls", "toolcalls", "tool_call", "eos", "finish_reason_stop", "finish_reason_unspecified", "unknown", "",
))  # fmt: skip
_LIMITED: Final = (429, 529)
# A call, or one attempt at it.
_REFUSABLE: Final = ("llm_call", "event")


@lru_cache(maxsize=4_096)
def unusual_end(finish_reasons: str | None) -> str:
    """The first reason for which a call ended other than by being done; "" where there is none."""
    if finish_reasons is None:
        return ""
    try:
        reasons = orjson.loads(finish_reasons)
    except orjson.JSONDecodeError:
        reasons = [finish_reasons]
    for reason in reasons if isinstance(reasons, list) else [reasons]:
        if str(reason).lower() not in _USUAL_ENDS:
            return str(reason)[:LONGEST_NAME]
    return ""


def is_rate_limited(row: Row) -> bool:
    error = (row[ERROR_TYPE] or "").lower()
    return row[STATUS] in _LIMITED or "rate_limit" in error or "ratelimit" in error or "overloaded" in error


class Sums:
    """Runs on the writer thread, inside its transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._sessions = SessionSums(connection)
        self._cells = Cells(connection)
        # What has the same names is counted in the same groups.
        self._places: dict[tuple[Any, ...], list[int]] = {}
        self._groups: dict[Group, int] = {}
        self._cubes: dict[int, str] = {}

    def forget(self) -> None:
        self._cells.forget()
        self._forget_groups()

    def _forget_groups(self) -> None:
        self._places.clear()
        self._groups.clear()
        self._cubes.clear()

    def change(self, removed: Iterable[Row], added: Iterable[Row]) -> None:
        """Takes rows out and puts rows in; ROW_COLUMNS."""
        by_names: dict[tuple[Any, ...], Change] = {}
        for rows, sign in ((removed, -1), (added, 1)):
            for row in rows:
                self._sessions.add(row, sign)
                if row[COUNTED] or row[COUNTS_USAGE]:
                    _add_row(by_names, row, sign)
        self._sessions.write()
        if by_names:
            self._write(by_names)

    def _write(self, by_names: dict[tuple[Any, ...], Change]) -> None:
        if len(self._groups) > GROUPS_REMEMBERED or len(self._places) > GROUPS_REMEMBERED:
            self._forget_groups()
        first_new = self._connection.execute(statement("last_usage_group")).fetchone()[0] + 1
        by_hour: dict[tuple[int, int], Change] = {}
        own: set[tuple[int, int]] = set()
        for (hour, *rest), change in by_names.items():
            names = tuple(rest)
            places = self._places.get(names)
            if places is None:
                places = self._places[names] = [self._number(group) for group in _groups_of_names(names)]
            for number in places:
                join_at(by_hour, own, (hour, number), change)
        self._cells.add(by_hour, self._cubes.__getitem__, first_new)

    def _number(self, group: Group) -> int:
        number = self._groups.get(group)
        if number is None:
            row = self._connection.execute(statement("usage_group"), group).fetchone()
            number = row[0] if row else self._connection.execute(statement("insert_usage_group"), group).lastrowid
            assert number is not None
            self._groups[group] = number
            self._cubes[number] = group[0]
        return number


_NAMES: Final = itemgetter(
    FACT, KIND, AGENT, VERSION, SERVICE, PARENT_AGENT, WORKFLOW, PROVIDER, MODEL, TOOL, SERVER, ERROR_TYPE, FINISH, DECISION,
    METADATA, FAILED, COUNTED,
)  # fmt: skip


# The names of a group behind its cube, as the columns of usage_groups have them, and those that each cube keeps.
_FIELDS: Final = (
    "fact", "kind", "agent", "version", "service", "parent_agent", "workflow", "provider", "model", "tool", "mcp_server",
    "error_type", "finish_reason", "decision", "user", "metadata",
)  # fmt: skip
AGENT_TOLD: Final = _FIELDS.index("agent")
_BLANK: Final = tuple(0 if name in {"agent", "user"} else "" for name in _FIELDS)
_KEPT: Final = {
    cube: tuple(place for place, name in enumerate(_FIELDS) if name in {"fact", *CUBES[cube].names}) for cube in CUBES
}


def _add_row(by_names: dict[tuple[Any, ...], Change], row: Row, sign: int) -> None:
    """Adds up what has the same names first: many rows of a group do, and each would go into four cubes and more.

    Users are many, and have a cube by themselves.
    """
    hour = row[TIME] // HOUR_NS
    added = _sums_of(row)
    _add(by_names, (hour, *_NAMES(row)), added, sign)
    if row[USER]:
        _add(by_names, (hour, row[FACT], row[USER]), added, sign)


def _add(by_names: dict[tuple[Any, ...], Change], key: tuple[Any, ...], added: Added, sign: int) -> None:
    change = by_names.get(key)
    if change is None:
        change = by_names[key] = Change({}, {}, {})
    sums, duration, first_token = added
    into = change.sums
    for place, value in sums:
        into[place] = into.get(place, 0) + sign * value
    if duration is not None:
        buckets = change.durations
        buckets[duration] = buckets.get(duration, 0) + sign
    if first_token is not None:
        buckets = change.first_tokens
        buckets[first_token] = buckets.get(first_token, 0) + sign


def _groups_of_names(names: tuple[Any, ...]) -> list[Group]:
    if len(names) == 2:
        return [_user_group(*names)]
    told = _told(names)
    return [_group_in(cube, told) for cube in _cubes_of(names)]


def _cubes_of(names: tuple[Any, ...]) -> tuple[str, ...]:
    """The cubes in which a fact of these names (_NAMES) is counted, but for that of users."""
    metadata = names[14]
    return _cubes(names[0], bool(names[15] and names[16]), metadata is not None and len(metadata) <= LONGEST_LABEL)


@cache
def _cubes(fact: str, is_failure: bool, is_labelled: bool) -> tuple[str, ...]:
    left_out = {"user", *(() if is_failure else OF_FAILURES), *(() if is_labelled else ("label",))}
    return tuple(name for name, cube in CUBES.items() if name not in left_out and (cube.facts is None or fact in cube.facts))


def _told(names: tuple[Any, ...]) -> tuple[Any, ...]:
    """Of names (_NAMES) all that a group can have, in the order of _FIELDS."""
    fact, kind, agent, *texts, error, finish, decision, metadata, _, _ = names
    failure = _short(error) or "_OTHER"
    return (fact, kind, agent or 0, *map(_short, texts), failure, unusual_end(finish), _short(decision), 0, metadata)


def _group_in(cube: str, told: tuple[Any, ...]) -> Group:
    group = list(_BLANK)
    for place in _KEPT[cube]:
        group[place] = told[place]
    return (cube, *group)


def _user_group(fact: str, user: int) -> Group:
    return ("user", fact, *_BLANK[1:-2], user, "")


def _short(name: str | None) -> str:
    return name[:LONGEST_NAME] if name else ""


def _sums_of(row: Row) -> Added:
    """What the row adds to which sums, and the buckets of its duration and time to first token."""
    sums: list[tuple[int, Any]] = _usage_of(row) if row[COUNTS_USAGE] else []
    # What has not ended is counted when it has.
    if not row[COUNTED] or row[IS_OPEN]:
        return sums, None, None
    sums.append((_COUNT, 1))
    if row[FAILED]:
        # Runs and steps only fail with the call that was refused.
        sums += ((_FAILED, 1), (_RATE_LIMITED, int(row[FACT] in _REFUSABLE and is_rate_limited(row))))
    if row[SESSION_SOURCE] > 2:
        sums.append((_WITHOUT_SESSION, 1))
    if row[RUN_LLM] is not None:
        sums += ((_RUN_LLM, row[RUN_LLM]), (_RUN_TOOLS, row[RUN_TOOLS]))
    if row[FACT] in {"llm_call", "tool_call"} and not row[HAS_CONTENT]:
        sums.append((_WITHOUT_CONTENT, 1))
    duration = bucket_of(row[DURATION]) if row[DURATION] is not None else None
    return sums, duration, _add_call(sums, row) if row[FACT] == "llm_call" else None


def _add_call(sums: list[tuple[int, Any]], row: Row) -> int | None:
    """What a model call adds besides its usage; the bucket of its time to first token."""
    if not row[COUNTS_USAGE] and row[KIND] != "cached" and not row[FAILED]:
        sums.append((_WITHOUT_USAGE, 1))
    if row[ATTEMPT] is not None and row[ATTEMPT] > 1:
        sums.append((_RETRIES, 1))
    if row[OUTPUT] and row[DURATION] is not None:
        sums += ((_TIMED_OUTPUT, row[OUTPUT]), (_TIMED_NS, row[DURATION]))
    return bucket_of(int(row[TTFT] * 1e9)) if row[TTFT] is not None else None


def _usage_of(row: Row) -> list[tuple[int, Any]]:
    sums = [(place, row[column]) for place, column in _USAGE_SUMS if row[column]]
    if row[REPORTED] is not None:
        sums += ((_REPORTED_COST, row[REPORTED]), (_REPORTED, 1))
    elif row[COMPUTED] is not None:
        sums += ((_COMPUTED_COST, row[COMPUTED]), (_COMPUTED, 1))
    elif row[FACT] == "llm_call":
        sums.append((_UNPRICED, 1))
    return sums


class Summed(NamedTuple):
    """What one fact adds to sums, before it is said to which."""

    hour: int
    fact: str
    user: int | None
    told: tuple[Any, ...]
    cubes: tuple[str, ...]
    added: Added


def summed(rows: Iterable[Row]) -> list[Summed]:
    """Of rows (ROW_COLUMNS) those that count."""
    found = []
    for row in rows:
        if row[COUNTED] or row[COUNTS_USAGE]:
            names = _NAMES(row)
            found.append(Summed(row[TIME] // HOUR_NS, row[FACT], row[USER], _told(names), _cubes_of(names), _sums_of(row)))
    return found


def group_sums(facts: Iterable[Summed], cube: str) -> list[tuple[Group, int, list[Any], dict[int, int], dict[int, int]]]:
    """What facts add to a cube, without keeping it: group, hour, sums, durations, times to first token."""
    by_group: dict[tuple[Any, ...], Change] = {}
    for one in facts:
        if cube == "user" and one.user:
            _add(by_group, (_user_group(one.fact, one.user), one.hour), one.added, 1)
        elif cube in one.cubes:
            _add(by_group, (_group_in(cube, one.told), one.hour), one.added, 1)
    return [
        (group, hour, [change.sums.get(place, 0) for place in range(len(SUMS))], change.durations, change.first_tokens)
        for (group, hour), change in by_group.items()
    ]
