"""Cylestio events of the named shape: `name`, `trace_id`, `span_id` and dotted `attributes`.

| from the event | to the log record |
| --- | --- |
| `agent_id` (or attribute `agent.id`, `agent.name` …) | resource `service.name`; `gen_ai.agent.id`, `gen_ai.agent.name` |
| attributes `host.name`, `os.*`, `process.*` | resource attributes of the same name as well |
| `name`, `level`, `timestamp` | event name, severity, time |
| `trace_id`, `span_id` | ids; text that is none is hashed and kept in `cylestio.trace_id`, `cylestio.span_id` |
| every attribute | under its own key, and under the name of the semantic conventions beside it |
| `schema_version`, `parent_span_id`, and `channel`, `event_category`, `performance`, `model`, `security` | `cylestio.<key>` |
| `session_id` | `session.id` |

`tool.id` becomes `gen_ai.tool.call.id` except from MCP, where clients put one number for all calls of a connection.
The body is the whole event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from receiver.vendors.cylestio_events import Event, Problem, Role, pair_attributes, span_id_of_start
from receiver.vendors.export import LogEntry, Scope
from receiver.vendors.genai import input_messages, operation_name, output_messages, provider_name, usage_attributes
from receiver.vendors.json_text import digest, object_of, text_of
from receiver.vendors.values import is_canonical_id, parse_time, span_id_of, trace_id_of

if TYPE_CHECKING:
    from receiver.vendors.dialect import Json, JsonObject
    from receiver.vendors.json_text import JsonRecord

DIALECT = "cylestio_local"
SCOPE = Scope("seed.cylestio_local", "1.0")
SCHEMA_VERSION = "1.0"
NO_TRACE = "null-trace"

_RESOURCE_KEYS = ("host.name", "os.type", "os.version")
_TOP_LEVEL_KEYS = ("schema_version", "channel", "event_category", "performance", "model", "security")
_SECURITY_KEYS = ("security.alert_level", "security.category", "security.severity")
_FINISH = frozenset({"finish", "end", "stop", "result", "response", "error"})
# beginning of the name → kind of operation, last words of the name that begin one
_FAMILIES: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("llm.", "llm", frozenset({"start", "request"})),
    ("tool.", "tool", frozenset({"start", "execution", "call"})),
    ("agent_tool.", "tool", frozenset({"start"})),
    ("agent.invoke.", "agent", frozenset({"start"})),
    ("agent.run.", "agent", frozenset({"start"})),
    ("retrieval.", "retrieval", frozenset({"start", "query"})),
    ("chain.", "chain", frozenset({"start"})),
    ("langgraph.invoke.", "langgraph", frozenset({"start"})),
    ("langgraph.node.", "langgraph", frozenset({"start"})),
)
_OPERATIONS = {"tool": "execute_tool", "agent": "invoke_agent", "retrieval": "retrieval"}
# name of the semantic conventions ← the client's names, first present wins
_SAME_MEANING: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("gen_ai.request.model", ("llm.model", "llm.request.model")),
    ("gen_ai.response.model", ("llm.response.model",)),
    ("gen_ai.request.temperature", ("llm.request.temperature",)),
    ("gen_ai.request.top_p", ("llm.request.top_p",)),
    ("gen_ai.request.top_k", ("llm.request.top_k",)),
    ("gen_ai.request.max_tokens", ("llm.request.max_tokens",)),
    ("gen_ai.request.frequency_penalty", ("frequency_penalty", "llm.request.frequency_penalty")),
    ("gen_ai.request.presence_penalty", ("presence_penalty", "llm.request.presence_penalty")),
    ("gen_ai.request.stream", ("llm.stream",)),
    ("gen_ai.response.id", ("llm.response.id",)),
    ("gen_ai.tool.name", ("tool.name",)),
    ("gen_ai.tool.call.arguments", ("tool.params",)),
    ("gen_ai.tool.call.result", ("tool.result", "tool.output")),
    ("exception.message", ("error.message",)),
    ("exception.stacktrace", ("error.stack_trace", "error.traceback")),
    ("code.file.path", ("caller.file",)),
    ("code.line.number", ("caller.line",)),
    ("code.function.name", ("caller.function",)),
    ("duration_ms", ("llm.response.duration_ms", "tool.execution_time_ms", "tool.duration_ms")),
)


def is_named(event: JsonObject) -> bool:
    """Whether an event has this shape, whatever the path that it came by."""
    return "name" in event and ("event_type" not in event or "trace_id" in event)


def named_problems(event: JsonObject) -> list[Problem]:
    """Faults of the event's form first; faults of its meaning only when the form is right."""
    problems = [Problem(name, "Field required", "missing") for name in ("timestamp", "name", "level") if name not in event]
    problems += [
        Problem(name, "Input should be a valid string", "type", value=event[name])
        for name in ("name", "level")
        if name in event and not isinstance(event[name], str)
    ]
    problems += [
        Problem(name, "Input should be a valid string", "type", value=event[name])
        for name in ("trace_id", "span_id", "parent_span_id", "agent_id")
        if not isinstance(event.get(name), str | None)
    ]
    if "timestamp" in event and parse_time(event["timestamp"]) is None:
        problems.append(Problem("timestamp", "not an ISO 8601 time", "value", value=event["timestamp"]))
    if not isinstance(event.get("attributes"), dict | None):
        problems.append(Problem("attributes", "Input should be a valid dictionary", "type", value=event["attributes"]))
    return problems or _problems_of_meaning(event)


