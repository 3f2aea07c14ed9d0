"""Words for people go to standard error, so that standard output holds nothing but the answer."""

from __future__ import annotations

import sys


def note(message: str) -> None:
    print(message, file=sys.stderr)


def size_text(size: int) -> str:
    """Bytes as people read them: 12.3 MiB."""
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{size} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"
