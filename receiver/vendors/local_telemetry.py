"""Dialect `local_telemetry`: `POST /api/v1/runs` and `/api/v1/runs/batch`, runs of batch jobs.

Every accepted document of a run is a log record `telemetry.run` with the exact text. A run that has ended (a final
status, or an `end_time`) is also a span:

| column | span |
| --- | --- |
| `event_id` | span id (digest), `telemetry.event_id` |
| `parent_run_id`, else `run_id` | trace id (digest): of the document alone, so that a resend is the same span |
| `parent_run_id` | parent span, when that run is in the same request |
| `start_time`, `end_time` or `duration_ms` | start and end |
| `agent_name`, `host`, `environment` | resource `service.name`, `host.name`, `deployment.environment.name` |
| `job_type` | name |
| `status` | OK for success, ERROR for failure and timeout (`error.type`), otherwise unset; `telemetry.status` |
| `error_summary`, `error_details` | status message, event `exception` |
| `git_repo`, `git_branch`, `git_commit_hash` | `vcs.repository.url.full`, `vcs.ref.head.name`, `vcs.ref.head.revision` |
| all others | `telemetry.<column>` |

Idempotency is by `event_id`. `log.record.uid` is `<dialect>:<event_id>#<digest of the document>`, and the element's key is
that text up to `#`: another document of the same run is kept as an update, but its sender is told `duplicate` (still
201) as promised. `Stored.is_new` must say whether any document of the run was stored before. A span that is there is not
replaced, so a run goes from running to ended once.

Lenient where the shipped client needs it: null numbers are 0, JSON text in `metrics_json` and `context_json` is read,
`failed`, `completed`, `succeeded`, `canceled` are understood. A faulty element of a batch costs only itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from receiver.vendors.dialect import Answer, Dialect, Element, Endpoint, Translation, VendorRequestError
from receiver.vendors.export import Exports, LogEntry, Scope, add_attributes
from receiver.vendors.json_text import (
    JsonFaultError,
    JsonRecord,
    digest,
    object_of,
    parse_text,
    quoted,
    read_document,
    read_elements,
)
from receiver.vendors.validation import field_errors, first_reason, json_fault_answer
from receiver.vendors.values import attributes, clean_text, parse_time, representable, span_id_of, trace_id_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from receiver.vendors.dialect import Json, JsonObject, Stored

SYSTEM = "local_telemetry"
SCOPE = Scope("seed.local_telemetry", "2.0.0")
STATUSES = ("running", "success", "failure", "partial", "timeout", "cancelled")
_ALIASES = {"failed": "failure", "completed": "success", "succeeded": "success", "canceled": "cancelled"}
_VOLUMES = ("items_discovered", "items_succeeded", "items_failed", "items_skipped", "duration_ms", "api_retry_count")
_CONVENTIONS = {
    "git_repo": "vcs.repository.url.full",
    "git_branch": "vcs.ref.head.name",
    "git_commit_hash": "vcs.ref.head.revision",
    "metrics_json": "telemetry.metrics",
    "context_json": "telemetry.context",
    "items_discovered": "telemetry.items.discovered",
    "items_succeeded": "telemetry.items.succeeded",
    "items_failed": "telemetry.items.failed",
    "items_skipped": "telemetry.items.skipped",
    "api_posted": "telemetry.api.posted",
    "api_posted_at": "telemetry.api.posted_at",
    "api_retry_count": "telemetry.api.retry_count",
}
# Said by the span's own fields or the resource.
_ELSEWHERE = frozenset({"start_time", "end_time", "agent_name", "host", "environment", "error_summary", "error_details"})


def _null_is_zero(value: Any) -> Any:
    return 0 if value is None else value


def _read_json_text(value: Any) -> Any:
    """The shipped client sends objects as text; text that is no JSON is kept as it is."""
    if isinstance(value, str):
        try:
            return parse_text(value)
        except JsonFaultError:
            return value
    return value


_Count = Annotated[int, BeforeValidator(_null_is_zero)]
_Flag = Annotated[bool, BeforeValidator(_null_is_zero)]
_Document = Annotated[dict[str, Any] | list[Any] | str | int | float | bool | None, BeforeValidator(_read_json_text)]


class Run(BaseModel):
    """One row of the original's table; keys that it does not know are kept too."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    event_id: str
    run_id: str
    start_time: str
    agent_name: str
    job_type: str
    created_at: str | None = None
    end_time: str | None = None
    status: str | None = "running"
    product: str | None = None
    product_family: str | None = None
    platform: str | None = None
    subdomain: str | None = None
    website: str | None = None
    website_section: str | None = None
    item_name: str | None = None
    items_discovered: _Count = 0
    items_succeeded: _Count = 0
    items_failed: _Count = 0
    items_skipped: _Count = 0
    duration_ms: _Count = 0
    input_summary: str | None = None
    output_summary: str | None = None
    source_ref: str | None = None
    target_ref: str | None = None
    error_summary: str | None = None
    error_details: str | None = None
    git_repo: str | None = None
    git_branch: str | None = None
    git_commit_hash: str | None = None
    git_run_tag: str | None = None
    host: str | None = None
    environment: str | None = None
    trigger_type: str | None = None
    metrics_json: _Document = None
    context_json: _Document = None
    api_posted: _Flag = False
    api_posted_at: str | None = None
    api_retry_count: _Count = 0
    insight_id: str | None = None
    parent_run_id: str | None = None

    def known_status(self) -> str:
        status = self.status or "running"
        return _ALIASES.get(status, status)

    def constraint_fault(self) -> str | None:
        """What the original's database refuses, in its way of saying it."""
        if self.known_status() not in STATUSES:
            return f"CHECK constraint failed: status must be one of {', '.join(STATUSES)}"
        negative = next((name for name in _VOLUMES if getattr(self, name) < 0), None)
        return f"CHECK constraint failed: {negative} >= 0" if negative else None


