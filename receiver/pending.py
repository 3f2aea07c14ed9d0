"""The bound on memory: bytes of bodies between their arrival and their answer, counted over all ports together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from receiver.errors import Overloaded

if TYPE_CHECKING:
    from types import TracebackType


class PendingBytes:
    """Memory that requests in flight may hold together; what comes on top is sent away until room is made."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    def reserve(self, size: int) -> Reservation:
        reservation = Reservation(self)
        reservation.grow_to(size)
        return reservation


class Reservation:
    """One request's share; leaving the `with` block gives it back."""

    __slots__ = ("_pending", "size")

    def __init__(self, pending: PendingBytes) -> None:
        self._pending = pending
        self.size = 0

    def grow_to(self, size: int) -> None:
        added = size - self.size
        if added <= 0:
            return
        pending = self._pending
        # A single request is always let in when nothing else is, however small the limit.
        if pending.held + added > pending.limit and pending.held > self.size:
            raise Overloaded(f"requests in flight hold {pending.held} of {pending.limit} bytes; send again in a second")
        pending.held += added
        self.size = size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._pending.held -= self.size
        self.size = 0
