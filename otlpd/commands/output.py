"""Words for people go to standard error, so that standard output holds nothing but the answer."""

from __future__ import annotations

import sys


def note(message: str) -> None:
    print(message, file=sys.stderr)
