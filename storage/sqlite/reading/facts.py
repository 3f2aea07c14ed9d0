"""Answers for single facts: calls, runs, turns and events, newest first or greatest first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from storage.agents_contract import ActiveRun, ContentPart, FactRecord, LoopGroup
from storage.contract import Page, Position
from storage.sqlite.facts.cubes import CUBES, cube_for
from storage.sqlite.facts.inferred import INFERRED
from storage.sqlite.facts.sums import HOUR_NS
from storage.sqlite.facts.told import record_of
from storage.sqlite.reading.usage import bound_filters, column_of
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storage.agents_contract import FactFilter, FactKind, FactQuery
    from storage.sqlite.connect import Reader

END_OF_TIME: Final = 2**63 - 1
_LIST_OF: Final = {"llm_call": "llm_calls_newest", "tool_call": "tool_calls_newest", "agent_run": "agent_runs_newest"}
# Filters of which the sums per hour know in which hours anything fits.
_KNOWN_BY_HOUR: Final = (
    "parent_agent", "version", "service", "workflow", "provider", "model", "tool", "mcp_server", "finish_reason", "decision",
    "kind",
)  # fmt: skip
_PLAIN: Final = (
    "parent_agent", "version", "service", "workflow", "provider", "model", "tool", "mcp_server", "error_type", "finish_reason",
    "decision", "kind", "failed",
)  # fmt: skip


def find_facts(reader: Reader, query: FactQuery) -> Page[FactRecord]:
    parameters = _parameters(reader, query)
    if parameters is None:
        return Page([])
    if query.order != "newest":
        found = reader.rows("greatest_facts", {**parameters, "by": query.order})
        return Page(_shown(reader, query, found[: query.limit]))
    found = _newest(reader, query, parameters)
    shown = found[: query.limit]
    following = Position(*shown[-1]) if len(found) > query.limit and shown else None
    return Page(_shown(reader, query, shown), following)


def _shown(reader: Reader, query: FactQuery, rows: Sequence[Any]) -> list[FactRecord]:
    found = records(reader, [row[1] for row in rows])
    return with_contents(reader, found) if query.content else found


def _parameters(reader: Reader, query: FactQuery) -> dict[str, Any] | None:
    """What the statements are bound to; None where a name is unknown, so that nothing fits."""
    filter_, after = query.filter, query.after
    parameters: dict[str, Any] = {name: getattr(filter_, name) for name in _PLAIN}
    for place, (name, given) in {
        "agent_key": ("agent_key_of", filter_.agent),
        "user_key": ("user_key_of", filter_.user),
        "session_key": ("session_key_of", filter_.session),
        "trace_key": ("trace_key_of", filter_.trace_id),
    }.items():
        found = reader.execute(statement(name), {"name": given}).fetchone() if given is not None else (None,)
        if found is None:
            return None
        parameters[place] = found[0]
    return parameters | {
        "fact": query.fact,
        "start": max(filter_.range.start or 0, 0),
        "end": END_OF_TIME if filter_.range.end is None else filter_.range.end,
        "after_time": after.time if after else None,
        "after_key": after.key if after else None,
        "min_cost": query.min_cost,
        "count": query.limit + 1,
    }


def _newest(reader: Reader, query: FactQuery, parameters: dict[str, Any]) -> list[Any]:
    filter_ = query.filter
    narrow = {
        "facts_of_session_newest": filter_.session is not None,
        "facts_of_trace_newest": filter_.trace_id is not None,
        "facts_of_user_newest": filter_.user is not None,
        "failed_newest": filter_.failed or filter_.error_type is not None,
    }
    statements = [name for name, is_given in narrow.items() if is_given]
    if not statements and any(getattr(filter_, name) is not None for name in _KNOWN_BY_HOUR):
        return _by_hour(reader, query, parameters)
    if not statements and filter_.agent is not None:
        statements = ["facts_of_agent_newest"]
    return reader.rows(statements[0] if statements else _LIST_OF.get(query.fact, "others_newest"), parameters)


def _by_hour(reader: Reader, query: FactQuery, parameters: dict[str, Any]) -> list[Any]:
    """Looks only into hours in which something fits, so that what is rare is found as fast as what is not."""
    start, end = parameters["start"], min(parameters["end"], (parameters["after_time"] or END_OF_TIME - 1) + 1)
    bound = bound_filters(reader, query.filter) or {}
    given = [name for name in _KNOWN_BY_HOUR if getattr(query.filter, name) is not None]
    cube = cube_for(given, query.fact)
    unknown = {column_of(name): None for name in (*given, "agent") if name not in CUBES[cube].names}
    hours = reader.rows(
        "hours_with",
        {
            **bound, **unknown, "cube": cube, "fact": query.fact, "hours_from": start // HOUR_NS,
            "hours_to": -(-end // HOUR_NS),
        },
    )  # fmt: skip
    found: list[Any] = []
    for hour in hours:
        reader.check_time()
        within = {"start": max(start, hour * HOUR_NS), "end": min(parameters["end"], (hour + 1) * HOUR_NS)}
        found += reader.rows(_LIST_OF.get(query.fact, "others_newest"), {**parameters, **within})
        if len(found) > query.limit:
            break
    return found


def records(reader: Reader, ids: Sequence[int]) -> list[FactRecord]:
    """The facts of these ids, in their order."""
    if not ids:
        return []
    found = {}
    for first, second in reader.rows("named_facts_by_id", {"ids": orjson.dumps(list(ids)).decode()}):
        values = {**first, **second}
        sources = orjson.loads(values.pop("sources") or "null") or [values["id"]]
        records_ = dict.fromkeys(record_of(number) for number in sources)
        named = [("log" if number & 1 else "span", number // 2) for number in records_]
        found[values["id"]] = FactRecord(values["id"], values, named)
    return [found[id_] for id_ in ids if id_ in found]


def fact(reader: Reader, kind: FactKind, fact_id: int) -> FactRecord | None:
    """One fact with its content and the attributes of its first record; also by the number of any of its records."""
    merged = reader.execute(statement("fact_id_of_source"), {"source": fact_id}).fetchone()
    found = records(reader, [merged[0] if merged else fact_id])
    if not found or found[0].values["fact"] != kind:
        return None
    (record,) = with_contents(reader, found)
    numbers = [2 * number + (source == "log") for source, number in record.sources]
    attributes = reader.rows("source_attributes", {"sources": orjson.dumps(numbers).decode()})
    return replace(record, attributes=_joined(attributes))


def _joined(attributes: Sequence[str]) -> str | None:
    """The attributes of all records; those of the first win."""
    joined: dict[str, Any] = {}
    for text in reversed(attributes):
        joined.update(orjson.loads(text))
    return orjson.dumps(joined).decode() if attributes else None


def with_contents(reader: Reader, found: Sequence[FactRecord]) -> list[FactRecord]:
    """The facts with what went in and came out. Where several records carry one direction, the first that has it speaks."""
    numbers = [2 * number + (source == "log") for record in found for source, number in record.sources]
    listed = {
        source: orjson.loads(parts)
        for source, parts in reader.rows("contents_of_sources", {"sources": orjson.dumps(numbers).decode()})
    }
    wanted = {part[-1] for parts in listed.values() for part in parts}
    texts = {row[0]: (row[1], row[2]) for row in reader.rows("contents_by_id", {"ids": orjson.dumps(sorted(wanted)).decode()})}
    return [replace(record, contents=_contents(record, listed, texts)) for record in found]


def _contents(record: FactRecord, listed: Mapping[int, Any], texts: Mapping[int, tuple[str, int]]) -> list[ContentPart]:
    chosen: dict[str, list[ContentPart]] = {}
    for source, number in record.sources:
        spoken: dict[str, list[ContentPart]] = {}
        for direction, message, part, role, kind, name, call_id, content in listed.get(2 * number + (source == "log"), ()):
            text, size = texts.get(content, ("", 0))
            spoken.setdefault(direction, []).append(ContentPart(direction, message, part, role, kind, name, call_id, text, size))
        for direction, parts in spoken.items():
            chosen.setdefault(direction, parts)
    if record.values["origin"] == INFERRED:
        return _shows(record, chosen.get("input", []))
    return [part for parts in chosen.values() for part in sorted(parts, key=lambda one: (one.message, one.part))]


def _shows(record: FactRecord, heard: Sequence[ContentPart]) -> list[ContentPart]:
    """Of what a model was given the part that an inferred fact follows from: the user's word, or a tool's call and result."""
    if record.values["fact"] == "user_turn":
        last = max((part.message for part in heard), default=None)
        return sorted((part for part in heard if part.message == last), key=lambda part: part.part)
    call_id = record.values["tool_call_id"]
    parts = {part.kind: part for part in heard if part.call_id == call_id}
    return [
        replace(parts[kind], direction=direction, message=0, part=0, role=None)
        for kind, direction in (("tool_call", "arguments"), ("tool_result", "result"))
        if kind in parts
    ]


def trace_facts(reader: Reader, trace_id: str, limit: int) -> Sequence[FactRecord]:
    """By time, also those that do not count."""
    found = reader.rows("facts_of_trace_by_time", {"trace_id": trace_id, "count": limit})
    return records(reader, [row[1] for row in found])


def active(reader: Reader, since: int, limit: int) -> Sequence[ActiveRun]:
    """What has begun and not ended, then the sessions that were active since."""
    parameters = {"since": since, "count": limit}
    running = [row[1] for row in reader.rows("open_facts", parameters)]
    lately = [row[1] for row in reader.rows("latest_of_sessions", parameters) if row[1] not in set(running)]
    return [
        ActiveRun(record.values["session_id"], record.values["agent_name"], record, place < len(running))
        for place, record in enumerate(records(reader, [*running, *lately])[:limit])
    ]


def loops(reader: Reader, filter_: FactFilter, at_least: int, limit: int) -> Sequence[LoopGroup]:
    """Tool calls that repeat themselves within a run, the most repeated first."""
    keys = {}
    for place, (name, given) in {
        "agent_key": ("agent_key_of", filter_.agent), "session_key": ("session_key_of", filter_.session),
    }.items():  # fmt: skip
        found = reader.execute(statement(name), {"name": given}).fetchone() if given is not None else (None,)
        if found is None:
            return []
        keys[place] = found[0]
    parameters = {
        **keys, "tool": filter_.tool, "at_least": at_least, "count": limit, "start": max(filter_.range.start or 0, 0),
        "end": END_OF_TIME if filter_.range.end is None else filter_.range.end,
    }  # fmt: skip
    return [LoopGroup(*row) for row in reader.rows("tool_loops", parameters)]
