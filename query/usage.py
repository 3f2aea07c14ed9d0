"""What was used: by anything, by model, by tool; compared; failed; and what metrics count besides."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from query import agent_shapes, answers
from query.agent_vocabulary import INTERVALS_OF, METADATA, fact_filter
from query.parameters import MAX_INTERVALS, BadParameter
from query.shapes import time
from storage.agents_contract import Sums, UsageQuery, UsageSummary
from storage.contract import TimeRange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp import web

    from query.question import Question
    from storage.agents_contract import FactFilter, FactKind

MOST_GROUPS = 2
_EVERY = 10**9
_PERCENTILES_OF: dict[str, FactKind] = {
    "tool": "tool_call", "mcp_server": "tool_call", "decision": "tool_call", "parent_agent": "agent_run",
}  # fmt: skip
_NOT_COMPARED = ("group", "interval_start")


async def list_usage(question: Question) -> web.Response:
    values = question.values
    asked = values["group_by"] or ()
    moments = [name for name in asked if name in INTERVALS_OF]
    groups = tuple(name for name in asked if name not in INTERVALS_OF)
    if len(groups) > MOST_GROUPS:
        raise BadParameter("group_by", ",".join(asked), f"names more than {MOST_GROUPS}")
    if len(moments) + (values["interval"] is not None) > 1:
        raise BadParameter("group_by", ",".join(asked), "names more than one interval: day, hour and interval= are one each")
    interval, start, end = values["interval"], values["start"], values["end"]
    if moments:
        interval = INTERVALS_OF[moments[0]]
    if interval and start is not None and (end or question.now) - start > interval * MAX_INTERVALS:
        raise BadParameter("interval", None, f"cuts the range into more than {MAX_INTERVALS:,} parts")
    usual: FactKind = next((_PERCENTILES_OF[name] for name in groups if name in _PERCENTILES_OF), "llm_call")
    times: FactKind = values["percentiles_of"] or usual
    query = UsageQuery(fact_filter(values), groups, interval, times, values["limit"])
    if interval is None and len(groups) == 1 and groups[0].startswith(METADATA):
        found = await _by_label(question, query)
    else:
        found = await question.store.usage(query)
    return await answers.array(question, found, partial(_with_moments, moments))


async def _by_label(question: Question, query: UsageQuery) -> Sequence[UsageSummary]:
    """Sums are kept of what has labels; what has none of this name is all else, and comes last."""
    labelled = [
        row for row in await question.store.usage(replace(query, limit=_EVERY)) if row.group[query.group_by[0]] is not None
    ]
    everything = await question.store.usage(replace(query, group_by=()))
    rest = _rest(everything[0].sums if everything else Sums(), labelled)
    unlabelled = [UsageSummary({query.group_by[0]: None}, None, rest)] if rest != Sums() else []
    return [*labelled, *unlabelled][: query.limit]


def _rest(whole: Sums, parts: Sequence[UsageSummary]) -> Sums:
    """What of the whole is in no part; durations cannot be taken apart."""
    left: dict[str, Any] = {}
    for name, value in asdict(whole).items():
        if not name.endswith("percentiles"):
            rest = value - sum(getattr(part.sums, name) for part in parts)
            left[name] = round(rest, 10) if isinstance(value, float) else rest
    return Sums(**left)


def _with_moments(moments: list[str], record: UsageSummary) -> dict[str, Any]:
    """The day or hour is among the groups where it was asked for as one."""
    shape = agent_shapes.usage(record)
    return {**shape, "group": {**shape["group"], **dict.fromkeys(moments, shape["interval_start"])}}


async def list_models(question: Question) -> web.Response:
    query = UsageQuery(fact_filter(question.values), ("provider", "model"), None, "llm_call", question.values["limit"])
    found = [row for row in await question.store.usage(query) if row.group["model"] is not None]
    return await answers.array(question, found, agent_shapes.usage)


async def list_tools(question: Question) -> web.Response:
    query = UsageQuery(fact_filter(question.values), ("mcp_server", "tool"), None, "tool_call", 10**6)
    found = [row for row in await question.store.usage(query) if row.group["tool"] is not None]
    found.sort(key=lambda row: (-row.sums.tool_calls, str(row.group)))
    return await answers.array(question, found[: question.values["limit"]], agent_shapes.usage)


async def list_errors(question: Question) -> web.Response:
    found = await question.store.error_groups(fact_filter(question.values), question.values["limit"])
    return await answers.array(question, found, agent_shapes.error_group)


async def search(question: Question) -> web.Response:
    values = question.values
    found = await question.store.search_contents(values["q"], fact_filter(values), values["limit"])
    return await answers.array(question, found, agent_shapes.search_hit)


async def list_metric_usage(question: Question) -> web.Response:
    values = question.values
    found = await question.store.metric_usage(fact_filter(values), values["group_by"] or ())
    return await answers.array(question, found, agent_shapes.metric_usage)


async def compare(question: Question) -> web.Response:
    """The window before, of the same length, is the baseline unless another, or another version or model, is named."""
    values = question.values
    current = fact_filter(values)
    start, end = values["start"], values["end"]
    other = values["baseline_version"] is not None or values["baseline_model"] is not None
    before = values["baseline_start"], values["baseline_end"]
    if before == (None, None):
        before = (start, end) if other else (max(2 * start - end, 0), start)
    baseline = replace(
        current,
        range=TimeRange(*before),
        version=values["baseline_version"] or current.version,
        model=values["baseline_model"] or current.model,
    )
    sums = [await _sums(question, filter_) for filter_ in (current, baseline)]
    ranges = [None if moment is None else time(moment) for moment in (start, end, *before)]
    return await answers.json(question, (sums, ranges), _comparison)


async def _sums(question: Question, filter_: FactFilter) -> Sums:
    found: list[UsageSummary] = list(await question.store.usage(UsageQuery(filter_)))
    return found[0].sums if found else Sums()


def _comparison(found: tuple[list[Sums], list[str | None]]) -> dict[str, Any]:
    (current, baseline), (start, end, before_start, before_end) = found
    now, then = agent_shapes.sums(current), agent_shapes.sums(baseline)
    return {
        "current": now,
        "baseline": then,
        "change": {name: _change(now[name], then[name]) for name in now if name not in _NOT_COMPARED},
        "current_start": start,
        "current_end": end,
        "baseline_start": before_start,
        "baseline_end": before_end,
    }


def _change(now: float | None, then: float | None) -> float | None:
    return (now - then) / then if now is not None and then else None
