"""Answers what agents used: counts, tokens, cost and durations by whatever it is grouped by."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import orjson

from storage.agents_contract import FactFilter, Sums, UsageSummary
from storage.errors import BadQuestion
from storage.histogram import quantiles, unpack_into
from storage.sqlite.facts.cells import SUMS
from storage.sqlite.facts.cubes import CUBES, cube_with
from storage.sqlite.facts.sums import AGENT_TOLD, HOUR_NS, HOURS_PER_DAY, Summed, group_sums, summed
from storage.sqlite.reading.usage_range import usage_range
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from storage.agents_contract import UsageQuery
    from storage.contract import TimeRange
    from storage.sqlite.connect import Reader

    Key = tuple[Any, Any, int | None]

METADATA: Final = "metadata."
# What is left of dollars that were put in and taken out again is less.
SMALLEST: Final = 1e-9
_QUANTILES: Final = (0.5, 0.95, 0.99)
# Of a group, as facts_sums makes it.
_GROUP_FIELDS: Final = (
    "cube", "fact", "kind", "agent", "version", "service", "parent_agent", "workflow", "provider", "model", "tool", "mcp_server",
    "error_type", "finish_reason", "decision", "user", "label",
)  # fmt: skip
_FILTERED: Final = (
    "agent", "parent_agent", "version", "service", "workflow", "provider", "model", "tool", "mcp_server", "error_type",
    "finish_reason", "decision", "kind", "user",
)  # fmt: skip
_COLUMN_OF: Final = {"agent": "agent_key", "version": "agent_version", "finish_reason": "finish", "user": "user_key"}
_COUNT_OF: Final = {
    "llm_call": "llm_calls", "tool_call": "tool_calls", "agent_run": "runs", "user_turn": "turns", "step": "steps",
    "event": "events",
}  # fmt: skip
_ERRORS_OF: Final = {"llm_call": "llm_errors", "tool_call": "tool_errors", "agent_run": "run_errors"}
_SAME_NAME: Final = tuple(str(name) for name in SUMS if name in {entry.name for entry in fields(Sums)})
_RENAMED: Final = {
    "reported": "reported_calls", "computed": "computed_calls", "unpriced": "unpriced_calls",
    "without_usage": "calls_without_usage",
}  # fmt: skip


class Total:
    """Sums under way; `finished` makes them an answer."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._durations: dict[int, int] = {}
        self._first_tokens: dict[int, int] = {}

    def add(self, fact: str, sums: Sequence[Any]) -> None:
        """`sums` in the order of SUMS."""
        values = self._values
        for place, field in _fields_of(fact):
            value = sums[place]
            if value:
                values[field] = values.get(field, 0) + value

    def add_times(self, durations: Mapping[int, int], first_tokens: Mapping[int, int]) -> None:
        for into, buckets in ((self._durations, durations), (self._first_tokens, first_tokens)):
            if not into:
                into.update(buckets)
                continue
            for bucket, number in buckets.items():
                into[bucket] = into.get(bucket, 0) + number

    def join(self, other: Total) -> None:
        for name, value in other._values.items():
            self._values[name] = self._values.get(name, 0) + value
        self.add_times(other._durations, other._first_tokens)

    def finished(self) -> Sums:
        values: dict[str, Any] = {
            name: round(value, 10) if isinstance(value, float) else value for name, value in self._values.items()
        }
        values["errors"] = sum(values.get(name, 0) for name in _ERRORS_OF.values())
        return Sums(
            **values,
            percentiles=_percentiles(self._durations),
            first_token_percentiles=_percentiles(self._first_tokens),
        )

    def is_empty(self) -> bool:
        return not any(abs(value) > SMALLEST for value in self._values.values())


@cache
def _fields_of(fact: str) -> tuple[tuple[int, str], ...]:
    """Places in SUMS, and the fields of Sums that they add to."""
    named = {**{name: name for name in _SAME_NAME}, **_RENAMED, "count": _COUNT_OF[fact], "failed": _ERRORS_OF.get(fact, "")}
    return tuple((SUMS.index(name), field) for name, field in named.items() if field)


def _percentiles(buckets: Mapping[int, int]) -> tuple[float, float, float] | None:
    found = quantiles({bucket: number for bucket, number in buckets.items() if number > 0}, _QUANTILES)
    return (found[0], found[1], found[2]) if found else None