_Accepted: TypeAlias = tuple[JsonRecord, Run, Element]


def translate(body: bytes, headers: Mapping[str, str], received_time_ns: int) -> Translation:  # noqa: ARG001
    """One run."""
    document = _read(body)
    try:
        run = Run.model_validate(document.value)
    except ValidationError as error:
        raise VendorRequestError(Answer(422, {"detail": field_errors(error, ["body"])})) from None
    fault = run.constraint_fault()
    if fault is not None:
        raise VendorRequestError(refuse(400, f"Database integrity error: {fault}"))
    element = _element(document, run)
    return Translation(_export([(document, run, element)], received_time_ns).requests(), (element,), False, received_time_ns)


def translate_batch(body: bytes, headers: Mapping[str, str], received_time_ns: int) -> Translation:  # noqa: ARG001
    """A bare array of runs; an element with a fault is reported and the rest is kept."""
    document = _read(body)
    if not isinstance(document.value, list):
        entry: JsonObject = {
            "type": "list_type",
            "loc": ["body"],
            "msg": "Input should be a valid list",
            "input": quoted(document.value),
        }
        raise VendorRequestError(Answer(422, {"detail": [entry]}))
    runs: list[_Accepted] = []
    elements: list[Element] = []
    for index, record in enumerate(read_elements(document)):
        try:
            run = Run.model_validate(record.value)
            fault = run.constraint_fault()
        except ValidationError as error:
            fault = first_reason(error)
        if fault is None:
            elements.append(_element(record, run))
            runs.append((record, run, elements[-1]))
        else:
            event_id = object_of(record.value).get("event_id")
            name = event_id[:200] if isinstance(event_id, str) else f"element {index}"
            elements.append(Element(None, None, f"{name}: {fault}"))
    return Translation(_export(runs, received_time_ns).requests(), tuple(elements), True, received_time_ns)


def translate_update(body: bytes, fields: Sequence[str], received_time_ns: int) -> Translation:
    """A run that is there, as it is after a change of these fields."""
    document = _read(body)
    try:
        run = Run.model_validate(document.value)
    except ValidationError as error:
        raise VendorRequestError(Answer(422, {"detail": field_errors(error, ["body"])})) from None
    element = _element(document, run)
    exports = _export([(document, run, element)], received_time_ns, updated_fields=fields)
    return Translation(exports.requests(), (element,), False, received_time_ns)


def answer(translation: Translation, stored: Mapping[str, Stored]) -> Answer:
    """201 in both cases: the client looks at `status`."""
    [element] = translation.elements
    assert element.key is not None
    if stored[element.key].is_new:
        return Answer(201, {"status": "created", **element.echo})
    body: JsonObject = {
        "status": "duplicate",
        "event_id": element.echo["event_id"],
        "message": "Event already exists (idempotent)",
    }
    return Answer(201, body)


def answer_batch(translation: Translation, stored: Mapping[str, Stored]) -> Answer:
    """Counts; the second of two documents of one run in the same batch is a duplicate."""
    inserted = sum(stored[key].is_new for key in translation.keys)
    errors: list[Json] = [element.error for element in translation.elements if element.error is not None]
    total = len(translation.elements)
    return Answer(
        200,
        {"inserted": inserted, "duplicates": total - len(errors) - inserted, "errors": errors, "total": total},
    )


def refuse(status: int, message: str) -> Answer:
    return Answer(status, {"detail": message})