def _problems_of_meaning(event: JsonObject) -> list[Problem]:
    version = event.get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        reason = f"Unsupported schema version: {text_of(version)[:100]} (this server reads {SCHEMA_VERSION})"
        return [Problem("schema_version", reason, "value", structural=False)]
    if "trace_id" not in event:
        return [Problem("trace_id", "Missing required field: trace_id (null is allowed)", "missing", structural=False)]
    values = object_of(event.get("attributes"))
    missing = [key for key in _SECURITY_KEYS if key not in values]
    if text_of(event["name"]).startswith("security.content") and missing:
        reason = f"Security event lacks attributes: {', '.join(missing)}"
        return [Problem("attributes", reason, "missing", structural=False)]
    return []


def named_event(record: JsonRecord, received_time_ns: int) -> Event:
    """Event that has no problems → log record with its identity."""
    document = object_of(record.value)
    sent, name = object_of(document.get("attributes")), text_of(document["name"])
    agent, uid = _agent_id(document, sent), digest(DIALECT, document)
    family, role = _family_and_role(name)
    trace, span = document.get("trace_id"), document.get("span_id")
    trace_id = trace_id_of(DIALECT, trace) if isinstance(trace, str) and trace not in {"", NO_TRACE} else b""
    shared_span = _is_shared_span(trace, span)
    span_id = span_id_of(DIALECT, span) if isinstance(span, str) and span and trace_id and not shared_span else b""
    values = _attributes(document, sent, agent, family, name)
    pairing: JsonObject = {}
    if role is not None:
        identity = [trace, span] if span_id else [agent, values.get("session.id"), _subject(name, family, sent)]
        pairing = pair_attributes(DIALECT, role, family, *identity)
        if role == "start" and trace_id and not span_id:
            span_id = span_id_of_start(uid)
    parent = document.get("parent_span_id")
    entry = LogEntry(
        uid=uid,
        time_ns=parse_time(document["timestamp"]) or 0,
        observed_time_ns=received_time_ns,
        body=document,
        attributes={**values, **pairing},
        event_name=name,
        level=text_of(document["level"]),
        original=record.text,
        trace_id=trace_id,
        span_id=span_id,
    )
    return Event(
        scope=SCOPE,
        entry=entry,
        resource=_resource(agent, sent),
        name=name,
        role=role,
        family=family,
        pair_key=text_of(pairing.get("cylestio.pair.key", "")),
        makes_span=bool(trace_id),
        parent_span_id=span_id_of(DIALECT, parent) if isinstance(parent, str) and parent else b"",
    )


def _is_shared_span(trace: Json, span: Json) -> bool:
    """One generation of clients uses the digest of the session as trace id and as span id of all its events."""
    return isinstance(span, str) and len(span) == 32 and is_canonical_id(span.lower(), 16) and isinstance(trace, str)


