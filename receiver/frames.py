"""What the daemon and its decoding processes say to each other: the settings once, then frames of one or more requests, and
frames of their answers.

A process reads a whole frame before it answers, so neither side can block the other with a full pipe.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING

from storage.rows.settings import RowSettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    from receiver.ingest import Encoding

SIGNALS = ("traces", "logs", "metrics")
ENCODINGS: tuple[Encoding, ...] = ("protobuf", "json")
BATCH, MALFORMED, TOO_LARGE = 0, 1, 2

# How many requests or answers follow.
_COUNT = Struct("<I")
# How long the settings are.
_SETTINGS = Struct("<Q")
# Signal, encoding (positions above), whether facts are wanted, time of receipt in ns, length of the body.
_REQUEST = Struct("<BB?qQ")
# What the body is, and its length.
_ANSWER = Struct("<BQ")


class WorkerGone(ConnectionError):
    """The other side ended in the middle of a frame."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request to decode; `received_time` is in ns. Without `derive` the writer is left to find its facts."""

    signal: str
    encoding: Encoding
    received_time: int
    body: bytes
    derive: bool = True


def write_settings(pipe: BinaryIO, settings: RowSettings) -> None:
    text = settings.dump()
    pipe.write(_SETTINGS.pack(len(text)))
    pipe.write(text)


def read_settings(pipe: BinaryIO) -> RowSettings | None:
    """None at the end of the input."""
    header = pipe.read(_SETTINGS.size)
    return RowSettings.load(_exactly(pipe, _SETTINGS.unpack(header)[0])) if header else None


def write_requests(pipe: BinaryIO, requests: Sequence[Request]) -> None:
    pipe.write(_COUNT.pack(len(requests)))
    for request in requests:
        signal, encoding = SIGNALS.index(request.signal), ENCODINGS.index(request.encoding)
        pipe.write(_REQUEST.pack(signal, encoding, request.derive, request.received_time, len(request.body)))
        pipe.write(request.body)
    pipe.flush()


def read_requests(pipe: BinaryIO) -> list[Request]:
    """Nothing at the end of the input."""
    header = pipe.read(_COUNT.size)
    if not header:
        return []
    return [_read_request(pipe) for _ in range(_COUNT.unpack(header)[0])]


def _read_request(pipe: BinaryIO) -> Request:
    signal, encoding, derive, received_time, length = _REQUEST.unpack(_exactly(pipe, _REQUEST.size))
    return Request(SIGNALS[signal], ENCODINGS[encoding], received_time, _exactly(pipe, length), derive)


def write_answers(pipe: BinaryIO, answers: Sequence[tuple[int, bytes]]) -> None:
    """Of each request: what the answer is, and a dumped batch or the text of a refusal."""
    for kind, body in answers:
        pipe.write(_ANSWER.pack(kind, len(body)))
        pipe.write(body)
    pipe.flush()


def read_answers(pipe: BinaryIO, count: int) -> list[tuple[int, bytes]]:
    """The inverse of write_answers; raises WorkerGone."""
    return [_read_answer(pipe) for _ in range(count)]


def _read_answer(pipe: BinaryIO) -> tuple[int, bytes]:
    kind, length = _ANSWER.unpack(_exactly(pipe, _ANSWER.size))
    return kind, _exactly(pipe, length)


def _exactly(pipe: BinaryIO, length: int) -> bytes:
    data = pipe.read(length)
    if len(data) != length:
        raise WorkerGone("a decoding process ended while it was talking")
    return data
