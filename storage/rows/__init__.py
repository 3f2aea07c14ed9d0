"""OTLP ⇄ rows, pure. `batch_of` is the seam at which a compiled kernel can take over: request bytes in, ready rows out."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from storage.facts.derive import Deriver
from storage.rows.errors import Undecodable
from storage.rows.logs import logs_batch
from storage.rows.metrics import metrics_batch
from storage.rows.spans import spans_batch

if TYPE_CHECKING:
    from storage.batch import Batch

__all__ = ["Undecodable", "batch_of"]

logger = logging.getLogger(__name__)

_KERNELS = {"traces": spans_batch, "logs": logs_batch, "metrics": metrics_batch}


def batch_of(signal: str, body: bytes, received_time: int) -> Batch:
    """The rows of a protobuf request of one signal, and its facts; `received_time` is in ns. Raises Undecodable."""
    batch = _KERNELS[signal](body, received_time)
    facts = _deriver().derive(batch)
    batch.facts, batch.contents, batch.identities = facts.facts, facts.contents, facts.identities
    batch.resource_identities, batch.usages = facts.resource_identities, facts.usages
    for fault in facts.faults:
        logger.error("a record gives no fact, for a defect of otlpd: %s", fault)
    return batch


class _Local(threading.local):
    deriver: Deriver | None = None


_local = _Local()


def _deriver() -> Deriver:
    """A deriver serves one thread at a time, and remembers what it has read before."""
    if _local.deriver is None:
        _local.deriver = Deriver()
    return _local.deriver
