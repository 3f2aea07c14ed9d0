"""Messages of a conversation in every form they are sent in → parts: (role, kind, name, call id, text).

OpenTelemetry's `{role, parts}`, OpenAI's `{role, content, tool_calls}`, Anthropic's content blocks, Gemini's `parts`, the
Vercel AI SDK's, LangChain's `{type, content}` and pydantic-ai's event list all end in the same parts, whether they came as a
structure or as JSON in a string. What no form explains is kept as JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from storage.facts import coerce

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_PARTS: Final = 2_000
DEEPEST: Final = 8
_ROLES: Final = {"human": "user", "ai": "assistant", "model": "assistant", "developer": "system", "function": "tool"}
_WITHOUT_CONTENT: Final = {"role", "name", "finish_reason", "index"}
_LISTS: Final = ("messages", "contents", "items")


class Part(NamedTuple):
    message: int
    part: int
    role: str | None
    kind: str
    name: str | None
    call_id: str | None
    text: str


class _Piece(NamedTuple):
    kind: str
    text: str
    name: str | None = None
    call_id: str | None = None


def parts_of(value: Any, role: str | None) -> list[Part]:
    """The parts of a list of messages, one message, or plain text; `role` is that of what names none."""
    found: list[Part] = []
    for number, entry in enumerate(_messages(coerce.parsed(value))):
        said, message = role, entry
        if isinstance(message, dict):
            message = _inner(message, "message")
            sent = coerce.text(message.get("role") or message.get("type"))
            said = _ROLES.get(sent, sent) if sent is not None and _is_role(message, sent) else role
        for place, piece in enumerate(_pieces(message, 0)):
            found.append(Part(number, place, said, piece.kind, piece.name, piece.call_id, piece.text))
            if len(found) >= MOST_PARTS:
                return found
    return found


def _is_role(message: dict[str, Any], sent: str) -> bool:
    return "role" in message or sent in {"human", "ai", "system", "tool", "user", "assistant", "function"}


def _messages(value: Any) -> list[Any]:
    """Messages in order; a map around a list of them is taken off."""
    for _ in range(DEEPEST):
        if isinstance(value, dict):
            inner = next((value[key] for key in _LISTS if isinstance(value.get(key), list)), None)
            if inner is None or "role" in value:
                break
            value = inner
        elif isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
            value = value[0]
        else:
            break
    if isinstance(value, list):
        is_messages = all(isinstance(entry, dict) and _is_message(entry) for entry in value)
        return value if is_messages and value else [value] if value else []
    return [] if value is None else [value]


def _is_message(entry: dict[str, Any]) -> bool:
    if "role" in entry or "parts" in entry or "message" in entry:
        return True
    return "content" in entry and str(entry.get("type")) in {"human", "ai", "system", "function"}


def _pieces(value: Any, depth: int) -> Iterator[_Piece]:
    if depth > DEEPEST:
        yield _Piece("json", coerce.dumped(value))
    elif isinstance(value, str):
        if coerce.content(value) is not None:
            yield _Piece("text", value)
    elif isinstance(value, list):
        for entry in value:
            yield from _pieces(entry, depth + 1)
    elif isinstance(value, dict):
        yield from _pieces_of_map(value, depth)
    elif value is not None:
        yield _Piece("json", coerce.dumped(value))


def _pieces_of_map(entry: dict[str, Any], depth: int) -> Iterator[_Piece]:
    if ("role" in entry or _is_message(entry)) and _holds_content(entry):
        yield from _pieces_of_message(entry, depth)
        return
    if entry.keys() <= _WITHOUT_CONTENT:
        return
    reader = _BLOCKS.get(str(entry.get("type", "")).replace("-", "_").lower()) or _reader_by_key(entry)
    piece = reader(entry) if reader else None
    if piece is not None:
        yield piece
    elif reader is None and entry:
        yield _Piece("json", coerce.dumped(entry))


def _holds_content(entry: dict[str, Any]) -> bool:
    return any(key in entry for key in ("content", "parts", "tool_calls", "contents", "tool_call_id"))


def _pieces_of_message(entry: dict[str, Any], depth: int) -> Iterator[_Piece]:
    reasoning = entry.get("reasoning_content") or entry.get("reasoning")
    if isinstance(reasoning, str) and reasoning:
        yield _Piece("reasoning", reasoning)
    content = entry.get("parts") or entry.get("contents") or coerce.parsed(entry.get("content"))
    call_id = coerce.text(entry.get("tool_call_id") or entry.get("id")) if _is_tool_message(entry) else None
    if _is_tool_message(entry) and isinstance(content, str | dict):
        yield _Piece("tool_result", _plain(content), coerce.text(entry.get("name")), call_id)
    else:
        yield from _pieces(content, depth + 1)
    calls = coerce.parsed(entry.get("tool_calls"))
    for call in calls if isinstance(calls, list) else []:
        piece = _tool_call(call) if isinstance(call, dict) else None
        if piece is not None:
            yield piece


def _is_tool_message(entry: dict[str, Any]) -> bool:
    role = entry.get("role")
    return (isinstance(role, str) and role in {"tool", "function"}) or "tool_call_id" in entry


def _plain(value: Any) -> str:
    """Text as it is, a list of text blocks as their text, anything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        texts = [block["text"] for block in value if isinstance(block, dict) and isinstance(block.get("text"), str)]
        if texts and len(texts) == len(value):
            return "\n".join(texts)
    return coerce.dumped(value)