def _read(body: bytes) -> JsonRecord:
    try:
        return read_document(body)
    except JsonFaultError as fault:
        raise VendorRequestError(json_fault_answer(fault)) from None


def _element(record: JsonRecord, run: Run) -> Element:
    echo: JsonObject = {"event_id": run.event_id, "run_id": run.run_id}
    key = _key(run)
    return Element(key + digest(SYSTEM, record.value)[:32], key, echo=echo)


def _key(run: Run) -> str:
    # quoting keeps one event id from being the beginning of another's key
    return f"{SYSTEM}:{clean_text(run.event_id).replace('%', '%25').replace('#', '%23')}#"


def _export(runs: Sequence[_Accepted], received_time_ns: int, *, updated_fields: Sequence[str] | None = None) -> Exports:
    exports, seen, ended = Exports(), set[str](), set[bytes]()
    updated: JsonObject = {} if updated_fields is None else {"telemetry.updated_fields": list(updated_fields)}
    ids = [(_trace_id(run), _span_id(run)) for _, run, _ in runs]
    parents = {(trace_id, run.run_id): span_id for (_, run, _), (trace_id, span_id) in zip(runs, ids, strict=True)}
    for (record, run, element), (trace_id, span_id) in zip(runs, ids, strict=True):
        uid = element.uid
        if uid is None or uid in seen:
            continue
        seen.add(uid)
        resource, values, created = _resource(run), _attributes(run), parse_time(run.created_at)
        entry = LogEntry(
            uid=uid,
            time_ns=received_time_ns if created is None else created,
            observed_time_ns=received_time_ns,
            body=object_of(record.value),
            attributes={**values, **updated},
            event_name="telemetry.run",
            original=record.text,
            trace_id=trace_id,
            span_id=span_id,
        )
        exports.add_log(SCOPE, resource, entry)
        if (run.known_status() != "running" or run.end_time) and span_id not in ended:
            ended.add(span_id)
            span = _span(run, values, (trace_id, span_id), received_time_ns)
            span.parent_span_id = parents.get((trace_id, run.parent_run_id or ""), b"")
            exports.add_span(SCOPE, resource, span)
    return exports


def _span_id(run: Run) -> bytes:
    return span_id_of(SYSTEM, f"run:{run.event_id}")


def _trace_id(run: Run) -> bytes:
    return trace_id_of(SYSTEM, f"run:{run.parent_run_id or run.run_id}")


def _resource(run: Run) -> JsonObject:
    values: JsonObject = {
        "service.name": run.agent_name,
        "host.name": run.host,
        "deployment.environment.name": run.environment,
    }
    return {key: value for key, value in values.items() if value is not None}


def _attributes(run: Run) -> JsonObject:
    values: JsonObject = {}
    given = run.model_fields_set
    for name, value in (*run.__dict__.items(), *(run.model_extra or {}).items()):
        if value is not None and name in given and name not in _ELSEWHERE:
            values[_CONVENTIONS.get(name, f"telemetry.{name}")] = value
    values["telemetry.status"] = run.known_status()
    return values


def _span(run: Run, values: JsonObject, ids: tuple[bytes, bytes], received_time_ns: int) -> Span:
    start = parse_time(run.start_time) or parse_time(run.created_at) or received_time_ns
    end = parse_time(run.end_time) or representable(start + run.duration_ms * 1_000_000) or start
    status = run.known_status()
    if status in {"failure", "timeout"}:
        values = {**values, "error.type": "timeout" if status == "timeout" else "_OTHER"}
    span = Span(
        trace_id=ids[0],
        span_id=ids[1],
        name=clean_text(run.job_type),
        kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=start,
        end_time_unix_nano=max(start, end),
    )
    add_attributes(span, values)
    if status == "success":
        span.status.code = Status.STATUS_CODE_OK
    elif status in {"failure", "timeout"}:
        span.status.code = Status.STATUS_CODE_ERROR
        span.status.message = clean_text(run.error_summary or "")
    if run.error_summary or run.error_details:
        error: JsonObject = {"exception.message": run.error_summary, "exception.stacktrace": run.error_details}
        present = {key: value for key, value in error.items() if value is not None}
        span.events.add(name="exception", time_unix_nano=max(start, end), attributes=attributes(present))
    return span


DIALECT = Dialect(
    system=SYSTEM,
    version=SCOPE.version,
    endpoints=(
        Endpoint(("POST",), "/api/v1/runs", translate, answer, quotes_store=True),
        Endpoint(("POST",), "/api/v1/runs/batch", translate_batch, answer_batch, quotes_store=True),
    ),
    refuse=refuse,
)
