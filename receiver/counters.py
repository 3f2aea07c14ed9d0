"""What the receiver has taken and refused since the start, as plain integers: the hot path only adds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

from receiver.signals import SIGNALS

if TYPE_CHECKING:
    from receiver.signals import Signal

Transport = Literal["grpc", "http"]


@dataclass(slots=True)
class TransportCounters:
    """What one signal has brought over one transport. `refused` counts requests by the reason of receiver.status."""

    requests: int = 0
    bytes: int = 0
    accepted_items: int = 0
    rejected_items: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    def refuse(self, reason: str) -> None:
        self.refused[reason] = self.refused.get(reason, 0) + 1


class ReceiverCounters:
    """Plain integers since the start, by signal and transport; `unrouted` has refusals of no signal (wrong paths)."""

    def __init__(self) -> None:
        self.by_signal: dict[tuple[str, Transport], TransportCounters] = {
            (signal.name, transport): TransportCounters() for signal in SIGNALS for transport in get_args(Transport)
        }
        self.unrouted: dict[str, int] = {}

    def of(self, signal: Signal, transport: Transport) -> TransportCounters:
        return self.by_signal[signal.name, transport]

    def refuse_unrouted(self, reason: str) -> None:
        self.unrouted[reason] = self.unrouted.get(reason, 0) + 1
