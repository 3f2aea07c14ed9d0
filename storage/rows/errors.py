"""What the row kernel can refuse."""

from __future__ import annotations


class Undecodable(ValueError):
    """The bytes are not the protobuf message that they were sent as; the message says what the parser met."""
