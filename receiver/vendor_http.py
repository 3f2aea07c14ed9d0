"""Other people's JSON over HTTP: read, translated by its dialect to OTLP, stored, and answered in the dialect's style.

The same bounds, keys and queue as for OTLP: a dialect's 200, 201 or 202 is sent after the commit. Both slash forms are
answered directly, because a redirect loses the body of many clients.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from receiver.authorizer import INGEST_SCOPE, allow_all
from receiver.bodies import BodyReader, SenderLeft, expect_later
from receiver.device_control import DeviceControl
from receiver.errors import BodyTimeout, TooLarge
from receiver.notices import Notices
from receiver.signals import SIGNALS
from receiver.status import classify, is_ours
from receiver.vendor_policy import VendorPolicy
from receiver.vendor_runs import answer_change, answer_commit, changed, read_change, read_commit
from receiver.vendors import DIALECTS, LOCAL_TELEMETRY, Answer, Stored, VendorRequestError
from receiver.vendors.cylestio_events import export_events
from receiver.vendors.open_starts import OpenStarts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Protocol

    from receiver.authorizer import Authorizer
    from receiver.ingest import Ingest
    from receiver.settings import ReceiverSettings
    from receiver.vendor_runs import CurrentRun
    from receiver.vendors import Dialect, Endpoint, SignaturePolicy, Translation
    from receiver.vendors.cylestio_events import EarlierStart
    from receiver.vendors.dialect import JsonObject
    from storage.batch import Written

    class LogNumbers(Protocol):
        """What is asked of the store for an answer; see storage.contract.Store."""

        async def log_numbers(self, record_uids: Sequence[str]) -> Mapping[str, int]: ...


_INLINE_BYTES = 16 * 1024
"""Up to here a translation takes about 2 ms, and a thread would cost more in switches than it gives."""

_INLINE_EVENTS = 20
_RUN = "/api/v1/runs/{event_id}"
_SIGNALS = {signal.name: signal for signal in SIGNALS}
_logger = logging.getLogger(__name__)


class VendorHttp:
    """The handlers of every dialect. With `signatures` the endpoints that know signed requests take no others."""

    def __init__(
        self,
        ingest: Ingest,
        store: LogNumbers,
        settings: ReceiverSettings,
        authorize: Authorizer = allow_all,
        *,
        signatures: SignaturePolicy | None = None,
        current_run: CurrentRun,
    ) -> None:
        self._ingest = ingest
        self._store = store
        self._bodies = BodyReader(settings)
        self._authorize = authorize
        self._signatures = signatures
        self.policy = VendorPolicy()
        self._starts = OpenStarts()
        self._control = DeviceControl(authorize)
        self.on_stored: Callable[[Dialect, bytes], None] | None = None
        """Told of every request's body after its commit."""
        self._current_run = current_run
        self._changing = asyncio.Lock()
        self._notices = Notices(_logger)

    def add_routes(self, app: web.Application) -> None:
        for dialect in DIALECTS:
            for endpoint in dialect.endpoints:
                handler = partial(self._receive, dialect, endpoint)
                for method in endpoint.methods:
                    for path in endpoint.paths:
                        app.router.add_route(method, path, handler, expect_handler=expect_later)
        self._control.add_routes(app)
        for slash in ("", "/"):
            app.router.add_patch(f"{_RUN}{slash}", partial(self._change_run, read_change))
            app.router.add_post(f"{_RUN}/associate-commit{slash}", partial(self._change_run, read_commit))

    async def _receive(self, dialect: Dialect, endpoint: Endpoint, request: web.Request) -> web.Response:
        try:
            self._authorize(request.headers, INGEST_SCOPE)
            self._bodies.judge_length(request.content_length)
            with self._ingest.pending.reserve(request.content_length or 0) as reservation:
                body = await self._bodies.read(request, reservation)
                answer = await self._store_and_answer(dialect, endpoint, body, request)
        except VendorRequestError as refusal:
            self._count("vendor_refused")
            return _response(refusal.answer)
        except SenderLeft:
            return web.Response(status=400)  # nobody will read it
        except Exception as error:  # noqa: BLE001  every error is answered, none with its own words unless it is ours
            return self._refuse(error, dialect)
        if self.on_stored is not None:
            self.on_stored(dialect, body)
        return _response(answer)

    async def _store_and_answer(self, dialect: Dialect, endpoint: Endpoint, body: bytes, request: web.Request) -> Answer:
        now = self._ingest.now()
        headers = {name.lower(): value for name, value in request.headers.items()}
        if endpoint.authenticate is not None and self._signatures is not None:
            endpoint.authenticate(body, headers, now, self._signatures)
        if len(body) <= _INLINE_BYTES:
            translation = endpoint.translate(body, headers, now)
        else:
            translation = await asyncio.to_thread(endpoint.translate, body, headers, now)
        closed = self._starts.closed_by(translation.events)
        try:
            translation, written = await self._store_joined(dialect, translation, closed)
        finally:
            self._starts.release(closed)
        stored = await self._stored(translation, written) if endpoint.quotes_store else {}
        return endpoint.answer(translation, stored)

    async def _store_joined(
        self, dialect: Dialect, translation: Translation, closed: Mapping[str, EarlierStart]
    ) -> tuple[Translation, Sequence[Written]]:
        """With the spans of operations that began in earlier requests."""
        events = translation.events
        if closed and len(events) <= _INLINE_EVENTS:
            translation = replace(translation, requests=export_events(events, closed).requests())
        elif closed:
            translation = replace(translation, requests=await asyncio.to_thread(lambda: export_events(events, closed).requests()))
        translation = self.policy.applied(translation, dialect.system)
        messages = [(_SIGNALS[name], message.SerializeToString()) for name, message in translation.requests]
        written = await self._ingest.store(messages)
        self._starts.stored(events, closed)
        return translation, written

    async def _stored(self, translation: Translation, written: Sequence[Written]) -> dict[str, Stored]:
        """What the answer quotes: the first number under each key, and whether it was given in this request."""
        numbers = await self._store.log_numbers(translation.keys)
        return {key: Stored(number, any(one.has_log(number) for one in written)) for key, number in numbers.items()}

    async def _change_run(self, read: Callable[[bytes], JsonObject], request: web.Request) -> web.Response:
        try:
            self._authorize(request.headers, INGEST_SCOPE)
            self._bodies.judge_length(request.content_length)
            with self._ingest.pending.reserve(request.content_length or 0) as reservation:
                change = read(await self._bodies.read(request, reservation))
                return _response(await self._store_change(request.match_info["event_id"], change))
        except VendorRequestError as refusal:
            self._count("vendor_refused")
            return _response(refusal.answer)
        except SenderLeft:
            return web.Response(status=400)  # nobody will read it
        except Exception as error:  # noqa: BLE001  every error is answered
            return self._refuse(error, LOCAL_TELEMETRY)

    async def _store_change(self, event_id: str, change: JsonObject) -> Answer:
        # One after the other: a change is made to what the change before it left.
        async with self._changing:
            run = await self._current_run(event_id)
            if run is None:
                raise VendorRequestError(LOCAL_TELEMETRY.refuse(404, f"Run not found: {event_id}"))
            translation = self.policy.applied(changed(run, change, self._ingest.now()), LOCAL_TELEMETRY.system)
            await self._ingest.store([(_SIGNALS[name], message.SerializeToString()) for name, message in translation.requests])
        return answer_commit(event_id, run, change) if "git_commit_hash" in change else answer_change(event_id, change)

    def _refuse(self, error: Exception, dialect: Dialect) -> web.Response:
        refusal = classify(error)
        self._count(refusal.reason)
        if is_ours(error):
            self._notices.warn(f"{dialect.system} {refusal.reason}", "refused %s: %s", dialect.system, refusal.message)
        else:
            _logger.error("a request of %s failed", dialect.system, exc_info=error)
        answer = dialect.refuse(refusal.http_status, refusal.message)
        headers = dict(answer.headers)
        if refusal.retry_after is not None:
            headers[hdrs.RETRY_AFTER] = str(refusal.retry_after)
        if refusal.http_status == 401:
            headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
        response = _response(Answer(answer.status, answer.body, headers))
        if isinstance(error, TooLarge | BodyTimeout):
            response.force_close()  # the rest of the body is not worth waiting for
        return response

    def _count(self, reason: str) -> None:
        self._ingest.counters.refuse_unrouted(reason)


def _response(answer: Answer) -> web.Response:
    headers = {**answer.headers, hdrs.CONTENT_TYPE: "application/json", hdrs.CACHE_CONTROL: "no-store"}
    return web.Response(status=answer.status, body=answer.encode(), headers=headers)
