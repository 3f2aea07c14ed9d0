"""A process that decodes: frames of requests come in on standard input, ready rows go out on standard output.

Started by receiver.decoding as `python -m receiver.decode_worker`; it ends when its input ends, so it cannot outlive the
daemon.

Its memory is bounded by the operating system: 8 MiB of empty spans parse into 700 MiB, and no bound on the body foresees that.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from typing import TYPE_CHECKING

from receiver.errors import RefusedRequest, TooLarge
from receiver.frames import BATCH, MALFORMED, TOO_LARGE, read_requests, read_settings, write_answers
from receiver.ingest import decode_request
from storage.rows import Kernel

if TYPE_CHECKING:
    from typing import BinaryIO

    from receiver.frames import Request

# Address space, most of which is never touched: an ordinary body of 64 MiB needs 600 MiB.
MOST_MEMORY_BYTES = 1536 * 2**20
OUT_OF_MEMORY = (
    "the request takes more memory than otlpd gives to one: it holds very many tiny items, or values nested in each other;"
    " send fewer at once"
)


def main() -> None:
    # The daemon decides when to stop; a Ctrl-C in its terminal reaches the whole process group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    bound_memory(MOST_MEMORY_BYTES)
    serve(sys.stdin.buffer, sys.stdout.buffer)


def bound_memory(most_bytes: int) -> None:
    """Where the system can do it: Linux and most Unixes, not Windows."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415  not on Windows

        resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    settings = read_settings(requests)
    if settings is None:
        return
    kernel = Kernel(settings)
    while frame := read_requests(requests):
        write_answers(answers, [_answer(request, kernel) for request in frame])


def _answer(request: Request, kernel: Kernel) -> tuple[int, bytes]:
    try:
        batch = decode_request(
            request.signal, request.body, request.encoding, request.received_time, kernel, derive=request.derive
        )
        return BATCH, batch.dump()
    except TooLarge as error:
        return TOO_LARGE, error.message.encode("utf-8", "replace")
    except RefusedRequest as error:
        return MALFORMED, error.message.encode("utf-8", "replace")
    except MemoryError:
        return TOO_LARGE, OUT_OF_MEMORY.encode()


if __name__ == "__main__":
    main()
