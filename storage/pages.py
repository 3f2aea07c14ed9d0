"""What every question has in common: a range of time, filters, and pages that go on where the last one ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Half-open, in ns; None is unbounded."""

    start: int | None = None
    end: int | None = None


EVER = TimeRange()


@dataclass(frozen=True, slots=True)
class AttributeFilter:
    """`key` has the value that reads as `value`: 5 matches the number 5 and the string "5"; true matches the boolean."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended: the time and the tie-breaking row key of its last item. The next page goes on strictly after."""

    time: int
    key: int


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """`next` is None when nothing follows."""

    items: Sequence[Item]
    next: Position | None = None
