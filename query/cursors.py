"""Where a list goes on: an opaque cursor made of the last item's position, and the Link header that carries it.

The address in the header is an absolute path, right behind any proxy, and repeats the other parameters. Times relative to
now are written out in it as the moments they meant, so that all pages of one walk look at the same range.
"""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from storage.contract import Position

if TYPE_CHECKING:
    from collections.abc import Iterable

_LAYOUT = struct.Struct(">QQ")
_TEXT_LENGTH = 22  # 16 bytes in base64 without padding
_LARGEST = 2**63 - 1


def encode(position: Position) -> str:
    return urlsafe_b64encode(_LAYOUT.pack(position.time, position.key)).rstrip(b"=").decode()


def decode(cursor: str) -> Position:
    """The inverse of `encode`; raises ValueError for anything that it cannot have made."""
    position = _unpacked(cursor)
    if position is None or encode(position) != cursor:
        raise ValueError('is not a cursor: take it from the Link header with rel="next" of the page before')
    return position


def _unpacked(cursor: str) -> Position | None:
    if len(cursor) != _TEXT_LENGTH:
        return None
    try:
        time, key = _LAYOUT.unpack(urlsafe_b64decode(cursor + "=="))
    except (ValueError, struct.error):
        return None
    return Position(time, key) if max(time, key) <= _LARGEST else None


def next_link(path: str, parameters: Iterable[tuple[str, str]], position: Position) -> str:
    """The value of a Link header. `path` is as the client sent it, decoded; `parameters` holds no cursor."""
    query = urlencode([*parameters, ("cursor", encode(position))])
    return f'<{quote(path)}?{query}>; rel="next"'
