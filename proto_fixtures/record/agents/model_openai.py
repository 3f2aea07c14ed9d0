"""The stub model in OpenAI's protocols: chat completions, responses, embeddings; each in one piece or streamed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from proto_fixtures.record.agents.model_answers import Asked, Reply, Tool

if TYPE_CHECKING:
    from collections.abc import Iterator

CREATED = 1_790_000_000


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return " ".join(str(part.get("text", "")) for part in content or [] if isinstance(part, dict))


def asked_chat(body: dict[str, Any]) -> Asked:
    texts: list[str] = []
    called: list[str] = []
    for message in body["messages"]:
        if message["role"] == "user":
            texts.append(_text(message["content"]))
            called.clear()
        called += [call["function"]["name"] for call in message.get("tool_calls") or []]
    tools = [one["function"] for one in body.get("tools") or [] if one["type"] == "function"]
    offered = tuple(Tool(one["name"], one.get("parameters") or {}) for one in tools)
    wanted = not body.get("stream") or bool((body.get("stream_options") or {}).get("include_usage"))
    return Asked("openai", body["model"], bool(body.get("stream")), tuple(texts), offered, tuple(called), wanted)


def asked_responses(body: dict[str, Any]) -> Asked:
    texts: list[str] = []
    called: list[str] = []
    items = body["input"]
    for item in [{"role": "user", "content": items}] if isinstance(items, str) else items:
        if item.get("role") == "user":
            texts.append(_text(item["content"]))
            called.clear()
        if item.get("type") == "function_call":
            called.append(item["name"])
    tools = [one for one in body.get("tools") or [] if one["type"] == "function"]
    offered = tuple(Tool(one["name"], one.get("parameters") or {}) for one in tools)
    return Asked("openai", body["model"], bool(body.get("stream")), tuple(texts), offered, tuple(called))


def _chat_usage(reply: Reply) -> dict[str, Any]:
    spent = reply.usage
    return {
        "prompt_tokens": spent.input,
        "completion_tokens": spent.output,
        "total_tokens": spent.input + spent.output,
        "prompt_tokens_details": {"cached_tokens": spent.cache_read, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": spent.reasoning, "audio_tokens": 0},
    }


def chat(reply: Reply) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None, "refusal": None}
    if reply.tool:
        message["tool_calls"] = [_chat_call(reply)]
    finish = "tool_calls" if reply.tool else "stop"
    return {
        "id": f"chatcmpl-stub-{reply.number:04}",
        "object": "chat.completion",
        "created": CREATED,
        "model": reply.model,
        "service_tier": "default",
        "system_fingerprint": "fp_stub",
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
        "usage": _chat_usage(reply),
    }


def _chat_call(reply: Reply) -> dict[str, Any]:
    function = {"name": reply.tool, "arguments": json.dumps(reply.arguments)}
    return {"id": f"call_stub_{reply.number:04}", "type": "function", "function": function}


def chat_stream(reply: Reply, asked: Asked) -> Iterator[str]:
    whole = chat(reply)
    base = {key: whole[key] for key in ("id", "created", "model", "service_tier", "system_fingerprint")}
    base["object"] = "chat.completion.chunk"

    def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
        return _data({**base, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": None})

    yield chunk({"role": "assistant", "content": None if reply.tool else ""})
    if reply.tool:
        yield chunk({"tool_calls": [{"index": 0, **_chat_call(reply)}]})
    for word in reply.text.split():
        yield chunk({"content": word + " "})
    yield chunk({}, whole["choices"][0]["finish_reason"])
    if asked.usage_wanted:
        yield _data({**base, "choices": [], "usage": whole["usage"]})
    yield "data: [DONE]\n\n"


def _data(event: dict[str, Any]) -> str:
    return f"data: {json.dumps(event)}\n\n"


def responses(reply: Reply, body: dict[str, Any]) -> dict[str, Any]:
    spent = reply.usage
    return {
        "id": f"resp_stub_{reply.number:04}",
        "object": "response",
        "created_at": CREATED,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "metadata": {},
        "model": reply.model,
        "output": [_item(reply)],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": body.get("tools") or [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": {
            "input_tokens": spent.input,
            "input_tokens_details": {"cached_tokens": spent.cache_read, "cache_write_tokens": spent.cache_write},
            "output_tokens": spent.output,
            "output_tokens_details": {"reasoning_tokens": spent.reasoning},
            "total_tokens": spent.input + spent.output,
        },
        "user": None,
    }


def _item(reply: Reply) -> dict[str, Any]:
    if reply.tool:
        call = {"call_id": f"call_stub_{reply.number:04}", "name": reply.tool, "arguments": json.dumps(reply.arguments)}
        return {"id": f"fc_stub_{reply.number:04}", "type": "function_call", "status": "completed", **call}
    content = [{"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}]
    return {
        "id": f"msg_stub_{reply.number:04}",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": content,
    }


def responses_stream(reply: Reply, body: dict[str, Any]) -> Iterator[str]:
    whole = responses(reply, body)
    item = whole["output"][0]
    place = {"output_index": 0, "item_id": item["id"]}
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    events: list[dict[str, Any]] = [{"type": "response.created", "response": begun}]
    if reply.tool:
        started = {**item, "status": "in_progress", "arguments": ""}
        events.append({"type": "response.output_item.added", "output_index": 0, "item": started})
        events.append({"type": "response.function_call_arguments.delta", **place, "delta": item["arguments"]})
        done = {"arguments": item["arguments"], "name": item["name"]}
        events.append({"type": "response.function_call_arguments.done", **place, **done})
    else:
        part = item["content"][0]
        place["content_index"] = 0
        started = {**item, "status": "in_progress", "content": []}
        events.append({"type": "response.output_item.added", "output_index": 0, "item": started})
        events.append({"type": "response.content_part.added", **place, "part": {**part, "text": ""}})
        events += [
            {"type": "response.output_text.delta", **place, "delta": word + " ", "logprobs": []} for word in reply.text.split()
        ]
        events.append({"type": "response.output_text.done", **place, "text": reply.text, "logprobs": []})
        events.append({"type": "response.content_part.done", **place, "part": part})
    events.append({"type": "response.output_item.done", "output_index": 0, "item": item})
    events.append({"type": "response.completed", "response": whole})
    for sequence, event in enumerate(events):
        yield f"event: {event['type']}\ndata: {json.dumps({**event, 'sequence_number': sequence})}\n\n"


def embeddings(body: dict[str, Any], number: int) -> dict[str, Any]:
    """Eight numbers for each text, and 5 tokens times the number of the call."""
    count = 1 if isinstance(body["input"], str) else len(body["input"])
    vectors = [{"object": "embedding", "index": index, "embedding": [0.125] * 8} for index in range(count)]
    spent = {"prompt_tokens": 5 * number, "total_tokens": 5 * number}
    return {"object": "list", "model": body["model"], "data": vectors, "usage": spent}
