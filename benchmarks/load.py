"""Sends prepared requests to a daemon from several clients at once and measures until the last acknowledgement.

The clients are coroutines of one process, which takes a share of the same two cores; the figures include it.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp
import grpc

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from benchmarks.daemon import Daemon

    Send = Callable[[bytes], Awaitable[None]]

EXPORT = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
}


@dataclass(slots=True)
class LoadResult:
    """Wall time until the last acknowledgement, and how long each request waited for its own."""

    seconds: float
    request_seconds: list[float] = field(default_factory=list)

    def percentile_ms(self, share: float) -> float:
        ordered = sorted(self.request_seconds)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] * 1000


async def send_all(requests: Sequence[bytes], clients: int, send: Send) -> LoadResult:
    waiting = iter(requests)
    result = LoadResult(0.0)

    async def client() -> None:
        for body in waiting:
            started = time.perf_counter()
            await send(body)
            result.request_seconds.append(time.perf_counter() - started)

    started = time.perf_counter()
    await asyncio.gather(*[client() for _ in range(clients)])
    result.seconds = time.perf_counter() - started
    return result


async def over_http(daemon: Daemon, signal: str, requests: Sequence[bytes], clients: int) -> LoadResult:
    url = f"http://127.0.0.1:{daemon.http_port}/v1/{signal}"
    headers = {"Content-Type": "application/x-protobuf"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=clients)) as session:

        async def send(body: bytes) -> None:
            async with session.post(url, data=body, headers=headers) as answer:
                text = await answer.read()
                if answer.status != 200 or text:
                    raise RuntimeError(f"{answer.status}: {text[:300]!r}")

        return await send_all(requests, clients, send)


async def over_grpc(daemon: Daemon, signal: str, requests: Sequence[bytes], clients: int) -> LoadResult:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{daemon.grpc_port}") as channel:
        export = channel.unary_unary(EXPORT[signal], None, None)

        async def send(body: bytes) -> None:
            if await export(body, timeout=60):
                raise RuntimeError("a partial success where a full one was expected")

        return await send_all(requests, clients, send)
