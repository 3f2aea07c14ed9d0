"""What monitoring agents sent, for people on the console and as JSON lines in a file that is rotated.

Told after the commit, so that nothing is shown that is not kept. Masks are over it as over what is stored.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from receiver.vendors import Dialect
    from storage.facts.masks import Masks

FILE_BYTES, FILES = 10 * 2**20, 5
SYSTEM = "richardops"
_RULE = "=" * 80
_LONGEST_LINE = 100
_logger = logging.getLogger(__name__)


class IngestLog:
    """`path` is the file of JSON lines, `console` where the blocks go; each may be left out."""

    def __init__(self, path: Path | None, console: TextIO | None, masks: Masks) -> None:
        self._console = console
        self._masks = masks
        self._handler: RotatingFileHandler | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handler = RotatingFileHandler(path, maxBytes=FILE_BYTES, backupCount=FILES, encoding="utf-8")

    def __call__(self, dialect: Dialect, body: bytes) -> None:
        if dialect.system != SYSTEM or (self._handler is None and self._console is None):
            return
        payload = json.loads(self._masks.json_text(body.decode("utf-8-sig")) or "{}")
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        try:
            self._show(payload, now)
        except OSError as error:
            _logger.warning("what was received cannot be shown: %s", error)

    def _show(self, payload: dict[str, Any], now: str) -> None:
        if self._handler is not None:
            entry = {"timestamp": now, "event_type": "monitoring_data_received", "payload": payload}
            record = logging.makeLogRecord({"msg": json.dumps(entry, ensure_ascii=False)})
            self._handler.emit(record)
        if self._console is not None:
            self._console.write("\n".join(block(payload, now)) + "\n")
            self._console.flush()

    def close(self) -> None:
        if self._handler is not None:
            self._handler.close()


def block(payload: dict[str, Any], now: str) -> Iterator[str]:
    """One payload for people: who, the figures, and what happened, each part only when there is something in it."""
    metrics = payload["metrics"]
    yield from (_RULE, f"📊 MONITORING DATA RECEIVED - {now}", _RULE)
    yield f"🖥️  Host: {_text(payload['host'])}"
    for mark, name, key in (("🆔", "Server ID", "server_id"), ("🌍", "Environment", "env"), ("👥", "Owner Team", "owner_team")):
        yield f"{mark} {name}: {_text(payload.get(key) or 'N/A')}"
    yield f"⏰ Timestamp: {_text(payload['timestamp'])}"
    yield f"📈 Score: {payload['score']}"
    yield from ("", "📊 SYSTEM METRICS:")
    for name, key in (("CPU Usage", "cpu_usage"), ("Memory Usage", "memory_usage"), ("Disk Usage", "disk_usage")):
        yield f"  {name}: {float(metrics[key]):.1f}%"
    for name, key in (("Network RX", "network_rx_bytes_per_sec"), ("Network TX", "network_tx_bytes_per_sec")):
        yield f"  {name}: {int(metrics[key]):,} bytes/sec"
    yield f"  TCP Connections: {int(metrics['tcp_connections'])}"
    events, lines, alerts = (payload.get(key) or [] for key in ("docker_events", "logs", "local_alerts"))
    if events:
        yield from ("", f"🐳 DOCKER EVENTS ({len(events)}):")
        yield from (f"  {_text(e['action'])}: {_text(e['container'])} ({_text(e['image'])})" for e in events)
    if lines:
        yield from ("", f"📝 CONTAINER LOGS ({len(lines)}):")
        yield from (f"  {_text(line['container'])}: {_text(line['message'])}" for line in lines)
    if alerts:
        yield from ("", f"🚨 LOCAL ALERTS ({len(alerts)}):")
        yield from (f"  ⚠️  {_text(alert)}" for alert in alerts)
    yield _RULE


def _text(value: object) -> str:
    """On one line, and without what would steer a terminal."""
    text = "".join(letter if letter.isprintable() else " " for letter in str(value))
    return text[:_LONGEST_LINE]
