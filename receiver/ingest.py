"""From a plain request body to the answer for its sender: decode, write, and say what was refused.

Both transports end here. What runs where is the caller's choice: a `Decoder` turns bytes into rows, in this process or in
others, and a `BatchWriter` returns when the rows are on disk.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from receiver import otlp_json
from receiver.counters import ReceiverCounters
from receiver.errors import Malformed
from receiver.pending import PendingBytes
from receiver.status import shortened
from storage.rows import DEFAULT_KERNEL, Undecodable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from google.protobuf.message import Message

    from receiver.counters import Transport
    from receiver.signals import Signal
    from storage.batch import Batch, Written
    from storage.rows import Kernel

Encoding = Literal["protobuf", "json"]

_INLINE_BYTES = 64 * 1024
"""Up to here decoding takes about 3 ms, and a thread would cost more in switches than it gives."""


class Decoder(Protocol):
    def decode(self, signal: str, body: bytes, encoding: Encoding, received_time: int) -> Awaitable[Batch]:
        """The rows of a request; raises Malformed. `received_time` is in ns."""
        ...


class BatchWriter(Protocol):
    async def write(self, batch: Batch) -> Written:
        """Return when the batch is on disk; storage.contract.Store says the rest."""
        ...


def decode_request(
    signal: str, body: bytes, encoding: Encoding, received_time: int, kernel: Kernel = DEFAULT_KERNEL, *, derive: bool = True
) -> Batch:
    """Pure, so that a worker process can run it as well. JSON joins protobuf as early as it can."""
    if encoding == "json":
        return _decode_json(signal, body, received_time, kernel, derive=derive)
    try:
        return kernel.batch_of(signal, body, received_time, derive=derive)
    except Undecodable as error:
        hint = "; this is JSON: send it with Content-Type: application/json" if body[:1] in (b"{", b"[") else ""
        raise Malformed(f"{error}{hint}") from None


def _decode_json(signal: str, body: bytes, received_time: int, kernel: Kernel, *, derive: bool) -> Batch:
    decoded = otlp_json.parse(body, signal)
    try:
        batch = kernel.batch_of(signal, decoded.message.SerializeToString(), received_time, derive=derive)
    except Undecodable as error:
        raise Malformed(str(error)) from None
    batch.rejected += decoded.rejected
    batch.reasons[:0] = decoded.reasons
    batch.reasons += decoded.warnings
    return batch


class InlineDecoder:
    """Decodes in this process: small requests at once, large ones in a thread, so that the loop goes on turning."""

    def __init__(self, kernel: Kernel = DEFAULT_KERNEL) -> None:
        self._kernel = kernel

    async def decode(self, signal: str, body: bytes, encoding: Encoding, received_time: int) -> Batch:
        if len(body) <= _INLINE_BYTES:
            return decode_request(signal, body, encoding, received_time, self._kernel)
        return await asyncio.to_thread(decode_request, signal, body, encoding, received_time, self._kernel)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the sender is told: how many items broke a rule, and which; both empty after full success.

    A message without rejected items is a warning: everything was kept, and not all of it as it was meant.
    """

    rejected: int
    message: str


FULL_SUCCESS = Accepted(0, "")


class Ingest:
    """The one way in. `pending` is shared by all ports, and so are the counters."""

    def __init__(
        self,
        writer: BatchWriter,
        decoder: Decoder | None = None,
        *,
        max_pending_bytes: int,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._writer = writer
        self._decoder = decoder or InlineDecoder()
        self._clock = clock
        self.pending = PendingBytes(max_pending_bytes)
        self.counters = ReceiverCounters()

    def now(self) -> int:
        """The time of receipt for what arrives at this moment, in ns."""
        return self._clock()

    async def accept(self, signal: Signal, body: bytes, encoding: Encoding, transport: Transport = "http") -> Accepted:
        """Store one plain request; returns after the commit. Raises RefusedRequest and StoreError."""
        batch = await self._decoder.decode(signal.name, body, encoding, self._clock())
        written = await self._writer.write(batch)
        counters = self.counters.of(signal, transport)
        counters.requests += 1
        counters.bytes += len(body)
        counters.accepted_items += written.stored + written.duplicates
        counters.rejected_items += batch.rejected
        if not batch.rejected and not batch.reasons:
            return FULL_SUCCESS
        return Accepted(batch.rejected, _explanation(signal, batch))

    async def store(self, messages: Sequence[tuple[Signal, bytes]]) -> list[Written]:
        """Store messages that this program made of one foreign request; returns after the commit of all of them.

        Raises the first StoreError. Then the others may be stored: what was made is idempotent, and the sender sends again.
        """
        now = self._clock()
        batches = [await self._decoder.decode(signal.name, body, "protobuf", now) for signal, body in messages]
        # Together, so that one commit takes them all.
        outcomes = await asyncio.gather(*(self._writer.write(batch) for batch in batches), return_exceptions=True)
        written = []
        for (signal, body), batch, outcome in zip(messages, batches, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                raise outcome
            counters = self.counters.of(signal, "http")
            counters.bytes += len(body)
            counters.accepted_items += outcome.stored + outcome.duplicates
            counters.rejected_items += batch.rejected
            written.append(outcome)
        return written


def _explanation(signal: Signal, batch: Batch) -> str:
    reasons = "; ".join(batch.reasons)
    if not batch.rejected:
        return shortened(reasons)
    items = len(batch.rows) + batch.rejected
    return shortened(f"{batch.rejected} of {items} {signal.items} rejected: {reasons}")


def response_message(signal: Signal, accepted: Accepted) -> Message:
    """Export<Signal>ServiceResponse; `partial_success` is only there when it has something to say."""
    response = signal.response()
    if accepted is not FULL_SUCCESS:
        partial = response.partial_success  # type: ignore[attr-defined]  # all three responses have it
        setattr(partial, signal.rejected_field, accepted.rejected)
        partial.error_message = accepted.message
    return response
