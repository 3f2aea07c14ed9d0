"""Model calls and tool calls as vendors describe them → the `gen_ai.*` names of the semantic conventions.

Everything here only adds names: what cannot be read is left out, the client's own document is kept beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from receiver.vendors.json_text import JsonFaultError, object_of, parse_text, text_of
from receiver.vendors.values import whole_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from receiver.vendors.dialect import Json, JsonObject

PROVIDERS = frozenset(
    {
        "anthropic", "aws.bedrock", "azure.ai.inference", "azure.ai.openai", "cohere", "deepseek", "gcp.gemini",
        "gcp.gen_ai", "gcp.vertex_ai", "groq", "ibm.watsonx.ai", "mistral_ai", "moonshot_ai", "openai", "perplexity",
        "x_ai",
    }
)  # fmt: skip

# First name found wins; the names are those of model vendors' own usage objects.
_USAGE_NAMES = {
    "gen_ai.usage.input_tokens": ("input_tokens", "prompt_tokens"),
    "gen_ai.usage.output_tokens": ("output_tokens", "completion_tokens"),
    "gen_ai.usage.cache_read.input_tokens": ("cache_read_input_tokens",),
    "gen_ai.usage.cache_creation.input_tokens": ("cache_creation_input_tokens",),
}


def provider_name(value: Json) -> str | None:
    """Provider, lower-cased when that makes it a name of the conventions' registry."""
    if not isinstance(value, str) or not value:
        return None
    return value.lower() if value.lower() in PROVIDERS else value


def usage_attributes(sources: Iterable[Json]) -> JsonObject:
    """Token counts from the first of the objects that states each."""
    found: JsonObject = {}
    for usage in filter(None, map(object_of, sources)):
        for attribute, names in _USAGE_NAMES.items():
            for name in names:
                count = whole_number(usage.get(name))
                if attribute not in found and count is not None and count >= 0:
                    found[attribute] = count
    return found


def operation_name(request_type: Json) -> str:
    """Operation of a model call; `chat` where the client's word is none of the conventions'."""
    word = request_type.lower() if isinstance(request_type, str) else ""
    if word.startswith("embedding"):
        return "embeddings"
    return word if word in {"text_completion", "generate_content"} else "chat"


def input_messages(prompt: Json) -> list[Json]:
    """What was asked: a text, a list of messages, or an object that holds `messages` or `prompt`; also as JSON text."""
    return _messages(_parsed(prompt), "user")


def output_messages(response: Json) -> list[Json]:
    """What was answered: a text, a list of content blocks, or an object with `content`, `text` or `message`."""
    return _messages(_parsed(response), "assistant")


def _parsed(value: Json) -> Json:
    """Clients send objects as JSON text too; text that is no object or array stays text."""
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        try:
            parsed = parse_text(value)
        except JsonFaultError:
            return value
        if isinstance(parsed, dict | list):
            return parsed
    return value


def _messages(value: Json, role: str) -> list[Json]:
    if value in (None, "", [], {}):
        return []
    if isinstance(value, list):
        if all(isinstance(item, dict) and "role" in item for item in value):
            return [_message(object_of(item), role) for item in value]
        return [{"role": role, "parts": _parts(value)}]
    if isinstance(value, dict):
        return _messages_of_object(value, role)
    return [{"role": role, "parts": _parts(value)}]


def _messages_of_object(value: JsonObject, role: str) -> list[Json]:
    if isinstance(value.get("messages"), list):
        system = value.get("system")
        before = [_message({"role": "system", "content": system}, "system")] if system else []
        return before + _messages(value["messages"], role)
    if "role" in value:
        return [_message(value, role)]
    inner = next((value[name] for name in ("prompt", "content", "message", "text") if name in value), None)
    return [{"role": role, "parts": _parts(value)}] if inner is None else _messages(inner, role)


def _message(message: Mapping[str, Json], role: str) -> Json:
    return {"role": text_of(message.get("role", role)), "parts": _parts(message.get("content"))}


def _parts(content: Json) -> list[Json]:
    if content is None:
        return []
    if isinstance(content, list):
        return [_part(block) for block in content]
    return [_part(content)]


def _part(block: Json) -> Json:
    if not isinstance(block, dict):
        return {"type": "text", "content": text_of(block)}
    match block.get("type"):
        case "text":
            return {"type": "text", "content": block.get("text")}
        case "tool_use":
            return {
                "type": "tool_call",
                "id": block.get("id"),
                "name": block.get("name"),
                "arguments": block.get("input"),
            }
        case "tool_result":
            return {"type": "tool_call_response", "id": block.get("tool_use_id"), "response": block.get("content")}
        case "thinking":
            return {"type": "reasoning", "content": block.get("thinking")}
        case _:
            return dict(block)
