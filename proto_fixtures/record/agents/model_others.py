"""The stub model in Anthropic's messages protocol and Gemini's generateContent, in one piece or streamed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from proto_fixtures.record.agents.model_answers import Asked, Reply, Tool

if TYPE_CHECKING:
    from collections.abc import Iterator


def asked_anthropic(body: dict[str, Any]) -> Asked:
    texts: list[str] = []
    called: list[str] = []
    for message in body["messages"]:
        content = message["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        spoken = [part["text"] for part in parts if part["type"] == "text"]
        if message["role"] == "user" and spoken:
            texts.append(" ".join(spoken))
            called.clear()
        called += [part["name"] for part in parts if part["type"] == "tool_use"]
    offered = tuple(Tool(one["name"], one.get("input_schema") or {}) for one in body.get("tools") or [])
    return Asked("anthropic", body["model"], bool(body.get("stream")), tuple(texts), offered, tuple(called))


def anthropic(reply: Reply) -> dict[str, Any]:
    """Anthropic's input figure leaves out what was read from or written to the cache."""
    spent = reply.usage
    if reply.tool:
        block = {"type": "tool_use", "id": f"toolu_stub_{reply.number:04}", "name": reply.tool, "input": reply.arguments}
    else:
        block = {"type": "text", "text": reply.text}
    return {
        "id": f"msg_stub_{reply.number:04}",
        "type": "message",
        "role": "assistant",
        "model": reply.model,
        "content": [block],
        "stop_reason": "tool_use" if reply.tool else "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": spent.input - spent.cache_read - spent.cache_write,
            "cache_read_input_tokens": spent.cache_read,
            "cache_creation_input_tokens": spent.cache_write,
            "output_tokens": spent.output,
            "service_tier": "standard",
        },
    }


def anthropic_stream(reply: Reply) -> Iterator[str]:
    whole = anthropic(reply)
    block = whole["content"][0]
    usage = {**whole["usage"], "output_tokens": 1}
    begun = {**whole, "content": [], "stop_reason": None, "usage": usage}
    empty = {**block, "input": {}} if reply.tool else {"type": "text", "text": ""}
    if reply.tool:
        deltas = [{"type": "input_json_delta", "partial_json": json.dumps(reply.arguments)}]
    else:
        deltas = [{"type": "text_delta", "text": word + " "} for word in reply.text.split()]
    stop = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": empty},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": stop, "usage": {"output_tokens": reply.usage.output}},
        {"type": "message_stop"},
    ]
    for event in events:
        yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"


def asked_gemini(body: dict[str, Any], model: str, stream: bool) -> Asked:
    texts: list[str] = []
    called: list[str] = []
    for content in body["contents"]:
        parts = content.get("parts") or []
        spoken = [part["text"] for part in parts if "text" in part]
        if content.get("role") == "user" and spoken:
            texts.append(" ".join(spoken))
            called.clear()
        called += [part["functionCall"]["name"] for part in parts if "functionCall" in part]
    declared = [one for group in body.get("tools") or [] for one in group.get("functionDeclarations") or []]
    offered = tuple(Tool(one["name"], _schema(one)) for one in declared)
    return Asked("gemini", model, stream, tuple(texts), offered, tuple(called))


def _schema(declared: dict[str, Any]) -> dict[str, Any]:
    """Clients differ in the name of the schema, and in its spelling."""
    names = ("parametersJsonSchema", "parameters_json_schema", "parameters")
    return next((declared[name] for name in names if declared.get(name)), {})


def gemini(reply: Reply) -> dict[str, Any]:
    """Gemini's candidates figure leaves out the thoughts."""
    spent = reply.usage
    part = {"functionCall": {"name": reply.tool, "args": reply.arguments}} if reply.tool else {"text": reply.text}
    return {
        "candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {
            "promptTokenCount": spent.input,
            "cachedContentTokenCount": spent.cache_read,
            "candidatesTokenCount": spent.output - spent.reasoning,
            "thoughtsTokenCount": spent.reasoning,
            "totalTokenCount": spent.input + spent.output,
        },
        "modelVersion": reply.model,
        "responseId": f"gemini-stub-{reply.number:04}",
    }
