"""The 32-bit hashes by which the block index knows what a run of rows can hold.

A hash stands for "this key reads as this text". One that two pairs share costs a block read in vain, never an answer.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable

# Keys of what is not an attribute; no attribute key of a sender is treated so, a NUL in front tells them apart.
NAME = "\0name"
SERVICE = "\0service"
STATUS = "\0status"
EVENT = "\0event"


def search_hash(key: str, text: str) -> int:
    return crc32(f"{key}\0{text}".encode())


def pack_hashes(hashes: Iterable[int]) -> bytes:
    """Distinct hashes, ascending, 4 bytes each in the machine's order: a reader bisects them."""
    return array("I", sorted(set(hashes))).tobytes()
