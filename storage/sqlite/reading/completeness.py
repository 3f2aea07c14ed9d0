"""Answers what the other answers leave out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from storage.agents_contract import Completeness, FactFilter, Sums
from storage.sqlite.content_counts import stored_content_counts
from storage.sqlite.facts.contents import indexed
from storage.sqlite.facts.inferred import INFERRED
from storage.sqlite.reading.agents import agents
from storage.sqlite.reading.usage import totals_by
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    from storage.contract import TimeRange
    from storage.sqlite.connect import Reader


def completeness(reader: Reader, time_range: TimeRange) -> Completeness:
    filter_ = FactFilter(range=time_range)
    whole = totals_by(reader, filter_, [], None, "llm_call")
    sums = next(iter(whole.values())).finished() if whole else Sums()
    by_model = totals_by(reader, filter_, ["provider", "model"], None, "")
    unpriced = [
        (provider, model or "", total.finished().unpriced_calls)
        for (provider, model, _), total in by_model.items()
        if total.finished().unpriced_calls
    ]
    bounds = {"start": time_range.start or 0, "end": 2**63 - 1 if time_range.end is None else time_range.end}
    sessions, inferred, merged, uncounted, waiting, unfinished = reader.execute(
        statement("completeness_counts"), bounds
    ).fetchone()
    (last,) = reader.execute(statement("last_content")).fetchone()
    shown = totals_by(reader, replace(filter_, kind=INFERRED), [], None, "")
    by_messages = next(iter(shown.values())).finished() if shown else Sums()
    return Completeness(
        sums=sums,
        sessions=sessions,
        inferred_sessions=inferred,
        merged_facts=merged,
        uncounted_facts=uncounted,
        waiting_parts=waiting,
        unpriced_models=sorted(unpriced, key=lambda one: (-one[2], one[1])),
        searchable=indexed(reader) >= last,
        metrics_only_agents=[one.name for one in agents(reader, filter_) if one.metrics],
        open_facts=unfinished,
        inferred_turns=by_messages.turns,
        inferred_tool_calls=by_messages.tool_calls,
        **stored_content_counts(reader, time_range),
    )