def _agent_id(document: JsonObject, sent: JsonObject) -> str:
    candidates = [document.get("agent_id")]
    candidates += [sent.get(key) for key in ("agent.id", "agent.name", "application.name", "host.name")]
    unusable = {"", "unknown-agent", "localhost", "unknown"}
    return next((text for text in candidates if isinstance(text, str) and text not in unusable), "unknown-agent")


def _resource(agent: str, sent: JsonObject) -> JsonObject:
    resource: JsonObject = {"service.name": agent, "service.namespace": "cylestio"}
    resource.update({key: value for key, value in sent.items() if key in _RESOURCE_KEYS or key.startswith("process.")})
    return resource


def _family_and_role(name: str) -> tuple[str, Role | None]:
    last = name.rsplit(".", 1)[-1]
    for prefix, family, starts in _FAMILIES:
        if name.startswith(prefix):
            if last in starts:
                return family, "start"
            return family, "finish" if last in _FINISH else None
    return "", None


def _subject(name: str, family: str, sent: JsonObject) -> Json:
    """What two halves without a span id of their own have in common beyond their session."""
    if family == "tool":
        return sent.get("tool.name")
    return "" if family == "llm" else name.rsplit(".", 1)[0]


def _attributes(document: JsonObject, sent: JsonObject, agent: str, family: str, name: str) -> JsonObject:
    values = dict(sent)
    agent_name = sent.get("agent.name")
    derived: JsonObject = {
        "gen_ai.agent.id": agent,
        "gen_ai.agent.name": agent_name if isinstance(agent_name, str) and agent_name else agent,
        "session.id": document.get("session_id"),
        **{f"cylestio.{key}": document.get(key) for key in _TOP_LEVEL_KEYS},
        **_kept_ids(document),
        **_conventions(sent),
        **_operation(sent, family),
        **_error(document, sent, family, name),
    }
    for key, value in derived.items():
        if value is not None:
            values.setdefault(key, value)
    return values


def _kept_ids(document: JsonObject) -> JsonObject:
    """Ids as the client wrote them, where OTLP's own fields do not already say the same."""
    kept: JsonObject = {"cylestio.parent_span_id": document.get("parent_span_id")}
    for key, size in (("trace_id", 16), ("span_id", 8)):
        text = document.get(key)
        if isinstance(text, str) and not is_canonical_id(text, size):
            kept[f"cylestio.{key}"] = text
    return kept


def _conventions(sent: JsonObject) -> JsonObject:
    values: JsonObject = {
        key: next((sent[name] for name in names if sent.get(name) is not None), None) for key, names in _SAME_MEANING
    }
    values["gen_ai.provider.name"] = provider_name(sent.get("llm.vendor"))
    stop = sent.get("llm.response.stop_reason")
    values["gen_ai.response.finish_reasons"] = [stop] if isinstance(stop, str) else None
    if sent.get("framework.name") != "mcp" and isinstance(sent.get("tool.id"), str):
        values["gen_ai.tool.call.id"] = sent["tool.id"]
    return values


def _operation(sent: JsonObject, family: str) -> JsonObject:
    if family != "llm":
        return {"gen_ai.operation.name": _OPERATIONS.get(family)}
    usages: list[Json] = [
        {key.removeprefix(prefix): value for key, value in sent.items() if key.startswith(prefix)}
        for prefix in ("llm.usage.", "llm.response.usage.")
    ]
    return {
        "gen_ai.operation.name": operation_name(sent.get("llm.request.type")),
        "gen_ai.input.messages": input_messages(sent.get("llm.request.data")) or None,
        "gen_ai.output.messages": output_messages(sent.get("llm.response.content")) or None,
        **usage_attributes([*usages, sent.get("llm.usage"), sent.get("llm.response.usage")]),
    }


def _error(document: JsonObject, sent: JsonObject, family: str, name: str) -> JsonObject:
    """An operation failed when its event says so by name, level or status."""
    if not family:
        return {}
    if sent.get("tool.status") in ("error", "failed"):
        return {"error.type": "tool_error"}
    failed = name.endswith(".error") or text_of(document["level"]).upper() in {"ERROR", "CRITICAL", "FATAL"}
    return {"error.type": "_OTHER"} if failed else {}
