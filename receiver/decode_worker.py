"""A process that decodes: requests come in on standard input, ready rows go out on standard output, one at a time.

Started by receiver.decoding as `python -m receiver.decode_worker`; it ends when its input ends, so it cannot outlive the
daemon. A frame is a header and a body; see receiver.frames.
"""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

from receiver.errors import RefusedRequest
from receiver.frames import ENCODINGS, SIGNALS, read_request, write_answer
from receiver.ingest import decode_request

if TYPE_CHECKING:
    from typing import BinaryIO


def main() -> None:
    # The daemon decides when to stop; a Ctrl-C in its terminal reaches the whole process group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(sys.stdin.buffer, sys.stdout.buffer)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    while (request := read_request(requests)) is not None:
        signal_number, encoding_number, received_time, body = request
        try:
            batch = decode_request(SIGNALS[signal_number], body, ENCODINGS[encoding_number], received_time)
            ok, answer = True, batch.dump()
        except RefusedRequest as error:
            ok, answer = False, error.message.encode("utf-8", "replace")
        write_answer(answers, ok, answer)


if __name__ == "__main__":
    main()
