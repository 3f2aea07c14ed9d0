"""What the daemon and its decoding processes say to each other: a fixed header, then so many bytes."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

    from receiver.ingest import Encoding

SIGNALS = ("traces", "logs", "metrics")
ENCODINGS: tuple[Encoding, ...] = ("protobuf", "json")
# Signal, encoding (positions above), time of receipt in ns, length of the body.
_REQUEST = Struct("<BBqQ")
# What the rest is, and its length.
_ANSWER = Struct("<BQ")
BATCH, MALFORMED, TOO_LARGE = 0, 1, 2


class WorkerGone(ConnectionError):
    """The other side ended in the middle of a frame."""


def write_request(pipe: BinaryIO, signal: int, encoding: int, received_time: int, body: bytes) -> None:
    pipe.write(_REQUEST.pack(signal, encoding, received_time, len(body)))
    pipe.write(body)
    pipe.flush()


def read_request(pipe: BinaryIO) -> tuple[int, int, int, bytes] | None:
    """None at the end of the input."""
    header = pipe.read(_REQUEST.size)
    if not header:
        return None
    signal, encoding, received_time, length = _REQUEST.unpack(header)
    return signal, encoding, received_time, _exactly(pipe, length)


def write_answer(pipe: BinaryIO, kind: int, body: bytes) -> None:
    """`body` is a dumped batch, or the text of a refusal."""
    pipe.write(_ANSWER.pack(kind, len(body)))
    pipe.write(body)
    pipe.flush()


def read_answer(pipe: BinaryIO) -> tuple[int, bytes]:
    """The inverse of write_answer; raises WorkerGone."""
    kind, length = _ANSWER.unpack(_exactly(pipe, _ANSWER.size))
    return kind, _exactly(pipe, length)


def _exactly(pipe: BinaryIO, length: int) -> bytes:
    data = pipe.read(length)
    if len(data) != length:
        raise WorkerGone("a decoding process ended while it was talking")
    return data
