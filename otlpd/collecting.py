"""`otlpd collect` at work: reads figures at fixed times, keeps them in a file of its own, forwards them from there.

It listens nowhere. What the upstream does not take waits in the file, which is bounded; what the bound costs is counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp

from otlpd import __version__, log_lines
from otlpd.config import row_settings
from otlpd.exit_codes import CannotStart, ExitCode
from otlpd.forwarding import forwarding
from otlpd.service import _opened_store, _stop_on_signals
from receiver.ingest import Ingest, InlineDecoder
from receiver.scrapers import host, polled
from receiver.scrapers.points import Figure, Scrape
from receiver.signals import METRICS
from storage.errors import StoreError, TemporaryError
from storage.rows import Kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.exporter import Exporter
    from otlpd.settings import Settings
    from receiver.scrapers.points import Distribution
    from receiver.scrapers.polled import Source

_POLL_SECONDS = 10.0
_REPORT_SECONDS = 300.0
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Collection:
    """What is read, and how often. `once` reads everything one time and waits until that is forwarded, at most so long."""

    interval_seconds: float = 60.0
    host: bool = True
    processes: int = 10
    sources: Sequence[Source] = ()
    once: bool = False
    wait_seconds: float = 30.0


class Collector:
    """Each source is read by itself: one that hangs or fails holds up no other."""

    def __init__(self, ingest: Ingest, collection: Collection) -> None:
        self._ingest = ingest
        self._collection = collection
        self._host = host.HostScraper(collection.processes) if collection.host else None
        self.failed = 0

    async def collect_once(self, session: aiohttp.ClientSession) -> None:
        tasks = [self._poll(source, session) for source in self._collection.sources]
        if self._host is not None:
            tasks.append(self._scrape_host(self._host))
        await asyncio.gather(*tasks)

    async def _scrape_host(self, scraper: host.HostScraper) -> None:
        scrape = Scrape(time.time_ns(), host.SCOPE, __version__)
        await asyncio.to_thread(scraper.scrape, scrape)
        await self._store(scrape)

    async def _poll(self, source: Source, session: aiohttp.ClientSession) -> None:
        """Beside the figures, whether the source answered and how long it took."""
        scrape, started = Scrape(time.time_ns(), polled.SCOPE, __version__), time.monotonic()
        found: list[Figure | Distribution] = []
        try:
            found = await source.read(session)
        except polled.PollFailed as error:
            self.failed += 1
            _logger.warning("%s could not be read: %s", source.url, error)
        found.append(Figure("up", int(bool(found)), "1"))
        found.append(Figure("scrape_duration_seconds", round(time.monotonic() - started, 6), "s"))
        scrape.add(source.resource, found)
        await self._store(scrape)

    async def _store(self, scrape: Scrape) -> None:
        """A store that is busy or full is asked again until the next reading is due; then this one is given up, aloud."""
        until = time.monotonic() + self._collection.interval_seconds
        body = scrape.request.SerializeToString()
        while True:
            try:
                await self._ingest.store([(METRICS, body)])
            except TemporaryError as error:
                if time.monotonic() > until:
                    self.failed += 1
                    _logger.error("a reading could not be stored and is lost: %s", error)  # noqa: TRY400  one clear line
                    return
                await asyncio.sleep(error.retry_after)
            else:
                return


async def collect(settings: Settings, collection: Collection) -> ExitCode:
    """Runs until SIGTERM or SIGINT, or once. Raises CannotStart."""
    stop = _stop_on_signals()
    async with contextlib.AsyncExitStack() as stack:
        store = await stack.enter_async_context(_opened_store(settings))
        exporters = await stack.enter_async_context(forwarding(settings, store, listens=False))
        decoder = InlineDecoder(Kernel(row_settings(settings)))
        collector = Collector(Ingest(store, decoder, max_pending_bytes=settings.max_pending_size), collection)
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_POLL_SECONDS)))
        _logger.info("collecting every %g s into %s", collection.interval_seconds, settings.db)
        if collection.once:
            await collector.collect_once(session)
            return await _forwarded(exporters, collection.wait_seconds)
        reporting = asyncio.create_task(_report(exporters))
        try:
            await _repeat(collector, session, collection.interval_seconds, stop)
        finally:
            reporting.cancel()
    _logger.info("stopped; what was not forwarded is in %s", settings.db)
    return ExitCode.OK


async def _repeat(collector: Collector, session: aiohttp.ClientSession, interval: float, stop: asyncio.Event) -> None:
    """At fixed times: a reading that takes long does not move the next, it only skips those it covers."""
    due = time.monotonic()
    while not stop.is_set():
        await collector.collect_once(session)
        due += interval * max(1, -(-(time.monotonic() - due) // interval))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(due - time.monotonic(), 0)):
                await stop.wait()


async def _forwarded(exporters: Sequence[Exporter], seconds: float) -> ExitCode:
    """OK when all was taken in time; FAILED when something still waits in the file."""
    until = time.monotonic() + seconds
    while any([not await _is_done(exporter) for exporter in exporters]):
        if time.monotonic() > until:
            _logger.warning("not everything was forwarded within %g s; it is kept and sent next time", seconds)
            return ExitCode.FAILED
        await asyncio.sleep(0.05)
    return ExitCode.OK


async def _is_done(exporter: Exporter) -> bool:
    return all(queue["pending"] == 0 for queue in (await exporter.state())["queues"].values())


async def _report(exporters: Sequence[Exporter]) -> None:
    """Now and then a line with what was sent, what waits, and what was lost."""
    while True:
        await asyncio.sleep(_REPORT_SECONDS)
        for exporter in exporters:
            with contextlib.suppress(StoreError):
                points = (await exporter.state())["queues"]["points"]
                _logger.info("%s: %s", exporter.upstream.shown, ", ".join(f"{count} {name}" for name, count in points.items()))


def run(settings: Settings, collection: Collection) -> ExitCode:
    log_lines.configure(settings.log_format, settings.log_level)
    try:
        return asyncio.run(collect(settings, collection))
    except CannotStart as error:
        if settings.log_format != "json":
            raise
        _logger.error("%s", error)  # noqa: TRY400  one clear line
        return error.code
    except StoreError as error:
        raise CannotStart(ExitCode.FAILED, str(error)) from None
