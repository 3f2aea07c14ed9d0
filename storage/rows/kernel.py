"""The kernel: request bytes in, ready rows and their facts out, as the user's settings have it.

What the policy takes out of the content is taken out first: neither the facts nor the search index ever see it. With the
default policy nothing is looked at for it.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from storage.facts.derive import Deriver
from storage.facts.masking import ContentDoor
from storage.rows.logs import logs_batch
from storage.rows.metrics import metrics_batch
from storage.rows.segments import segments_of
from storage.rows.settings import RowSettings
from storage.rows.spans import spans_batch

if TYPE_CHECKING:
    from storage.batch import Batch

logger = logging.getLogger(__name__)

_READERS = {"traces": spans_batch, "logs": logs_batch, "metrics": metrics_batch}


class Kernel:
    """For any number of threads, each of which has a deriver and a door of its own: they remember what they have read."""

    def __init__(self, settings: RowSettings | None = None) -> None:
        self.settings = settings or RowSettings()
        self._local = threading.local()

    def batch_of(self, signal: str, body: bytes, received_time: int, *, derive: bool = True) -> Batch:
        """The rows of a protobuf request of one signal, and its facts; `received_time` is in ns. Raises Undecodable.

        Without `derive` the facts of spans and log records are left to the writer; those of metrics cost little and are not.
        """
        batch = _READERS[signal](body, received_time)
        if self.settings.content.is_active:
            self._apply_policy(batch)
        if derive or signal == "metrics":
            self._add_facts(batch)
        else:
            batch.derived = False
        return batch

    def _apply_policy(self, batch: Batch) -> None:
        counts = self._door().apply(batch)
        batch.content_counts = (counts.cut, counts.removed, counts.masked)
        if any(batch.content_counts) and batch.segments:
            batch.segments = segments_of(batch)

    def _add_facts(self, batch: Batch) -> None:
        facts = self._deriver().derive(batch)
        batch.facts, batch.contents, batch.identities = facts.facts, facts.contents, facts.identities
        batch.resource_identities, batch.usages = facts.resource_identities, facts.usages
        for fault in facts.faults:
            logger.error("a record gives no fact, for a defect of otlpd: %s", fault)

    def _deriver(self) -> Deriver:
        local = self._local
        if not hasattr(local, "deriver"):
            local.deriver = Deriver(self.settings.make_prices())
        deriver: Deriver = local.deriver
        return deriver

    def _door(self) -> ContentDoor:
        local = self._local
        if not hasattr(local, "door"):
            local.door = ContentDoor(self.settings.content)
        door: ContentDoor = local.door
        return door
