"""Spans → facts and identity rows.

A span without anything of an agent costs its JSON and one look-up; one of an agent about 5 µs in all.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from storage.facts import coerce
from storage.facts.completion import complete
from storage.facts.content import contents_of, contents_of_events
from storage.facts.dialects import agent_of_span, corrected_kind
from storage.facts.errors import exception_of, judge
from storage.facts.kinds import FACT_OF_KIND, kind_of_name
from storage.facts.shapes import BLANK, SLOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.batch import Row
    from storage.facts.costs import Prices
    from storage.facts.fact import Facts
    from storage.facts.shapes import Owner, Plan, Shape

RANK: Final = 20
OPEN_RANK: Final = 5
PART_RANK: Final = 10
_ERROR_STATUS: Final = 2
_NO_PARENT: Final = (None, "0000000000000000")
_VIA: Final = {2: "mcp_server", 3: "mcp_client"}
_FIRST_TOKEN: Final = ("ai.stream.firstchunk", "first token", "first_token", "first_chunk", "gen_ai.content", "content.chunk")
# Steps whose input and output is worth finding; of the others it is what the calls below them say, in other words.
_STEPS_WITH_CONTENT: Final = frozenset(("retriever", "reranker", "memory", "guardrail", "evaluator"))
_NO_EVENTS: Final[list[Any]] = []

_IS_OPEN: Final = SLOT["is_open"]
_IS_PART: Final = SLOT["is_part"]
_RANK: Final = SLOT["rank"]
_VIA_SLOT: Final = SLOT["via"]
_TIME: Final = SLOT["time"]
_SPAN: Final = SLOT["span_id"]
_PARENT: Final = SLOT["parent_span_id"]
_AGENT: Final = SLOT["agent_name"]
_TTFT: Final = SLOT["time_to_first_token"]
_COMPLETION: Final = SLOT["completion_start"]
_MCP_METHOD: Final = SLOT["mcp_method"]
_PENDING: Final = SLOT["pending_parent"]
_SPAN_TYPE: Final = SLOT["span_type"]


class SpanReader:
    """Reads the spans of one batch into `facts`."""

    def __init__(self, facts: Facts, prices: Prices, with_content: bool) -> None:
        self._facts = facts
        self._prices = prices
        self._with_content = with_content

    def read(self, rows: Sequence[Row], owners: dict[tuple[int, int], Owner]) -> None:
        loads = orjson.loads
        for number, row in enumerate(rows):
            if row[14] == "{}":
                continue
            attributes = loads(row[14])
            owner = owners[row[1], row[2]]
            shape = owner[1][tuple(attributes)]
            if shape.silent:
                continue
            try:
                self._read(number, row, attributes, shape, owner)
            except Exception as error:  # noqa: BLE001  a fact less, never a span less
                self._facts.add_fault(error)

    def _read(self, number: int, row: Row, attributes: dict[str, Any], shape: Shape, owner: Owner) -> None:
        kind = shape.kind(attributes) or kind_of_name(row[6])
        if kind is None:
            # Codex tells its calls by events outside of traces, and their figures again in spans of its inner workings.
            if not shape.says_more or owner.client == "codex":
                self._identify(number, row, attributes, shape)
                return
            kind = "other"
        elif kind == "vercel_outer":
            kind = "agent" if "ai.telemetry.functionId" in attributes and owner.client is None else "chain"
        if shape.quirky:
            kind = corrected_kind(kind, row[6], attributes, owner.scope)
        contents = len(self._facts.contents)
        try:
            self._facts.facts.append(self._fact(number, row, attributes, shape.plan(kind), kind, owner.client))
        except Exception:
            del self._facts.contents[contents:]
            raise

    def _fact(self, number: int, row: Row, attributes: dict[str, Any], plan: Plan, kind: str, client: str | None) -> Row:
        trace, resource, _, trace_id, span_id, parent, name, span_kind, start, end = row[:10]
        fact, canonical = FACT_OF_KIND.get(kind) or ("step", kind)
        is_open = 0 if end else 1
        slots = [
            number, "span", resource, trace, trace_id, span_id, parent, fact, canonical, "span", name,
            OPEN_RANK if is_open else RANK, 0, is_open, None, start, end - start if end > start else 0 if end else None, *BLANK,
        ]  # fmt: skip
        plan.fill(slots, attributes)
        events = _events(row[15])
        if plan.errors or row[10] == _ERROR_STATUS or events:
            exception = (
                exception_of(events) if events and (row[10] == _ERROR_STATUS or (not row[10] and parent in _NO_PARENT)) else None
            )
            judge(slots, row[10] == _ERROR_STATUS, row[11], exception)
        if plan.rest:
            self._finish(slots, kind, span_kind, attributes)
        if events and slots[_TTFT] is None and fact == "llm_call":
            slots[_TTFT] = _first_token(events, start)
        if canonical == "agent" and slots[_AGENT] is None:
            slots[_AGENT] = agent_of_span(name, attributes)
        if kind == "tool_execution":
            slots[_IS_PART], slots[_RANK] = 1, PART_RANK
        if self._with_content and (plan.content or events) and (fact != "step" or canonical in _STEPS_WITH_CONTENT):
            self._add_contents(attributes, plan, events, kind)
        return complete(slots, attributes, plan, self._prices, client)

    def _finish(self, slots: list[Any], kind: str, span_kind: int, attributes: dict[str, Any]) -> None:
        """What few spans have."""
        if slots[_MCP_METHOD] == "tools/call" and kind == "tool":
            slots[_VIA_SLOT] = _VIA.get(span_kind)
        if slots[_SPAN_TYPE] == "pending_span":
            # The placeholder is a child of the span that it stands for, and knows that span's own parent.
            slots[_SPAN], slots[_PARENT] = slots[_PARENT] or slots[_SPAN], attributes.get("logfire.pending_parent_id") or None
            slots[_IS_OPEN], slots[_RANK] = 1, OPEN_RANK
        if slots[_COMPLETION] is not None and slots[_TTFT] is None:
            slots[_TTFT] = _seconds_until(slots[_COMPLETION], slots[_TIME])

    def _add_contents(self, attributes: dict[str, Any], plan: Plan, events: list[Any], kind: str) -> None:
        found = contents_of(attributes, kind) if plan.content else []
        if events:
            taken = {row[0] for row in found}
            found += [row for row in contents_of_events(events, kind) if row[0] not in taken]
        position = len(self._facts.facts)
        self._facts.contents.extend((position, *row) for row in found)

    def _identify(self, number: int, row: Row, attributes: dict[str, Any], shape: Shape) -> None:
        if not shape.identity:
            return
        found = shape.plan("none").identity(attributes)
        if found is not None:
            self._facts.identities.append((number, "span", row[1], row[0], row[3], row[4], row[5], row[8], *found))


def _events(text: str | None) -> list[Any]:
    """A span's events, parsed, if any can matter."""
    if text is None or not (
        "content" in text or "message" in text or "exception" in text or "irst" in text or "operation.details" in text
        or "tool.output" in text
    ):  # fmt: skip
        return _NO_EVENTS
    found = orjson.loads(text)
    return found if isinstance(found, list) else []


def _first_token(events: list[Any], start: int) -> float | None:
    for event in events:
        if not isinstance(event, dict):
            continue
        name, time = event.get("name"), event.get("time")
        if isinstance(name, str) and isinstance(time, int) and name.lower().startswith(_FIRST_TOKEN) and time >= start:
            return (time - start) / 1e9
    return None


def _seconds_until(moment: str, start: int) -> float | None:
    """From the start (ns) to a moment in ISO 8601, with or without quotes of JSON around it."""
    try:
        parsed = datetime.fromisoformat(moment.strip('"'))
        waited = parsed.timestamp() - start / 1e9
    except (ValueError, OverflowError):
        return None
    return coerce.seconds(round(waited, 9))
