"""The sums that follow from facts: per hour and day by what is asked for, and per session.

A fact that changes is first taken out as it was and then added as it is, so the sums always agree with the facts. Of a group
of commits each cell is read, merged and written once.
"""

from __future__ import annotations

from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import orjson

from storage.histogram import bucket_of, pack, unpack_into
from storage.sqlite.bulk import insert_many
from storage.sqlite.facts_events import ROW_COLUMNS
from storage.sqlite.facts_sessions import SessionSums
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from storage.facts.fact import Row

    Group = tuple[Any, ...]
    Cells = dict[tuple[str, int, int], list[Any]]

HOUR_NS: Final = 3_600 * 10**9
HOURS_PER_DAY: Final = 24
# Not a calendar's months: 32 days each.
HOURS_PER_MONTH: Final = 768
GROUPS_REMEMBERED: Final = 20_000
CELLS_REMEMBERED: Final = 10_000
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

# The sums of a cell, in the order of the columns of usage_hours, then two histograms.
SUMS: Final = (
    "count", "failed", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens",
    "reported_cost", "computed_cost", "cache_saving", "credits", "reported", "computed", "unpriced", "without_usage",
    "without_session", "without_content", "retries", "rate_limited", "run_llm_calls", "run_tool_calls", "timed_output_tokens",
    "timed_ns",
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
_DURATIONS: Final = len(SUMS)
_FIRST_TOKENS: Final = _DURATIONS + 1
_USUAL_ENDS: Final = frozenset((
    "stop", "end_turn", "tool_calls", "tool_use", "stop_sequence", "function_call", "completed", "complete", "success", "goal",
    "tool-calls", "toolcalls", "eos", "finish_reason_stop", "finish_reason_unspecified", "unknown", "",
))  # fmt: skip
_LIMITED: Final = (429, 529)


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
        self._groups: dict[Group, int] = {}
        self._cells: dict[tuple[str, str, int, int], list[Any]] = {}

    def forget(self) -> None:
        self._groups.clear()
        self._cells.clear()

    def change(self, removed: Iterable[Row], added: Iterable[Row]) -> None:
        """Takes rows out and puts rows in; ROW_COLUMNS."""
        by_names: dict[tuple[Any, ...], list[Any]] = {}
        for rows, sign in ((removed, -1), (added, 1)):
            for row in rows:
                self._sessions.add(row, sign)
                if row[COUNTED] or row[COUNTS_USAGE]:
                    _add_row(by_names, row, sign)
        self._sessions.write()
        if by_names:
            self._write(_by_group(by_names))

    def _write(self, by_group: dict[tuple[Group, int], list[Any]]) -> None:
        numbers = self._numbers({group for group, _ in by_group})
        levels: dict[str, Cells] = {"hour": {}, "day": {}, "month": {}}
        for (group, hour), cell in by_group.items():
            number = numbers[group]
            levels["hour"][group[0], hour, number] = cell
            for level, hours in (("day", HOURS_PER_DAY), ("month", HOURS_PER_MONTH)):
                key = (group[0], hour // hours, number)
                cells = levels[level]
                if key in cells:
                    _join(cells[key], cell)
                else:
                    cells[key] = _copied(cell)
        for level, cells in levels.items():
            self._write_cells(level, cells)

    def _numbers(self, groups: set[Group]) -> dict[Group, int]:
        if len(self._groups) > GROUPS_REMEMBERED:
            self._groups.clear()
        numbers: dict[Group, int] = {}
        for group in sorted(groups):
            number = self._groups.get(group)
            if number is None:
                row = self._connection.execute(statement("usage_group"), group).fetchone()
                number = row[0] if row else self._connection.execute(statement("insert_usage_group"), group).lastrowid
                assert number is not None
                self._groups[group] = number
            numbers[group] = number
        return numbers

    def _write_cells(self, name: str, cells: Cells) -> None:
        rows = []
        unread = [key for key in cells if (name, *key) not in self._cells]
        if unread:
            found = self._connection.execute(statement(f"usage_cells_{name}"), (orjson.dumps(unread).decode(),))
            for cube, period, number, *sums, durations, first_tokens in found:
                self._cells[name, cube, period, number] = [*sums, _unpacked(durations), _unpacked(first_tokens)]
        for key in sorted(cells):
            cell = cells[key]
            known = self._cells.get((name, *key))
            if known is not None:
                _merge(known, cell)
                cell = known
            else:
                cell = [
                    *cell[:_DURATIONS],
                    *(
                        {bucket: number for bucket, number in cell[place].items() if number > 0}
                        for place in (_DURATIONS, _FIRST_TOKENS)
                    ),
                ]
            self._cells[name, *key] = cell
            rows.append((*key, *cell[:_DURATIONS], pack(cell[_DURATIONS]), pack(cell[_FIRST_TOKENS])))
        insert_many(self._connection, f"insert_usage_{name}_cell", rows)
        if len(self._cells) > CELLS_REMEMBERED:
            self._cells.clear()


_NAMES: Final = itemgetter(
    FACT, KIND, AGENT, VERSION, SERVICE, PARENT_AGENT, WORKFLOW, PROVIDER, MODEL, TOOL, SERVER, ERROR_TYPE, FINISH, DECISION,
    METADATA, FAILED, COUNTED,
)  # fmt: skip


def _add_row(by_names: dict[tuple[Any, ...], list[Any]], row: Row, sign: int) -> None:
    """Adds up what has the same names first: many rows of a group do, and each would go into five cubes and more.

    Users are many, and have a cube by themselves.
    """
    hour = row[TIME] // HOUR_NS
    added = _sums_of(row)
    _add(by_names, (hour, *_NAMES(row)), added, sign)
    if row[USER]:
        _add(by_names, (hour, row[FACT], row[USER]), added, sign)


def _add(
    by_names: dict[tuple[Any, ...], list[Any]],
    key: tuple[Any, ...],
    added: tuple[list[tuple[int, Any]], int | None, int | None],
    sign: int,
) -> None:
    cell = by_names.get(key)
    if cell is None:
        cell = by_names[key] = [0] * _DURATIONS
        cell += ({}, {})
    sums, duration, first_token = added
    for place, value in sums:
        cell[place] += sign * value
    if duration is not None:
        buckets = cell[_DURATIONS]
        buckets[duration] = buckets.get(duration, 0) + sign
    if first_token is not None:
        buckets = cell[_FIRST_TOKENS]
        buckets[first_token] = buckets.get(first_token, 0) + sign


def _by_group(by_names: dict[tuple[Any, ...], list[Any]]) -> dict[tuple[Group, int], list[Any]]:
    by_group: dict[tuple[Group, int], list[Any]] = {}
    for (hour, *names), cell in by_names.items():
        for group in _groups_of(*names) if len(names) > 2 else [_user_group(*names)]:
            known = by_group.get((group, hour))
            if known is None:
                by_group[group, hour] = _copied(cell)
            else:
                _join(known, cell)
    return by_group


def _user_group(fact: str, user: int) -> Group:
    return ("user", fact, "", 0, "", "", "", "", "", "", "", "", "", "", "", user, "")


def _groups_of(fact: str, kind: str, agent: int | None, *names: Any) -> list[Group]:
    """The cell in each cube of facts_cubes, its names in the order of the columns of usage_groups."""
    agent = agent or 0
    version, service, parent, workflow, provider, model, tool, server, error = map(_short, names[:9])
    finish, decision, metadata, failed, counted = names[9:]
    groups: list[Group] = [
        ("agent", fact, "", agent, version, service, parent, "", "", "", "", "", "", "", "", 0, ""),
        ("flow", fact, "", agent, "", "", "", workflow, "", "", "", "", "", "", "", 0, ""),
        ("kind", fact, kind, agent, "", "", "", "", "", "", "", "", "", unusual_end(finish), "", 0, ""),
    ]
    if fact == "llm_call":
        groups.append(("model", fact, "", agent, version, service, "", "", provider, model, "", "", "", "", "", 0, ""))
    elif fact == "tool_call":
        groups.append(("tool", fact, "", agent, "", service, "", "", "", "", tool, server, "", "", _short(decision), 0, ""))
    if failed and counted:
        place = (provider, model, tool, server, error or "_OTHER")
        groups.append(("error", fact, "", agent, "", service, "", "", *place, "", "", 0, ""))
    if metadata is not None and len(metadata) <= LONGEST_LABEL:
        groups.append(("label", fact, "", 0, "", "", "", "", "", "", "", "", "", "", "", 0, metadata))
    return groups


def _short(name: str | None) -> str:
    return name[:LONGEST_NAME] if name else ""


def _sums_of(row: Row) -> tuple[list[tuple[int, Any]], int | None, int | None]:
    """What the row adds to which sums, and the buckets of its duration and time to first token."""
    sums: list[tuple[int, Any]] = _usage_of(row) if row[COUNTS_USAGE] else []
    if not row[COUNTED]:
        return sums, None, None
    sums.append((_COUNT, 1))
    if row[FAILED]:
        sums += ((_FAILED, 1), (_RATE_LIMITED, int(is_rate_limited(row))))
    if row[SESSION_SOURCE] > 2:
        sums.append((_WITHOUT_SESSION, 1))
    if row[RUN_LLM] is not None:
        sums += ((_RUN_LLM, row[RUN_LLM]), (_RUN_TOOLS, row[RUN_TOOLS]))
    if row[FACT] in {"llm_call", "tool_call"} and not row[HAS_CONTENT]:
        sums.append((_WITHOUT_CONTENT, 1))
    duration = bucket_of(row[DURATION]) if row[DURATION] is not None and not row[IS_OPEN] else None
    return sums, duration, _add_call(sums, row) if row[FACT] == "llm_call" else None


def _add_call(sums: list[tuple[int, Any]], row: Row) -> int | None:
    """What a model call adds besides its usage; the bucket of its time to first token."""
    if not row[COUNTS_USAGE] and row[KIND] != "cached" and not row[FAILED] and not row[IS_OPEN]:
        sums.append((_WITHOUT_USAGE, 1))
    if row[ATTEMPT] is not None and row[ATTEMPT] > 1:
        sums.append((_RETRIES, 1))
    if row[OUTPUT] and row[DURATION] is not None:
        sums += ((_TIMED_OUTPUT, row[OUTPUT]), (_TIMED_NS, row[DURATION]))
    return bucket_of(int(row[TTFT] * 1e9)) if row[TTFT] is not None else None


def _usage_of(row: Row) -> list[tuple[int, Any]]:
    sums = [
        (place, row[column])
        for place, column in (
            (2, INPUT),
            (3, OUTPUT),
            (4, CACHE_READ),
            (5, CACHE_WRITE),
            (6, REASONING),
            (9, SAVING),
            (10, CREDITS),
        )
        if row[column]
    ]
    if row[REPORTED] is not None:
        sums += ((_REPORTED_COST, row[REPORTED]), (_REPORTED, 1))
    elif row[COMPUTED] is not None:
        sums += ((_COMPUTED_COST, row[COMPUTED]), (_COMPUTED, 1))
    elif row[FACT] == "llm_call":
        sums.append((_UNPRICED, 1))
    return sums


def _copied(cell: Sequence[Any]) -> list[Any]:
    return [*cell[:_DURATIONS], dict(cell[_DURATIONS]), dict(cell[_FIRST_TOKENS])]


def _join(into: list[Any], cell: Sequence[Any]) -> None:
    """Adds a change to a change: either may take out more than it puts in."""
    for place in range(_DURATIONS):
        if cell[place]:
            into[place] += cell[place]
    for place in (_DURATIONS, _FIRST_TOKENS):
        buckets = into[place]
        for bucket, number in cell[place].items():
            buckets[bucket] = buckets.get(bucket, 0) + number


def _merge(into: list[Any], cell: Sequence[Any]) -> None:
    """Adds a change to what is stored."""
    for place in range(_DURATIONS):
        if cell[place]:
            into[place] += cell[place]
    # Taking out what was put in leaves a trace in the last digits.
    for number, dollars in ((_REPORTED, _REPORTED_COST), (_COMPUTED, _COMPUTED_COST), (_CACHE_READ, _SAVING)):
        if not into[number]:
            into[dollars] = 0.0
    for place in (_DURATIONS, _FIRST_TOKENS):
        buckets = into[place]
        for bucket, number in cell[place].items():
            left = buckets.get(bucket, 0) + number
            if left > 0:
                buckets[bucket] = left
            else:
                buckets.pop(bucket, None)


def _unpacked(packed: bytes) -> dict[int, int]:
    buckets: dict[int, int] = {}
    unpack_into(buckets, packed)
    return buckets


def group_sums(rows: Iterable[Row]) -> list[tuple[Group, int, list[Any], dict[int, int], dict[int, int]]]:
    """What rows (ROW_COLUMNS) add up to, without keeping it: group, hour, sums, durations, times to first token."""
    by_names: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        if row[COUNTED] or row[COUNTS_USAGE]:
            _add_row(by_names, row, 1)
    by_group = _by_group(by_names)
    return [(group, hour, cell[:_DURATIONS], cell[_DURATIONS], cell[_FIRST_TOKENS]) for (group, hour), cell in by_group.items()]
