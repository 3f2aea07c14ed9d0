"""Log records → facts and identity rows.

Which event a record is, is told by its event name, else by a body that is a name. Coding agents' events, the GenAI events of
the conventions and the halves of Cylestio's pairs are facts; of other records of a trace only identity is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from storage.facts import coerce
from storage.facts.coding_agents import EventRule, cylestio_rule, full_name, named, rule_of
from storage.facts.completion import complete
from storage.facts.content import DETAILS_EVENT, MESSAGE_EVENTS, contents_of, log_message_rows, row_of
from storage.facts.content_keys import is_content_key
from storage.facts.errors import judge
from storage.facts.kinds import FACT_OF_KIND
from storage.facts.messages import Part
from storage.facts.shapes import BLANK, SLOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.batch import Row
    from storage.facts.costs import Prices
    from storage.facts.fact import Facts
    from storage.facts.shapes import Owner, Shape, Shapes

CLIENT_RANK: Final = 30
CONVENTION_RANK: Final = 15
PART_RANK: Final = 10
OPEN_RANK: Final = 5
LONGEST_NAME: Final = 100
_EVALUATION: Final = "gen_ai.evaluation.result"
_EXCEPTION: Final = "gen_ai.client.operation.exception"
# What a details event says of an inference that came to an end.
_OUTCOME: Final = (
    "gen_ai.response.id", "gen_ai.response.model", "gen_ai.response.finish_reasons", "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens", "gen_ai.output.messages", "error.type",
)  # fmt: skip
_PAIR_KINDS: Final = {
    "llm": "llm",
    "tool": "tool",
    "agent": "agent",
    "retrieval": "retriever",
    "chain": "chain",
    "langgraph": "chain",
}
_BODY_DIRECTION: Final = {"api_request_body": "input", "api_response_body": "output"}
_NAMES_BEGIN: Final = ("gen_ai.", "security.")
_IDENTITY_KEYS: Final = frozenset(
    ("session.id", "user.id", "user.email", "user.account_uuid", "user.account_id", "organization.id", "event.name",
     "event.timestamp", "event.sequence", "$event_name"),
)  # fmt: skip

_TIME: Final = SLOT["time"]
_DURATION: Final = SLOT["duration"]
_DURATION_NS: Final = SLOT["duration_ns"]
_PAIR: Final = SLOT["pair_key"]
_CALL: Final = SLOT["tool_call_id"]
_DETAILS: Final = SLOT["details"]


class _Record(NamedTuple):
    number: int
    row: Row
    name: str
    attributes: dict[str, Any]


class LogReader:
    """Reads the log records of one batch into `facts`. `any_client`: shapes of unknown ones."""

    def __init__(self, facts: Facts, prices: Prices, with_content: bool, any_client: Shapes) -> None:
        self._facts = facts
        self._prices = prices
        self._with_content = with_content
        self._any_client = any_client

    def read(self, rows: Sequence[Row], owners: dict[tuple[int, int], Owner]) -> None:
        for number, row in enumerate(rows):
            client, shapes, _ = owners[row[0], row[1]]
            body = row[7] if row[8] == "string" else None
            name = row[9]
            if body is not None and len(body) <= LONGEST_NAME and "." in body:
                name = full_name(name, body)
            if name is None and (row[10] is None or row[13] == "{}"):
                continue
            attributes = orjson.loads(row[13])
            if name is not None and ("/" in name or " " in name):
                # Codex sends the place in its source as the event's name, and the name as an attribute.
                name = coerce.text(attributes.get("event.name")) or name
            contents = len(self._facts.contents)
            try:
                if name is None or not self._read_event(_Record(number, row, name, attributes), client):
                    self._identify(number, row, attributes, shapes[tuple(attributes)])
            except Exception as error:  # noqa: BLE001  a fact less, never a record less
                del self._facts.contents[contents:]
                self._facts.add_fault(error)

    def _read_event(self, record: _Record, client: str | None) -> bool:
        """False for an event that is no fact."""
        name, attributes = record.name, record.attributes
        shape = self._any_client[tuple(attributes)]
        rule: EventRule | None
        if "cylestio.pair.role" in attributes:
            rule = _rule_of_half(name, attributes, shape)
        elif (half := cylestio_rule(name, attributes)) is not None:
            rule = half
        elif name.startswith(_NAMES_BEGIN):
            rule = _rule_of_convention(record, shape)
        else:
            event = named(name, client)
            # A bare name is enough only where the record is one of a session.
            if event is None or (event.client is None and event.name == name and not shape.identity):
                return False
            rule = rule_of(event, attributes)
            if rule is not None:
                self._add(record, event.name, rule, CLIENT_RANK, event.client or client)
            return rule is not None
        if rule is not None:
            self._add(record, name, rule, CONVENTION_RANK, None)
        return rule is not None

    def _add(self, record: _Record, origin: str, rule: EventRule, rank: int, client: str | None) -> None:
        number, row, name, attributes = record
        plan = self._any_client[tuple(attributes)].plan(rule.kind)
        rank = OPEN_RANK if rule.is_open else PART_RANK if rule.is_part else rank
        slots = [
            number, "log", row[0], None, row[10], row[11], None, rule.fact, rule.kind, origin, coerce.text(name), rank,
            rule.is_part, rule.is_open, None, row[2], None, *BLANK,
        ]  # fmt: skip
        plan.fill(slots, attributes)
        if slots[_PAIR] is None and row[11] is not None and client is None:
            slots[_PAIR] = f"{row[10]}/{row[11]}/{rule.kind}"
        if attributes.get("framework.name") == "mcp" and "gen_ai.tool.call.id" not in attributes:
            slots[_CALL] = None  # `tool.id` is the connection's there
        duration = slots[_DURATION_NS]
        if duration is not None and not rule.is_open:
            slots[_DURATION] = duration
            slots[_TIME] = max(row[2] - duration, 0)
        judge(slots, rule.failed or name.endswith("error"), None, None)
        if rule.fact == "event":
            slots[_DETAILS] = _details(attributes)
        if self._with_content:
            self._add_contents(row, origin, rule.kind, attributes)
        self._facts.facts.append(complete(slots, attributes, plan, self._prices, client))

    def _add_contents(self, row: Row, origin: str, kind: str, attributes: dict[str, Any]) -> None:
        position = len(self._facts.facts)
        if origin in MESSAGE_EVENTS:
            found = log_message_rows(origin, attributes, _body(row))
        elif origin in _BODY_DIRECTION:
            text = coerce.content(attributes.get("body"))
            found = [] if text is None else [_json_row(_BODY_DIRECTION[origin], text)]
        else:
            found = contents_of(attributes, kind)
            if not found and origin == DETAILS_EVENT and isinstance(body := _body(row), dict):
                found = contents_of(body, kind)
        self._facts.contents.extend((position, *entry) for entry in found)

    def _identify(self, number: int, row: Row, attributes: dict[str, Any], shape: Shape) -> None:
        if row[10] is None or not shape.identity:
            return
        found = shape.plan("none").identity(attributes)
        if found is not None:
            self._facts.identities.append((number, "log", row[0], None, row[10], row[11], None, row[2], *found))


def _rule_of_half(name: str, attributes: dict[str, Any], shape: Shape) -> EventRule:
    """A start or finish of Cylestio's: the start is open until a finish comes."""
    family = attributes.get("cylestio.pair.family")
    kind = shape.kind(attributes) or _PAIR_KINDS.get(family if isinstance(family, str) else "", "chain")
    fact, canonical = FACT_OF_KIND.get(kind) or ("step", kind)
    is_open = int(attributes["cylestio.pair.role"] == "start")
    return EventRule(fact, canonical, 0, is_open, failed=name.endswith((".error", "_blocked")))


