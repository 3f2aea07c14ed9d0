"""Whether collectors of the device metrics system are to run: they listen on `/api/v1/aggregator/control`, and somebody says.

A stream of server-sent events: `RUNNING` or `STOPPED` at once and at every change, and a comment every few seconds so that a
broken connection is noticed. Nothing is kept: after a start collectors run.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from receiver.authorizer import INGEST_SCOPE
from receiver.status import classify

if TYPE_CHECKING:
    from collections.abc import Mapping

    from receiver.authorizer import Authorizer

PATH = "/api/v1/aggregator/control"
KEEP_ALIVE_SECONDS = 5.0
MOST_LISTENERS = 100


class DeviceControl:
    def __init__(self, authorize: Authorizer, keep_alive_seconds: float = KEEP_ALIVE_SECONDS) -> None:
        self._authorize = authorize
        self._keep_alive = keep_alive_seconds
        self._running = True
        self._listeners: set[asyncio.Queue[str | None]] = set()

    def add_routes(self, app: web.Application) -> None:
        for slash in ("", "/"):
            app.router.add_get(f"{PATH}{slash}", self._listen)
            app.router.add_post(f"{PATH}/{{command}}{slash}", self._command)
        app.on_shutdown.append(self._close)

    async def _close(self, _: web.Application) -> None:
        for listener in self._listeners:
            listener.put_nowait(None)

    @property
    def _word(self) -> str:
        return "RUNNING" if self._running else "STOPPED"

    async def _command(self, request: web.Request) -> web.Response:
        if (refused := self._refused(request)) is not None:
            return refused
        command = request.match_info["command"]
        if command not in {"start", "stop"}:
            return _answer(400, {"status": "error", "message": f"{command[:100]!r} is no command; use start or stop"})
        self._running = command == "start"
        for listener in self._listeners:
            listener.put_nowait(self._word)
        return _answer(200, {"status": "success", "message": f"collectors are told: {self._word}"})

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        if (refused := self._refused(request)) is not None:
            return refused
        if len(self._listeners) >= MOST_LISTENERS:
            return _answer(503, {"error": f"{MOST_LISTENERS} collectors listen already"}, {hdrs.RETRY_AFTER: "5"})
        response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: "text/event-stream", hdrs.CACHE_CONTROL: "no-store"})
        await response.prepare(request)
        listener: asyncio.Queue[str | None] = asyncio.Queue()
        listener.put_nowait(self._word)
        self._listeners.add(listener)
        try:
            await self._tell(response, listener)
        finally:
            self._listeners.discard(listener)
        return response

    async def _tell(self, response: web.StreamResponse, listener: asyncio.Queue[str | None]) -> None:
        """Until the collector leaves or the daemon stops."""
        with contextlib.suppress(ConnectionResetError):
            while True:
                try:
                    word = await asyncio.wait_for(listener.get(), self._keep_alive)
                except TimeoutError:
                    await response.write(b": keep-alive\n\n")
                    continue
                if word is None:
                    return
                await response.write(f"data: {word}\n\n".encode())

    def _refused(self, request: web.Request) -> web.Response | None:
        try:
            self._authorize(request.headers, INGEST_SCOPE)
        except Exception as error:  # noqa: BLE001  every refusal is answered
            refusal = classify(error)
            headers: dict[str, str] = {hdrs.WWW_AUTHENTICATE: "Bearer"} if refusal.http_status == 401 else {}
            return _answer(refusal.http_status, {"error": refusal.message}, headers)
        return None


def _answer(status: int, body: dict[str, str], headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response(body, status=status, headers={**(headers or {}), hdrs.CACHE_CONTROL: "no-store"})
