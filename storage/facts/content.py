"""What was said: prompts, answers, tool arguments and results, as rows of parts.

The same content renders alike from span attributes, span events and log records. A text's hash is over all of its row but
where it stands, so that history repeated with every call is kept once.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from storage.facts import coerce
from storage.facts.content_keys import CONTENT_SOURCES, FLATTENED
from storage.facts.messages import MOST_PARTS, Part, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from storage.batch import Row

DEEPEST_KEY: Final = 8
LARGEST_INDEX: Final = 10_000
_ROLE_OF: Final = {"input": "user", "output": "assistant", "system": "system"}
_AS_JSON: Final = frozenset(("arguments", "result", "tools", "documents"))
# Span events and log records that carry one message, by role; a choice is the answer.
_MESSAGE_EVENTS: Final = {
    "gen_ai.system.message": ("system", "system"),
    "gen_ai.user.message": ("input", "user"),
    "gen_ai.assistant.message": ("input", "assistant"),
    "gen_ai.tool.message": ("input", "tool"),
    "gen_ai.choice": ("output", "assistant"),
    "gen_ai.content.prompt": ("input", "user"),
    "gen_ai.content.completion": ("output", "assistant"),
}
MESSAGE_EVENTS: Final = frozenset(_MESSAGE_EVENTS)
_EVENT_KEYS: Final = ("content", "message", "gen_ai.prompt", "gen_ai.completion", "gen_ai.event.content", "body")
DETAILS_EVENT: Final = "gen_ai.client.inference.operation.details"
TOOL_OUTPUT_EVENT: Final = "tool.output"


def contents_of(attributes: Mapping[str, Any], kind: str) -> list[Row]:
    """Content rows from `direction` on: the position of their fact is not known here."""
    found: list[Row] = []
    taken: set[str] = set()
    for source in CONTENT_SOURCES:
        if source.direction in taken or (source.kinds and kind not in source.kinds) or kind in source.not_kinds:
            continue
        for key in source.keys:
            rows = _rows(source.direction, _value(attributes, key), _ROLE_OF.get(source.direction))
            if rows:
                found += rows
                taken.add(source.direction)
                break
    return found


def _value(attributes: Mapping[str, Any], key: str) -> Any:
    value = coerce.content(attributes.get(key))
    if value is None and key in FLATTENED:
        return unflattened(attributes, key)
    return value


def _rows(direction: str, value: Any, role: str | None) -> list[Row]:
    if value is None:
        return []
    if direction in _AS_JSON:
        return [row_of(direction, Part(0, 0, None, *_block(direction, value)))]
    return [row_of(direction, part) for part in parts_of(value, role)]


def _block(direction: str, value: Any) -> tuple[str, None, None, str]:
    """(kind, name, call id, text) of content that is one block: arguments, a result, definitions of tools, documents."""
    parsed = coerce.parsed(value)
    if isinstance(parsed, str):
        return "text", None, None, parsed
    if direction == "result" and isinstance(parsed, list):
        parts = parts_of(parsed, None)
        if parts and all(part.kind == "text" for part in parts):
            return "text", None, None, "\n".join(part.text for part in parts)
    return "json", None, None, coerce.dumped(parsed)


def row_of(direction: str, part: Part) -> Row:
    text = part.text
    digest = blake2b(digest_size=16)
    for piece in (part.role, part.kind, part.name, part.call_id, text):
        digest.update((piece or "").encode("utf-8", "surrogatepass") + b"\0")
    return (direction, *part, len(text), digest.digest())


def contents_of_events(events: Iterable[Any], kind: str) -> list[Row]:
    """The content of a span's events, parsed, as contents_of."""
    entries = [
        (str(event.get("name")), attributes)
        for event in events
        if isinstance(event, dict) and isinstance(attributes := event.get("attributes"), dict)
    ]
    found: list[Row] = []
    numbers: dict[str, int] = {}
    for name, attributes in entries[:MOST_PARTS]:
        if name in _MESSAGE_EVENTS:
            direction, role = _MESSAGE_EVENTS[name]
            direction = _direction_of_tool(direction, kind)
            number = numbers.get(direction, 0)
            numbers[direction] = number + 1
            found += [(row[0], number, *row[2:]) for row in message_rows(direction, role, attributes, None)]
        elif name == DETAILS_EVENT:
            found += contents_of(attributes, kind)
        elif name == TOOL_OUTPUT_EVENT:
            found += _rows("result", attributes.get("output") or attributes.get("content") or attributes or None, None)
    return found


def _direction_of_tool(direction: str, kind: str) -> str:
    """On a tool's span the tool message is its input and the choice its result."""
    return {"input": "arguments", "output": "result"}.get(direction, direction) if kind == "tool" else direction


def message_rows(direction: str, role: str, attributes: Mapping[str, Any], body: Any) -> list[Row]:
    """One message of an event, of its attributes or of a log record's body."""
    value = coerce.parsed(body)
    if not isinstance(value, dict):
        value = {"content": value} if coerce.content(value) is not None else {}
    for key in _EVENT_KEYS:
        if not value and coerce.content(attributes.get(key)) is not None:
            value = {"content": coerce.parsed(attributes[key])}
    if direction in _AS_JSON:
        return _rows(direction, value.get("content"), None)
    inner = value.get("message")
    merged: dict[str, Any] = {"role": role, **(inner if isinstance(inner, dict) else value)}
    calls = value.get("tool_calls") or attributes.get("tool_calls")
    if calls is not None:
        merged["tool_calls"] = calls
    call_id = attributes.get("id")
    if role == "tool" and call_id is not None:
        merged.setdefault("tool_call_id", call_id)
    if len(merged) == 1:
        return []
    return [row_of(direction, part) for part in parts_of(merged, role)]


def log_message_rows(event: str, attributes: Mapping[str, Any], body: Any) -> list[Row]:
    direction, role = _MESSAGE_EVENTS[event]
    return message_rows(direction, role, attributes, body)


def unflattened(attributes: Mapping[str, Any], prefix: str) -> list[Any] | None:
    """`prefix.0.message.role`, `prefix.0.message.content` … → [{"role": …, "content": …}, …]; None without such keys."""
    start = f"{prefix}."
    tree: dict[str, Any] = {}
    for key, value in attributes.items():
        if key.startswith(start) and key[len(start) : len(start) + 1].isdecimal() and coerce.content(value) is not None:
            _place(tree, key[len(start) :].split(".", DEEPEST_KEY), value)
    return _lists(tree) if tree else None


def _place(tree: dict[str, Any], path: list[str], value: Any) -> None:
    for step in path[:-1]:
        inner = tree.setdefault(step, {})
        if not isinstance(inner, dict):
            return
        tree = inner
    tree.setdefault(path[-1], value)


def _lists(tree: Any) -> Any:
    """Maps whose keys are numbers as lists in the order of the numbers."""
    if not isinstance(tree, dict):
        return tree
    if tree and all(key.isdecimal() and len(key) < 6 for key in tree):
        return [_lists(tree[key]) for key in sorted(tree, key=int)]
    return {key: _lists(value) for key, value in tree.items()}