def usage(reader: Reader, query: UsageQuery) -> Sequence[UsageSummary]:
    """By interval, then the greatest first; at most `limit` of them."""
    asked = query.group_by
    interval_hours = _interval_hours(query.interval_ns)
    totals = totals_by(reader, query.filter, asked, interval_hours, query.percentiles_of, query.limit)
    days = _per_day(reader, query.filter.range, interval_hours) if not asked and not _is_filtered(query.filter) else {}
    found = []
    for (first, second, interval), total in totals.items():
        sums = total.finished()
        group = dict(zip(asked, (first, second), strict=False))
        counted = days.get(interval // HOURS_PER_DAY) if interval is not None else None
        start = None if interval is None else interval * HOUR_NS
        found.append(UsageSummary(group, start, sums, *(counted or (None, None, None))))
    found.sort(key=lambda one: (-(one.interval_start or 0), *size_of(one.sums), str(one.group)))
    return found[: query.limit]


def size_of(sums: Sums) -> tuple[float, int]:
    """By what the greatest are told: cost, then calls."""
    return (
        -(sums.reported_cost + sums.computed_cost),
        -(sums.llm_calls + sums.tool_calls + sums.runs + sums.events + sums.steps),
    )


def totals_by(
    reader: Reader,
    filter_: FactFilter,
    group_by: Sequence[str],
    interval_hours: int | None,
    percentiles_of: str,
    limit: int | None = None,
) -> dict[Key, Total]:
    """By the names of up to two groups and the hour in which the interval begins; of users the `limit` greatest are enough."""
    cube = cube_of(filter_, group_by)
    bound = bound_filters(reader, filter_)
    if bound is None:
        return {}
    path = next((name.removeprefix(METADATA) for name in group_by if name.startswith(METADATA)), "")
    names = ["metadata" if name.startswith(METADATA) else name for name in group_by]
    within = usage_range(reader, filter_.range)
    parameters = {
        **within.parameters(interval_hours), **bound, "cube": cube, "interval_hours": interval_hours,
        "percentiles_of": percentiles_of, "metadata_path": f'$."{path}"',
        "group_1": names[0] if names else None, "group_2": names[1] if len(names) > 1 else None, "groups": None,
    }  # fmt: skip
    edges = [one for start, end in within.edges for one in facts_within(reader, start, end)]
    if names == ["user"] and interval_hours is None and limit is not None and bound["user_key"] is None:
        parameters["groups"] = _greatest_users(reader, parameters, edges, limit)
    elif _is_filtered(filter_):
        parameters["groups"] = orjson.dumps(reader.rows("groups_of_filters", parameters)).decode()
    totals: dict[Key, Total] = {}
    for first, second, interval, fact, *values, durations, first_tokens in reader.rows("usage_sums", parameters):
        total = totals.setdefault((first, second, interval), Total())
        total.add(fact, values)
        if durations is not None:
            total.add_times(_unhexed(durations), _unhexed(first_tokens))
    if edges:
        _add_edge(totals, edges, (cube, names, path, interval_hours, percentiles_of, bound))
    return _named(reader, {key: total for key, total in totals.items() if not total.is_empty()}, names)


def facts_within(reader: Reader, start: int, end: int) -> list[Summed]:
    """Many questions sum the same facts in several ways."""
    place = ("facts_within", start, end)
    known: list[Summed] | None = reader.kept.get(place)
    if known is None:
        known = summed(reader.execute(statement("facts_within"), {"start": start, "end": end}).fetchall())
        reader.kept[place] = known
        reader.check_time()
    return known


def _greatest_users(reader: Reader, parameters: Mapping[str, Any], edges: Iterable[Summed], limit: int) -> str:
    """The groups of users among whom the greatest are: sums of all would be made for nothing.

    Outside of whole hours a user may have more than the cells tell, so those who have anything there are among them.
    """
    keys = {*reader.rows("greatest_users", {**parameters, "count": limit}), *(one.user for one in edges if one.user)}
    return orjson.dumps(reader.rows("groups_of_users", {"keys": orjson.dumps(sorted(keys)).decode()})).decode()


def cube_of(filter_: FactFilter, group_by: Sequence[str]) -> str:
    """Which sums know the answer; raises BadQuestion where none does."""
    given = {name for name in _FILTERED if getattr(filter_, name) is not None}
    asked = {"metadata" if name.startswith(METADATA) else name for name in group_by}
    if filter_.failed is False:
        raise BadQuestion("status", "sums are kept of everything and of failures; ask without status=ok, errors come beside")
    found = cube_with(given | asked, failed=bool(filter_.failed))
    if found is None:
        together = "; ".join(", ".join(sorted(cube.names)) for cube in CUBES.values())
        names = ", ".join(sorted(given | asked))
        raise BadQuestion("group_by", f"sums are not kept by {names} together; kept together are {together}")
    return found


def _interval_hours(interval_ns: int | None) -> int | None:
    if interval_ns is None:
        return None
    hours, rest = divmod(interval_ns, HOUR_NS)
    if rest:
        raise BadQuestion("interval", "usage is kept by the hour; give an interval of whole hours, such as 1h or 1d")
    return hours


def _is_filtered(filter_: FactFilter) -> bool:
    return any(getattr(filter_, name) is not None for name in (*_FILTERED, "failed"))


def column_of(name: str) -> str:
    """The column of usage_groups behind the name of a filter."""
    return _COLUMN_OF.get(name, name)


def bound_filters(reader: Reader, filter_: FactFilter) -> dict[str, Any] | None:
    """The filters as the statements take them; None where a name is unknown, so that nothing fits."""
    bound: dict[str, Any] = {column_of(name): getattr(filter_, name) for name in _FILTERED}
    for column, name in (("agent_key", "agent_key_of"), ("user_key", "user_key_of")):
        if bound[column] is not None:
            found = reader.execute(statement(name), {"name": bound[column]}).fetchone()
            if found is None:
                return None
            bound[column] = found[0]
    return bound


def _add_edge(totals: dict[Key, Total], facts: Sequence[Summed], asked: tuple[Any, ...]) -> None:
    cube, names, path, interval_hours, percentiles_of, bound = asked
    if bound["agent_key"] is not None:
        facts = [one for one in facts if one.told[AGENT_TOLD] == bound["agent_key"]]
    for group, hour, sums, durations, first_tokens in group_sums(facts, cube):
        told = told_of(group)
        if not fits(told, bound):
            continue
        if "metadata" in names:
            told["metadata"] = _label_value(told["label"], path)
        values = [told[name] for name in names]
        first, second = (*values, None, None)[:2]
        interval = None if interval_hours is None else hour // interval_hours * interval_hours
        total = totals.setdefault((first, second, interval), Total())
        total.add(told["fact"], sums)
        if told["fact"] == percentiles_of:
            total.add_times(durations, first_tokens)


def told_of(group: Sequence[Any]) -> dict[str, Any]:
    """A group of facts_sums by the names of filters."""
    return dict(zip(_GROUP_FIELDS, group, strict=True))


def fits(told: Mapping[str, Any], bound: Mapping[str, Any]) -> bool:
    return all(bound[column_of(name)] in {None, told[name]} for name in _FILTERED)


def _label_value(label: str, key: str) -> Any:
    found = orjson.loads(label).get(key) if label else None
    return int(found) if isinstance(found, bool) else found


def _unhexed(text: str) -> dict[int, int]:
    buckets: dict[int, int] = {}
    unpack_into(buckets, bytes.fromhex(text))
    return buckets


def _named(reader: Reader, totals: dict[Key, Total], group_by: Sequence[str]) -> dict[Key, Total]:
    """Agents and users by their names, and none as None."""
    for place, name in enumerate(group_by):
        names: dict[Any, str] = {}
        if name in {"agent", "user"}:
            names.update(names_of(reader, f"{name}s", {int(key[place] or 0) for key in totals}))
        else:
            names.update({key[place]: str(key[place]) for key in totals if key[place] not in {None, ""}})
        renamed: dict[Key, Total] = {}
        for key, total in totals.items():
            other = renamed.setdefault(_with(key, place, names.get(key[place])), total)
            if other is not total:
                other.join(total)
        totals = renamed
    return totals


def names_of(reader: Reader, table: str, keys: Iterable[int]) -> dict[int, str]:
    """Number → name, of agents or users."""
    return dict(reader.rows(f"names_of_{table}", {"keys": orjson.dumps(sorted(keys)).decode()}))


def _with(key: Key, place: int, name: Any) -> Key:
    first, second, interval = key
    return (name, second, interval) if place == 0 else (first, name, interval)


def _per_day(reader: Reader, time_range: TimeRange, interval_hours: int | None) -> dict[int, tuple[int, int, int]]:
    """By day: sessions, users, and those of them that are new."""
    if interval_hours is None or interval_hours % HOURS_PER_DAY:
        return {}
    day_ns = HOUR_NS * HOURS_PER_DAY
    parameters = {
        "days": interval_hours // HOURS_PER_DAY,
        "days_from": (time_range.start or 0) // day_ns,
        "days_to": 2**40 if time_range.end is None else -(-time_range.end // day_ns),
    }
    users = {day: (number, new) for day, number, new in reader.rows("users_of_days", parameters)}
    sessions = dict(reader.rows("sessions_of_days", parameters))
    return {day: (sessions.get(day, 0), *users.get(day, (0, 0))) for day in {*sessions, *users}}
