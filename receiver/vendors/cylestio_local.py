"""Dialect `cylestio_local`: `POST`/`PUT /v1/telemetry` and `/v1/telemetry/batch`.

Takes one event, `{"events": […]}` (up to 1000), or a bare array on either path, each event in either Cylestio shape.
An element with a fault of form (missing field, wrong type, no time) refuses the request with 400; a fault of meaning
(unknown schema version, no trace id, incomplete security event) costs only its element of a batch.

The answer quotes a number per event: `Stored.record_id`, which a duplicate shares with the first. `log.record.uid` is
the digest of the event's document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from receiver.vendors.cylestio_events import Problem, export_events
from receiver.vendors.cylestio_flat import flat_problems
from receiver.vendors.cylestio_mini import read_event
from receiver.vendors.cylestio_named import SCOPE, is_named, named_problems
from receiver.vendors.dialect import Answer, Dialect, Element, Endpoint, Translation, VendorRequestError
from receiver.vendors.json_text import JsonFaultError, object_of, quoted, read_document, read_elements, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from receiver.vendors.cylestio_events import Event
    from receiver.vendors.dialect import Json, JsonObject, Stored
    from receiver.vendors.json_text import JsonRecord

MAX_EVENTS = 1000
MAX_LISTED_ERRORS = 20
_ERROR_TYPES = {"missing": "missing", "type": "type_error", "value": "value_error"}
_CODES = {401: "AUTHENTICATION_ERROR", 403: "AUTHORIZATION_ERROR", 422: "PROCESSING_ERROR", 503: "DATABASE_ERROR"}


def translate(body: bytes, headers: Mapping[str, str], received_time_ns: int) -> Translation:  # noqa: ARG001
    """One event or a batch, told apart by the body and not by the path."""
    records, locations, is_batch = _read(body)
    problems = [_problems(object_of(record.value)) for record in records]
    entries = [
        _entry(location, problem)
        for location, found in zip(locations, problems, strict=True)
        for problem in found
        if problem.structural
    ]
    if entries:
        raise VendorRequestError(_refused_form(entries))
    if not is_batch and problems[0]:
        raise VendorRequestError(_refused_meaning(problems[0][0]))
    events: list[Event] = []
    elements: list[Element] = []
    for record, found in zip(records, problems, strict=True):
        if found:
            name = object_of(record.value).get("name")
            elements.append(Element(None, None, found[0].reason, {"event_name": name}))
            continue
        event = read_event(record, received_time_ns)
        events.append(event)
        elements.append(Element(event.entry.uid, event.entry.uid, echo={"event_name": event.name}))
    return Translation(export_events(events).requests(), tuple(elements), is_batch, received_time_ns, events)


def answer(translation: Translation, stored: Mapping[str, Stored]) -> Answer:
    """A batch is 201 even when elements failed, and says which."""
    if translation.is_batch:
        failed: list[Json] = [
            {"index": index, "error": element.error, **element.echo}
            for index, element in enumerate(translation.elements)
            if element.error is not None
        ]
        total = len(translation.elements)
        body: JsonObject = {
            "success": not failed,
            "total": total,
            "processed": total - len(failed),
            "failed": len(failed),
            "details": failed or None,
        }
        return Answer(201, body)
    [element] = translation.elements
    assert element.key is not None
    event_id = str(stored[element.key].record_id)
    return Answer(201, {"success": True, "event_id": event_id, "error": None, "id": event_id, "status": "success"})


def refuse(status: int, message: str) -> Answer:
    code = _CODES.get(status, "VALIDATION_ERROR" if status < 500 else "SYSTEM_ERROR")
    return Answer(status, {"error": {"code": code, "message": message, "details": {}}, "detail": message})


def _read(body: bytes) -> tuple[list[JsonRecord], list[list[Json]], bool]:
    """Records of the request and where each stands in it."""
    try:
        document = read_document(body)
    except JsonFaultError as fault:
        problem = Problem(str(fault.position), f"JSON decode error: {fault.reason}", "value")
        raise VendorRequestError(_refused_form([_entry(["body"], problem)])) from None
    value = document.value
    if isinstance(value, dict) and not ("events" in value and "name" not in value and "event_type" not in value):
        return [document], [["body"]], False
    where: list[Json] = ["body", "events"] if isinstance(value, dict) else ["body"]
    events = object_of(value).get("events") if isinstance(value, dict) else value
    if not isinstance(events, list):
        kind = "list" if isinstance(value, dict) else "dictionary"
        problem = Problem("", f"Input should be a valid {kind}", "type", value=events)
        raise VendorRequestError(_refused_form([_entry(where, problem)]))
    if len(events) > MAX_EVENTS:
        problem = Problem("", f"List should have at most {MAX_EVENTS} items, not {len(events)}", "value")
        raise VendorRequestError(_refused_form([_entry(where, problem)]))
    records = read_elements(document, None if isinstance(value, list) else "events")
    locations = [[*where, index] for index in range(len(records))]
    wrong = [
        _entry(location, Problem("", "Input should be a valid dictionary", "type", value=record.value))
        for location, record in zip(locations, records, strict=True)
        if not isinstance(record.value, dict)
    ]
    if wrong:
        raise VendorRequestError(_refused_form(wrong))
    return records, locations, True


def _problems(event: JsonObject) -> list[Problem]:
    is_flat = "event_type" in event and not is_named(event)
    return flat_problems(event) if is_flat else named_problems(event)


def _entry(location: list[Json], problem: Problem) -> JsonObject:
    return {
        "type": _ERROR_TYPES[problem.kind],
        "loc": [*location, problem.field] if problem.field else location,
        "msg": problem.reason,
        "input": quoted(problem.value),
    }


def _refused_form(entries: Sequence[JsonObject]) -> Answer:
    """The envelope of this system's error format; `detail` repeats the list for clients of the framework's format."""
    first = entries[0]
    listed: list[Json] = [*entries[:MAX_LISTED_ERRORS]]
    location = first["loc"] if isinstance(first["loc"], list) else []
    details: JsonObject = {
        "field": ".".join(text_of(part) for part in location[1:]) or "body",
        "reason": first["msg"],
        "errors": listed,
    }
    error: JsonObject = {"code": "VALIDATION_ERROR", "message": "Invalid request parameters", "details": details}
    return Answer(400, {"error": error, "detail": listed})


def _refused_meaning(problem: Problem) -> Answer:
    details: JsonObject = {"field": problem.field, "reason": problem.reason}
    error: JsonObject = {"code": "VALIDATION_ERROR", "message": problem.reason, "details": details}
    return Answer(400, {"error": error, "detail": {"success": False, "error": problem.reason}})


DIALECT = Dialect(
    system="cylestio_local",
    version=SCOPE.version,
    endpoints=(
        Endpoint(("POST", "PUT"), "/v1/telemetry", translate, answer, quotes_store=True),
        Endpoint(("POST", "PUT"), "/v1/telemetry/batch", translate, answer, quotes_store=True),
    ),
    refuse=refuse,
)