def _inner(entry: dict[str, Any], key: str) -> dict[str, Any]:
    """The map under `key`; the entry itself without one."""
    found = entry.get(key)
    return found if isinstance(found, dict) else entry


def _text(entry: dict[str, Any]) -> _Piece | None:
    value = entry.get("content") if "content" in entry else entry.get("text")
    if isinstance(value, dict):
        value = value.get("text", value)
    return None if coerce.content(value) is None else _Piece("text", _plain(value))


def _reasoning(entry: dict[str, Any]) -> _Piece | None:
    value = next((entry[key] for key in ("content", "thinking", "text", "reasoning", "summary") if entry.get(key)), None)
    return None if value is None else _Piece("reasoning", _plain(value))


def _tool_call(entry: dict[str, Any]) -> _Piece | None:
    inner = _inner(entry, "tool_call")
    function = _inner(inner, "function")
    name = coerce.text(function.get("name") or inner.get("toolName") or inner.get("tool_name"))
    keys = ("arguments", "input", "args")
    arguments: Any = next((place[key] for place in (function, inner) for key in keys if place.get(key) is not None), {})
    call_id = coerce.text(inner.get("id") or inner.get("toolCallId") or inner.get("call_id") or inner.get("tool_call_id"))
    return _Piece("tool_call", arguments if isinstance(arguments, str) else coerce.dumped(arguments), name, call_id)


def _tool_result(entry: dict[str, Any]) -> _Piece | None:
    keys = ("result", "response", "content", "output")
    value = next((entry[key] for key in keys if entry.get(key) is not None), None)
    call_id = next((entry[key] for key in ("id", "tool_use_id", "toolCallId", "call_id", "tool_call_id") if entry.get(key)), None)
    name = entry.get("name") or entry.get("toolName") or entry.get("tool_name")
    return _Piece("tool_result", _plain(value), coerce.text(name), coerce.text(call_id))


def _media(entry: dict[str, Any]) -> _Piece | None:
    """What is said of it, without the bytes."""
    said = {key: value for key, value in entry.items() if not (isinstance(value, str) and len(value) > 1_000)}
    reference = entry.get("uri") or entry.get("file_id")
    return _Piece("reference", str(reference)) if isinstance(reference, str) else _Piece("media", coerce.dumped(said))


_BLOCKS: Final[dict[str, Callable[[dict[str, Any]], _Piece | None]]] = {
    **dict.fromkeys(("text", "input_text", "output_text"), _text),
    **dict.fromkeys(("reasoning", "thinking", "redacted_thinking"), _reasoning),
    **dict.fromkeys(("tool_call", "tool_use", "function", "function_call", "server_tool_call"), _tool_call),
    **dict.fromkeys(("tool_call_response", "tool_result", "function_call_output", "server_tool_call_response"), _tool_result),
    **dict.fromkeys(("blob", "file", "uri", "image", "image_url", "input_image", "input_audio", "document", "media"), _media),
}


def _reader_by_key(entry: dict[str, Any]) -> Callable[[dict[str, Any]], _Piece | None] | None:
    """Blocks that name no type: Gemini's and Bedrock's."""
    for key, reader in (("functionCall", _tool_call), ("function_call", _tool_call), ("toolUse", _tool_call)):
        if isinstance(entry.get(key), dict):
            return lambda outer: reader({**outer[key], "id": outer[key].get("id") or outer[key].get("toolUseId")})
    for key in ("functionResponse", "function_response", "toolResult"):
        if isinstance(entry.get(key), dict):
            return lambda outer: _tool_result({**outer[key], "id": outer[key].get("id") or outer[key].get("toolUseId")})
    if isinstance(entry.get("message_content"), dict):  # OpenInference, flattened
        return lambda outer: next(iter(_pieces_of_map(outer["message_content"], DEEPEST)), None)
    if isinstance(entry.get("text"), str):
        return _text
    if isinstance(entry.get("tool_call"), dict):
        return _tool_call
    return None
