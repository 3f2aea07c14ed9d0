"""The API port as the daemon serves it, before a real store, with a clock that the test sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from aiohttp.test_utils import TestServer

from otlpd.api import api_application
from query.legacy import current_run
from query.question import QueryContext
from receiver.http import OtlpHttp
from receiver.ingest import Ingest
from receiver.settings import ReceiverSettings
from receiver.vendor_http import VendorHttp

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.test_utils import TestClient
    from pytest_aiohttp import AiohttpClient

    from query.question import Authorize
    from receiver.vendors import SignaturePolicy
    from storage.sqlite.store import SqliteStore

ENGINE = {"db_path": "/data/telemetry.db", "journal_mode": "WAL", "synchronous": "FULL"}
NOW = 1_760_000_000 * 10**9  # 2025-10-09T08:53:20Z


@dataclass
class Clock:
    now: int = NOW

    def __call__(self) -> int:
        return self.now


@dataclass
class Api:
    """The client, the store behind it and its clock. `ask` gives the JSON of a good answer."""

    client: TestClient[web.Request, None]
    store: SqliteStore
    clock: Clock = field(default_factory=Clock)

    async def ask(self, path: str, **parameters: str) -> Any:
        async with self.client.get(path, params=parameters) as response:
            assert response.status == 200, (response.status, await response.text())
            return await response.json()

    async def refusal(self, path: str, **parameters: str) -> tuple[int, Any]:
        async with self.client.get(path, params=parameters) as response:
            return response.status, await response.json()

    async def post(self, path: str, body: bytes | object, status: int) -> Any:
        if isinstance(body, bytes):
            sent = self.client.post(path, data=body, headers={"Content-Type": "application/json"})
        else:
            sent = self.client.post(path, json=body)
        async with sent as response:
            assert response.status == status, (response.status, await response.text())
            return await response.json()


async def serve(
    aiohttp_client: AiohttpClient,
    store: SqliteStore,
    *,
    signatures: SignaturePolicy | None = None,
    authorize: Authorize | None = None,
    **settings: Any,
) -> Api:
    clock = Clock()
    receiver = ReceiverSettings(**settings)
    ingest = Ingest(store, max_pending_bytes=receiver.max_pending_bytes, clock=clock)
    vendors = VendorHttp(ingest, store, receiver, signatures=signatures, current_run=partial(current_run, store))
    context = QueryContext(store=store, clock=clock, counters=list, version="1.2.3", authorize=authorize, engine=ENGINE)
    app = api_application(OtlpHttp(ingest, receiver), vendors, context, receiver)
    server = TestServer(app)
    await server.start_server(auto_decompress=False)  # as receiver.http_server does: bodies are inflated within bounds
    return Api(await aiohttp_client(server), store, clock)
