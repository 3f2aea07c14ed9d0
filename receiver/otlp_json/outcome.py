"""What became of a request while it was decoded: items that were refused, and habits the sender should drop.

Everything kept here is bounded, because all of it is made from what the sender wrote.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.protobuf.message import Message

MAX_REASONS = 5
MAX_WARNINGS = 5
MAX_LENGTH = 300
"""Characters of one reason or warning: some clients read no more than 64 KiB of an answer."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """The request as a message, without the `rejected` items that could not be read; `reasons` holds the first few."""

    message: Message
    rejected: int
    reasons: list[str]
    warnings: list[str]


class Outcome:
    """Collects while one request is decoded. `trail` is the path of the envelope that is being read."""

    __slots__ = ("reasons", "rejected", "trail", "warnings")

    def __init__(self) -> None:
        self.rejected = 0
        self.reasons: list[str] = []
        self.warnings: list[str] = []
        self.trail: list[str | int] = []

    def warn(self, warning: str) -> None:
        if warning not in self.warnings and len(self.warnings) < MAX_WARNINGS:
            self.warnings.append(warning[:MAX_LENGTH])

    def reject(self, items: int, path: list[str | int], problem: str) -> None:
        """Count items as rejected; a problem that cost no item is a warning."""
        self.rejected += items
        reason = f"{path_text([*self.trail, *path])}: {problem}"
        if not items:
            self.warn(reason)
        elif len(self.reasons) < MAX_REASONS:
            self.reasons.append(reason[:MAX_LENGTH])


def path_text(path: list[str | int]) -> str:
    """Write a path as `resourceSpans[0].scopeSpans[1].spans[7].name`."""
    text = "".join(f"[{step}]" if type(step) is int else f".{step}" for step in path)
    return text.removeprefix(".")
