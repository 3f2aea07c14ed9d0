"""Each vendor request in proto_fixtures/vendors gives exactly the OTLP messages and the answers written beside it.

`python tests/unit/test_vendor_fixtures.py` writes the expectations anew from the code, to be read in the diff; the route,
the headers and the time of receipt are taken from the file that is there.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.json_format import MessageToDict

from receiver.vendors import Answer, Stored, Translation, VendorRequestError, find_endpoint

if TYPE_CHECKING:
    from receiver.vendors.dialect import ExportRequest, MakeAnswer

FIXTURES = Path(__file__).parents[2] / "proto_fixtures" / "vendors"
EXPECTATIONS = sorted(FIXTURES.glob("*/*.otlp.json"))
# What a store that was empty says about the keys, and what it says when the same request comes again.
FIRST_RECORD_ID = 101


def request_body(expectation: Path) -> bytes:
    return expectation.with_name(expectation.name.replace(".otlp.json", ".json")).read_bytes()


def stored(translation: Translation, *, is_new: bool) -> dict[str, Stored]:
    return {key: Stored(FIRST_RECORD_ID + place, is_new) for place, key in enumerate(translation.keys)}


def outcome(request: dict[str, Any], body: bytes) -> dict[str, Any]:
    """Everything that the request leads to, in the form of the expectation files."""
    found = find_endpoint(request["method"], request["path"])
    assert found is not None, f"no endpoint for {request}"
    _, endpoint = found
    try:
        translation = endpoint.translate(body, request["headers"], int(request["received_time_unix_nano"]))
    except VendorRequestError as refusal:
        return {"request": request, "exports": [], "answer": answer_dict(refusal.answer)}
    return {
        "request": request,
        "exports": [{"signal": signal, "request": otlp_json(message)} for signal, message in translation.requests],
        **answers(endpoint.answer, translation),
    }


def answers(make_answer: MakeAnswer, translation: Translation) -> dict[str, Any]:
    first = make_answer(translation, stored(translation, is_new=True))
    again = make_answer(translation, stored(translation, is_new=False))
    given = {"answer": answer_dict(first)}
    return given if again == first else {**given, "answer_when_sent_again": answer_dict(again)}


def answer_dict(answer: Answer) -> dict[str, Any]:
    return {"status": answer.status, "body": json.loads(answer.encode())}


def otlp_json(message: ExportRequest) -> Any:
    return with_hex_ids(MessageToDict(message, use_integers_for_enums=True))


def with_hex_ids(value: Any) -> Any:
    """OTLP/JSON writes ids as hex, where protobuf's JSON has base64."""
    if isinstance(value, list):
        return [with_hex_ids(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64decode(item).hex() if key in {"traceId", "spanId", "parentSpanId"} else with_hex_ids(item)
        for key, item in value.items()
    }


@pytest.mark.parametrize("expectation", EXPECTATIONS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_request_gives_the_expected_messages_and_answers(expectation: Path) -> None:
    expected = json.loads(expectation.read_bytes())
    assert outcome(expected["request"], request_body(expectation)) == expected


def test_every_request_has_an_expectation() -> None:
    requests = {path for path in FIXTURES.glob("*/*.json") if not path.name.endswith(".otlp.json")}
    assert requests == {path.with_name(path.name.replace(".otlp.json", ".json")) for path in EXPECTATIONS}
    assert requests


def write_expectations() -> None:
    for expectation in EXPECTATIONS:
        request = json.loads(expectation.read_bytes())["request"]
        text = json.dumps(outcome(request, request_body(expectation)), indent=1, ensure_ascii=False)
        expectation.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_expectations()
