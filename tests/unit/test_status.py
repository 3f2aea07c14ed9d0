"""Every error that a request can end in has its gRPC code, HTTP status and Status body: none is forgotten, none leaks words."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING

import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from receiver import errors as receiver_errors
from receiver.errors import Overloaded, RateLimited
from receiver.status import (
    MAX_MESSAGE_CHARACTERS,
    VERDICTS,
    body_json,
    body_protobuf,
    classify,
    retry_info_bytes,
    status_details,
)
from storage import errors as store_errors
from storage.errors import StoreBusy, StoreError, StoreUnwritable, TemporaryError

if TYPE_CHECKING:
    from types import ModuleType


def error_classes(module: ModuleType) -> list[type[Exception]]:
    found = (entry for _, entry in inspect.getmembers(module, inspect.isclass))
    return [entry for entry in found if issubclass(entry, Exception) and entry.__module__ == module.__name__]


@pytest.mark.parametrize("error", [*error_classes(receiver_errors), *error_classes(store_errors)])
def test_every_error_class_is_sorted(error: type[Exception]) -> None:
    assert error in VERDICTS


# case 81: which HTTP status belongs to which gRPC code, where HTTP has no better one of its own.
HTTP_OF_GRPC = {3: 400, 4: 503, 7: 403, 8: 429, 12: 404, 13: 500, 14: 503, 16: 401}
HTTP_KNOWS_BETTER = {"too_large": 413, "content_type": 415, "method": 405, "timeout": 408, "rate_limited": 429}


@pytest.mark.parametrize("error", VERDICTS, ids=lambda error: error.__name__)
def test_grpc_and_http_agree(error: type[Exception]) -> None:
    verdict = VERDICTS[error]
    expected = HTTP_KNOWS_BETTER.get(verdict.reason, HTTP_OF_GRPC[verdict.grpc_code])
    assert verdict.http_status == expected


@pytest.mark.parametrize("error", error_classes(receiver_errors), ids=lambda error: error.__name__)
def test_the_class_and_the_table_say_the_same(error: type[receiver_errors.RefusedRequest]) -> None:
    assert VERDICTS[error].http_status == error.http_status


@pytest.mark.parametrize("error", [StoreBusy("full"), RateLimited("slow down"), Overloaded("full")], ids=type)
def test_what_time_can_cure_is_retryable_and_says_when(error: Exception) -> None:
    """cases 77, 78, 151, 152: UNAVAILABLE, because some senders drop the data on RESOURCE_EXHAUSTED."""
    refusal = classify(error)
    assert refusal.grpc_code == 14
    assert refusal.http_status in (429, 503)
    assert refusal.retry_after == 1


def test_what_a_person_must_cure_is_not_retryable() -> None:
    refusal = classify(StoreUnwritable("the file is read-only"))
    assert (refusal.grpc_code, refusal.http_status, refusal.retry_after) == (13, 500, None)


@pytest.mark.parametrize(("asked", "told"), [(-1, 1), (0, 1), (1, 1), (5, 5), (60, 5)])
def test_delays_stay_within_what_senders_wait_for(asked: int, told: int) -> None:
    """cases 83, 153."""
    assert classify(StoreBusy("full", retry_after=asked)).retry_after == told


def test_a_class_that_came_later_is_sorted_by_its_base() -> None:
    class TapeIsRewinding(TemporaryError):
        pass

    class DiscIsBent(StoreError):
        pass

    assert classify(TapeIsRewinding("wait")).http_status == 503
    assert classify(DiscIsBent("no")).http_status == 500


def test_foreign_errors_keep_their_words_to_themselves() -> None:
    refusal = classify(ValueError("a secret detail"))
    assert (refusal.grpc_code, refusal.http_status) == (13, 500)
    assert "secret" not in refusal.message


def test_messages_are_bounded_and_always_text() -> None:
    """case 57, and bytes of a header that are no UTF-8."""
    refusal = classify(StoreBusy("\udcff" + "x" * 100_000))
    assert len(refusal.message) == MAX_MESSAGE_CHARACTERS
    assert Status.FromString(body_protobuf(refusal)).message == refusal.message
    assert json.loads(body_json(refusal))["message"] == refusal.message


def test_the_three_forms_of_a_status_say_the_same() -> None:
    """cases 85, 86, 151: google.rpc.Status with RetryInfo; over HTTP 429 is RESOURCE_EXHAUSTED."""
    refusal = classify(RateLimited("slow down", retry_after=2))
    in_trailer, in_body = Status.FromString(status_details(refusal)), Status.FromString(body_protobuf(refusal))
    assert (in_trailer.code, in_body.code) == (14, 8)
    for status in (in_trailer, in_body):
        assert status.message == "slow down"
        delay = RetryInfo()
        assert status.details[0].Unpack(delay)
        assert delay.retry_delay.seconds == 2
    assert RetryInfo.FromString(retry_info_bytes(2)).retry_delay.seconds == 2
    assert json.loads(body_json(refusal)) == {
        "code": 8,
        "message": "slow down",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2s"}],
    }
