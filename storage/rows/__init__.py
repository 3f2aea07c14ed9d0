"""OTLP ⇄ rows, pure. `batch_of` is the seam at which a compiled kernel can take over: request bytes in, ready rows out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.rows.errors import Undecodable
from storage.rows.logs import logs_batch
from storage.rows.metrics import metrics_batch
from storage.rows.spans import spans_batch

if TYPE_CHECKING:
    from storage.batch import Batch

__all__ = ["Undecodable", "batch_of"]

_KERNELS = {"traces": spans_batch, "logs": logs_batch, "metrics": metrics_batch}


def batch_of(signal: str, body: bytes, received_time: int) -> Batch:
    """The rows of a protobuf request of one signal; `received_time` is in ns. Raises Undecodable."""
    return _KERNELS[signal](body, received_time)
