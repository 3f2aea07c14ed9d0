"""Cylestio events of the flat shape: `timestamp`, `agent_id`, `event_type`, and free `data`.

| from the event | to the log record |
| --- | --- |
| `agent_id` | resource `service.name`; `gen_ai.agent.id`, `gen_ai.agent.name` |
| `event_type` | event name `cylestio.<event_type>`; `cylestio_mini.event_type` |
| `level`, `timestamp` | severity, time |
| `channel`, `direction` | `cylestio_mini.channel`, `cylestio_mini.direction` (the original's defaults where absent) |
| `session_id`, `conversation_id` | `session.id`, `gen_ai.conversation.id` |
| `caller` | `code.file.path`, `code.line.number`, `code.function.name` |
| `data` of model calls | `gen_ai.operation.name`, `gen_ai.request.model`, `gen_ai.provider.name`, `gen_ai.usage.*` |
| `data.prompt`, `data.response` | `gen_ai.input.messages`, `gen_ai.output.messages` |
| `data` of tool calls | `gen_ai.operation.name`, `gen_ai.tool.name`, `gen_ai.tool.call.arguments`, `.result` |
| durations | `duration_ms` (a plain `duration` is seconds) |
| errors, blocked calls | `error.type`, `exception.message` |
| `data.alert`, `data.reason` | `cylestio_mini.alert`, `cylestio_mini.security_reason` |

The body is the whole event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from receiver.vendors.cylestio_events import Event, Problem, Role, pair_attributes, span_id_of_start
from receiver.vendors.export import LogEntry, Scope
from receiver.vendors.genai import input_messages, output_messages, provider_name, usage_attributes
from receiver.vendors.json_text import digest, object_of, text_of
from receiver.vendors.values import finite_number, parse_time, trace_id_of, whole_number

if TYPE_CHECKING:
    from receiver.vendors.dialect import Json, JsonObject
    from receiver.vendors.json_text import JsonRecord

DIALECT = "cylestio_mini"
SCOPE = Scope("seed.cylestio_mini", "0.1.0")
REQUIRED_FIELDS = ("timestamp", "agent_id", "event_type")

# event type → what pairs with what, the half that it is, the kind of operation
_HALVES: dict[str, tuple[str, Role, str]] = {
    "LLM_call_start": ("LLM_call", "start", "llm"),
    "LLM_call_finish": ("LLM_call", "finish", "llm"),
    "LLM_call_blocked": ("LLM_call", "finish", "llm"),
    "model_request": ("model", "start", "llm"),
    "model_response": ("model", "finish", "llm"),
    "call_start": ("call", "start", "tool"),
    "call_finish": ("call", "finish", "tool"),
}
_CHANNELS = (("LLM_", "LLM"), ("MCP_", "MCP"), ("call_", "MCP"), ("monitor", "SYSTEM"), ("security", "SECURITY"))


def flat_problems(event: JsonObject) -> list[Problem]:
    """Only the presence of the three required keys is checked, and that the timestamp is a time."""
    problems = [Problem(name, "Field required", "missing") for name in REQUIRED_FIELDS if name not in event]
    if "timestamp" in event and parse_time(event["timestamp"]) is None:
        problems.append(Problem("timestamp", "not an ISO 8601 time", "value", value=event["timestamp"]))
    return problems


def flat_event(record: JsonRecord, received_time_ns: int) -> Event:
    """Event that has no problems → log record with its identity."""
    document = object_of(record.value)
    agent, event_type = text_of(document["agent_id"]), text_of(document["event_type"])
    session = document.get("session_id")
    uid = digest(DIALECT, document)
    stem, role, family = _HALVES.get(event_type, ("", None, ""))
    values = _common_attributes(document, agent, event_type, role)
    values.update(_operation_attributes(document, family, event_type, role))
    pairing = pair_attributes(DIALECT, role, family, stem, agent, session) if role is not None else {}
    trace_id = trace_id_of(DIALECT, f"{agent}\n{text_of(session)}") if session is not None else b""
    entry = LogEntry(
        uid=uid,
        time_ns=parse_time(document["timestamp"]) or 0,
        observed_time_ns=received_time_ns,
        body=document,
        attributes={**values, **pairing},
        event_name=f"cylestio.{event_type}",
        level=_level(document, event_type),
        original=record.text,
        trace_id=trace_id or (trace_id_of(DIALECT, f"start:{uid}") if role == "start" else b""),
        span_id=span_id_of_start(uid) if role == "start" else b"",
    )
    return Event(
        scope=SCOPE,
        entry=entry,
        resource={"service.name": agent or "unknown-agent", "service.namespace": "cylestio"},
        name=event_type,
        role=role,
        family=family,
        pair_key=text_of(pairing.get("cylestio.pair.key", "")),
    )


def _level(document: JsonObject, event_type: str) -> str:
    level = document.get("level")
    if level is None:
        return "WARNING" if event_type.startswith("security") else "INFO"
    return text_of(level)


def _common_attributes(document: JsonObject, agent: str, event_type: str, role: Role | None) -> JsonObject:
    caller, data = object_of(document.get("caller")), object_of(document.get("data"))
    channel = next((name for prefix, name in _CHANNELS if event_type.startswith(prefix)), "UNKNOWN")
    direction = {"start": "outgoing", "finish": "incoming"}.get(role or "")
    values: JsonObject = {
        "gen_ai.agent.id": agent,
        "gen_ai.agent.name": agent,
        "cylestio_mini.event_type": event_type,
        "cylestio_mini.channel": document.get("channel") or channel,
        "cylestio_mini.direction": document.get("direction") or direction,
        "session.id": _optional_text(document.get("session_id")),
        "gen_ai.conversation.id": _optional_text(document.get("conversation_id")),
        "code.file.path": caller.get("file"),
        "code.line.number": caller.get("line"),
        "code.function.name": caller.get("function"),
        "cylestio_mini.alert": data.get("alert"),
        "cylestio_mini.security_reason": data.get("reason"),
        "duration_ms": _duration_ms(document, data),
    }
    return _present(values)


def _operation_attributes(document: JsonObject, family: str, event_type: str, role: Role | None) -> JsonObject:
    """The names of the semantic conventions for model calls and tool calls."""
    data = object_of(document.get("data"))
    values: JsonObject = {
        "gen_ai.request.model": data.get("model") if isinstance(data.get("model"), str) else None,
        "gen_ai.provider.name": provider_name(data.get("LLM_provider")) or provider_name(data.get("provider")),
        **usage_attributes(_usage_sources(data)),
    }
    if family == "llm":
        values["gen_ai.operation.name"] = "chat"
        values["gen_ai.input.messages"] = input_messages(data.get("prompt")) or None
        values["gen_ai.output.messages"] = output_messages(data.get("response")) or None
    elif family == "tool" or "tool_name" in data:
        values["gen_ai.operation.name"] = "execute_tool" if family == "tool" else None
        values["gen_ai.tool.name"] = _optional_text(data.get("tool_name") or data.get("function"))
        values["gen_ai.tool.call.arguments"] = _arguments(data)
        values["gen_ai.tool.call.result"] = data.get("result")
    if role == "finish":
        values.update(_error_attributes(document, data, event_type))
    return _present(values)


def _usage_sources(data: JsonObject) -> list[Json]:
    response = object_of(data.get("response"))
    return [
        data.get("usage"),
        data.get("token_usage"),
        response.get("usage"),
        object_of(response.get("llm_output")).get("usage"),
        object_of(data.get("llm_output")).get("usage"),
    ]


def _arguments(data: JsonObject) -> Json:
    """Positional and named arguments; only the named ones when there are no others."""
    if data.get("args"):
        return {"args": data["args"], "kwargs": data.get("kwargs") or {}}
    return data.get("kwargs") or data.get("arguments")


def _error_attributes(document: JsonObject, data: JsonObject, event_type: str) -> JsonObject:
    error, result = data.get("error"), object_of(data.get("result"))
    if event_type == "LLM_call_blocked":
        return {"error.type": "blocked", "exception.message": _optional_text(data.get("reason"))}
    failed = text_of(document.get("level")).upper() in {"ERROR", "CRITICAL", "FATAL"}
    if not (failed or error or result.get("error") or result.get("isError") is True):
        return {}
    kind = data.get("error_type") or object_of(error).get("type") or "_OTHER"
    message = object_of(error).get("message") or error or data.get("error_message") or result.get("error")
    return {"error.type": text_of(kind), "exception.message": _optional_text(message)}


def _duration_ms(document: JsonObject, data: JsonObject) -> Json:
    for holder in (document, data, object_of(data.get("performance"))):
        milliseconds = finite_number(holder.get("duration_ms"))
        if milliseconds is not None:
            return milliseconds
    seconds = finite_number(data.get("duration"))
    if seconds is None:
        return None
    return whole_number(seconds * 1000) if isinstance(seconds, int) else seconds * 1000


def _optional_text(value: Json) -> str | None:
    return None if value is None else text_of(value)


def _present(values: JsonObject) -> JsonObject:
    return {key: value for key, value in values.items() if value is not None}
