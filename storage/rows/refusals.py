"""Items of a request that break a rule: counted, and the first few told to the sender."""

from __future__ import annotations

REASONS_KEPT = 3
NAME_SHOWN = 60


class Refusals:
    """`count` items were refused. `reasons` also has warnings, about what was kept but not as sent."""

    def __init__(self, item: str) -> None:
        self._item = item
        self.count = 0
        self.reasons: list[str] = []

    def add(self, name: str, rule: str) -> None:
        self.count += 1
        if len(self.reasons) < REASONS_KEPT:
            self.reasons.append(f"{self._item} {name[:NAME_SHOWN]!r}: {rule}")

    def warn(self, reason: str) -> None:
        if len(self.reasons) < REASONS_KEPT and reason not in self.reasons:
            self.reasons.append(reason)
