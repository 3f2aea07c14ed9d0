"""Model calls and tool executions as the local server's readers count them: one for each finish of a pair, and for each start
that has not finished.

A start and its finish carry the same pair key; a finish alone is a call as well. Tokens, durations and failures stand on the
finish, the model and the tool on either.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from query.legacy import figures
from query.legacy.events import CYLESTIO, Event, Wanted, every
from query.legacy.local_events import family_of
from query.legacy.times import iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from query.legacy.endpoint import Ask
    from storage.contract import TimeRange

INPUT, OUTPUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"


@dataclass(slots=True)
class Call:
    """One model call or tool execution; `finish` is None while it is open, `start` where only its end was told."""

    start: Event | None
    finish: Event | None

    @property
    def event(self) -> Event:
        event = self.finish or self.start
        assert event is not None
        return event

    @property
    def begun(self) -> Event:
        return self.start or self.event

    @property
    def agent(self) -> str:
        return self.event.agent or "unknown-agent"

    def text(self, key: str) -> str | None:
        found = (event.text(key) for event in (self.finish, self.start) if event is not None)
        return next((value for value in found if value is not None), None)

    def value(self, key: str) -> Any:
        found = (event.attributes.get(key) for event in (self.finish, self.start) if event is not None)
        return next((value for value in found if value is not None), None)

    @property
    def model(self) -> str:
        return self.text("gen_ai.request.model") or self.text("gen_ai.response.model") or "unknown"

    @property
    def vendor(self) -> str:
        return self.text("llm.vendor") or self.text("gen_ai.provider.name") or "unknown"

    @property
    def tool(self) -> str:
        return self.text("gen_ai.tool.name") or "unknown"

    @property
    def input_tokens(self) -> int:
        return self.event.number(INPUT)

    @property
    def output_tokens(self) -> int:
        return self.event.number(OUTPUT)

    @property
    def failed(self) -> bool:
        return self.event.failed

    @property
    def status(self) -> str:
        if self.finish is None:
            return "running"
        return "error" if self.failed else "success"

    @property
    def duration_ms(self) -> float | None:
        if self.event.duration_ms is not None:
            return self.event.duration_ms
        return (self.finish.time - self.start.time) / 1e6 if self.start and self.finish else None


async def calls(ask: Ask, family: str, within: TimeRange, agent: str | None = None) -> list[Call]:
    """Calls of a family ("llm", "tool"), newest first."""
    wanted = Wanted(within, agent=agent, scopes=CYLESTIO, fits=lambda event: family_of(event) == family)
    return paired(reversed(await every(ask.store, wanted)))[::-1]


def paired(events: Iterable[Event]) -> list[Call]:
    """Of events by time: each finish takes the latest open start of its key."""
    found: list[Call] = []
    opened: dict[str, list[Call]] = defaultdict(list)
    for event in sorted(events, key=lambda event: (event.time, event.id)):
        role, key = event.text("cylestio.pair.role"), event.text("cylestio.pair.key") or ""
        if role == "start":
            call = Call(event, None)
            opened[key].append(call)
            found.append(call)
        elif role == "finish" and opened[key]:
            opened[key].pop().finish = event
        elif role == "finish":
            found.append(Call(None, event))
    return found


def totals(found: Sequence[Call]) -> dict[str, Any]:
    """The keys of the analytics answers."""
    values = sorted(call.duration_ms for call in found if call.duration_ms is not None)
    failed = sum(call.failed for call in found)
    inputs, outputs = sum(call.input_tokens for call in found), sum(call.output_tokens for call in found)
    times = [call.event.time for call in found]
    return {
        "request_count": len(found),
        "response_time_avg": figures.mean(values),
        "response_time_p95": figures.percentile(values, 0.95),
        "success_rate": (len(found) - failed) / len(found) if found else 0.0,
        "error_rate": failed / len(found) if found else 0.0,
        "token_count_input": inputs,
        "token_count_output": outputs,
        "token_count_total": inputs + outputs,
        "estimated_cost_usd": cost(found),
        "first_seen": iso(min(times)) if times else None,
        "last_seen": iso(max(times)) if times else None,
    }


def grouped(found: Iterable[Call], key: Callable[[Call], Any]) -> dict[Any, list[Call]]:
    groups: dict[Any, list[Call]] = {}
    for call in found:
        groups.setdefault(key(call), []).append(call)
    return groups


def cost(found: Sequence[Call]) -> float | None:
    """US dollars by list prices; None where none of the models has a price."""
    known = [
        dollars
        for call in found
        if (dollars := price(call.vendor, call.model, call.input_tokens, call.output_tokens)) is not None
    ]
    return round(sum(known), 8) if known else None


def price(vendor: str, model: str, input_tokens: int, output_tokens: int) -> float | None:
    from genai_prices import Usage, calc_price  # noqa: PLC0415  0.3 s to import, and most readers never ask for a cost

    usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens)
    for provider in (vendor.lower(), None):
        try:
            return float(calc_price(usage, model, provider_id=provider).total_price)
        except (LookupError, ValueError):
            continue
    return None
