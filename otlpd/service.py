"""The daemon on one page: what is built, in which order, from which settings, and how it ends.

Every part is entered on one stack and left in reverse: first nothing new is accepted and what is in flight is answered, then
the decoding processes end, then the writer commits what waits, then the file and its lock are let go.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from otlpd import __version__, log_lines
from otlpd.addresses import Addresses
from otlpd.api import api_application
from otlpd.auth import Gate
from otlpd.banner import banner
from otlpd.config import fixed_keys, listens_on_loopback_only, row_settings, tls_of
from otlpd.exit_codes import CannotStart, ExitCode
from otlpd.forwarding import forwarding
from otlpd.ingest_log import IngestLog
from otlpd.legacy_environment import remarks
from otlpd.measurements import measurements
from otlpd.settings import LOCALHOST
from query.legacy import current_run
from query.question import QueryContext
from receiver.decoding import ProcessDecoder
from receiver.grpc import GrpcServer, OtlpGrpc
from receiver.http import OtlpHttp
from receiver.http_server import HttpServer
from receiver.ingest import Ingest
from receiver.listening import LOOPBACK, CannotListen, open_sockets
from receiver.settings import ReceiverSettings
from receiver.tls import ssl_context
from receiver.vendor_http import VendorHttp
from receiver.vendor_policy import VendorPolicy
from receiver.vendors import SignaturePolicy
from storage.errors import StoreError
from storage.facts.masks import Masks
from storage.sqlite.store import SqliteSettings, open_store
from storage.sqlite.upkeep.retention import RetentionSettings
from storage.sqlite.writing.writer import WriterSettings

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from exporter.exporter import Exporter
    from otlpd.config import Configuration
    from otlpd.settings import Settings
    from storage.sqlite.store import SqliteStore

_SWITCH_SECONDS = 0.0005
_STORE_SHARE = 0.5
"""Of the time for a stop, what the servers leave to the writer at least; it needs some milliseconds."""

_logger = logging.getLogger(__name__)


async def serve(configuration: Configuration, ready: Callable[[Addresses], None] | None = None) -> None:
    """Runs until SIGTERM or SIGINT. Raises CannotStart with the exit code to end with."""
    settings = configuration.settings
    # The writer and the readers give up the interpreter lock at every step of a statement and wait up to this long to have
    # it back from a busy event loop; the default of 5 ms would cost them most of their time.
    sys.setswitchinterval(_SWITCH_SECONDS)
    stop = _stop_on_signals()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(_opened_store(settings))
        decoder = ProcessDecoder(settings.decode_workers, row_settings(settings), lambda: store.has_time_for_facts)
        stack.push_async_callback(decoder.aclose)
        gate = Gate(settings.keys_path, fixed_keys(settings), settings.rate_limit)
        ingest = Ingest(store, decoder, max_pending_bytes=settings.max_pending_size)
        exporters = await stack.enter_async_context(forwarding(settings, store))
        context = _query_context(store, ingest, gate, exporters)
        addresses = await stack.enter_async_context(_listening(settings, ingest, store, gate, context))
        store.describe_holder({"pid": os.getpid(), "api": addresses.api_url})
        _announce(configuration, addresses)
        if ready is not None:
            ready(addresses)
        await stop.wait()
        _logger.info("stopping: what is in flight is answered first")
    _logger.info("stopped")


@contextlib.asynccontextmanager
async def _opened_store(settings: Settings) -> AsyncIterator[SqliteStore]:
    store_settings = SqliteSettings(
        path=settings.db,
        writer=WriterSettings(
            max_waiting_rows=settings.queue_rows, max_waiting_bytes=settings.queue_size, facts=settings.facts == "on"
        ),
        retention=RetentionSettings(
            max_age_days=settings.max_age_days,
            max_size_bytes=settings.max_size,
            minute_rollup_days=settings.minute_rollup_days,
            hour_rollup_days=settings.hour_rollup_days,
        ),
        query_seconds=settings.query_seconds,
        query_threads=settings.query_threads,
        prices=row_settings(settings).make_prices(),
    )
    try:
        store = await open_store(store_settings)
    except StoreError as error:
        raise CannotStart(ExitCode.DATABASE, str(error)) from None
    except OSError as error:
        raise CannotStart(ExitCode.DATABASE, f"the database {settings.db} cannot be opened: {error.strerror}") from None
    try:
        yield store
    finally:
        await store.aclose(settings.drain_seconds * _STORE_SHARE)


@contextlib.asynccontextmanager
async def _listening(
    settings: Settings, ingest: Ingest, store: SqliteStore, gate: Gate, query: QueryContext
) -> AsyncIterator[Addresses]:
    """All three ports. gRPC comes first: the HTTP ports carry gRPC clients that come to them over to it."""
    receiver = receiver_settings(settings)
    tls = tls_of(settings)
    context = None if tls is None else ssl_context(tls)
    within = settings.drain_seconds * (1 - _STORE_SHARE)
    otlp = OtlpHttp(ingest, receiver, gate)
    vendors = VendorHttp(
        ingest, store, receiver, gate, signatures=_signature_policy(settings), current_run=partial(current_run, store)
    )
    vendors.policy = VendorPolicy(originals=settings.vendor_originals, repeats=settings.vendor_repeats)
    content = row_settings(settings).content
    masks = Masks(content.masks, content.patterns)
    vendors.on_stored = shown = IngestLog(settings.ingest_log, sys.stderr if settings.ingest_console else None, masks)
    applications = [web.Application(), api_application(otlp, vendors, query, receiver)]
    otlp.add_routes(applications[0])
    otlp.add_fallback(applications[0])
    grpc, sockets = await _open_ports(settings, OtlpGrpc(ingest, gate), receiver)
    carried_to = None if tls is not None else _tcp_address(grpc.addresses[0])
    closers: list[Callable[[], Awaitable[None]]] = [partial(grpc.aclose, within)]
    try:
        servers = []
        for app, opened in zip(applications, sockets, strict=True):
            server = await HttpServer.start(app, opened, tls=context, grpc_address=carried_to, stop_seconds=within)
            servers.append(server)
            closers.append(server.aclose)
        yield Addresses(grpc.addresses, servers[0].addresses, servers[1].addresses, tls=tls is not None)
    finally:
        # All at once: each may take as long as its slowest request.
        await asyncio.gather(*(close() for close in closers))
        shown.close()


async def _open_ports(
    settings: Settings, services: OtlpGrpc, receiver: ReceiverSettings
) -> tuple[GrpcServer, list[list[socket.socket]]]:
    """The HTTP sockets are bound before gRPC answers anybody, so that a port in use is found while nobody has come yet."""
    hosts = [address for host in settings.host for address in (LOOPBACK if host == LOCALHOST else (host,))]
    sockets: list[list[socket.socket]] = []
    try:
        sockets += (open_sockets(hosts, port) for port in (settings.http_port, settings.api_port))
        for port in settings.api_ports:
            sockets[-1].extend(open_sockets(hosts, port))
        return await GrpcServer.start(services, receiver, hosts, settings.grpc_port, tls_of(settings)), sockets
    except CannotListen as error:
        for opened in sockets:
            for listener in opened:
                listener.close()
        raise CannotStart(ExitCode.ADDRESS, str(error)) from None


def receiver_settings(settings: Settings) -> ReceiverSettings:
    return ReceiverSettings(
        max_body_bytes=settings.max_body_size,
        max_pending_bytes=settings.max_pending_size,
        body_timeout_seconds=settings.body_seconds,
        path_prefixes=settings.path_prefixes,
        allowed_origins=settings.allowed_origins,
        allowed_hosts=settings.allowed_hosts,
        check_host=listens_on_loopback_only(settings),
    )


def _signature_policy(settings: Settings) -> SignaturePolicy | None:
    secret = settings.ingest_secret.get_secret_value() if settings.ingest_secret else ""
    return SignaturePolicy(secret.encode(), int(settings.ingest_signature_seconds)) if secret else None


def _query_context(store: SqliteStore, ingest: Ingest, gate: Gate, exporters: Sequence[Exporter]) -> QueryContext:
    started = time.time()

    def authorize(headers: Mapping[str, str], _address: str) -> None:
        gate(headers, "query")

    return QueryContext(
        store=store,
        clock=time.time_ns,
        counters=lambda: measurements(ingest, __version__, started),
        version=__version__,
        authorize=authorize,
        engine={"db_path": str(store.path), "journal_mode": "WAL", "synchronous": "FULL"},
        exporters=[exporter.state for exporter in exporters],
    )


def _tcp_address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104  compared only
    return host.strip("[]"), int(port)


def _announce(configuration: Configuration, addresses: Addresses) -> None:
    settings = configuration.settings
    if settings.log_format == "json":
        fields = {
            "pid": os.getpid(), "grpc": addresses.grpc_url, "http": addresses.http_url, "api": addresses.api_url,
            "database": str(settings.db), "keys": len(configuration.keys), "version": __version__,
        }  # fmt: skip
        _logger.info("ready", extra={"fields": fields})
    else:
        with contextlib.suppress(BrokenPipeError):  # whoever read the banner may have read enough
            print(banner(__version__, addresses, configuration), flush=True)  # noqa: T201  it is the program's output
    for remark in remarks(os.environ):
        _logger.info("%s", remark)
    for name, origin in configuration.origins.items():
        if origin.startswith("environment ") and "OTLPD_" not in origin:
            _logger.info("%s is taken from %s", name, origin)
    if not listens_on_loopback_only(settings) and not addresses.tls:
        _logger.warning("what is sent to other machines' programs, keys included, is not encrypted: set tls_cert_file")


def _stop_on_signals() -> asyncio.Event:
    """Set by the first SIGTERM or SIGINT; the next one ends the process at once, which loses nothing acknowledged either."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    watched = (signal.SIGTERM, signal.SIGINT)

    def begin() -> None:
        stop.set()
        for number in watched:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in watched:
        try:
            loop.add_signal_handler(number, begin)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    return stop


def run(configuration: Configuration) -> ExitCode:
    """`otlpd serve`. What keeps it from starting is a log line only where logs are read by machines."""
    form = configuration.settings.log_format
    try:
        log_lines.configure(form, configuration.settings.log_level, configuration.settings.log_file)
    except OSError as error:
        raise CannotStart(ExitCode.USAGE, f"log_file: {configuration.settings.log_file}: {error.strerror}") from None
    try:
        asyncio.run(serve(configuration))
    except CannotStart as error:
        if form != "json":
            raise
        _logger.error("%s", error)  # noqa: TRY400  one clear line
        return error.code
    except StoreError as error:
        raise CannotStart(ExitCode.FAILED, str(error)) from None
    return ExitCode.OK
