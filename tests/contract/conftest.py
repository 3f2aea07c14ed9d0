"""The stores that the contract is tested against. Another engine joins by another entry of `ENGINES`."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from storage.sqlite.store import SqliteSettings, open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from storage.contract import Store


@asynccontextmanager
async def sqlite_store(directory: Path) -> AsyncIterator[Store]:
    store = await open_store(SqliteSettings(path=directory / "contract.db"))
    try:
        yield store
    finally:
        await store.aclose()


ENGINES = {"sqlite": sqlite_store}


@pytest.fixture(params=sorted(ENGINES))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with ENGINES[request.param](tmp_path) as opened:
        yield opened
