"""Changes of runs that were stored before: PATCH /api/v1/runs/{event_id}, and the commit that a run made.

A change is stored as another document of the run, whole, with the names of the fields that it changed; so nothing is ever
overwritten, and a change that is sent again adds nothing.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from receiver.vendors import Answer, VendorRequestError
from receiver.vendors.json_text import JsonFaultError, read_document
from receiver.vendors.local_telemetry import STATUSES, refuse, translate_update
from receiver.vendors.validation import field_errors, json_fault_answer

if TYPE_CHECKING:
    from receiver.vendors.dialect import Json, JsonObject, Translation

Model = TypeVar("Model", bound=BaseModel)
CurrentRun = Callable[[str], Awaitable[Mapping[str, Any] | None]]


def _known(value: object) -> object:
    if value is not None and value not in STATUSES:
        raise ValueError(f"Input should be one of {', '.join(STATUSES)}")
    return value


class RunChange(BaseModel):
    """What can be changed; null and what is not named stay as they are."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    status: Annotated[str | None, BeforeValidator(_known)] = None
    end_time: str | None = None
    duration_ms: Annotated[int, Field(ge=0)] | None = None
    error_summary: str | None = None
    error_details: str | None = None
    output_summary: str | None = None
    items_succeeded: Annotated[int, Field(ge=0)] | None = None
    items_failed: Annotated[int, Field(ge=0)] | None = None
    items_skipped: Annotated[int, Field(ge=0)] | None = None
    metrics_json: dict[str, Any] | str | None = None
    context_json: dict[str, Any] | str | None = None
    git_commit_source: Literal["manual", "llm", "ci"] | None = None
    git_commit_author: str | None = None
    git_commit_timestamp: str | None = None


class Commit(BaseModel):
    """The commit that came of a run."""

    commit_hash: Annotated[str, Field(min_length=7, max_length=40, pattern="^[0-9a-fA-F]+$")]
    commit_source: Literal["manual", "llm", "ci"] | None = None
    commit_author: str | None = None
    commit_timestamp: str | None = None

    def change(self) -> JsonObject:
        values: JsonObject = {
            "git_commit_hash": self.commit_hash,
            "git_commit_source": self.commit_source,
            "git_commit_author": self.commit_author,
            "git_commit_timestamp": self.commit_timestamp,
        }
        return {name: value for name, value in values.items() if value is not None}


def read_change(body: bytes) -> JsonObject:
    change = _validated(RunChange, body).model_dump(exclude_none=True)
    if not change:
        raise VendorRequestError(refuse(400, "No valid fields to update"))
    return change


def read_commit(body: bytes) -> JsonObject:
    return _validated(Commit, body).change()


def changed(run: Mapping[str, Any], change: JsonObject, received_time_ns: int) -> Translation:
    """The run's document with the change in it, as OTLP."""
    document: dict[str, Json] = {**run, **change}
    return translate_update(json.dumps(document, ensure_ascii=False).encode(), list(change), received_time_ns)


def answer_change(event_id: str, change: JsonObject) -> Answer:
    return Answer(200, {"event_id": event_id, "updated": True, "fields_updated": list(change)})


def answer_commit(event_id: str, run: Mapping[str, Any], change: JsonObject) -> Answer:
    return Answer(
        200,
        {"status": "success", "event_id": event_id, "run_id": run.get("run_id"), "commit_hash": change["git_commit_hash"]},
    )


def _validated(model: type[Model], body: bytes) -> Model:
    try:
        return model.model_validate(read_document(body).value)
    except JsonFaultError as fault:
        raise VendorRequestError(json_fault_answer(fault)) from None
    except ValidationError as error:
        raise VendorRequestError(Answer(422, {"detail": field_errors(error, ["body"])})) from None
