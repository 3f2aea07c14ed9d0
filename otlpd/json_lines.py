"""Files of OTLP/JSON, one request a line, plain or gzip: what `otlpd export` writes and `otlpd import jsonl` reads.

The Collector's file exporter writes the same form, so its files can be read, and its receivers read ours.
"""

from __future__ import annotations

import contextlib
import gzip
import re
import sys
from typing import IO, TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# As long as the largest request that the daemon takes by default.
MOST_BYTES = 64 * 2**20
UNKNOWN = ""
_SIGNAL = re.compile(rb'"resource_?(spans|logs|metrics)"\s*:', re.IGNORECASE)
_SIGNALS = {b"spans": "traces", b"logs": "logs", b"metrics": "metrics"}


def read_lines(path: Path) -> Iterator[tuple[int, str, bytes]]:
    """Number, signal (UNKNOWN where it is none) and text of every line that is not empty. Raises OSError."""
    with _opened(path) as file:
        number = 0
        while text := file.readline(MOST_BYTES + 1):
            number += 1
            if len(text) > MOST_BYTES:
                raise OSError(f"{path}: line {number} is longer than {MOST_BYTES >> 20} MiB")
            if text.strip():
                yield number, _signal_of(text), text.strip()


def _signal_of(text: bytes) -> str:
    """The first key that names a signal: nothing but white space and a brace may come before it."""
    found = _SIGNAL.search(text, 0, 1000)
    return _SIGNALS[found[1].lower()] if found else UNKNOWN


def _opened(path: Path) -> contextlib.AbstractContextManager[IO[bytes]]:
    return cast("IO[bytes]", gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


@contextlib.contextmanager
def written(path: Path | None) -> Iterator[IO[bytes]]:
    """Where lines go: standard output, or a file that has its name only when it is complete."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("wb") as raw:
            if path.suffix == ".gz":
                # No time and no name: equal contents make equal files.
                with gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
                    yield cast("IO[bytes]", packed)
            else:
                yield raw
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