def _rule_of_convention(record: _Record, shape: Shape) -> EventRule | None:
    name = record.name
    if name == DETAILS_EVENT:
        fact, canonical = FACT_OF_KIND.get(shape.kind(record.attributes) or "llm") or ("step", "other")
        if fact == "llm_call" and not any(key in record.attributes for key in _OUTCOME):
            # Gemini CLI sends it when it asks, too: what is asked for is no call yet.
            return None if record.row[11] is None else EventRule(fact, canonical, is_part=1)
        return EventRule(fact, canonical)
    if name == _EVALUATION:
        return EventRule("event", "evaluation")
    if name == _EXCEPTION:
        return EventRule("llm_call", "llm", is_part=1, failed=True)
    if name in MESSAGE_EVENTS:
        return None if record.row[11] is None else EventRule("llm_call", "llm", is_part=1)
    return EventRule("event", "security") if name.startswith("security.") else None


def _details(attributes: dict[str, Any]) -> str | None:
    """What an event says beside its columns."""
    return coerce.bounded(
        {key: value for key, value in attributes.items() if key not in _IDENTITY_KEYS and not is_content_key(key)}
    )


def _body(row: Row) -> Any:
    if row[8] == "string" or row[7] is None:
        return row[7]
    return orjson.loads(row[7])


def _json_row(direction: str, value: Any) -> Row:
    """The body of a request as it went over the wire."""
    parsed = coerce.parsed(value)
    kind, text = ("text", parsed) if isinstance(parsed, str) else ("json", coerce.dumped(parsed))
    return row_of(direction, Part(0, 0, None, kind, None, None, text))
