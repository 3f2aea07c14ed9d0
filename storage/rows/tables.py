"""A list whose entries are distinct, and the position of each."""

from __future__ import annotations

from typing import Generic, TypeVar

Entry = TypeVar("Entry")


class Positions(dict[Entry, int], Generic[Entry]):
    """`positions[entry]` is the place of `entry` in `entries`, where it is appended when it is new."""

    def __init__(self, entries: list[Entry]) -> None:
        super().__init__()
        self.entries = entries

    def __missing__(self, entry: Entry) -> int:
        position = self[entry] = len(self.entries)
        self.entries.append(entry)
        return position
