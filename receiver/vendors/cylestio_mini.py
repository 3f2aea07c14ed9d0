"""Dialect `cylestio_mini`: `POST`/`PUT /api/v1/telemetry`, `/api/v1/telemetry/batch`, `POST /api/events`.

Takes one event, a bare array, or `{"events": […]}` on either telemetry path, each event in either Cylestio shape. A
request with a faulty event is refused whole (400, each fault by index), as its clients know it. Answers need nothing
from the store: 202 says how many were queued, and is sent when they are on disk.

`log.record.uid` is the digest of the event's document: an equal document is a transport duplicate, because the client
writes microseconds and has no id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from receiver.vendors.cylestio_events import Event, Problem, export_events
from receiver.vendors.cylestio_flat import SCOPE, flat_event, flat_problems
from receiver.vendors.cylestio_named import is_named, named_event, named_problems
from receiver.vendors.dialect import Answer, Dialect, Element, Endpoint, Translation, VendorRequestError
from receiver.vendors.json_text import JsonFaultError, JsonRecord, object_of, quoted, read_document, read_elements
from receiver.vendors.validation import json_fault_answer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from receiver.vendors.dialect import Json, JsonObject, Stored


def translate(body: bytes, headers: Mapping[str, str], received_time_ns: int) -> Translation:  # noqa: ARG001
    """One event or a batch, told apart by the body and not by the path."""
    records, is_batch = _read(body)
    problems = [_element_errors(object_of(record.value)) for record in records]
    if any(problems):
        raise VendorRequestError(_refused_fields(problems, is_batch=is_batch))
    events = [read_event(record, received_time_ns) for record in records]
    return event_translation(events, is_batch=is_batch, received_time_ns=received_time_ns)


def read_event(record: JsonRecord, received_time_ns: int) -> Event:
    """Event of either shape; its problems must have been looked at before."""
    shape = named_event if is_named(object_of(record.value)) else flat_event
    return shape(record, received_time_ns)


def event_problems(event: JsonObject) -> list[Problem]:
    return named_problems(event) if is_named(event) else flat_problems(event)


def event_translation(events: Sequence[Event], *, is_batch: bool, received_time_ns: int) -> Translation:
    elements = tuple(Element(event.entry.uid, event.entry.uid, echo={"event_name": event.name}) for event in events)
    return Translation(export_events(events).requests(), elements, is_batch, received_time_ns, events)


def answer(translation: Translation, stored: Mapping[str, Stored]) -> Answer:  # noqa: ARG001
    """Duplicates are told the same as new events."""
    if translation.is_batch:
        return _accepted(f"{len(translation.elements)} events queued for processing")
    return _accepted("Event queued for processing")


def answer_event(translation: Translation, stored: Mapping[str, Stored]) -> Answer:  # noqa: ARG001
    """The endpoint that records one event before it answers."""
    return Answer(201, {"status": "success", "message": "Event recorded successfully"})


def refuse(status: int, message: str) -> Answer:
    return Answer(status, {"detail": message})


def _accepted(message: str) -> Answer:
    return Answer(202, {"status": "accepted", "message": message})


def _read(body: bytes) -> tuple[list[JsonRecord], bool]:
    try:
        document = read_document(body)
    except JsonFaultError as fault:
        raise VendorRequestError(json_fault_answer(fault)) from None
    if isinstance(document.value, list):
        records = read_elements(document)
    elif isinstance(document.value, dict) and _is_envelope(document.value):
        records = read_elements(document, "events")
    elif isinstance(document.value, dict):
        return [document], False
    else:
        raise VendorRequestError(_not_an_object(["body"], document.value))
    if not records:
        raise VendorRequestError(Answer(400, {"detail": {"errors": ["No events provided"]}}))
    for index, record in enumerate(records):
        if not isinstance(record.value, dict):
            raise VendorRequestError(_not_an_object(["body", index], record.value))
    return records, True


def _is_envelope(document: JsonObject) -> bool:
    return isinstance(document.get("events"), list) and not {"name", "event_type"} & document.keys()


def _not_an_object(location: list[Json], value: Json) -> Answer:
    entry: JsonObject = {
        "type": "dict_type",
        "loc": location,
        "msg": "Input should be a valid dictionary",
        "input": quoted(value),
    }
    return Answer(422, {"detail": [entry]})


def _element_errors(event: JsonObject) -> list[str]:
    return [_error_text(problem) for problem in event_problems(event)]


def _error_text(problem: Problem) -> str:
    if problem.kind == "missing" and problem.structural:
        return f"Missing required field: {problem.field}"
    if problem.structural:
        return f"Invalid {problem.field}: {problem.reason}"
    return problem.reason


def _refused_fields(problems: Sequence[Sequence[str]], *, is_batch: bool) -> Answer:
    errors: list[Json]
    if is_batch:
        errors = [{"index": index, "errors": list(found)} for index, found in enumerate(problems) if found]
    else:
        errors = list(problems[0])
    return Answer(400, {"detail": {"errors": errors}})


DIALECT = Dialect(
    system="cylestio_mini",
    version=SCOPE.version,
    endpoints=(
        Endpoint(("POST", "PUT"), "/api/v1/telemetry", translate, answer),
        Endpoint(("POST", "PUT"), "/api/v1/telemetry/batch", translate, answer),
        Endpoint(("POST",), "/api/events", translate, answer_event),
    ),
    refuse=refuse,
)
