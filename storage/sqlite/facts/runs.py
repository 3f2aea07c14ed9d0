"""What each agent run did, its sub-agents' work included: calls, tokens and cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from storage.sqlite.facts.events import FIGURES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from storage.facts.fact import Row
    from storage.sqlite.facts.events import Event
    from storage.sqlite.facts.told import Statement

_INPUT, _OUTPUT, _REPORTED, _COMPUTED = (
    FIGURES.index(name) for name in ("input_tokens", "output_tokens", "reported_cost", "computed_cost")
)


def run_totals(events: Iterable[Event]) -> dict[int, Row]:
    """By the id of the run: model calls, tool calls, input and output tokens, cost in USD (None where nothing had one)."""
    totals: dict[int, list[Any]] = {}
    for event in events:
        fact = event.fact
        if not event.counted or fact not in {"llm_call", "tool_call"}:
            continue
        run: Statement | None = next((one.run for one in event.statements if one.run is not None), None)
        while run is not None:
            total = totals.get(run.event_id)
            if total is None:
                total = totals[run.event_id] = [0, 0, 0, 0, None]
            _add(total, event, fact)
            run = run.run
    return {run_id: tuple(total) for run_id, total in totals.items()}


def _add(total: list[Any], event: Event, fact: str) -> None:
    if fact == "tool_call":
        total[1] += 1
        return
    total[0] += 1
    figures = event.figures
    total[2] += figures[_INPUT] or 0
    total[3] += figures[_OUTPUT] or 0
    cost = figures[_REPORTED] if figures[_REPORTED] is not None else figures[_COMPUTED]
    if cost is not None:
        # To the tenth of a nano-dollar, so that the order of adding leaves no trace.
        total[4] = round((total[4] or 0.0) + cost, 10)
