"""Errors sorted once: what each refusal means over gRPC, over HTTP, and as the google.rpc.Status that OTLP puts in bodies.

A sender retries UNAVAILABLE, 429 and 503 and drops its data on everything else, so the sorting decides what is lost:
what time can cure is retryable and says when, what only the sender or a person can change is not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from receiver import errors as receiver_errors
from storage import errors as store_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_MESSAGE_CHARACTERS = 1000
"""Exporters cut answers at 64 KiB (a Collector) or 4 MiB; people read less."""

_MIN_RETRY_SECONDS = 1
_MAX_RETRY_SECONDS = 5
"""The exporters of Python, JavaScript and Java drop the data when the wait exceeds what is left of their 10 s."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one kind of error is answered; `reason` is its label among the counters.

    `body_code` is the google.rpc.Code in the body over HTTP, where it is not the status of gRPC.
    """

    grpc_code: int
    http_status: int
    reason: str
    body_code: int | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused request. `retry_after` is in whole seconds and only there when a retry can succeed."""

    grpc_code: int
    http_status: int
    body_code: int
    reason: str
    message: str
    retry_after: int | None = None


INTERNAL = Verdict(code_pb2.INTERNAL, 500, "internal")

VERDICTS: Mapping[type[Exception], Verdict] = {
    receiver_errors.RefusedRequest: Verdict(code_pb2.INVALID_ARGUMENT, 400, "invalid"),
    receiver_errors.Malformed: Verdict(code_pb2.INVALID_ARGUMENT, 400, "malformed"),
    receiver_errors.TooLarge: Verdict(code_pb2.RESOURCE_EXHAUSTED, 413, "too_large"),
    receiver_errors.UnsupportedMediaType: Verdict(code_pb2.INVALID_ARGUMENT, 415, "content_type"),
    receiver_errors.UnsupportedEncoding: Verdict(code_pb2.INVALID_ARGUMENT, 400, "content_encoding"),
    receiver_errors.UnknownPath: Verdict(code_pb2.UNIMPLEMENTED, 404, "path"),
    receiver_errors.MethodNotAllowed: Verdict(code_pb2.UNIMPLEMENTED, 405, "method"),
    receiver_errors.HostNotAllowed: Verdict(code_pb2.PERMISSION_DENIED, 403, "host"),
    receiver_errors.BodyTimeout: Verdict(code_pb2.DEADLINE_EXCEEDED, 408, "timeout"),
    receiver_errors.Unauthenticated: Verdict(code_pb2.UNAUTHENTICATED, 401, "unauthenticated"),
    receiver_errors.PermissionDenied: Verdict(code_pb2.PERMISSION_DENIED, 403, "permission_denied"),
    # Several senders drop the data on a RESOURCE_EXHAUSTED whose RetryInfo they cannot see; all retry on UNAVAILABLE.
    receiver_errors.RateLimited: Verdict(code_pb2.UNAVAILABLE, 429, "rate_limited", body_code=code_pb2.RESOURCE_EXHAUSTED),
    receiver_errors.Overloaded: Verdict(code_pb2.UNAVAILABLE, 503, "overloaded"),
    store_errors.StoreError: INTERNAL,
    store_errors.TemporaryError: Verdict(code_pb2.UNAVAILABLE, 503, "store_unavailable"),
    store_errors.StoreBusy: Verdict(code_pb2.UNAVAILABLE, 503, "store_busy"),
    store_errors.StoreFull: Verdict(code_pb2.UNAVAILABLE, 503, "store_full"),
    store_errors.StoreClosed: Verdict(code_pb2.UNAVAILABLE, 503, "store_closed"),
    store_errors.StoreUnwritable: Verdict(code_pb2.INTERNAL, 500, "store_unwritable"),
    store_errors.StoreInUse: Verdict(code_pb2.INTERNAL, 500, "store_in_use"),
    store_errors.NotAStore: Verdict(code_pb2.INTERNAL, 500, "not_a_store"),
    store_errors.SchemaTooNew: Verdict(code_pb2.INTERNAL, 500, "schema_too_new"),
    store_errors.QueryTimeout: Verdict(code_pb2.DEADLINE_EXCEEDED, 503, "query_timeout"),
    store_errors.BadQuestion: Verdict(code_pb2.INVALID_ARGUMENT, 400, "bad_question"),
}
"""Every class of receiver.errors and storage.errors by itself: a test fails when one is missing."""


def classify(error: BaseException) -> Refusal:
    """Sort an error by its class, or by the nearest base that is known. Only our own errors' words reach the sender."""
    for base in type(error).__mro__:
        verdict = VERDICTS.get(base)
        if verdict is not None:
            return _refusal(verdict, shortened(str(error)), getattr(error, "retry_after", None))
    return _refusal(INTERNAL, "internal error; the log of otlpd says more", None)


def is_ours(error: BaseException) -> bool:
    """Whether the error was raised to be told to the sender; any other is a defect and belongs in the log."""
    return isinstance(error, receiver_errors.RefusedRequest | store_errors.StoreError)


def shortened(message: str) -> str:
    """The message within its bound, and such that UTF-8 can carry it: a header can bring bytes that are no text."""
    message = message.encode("utf-8", "replace").decode()
    if len(message) <= MAX_MESSAGE_CHARACTERS:
        return message
    return message[: MAX_MESSAGE_CHARACTERS - 1] + "…"


def status_details(refusal: Refusal) -> bytes:
    """google.rpc.Status for grpc-status-details-bin."""
    return _status(refusal.grpc_code, refusal)


def body_protobuf(refusal: Refusal) -> bytes:
    """google.rpc.Status as the body of an HTTP answer, in protobuf."""
    return _status(refusal.body_code, refusal)


def body_json(refusal: Refusal) -> bytes:
    """google.rpc.Status as the body of an HTTP answer, in ProtoJSON."""
    status: dict[str, object] = {"code": refusal.body_code, "message": refusal.message}
    if refusal.retry_after is not None:
        retry_info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{refusal.retry_after}s"}
        status["details"] = [retry_info]
    return json.dumps(status).encode()


def retry_info_bytes(retry_after: int) -> bytes:
    return _retry_info(retry_after).SerializeToString()


def _status(code: int, refusal: Refusal) -> bytes:
    status = Status(code=code, message=refusal.message)
    if refusal.retry_after is not None:
        status.details.add().Pack(_retry_info(refusal.retry_after))
    return status.SerializeToString()


def _retry_info(retry_after: int) -> RetryInfo:
    return RetryInfo(retry_delay=Duration(seconds=retry_after))


def _refusal(verdict: Verdict, message: str, retry_after: int | None) -> Refusal:
    if retry_after is not None:
        retry_after = min(max(retry_after, _MIN_RETRY_SECONDS), _MAX_RETRY_SECONDS)
    body_code = verdict.grpc_code if verdict.body_code is None else verdict.body_code
    return Refusal(verdict.grpc_code, verdict.http_status, body_code, verdict.reason, message, retry_after)
