"""How far a long command is: a bar on a terminal, a line at the end elsewhere. On standard error, like all words for people."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from typing import TextIO

_WIDTH = 30
_EVERY_SECONDS = 0.1


class Progress:
    """Called with what is done and what there is; `unit` says of what."""

    def __init__(self, title: str, unit: str, stream: TextIO | None = None) -> None:
        self._title = title
        self._unit = unit
        self._stream = stream or sys.stderr
        self._shown = 0.0
        self._started = time.monotonic()
        self._done = 0

    def __call__(self, done: int, total: int) -> None:
        self._done = done
        now = time.monotonic()
        if self._stream.isatty() and (now - self._shown >= _EVERY_SECONDS or done >= total):
            self._shown = now
            share = min(done / total, 1.0) if total else 1.0
            bar = "#" * round(share * _WIDTH)
            print(
                f"\r{self._title} [{bar:<{_WIDTH}}] {share:4.0%} {done:,}/{total:,} {self._unit}",
                end="",
                file=self._stream,
                flush=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        seconds = time.monotonic() - self._started
        start = "\n" if self._stream.isatty() and self._shown else ""
        print(f"{start}{self._title}: {self._done:,} {self._unit} in {seconds:.1f} s", file=self._stream)
