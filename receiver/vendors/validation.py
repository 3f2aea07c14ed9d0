"""Field errors of the originals' web framework: a list of `{type, loc, msg, input}`, as their clients know it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from receiver.vendors.dialect import Answer
from receiver.vendors.json_text import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from receiver.vendors.dialect import Json, JsonObject
    from receiver.vendors.json_text import JsonFaultError

MAX_LISTED_ERRORS = 20


def json_fault_answer(fault: JsonFaultError) -> Answer:
    """Body that is not JSON, in the words of the originals' framework."""
    entry: JsonObject = {
        "type": "json_invalid",
        "loc": ["body", fault.position],
        "msg": "JSON decode error",
        "input": {},
        "ctx": {"error": fault.reason},
    }
    return Answer(422, {"detail": [entry]})


def field_errors(error: ValidationError, location: Sequence[Json]) -> list[Json]:
    """The first faults, each with its place; what was sent is quoted only when it is short."""
    found = error.errors(include_url=False, include_context=False)
    return [
        {
            "type": "dict_type" if entry["type"] == "model_type" else entry["type"],
            "loc": [*location, *entry["loc"]],
            "msg": _message(entry),
            "input": quoted(entry["input"]),
        }
        for entry in found[:MAX_LISTED_ERRORS]
    ]


def first_reason(error: ValidationError) -> str:
    """One line: which field, and what is wrong with it."""
    entry = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = ".".join(str(part) for part in entry["loc"])
    return f"{field}: {_message(entry)}" if field else _message(entry)


def _message(entry: ErrorDetails) -> str:
    # the name of our model would mean nothing to the sender
    return "Input should be a valid dictionary" if entry["type"] == "model_type" else entry["msg"]
