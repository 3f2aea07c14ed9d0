"""Runs the exporter that the settings ask for, from before the ports open until the store closes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from exporter.exporter import Exporter
from exporter.settings import Upstream
from otlpd.exit_codes import CannotStart, ExitCode
from receiver.hosts import is_loopback

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from exporter.exporter import Source
    from otlpd.settings import Settings

NAME = "forward"
_RESTART_SECONDS = 5.0
_logger = logging.getLogger(__name__)


def upstream_of(settings: Settings) -> Upstream | None:
    """Where the settings forward to, if anywhere."""
    if settings.forward is None:
        return None
    return Upstream(
        url=settings.forward,
        headers=header_pairs(settings.forward_headers.get_secret_value() if settings.forward_headers else ""),
        compress=settings.forward_gzip,
        timeout_seconds=settings.forward_seconds,
        ca_file=settings.forward_ca_file,
        cert_file=settings.forward_cert_file,
        key_file=settings.forward_key_file,
    )


def header_pairs(text: str) -> dict[str, str]:
    """`name=value` separated by commas, as OTEL_EXPORTER_OTLP_HEADERS has them."""
    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}


def forwards_to_itself(settings: Settings) -> bool:
    """Whether the receiver is one of our own ports: log records would go round for ever."""
    upstream = upstream_of(settings)
    if upstream is None:
        return False
    host, _, port = upstream.target.rpartition(":")
    ports = {settings.grpc_port, settings.http_port, settings.api_port, *settings.api_ports}
    return int(port) in ports and (is_loopback(host.strip("[]")) or host in settings.host)


@contextlib.asynccontextmanager
async def forwarding(settings: Settings, store: Source, *, listens: bool = True) -> AsyncIterator[tuple[Exporter, ...]]:
    """The running exporters: one, or none. What arrives from now on is theirs."""
    upstream = upstream_of(settings)
    if upstream is None:
        yield ()
        return
    if listens and forwards_to_itself(settings):
        raise CannotStart(ExitCode.USAGE, f"forward names {upstream.shown}, which is this daemon itself; name another receiver")
    exporter = Exporter(NAME, store, upstream)
    await store.register_exporter(NAME)
    running = asyncio.create_task(_keep_running(exporter))
    try:
        yield (exporter,)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await exporter.aclose()


async def _keep_running(exporter: Exporter) -> None:
    """A fault of ours must not end forwarding for good: what was not sent is still in the store."""
    while True:
        try:
            await exporter.run()
        except Exception:
            _logger.exception("the exporter to %s failed; it starts again in %.0f s", exporter.upstream.shown, _RESTART_SECONDS)
            await asyncio.sleep(_RESTART_SECONDS)
        else:
            return
