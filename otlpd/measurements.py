"""The receiver's counters under the names that /metrics gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from query.question import Measurement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from receiver.counters import TransportCounters
    from receiver.ingest import Ingest


def measurements(ingest: Ingest, version: str, started: float) -> Iterator[Measurement]:
    """`started` is the time of the start in seconds since 1970."""
    yield Measurement("otlpd_info", 1, "Which otlpd this is.", {"version": version})
    yield Measurement("otlpd_start_time_seconds", started, "When this otlpd started, in seconds since 1970.")
    yield Measurement("otlpd_receiver_pending_bytes", ingest.pending.held, "Requests between their first byte and their answer.")
    yield Measurement("otlpd_receiver_pending_limit_bytes", ingest.pending.limit, "How large that may grow.")
    for (signal, transport), counters in ingest.counters.by_signal.items():
        yield from _of_transport(counters, {"signal": signal, "transport": transport})
    for reason, number in ingest.counters.unrouted.items():
        labels = {"signal": "none", "transport": "any", "reason": reason}
        yield Measurement("otlpd_receiver_refused_requests_total", number, "Requests refused as a whole.", labels)


def _of_transport(counters: TransportCounters, labels: dict[str, str]) -> Iterator[Measurement]:
    yield Measurement("otlpd_receiver_requests_total", counters.requests, "Requests stored and acknowledged.", labels)
    yield Measurement("otlpd_receiver_bytes_total", counters.bytes, "Their bytes, decompressed.", labels)
    yield Measurement(
        "otlpd_receiver_accepted_items_total", counters.accepted_items, "Spans, records and points accepted.", labels
    )
    yield Measurement("otlpd_receiver_rejected_items_total", counters.rejected_items, "Items that broke a rule.", labels)
    for reason, number in counters.refused.items():
        reasoned = {**labels, "reason": reason}
        yield Measurement("otlpd_receiver_refused_requests_total", number, "Requests refused as a whole.", reasoned)
