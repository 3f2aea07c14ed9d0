"""What `/` answers where the page was not built: that, and how to get it, to browsers and to programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from otlpd import page

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from pytest_aiohttp import AiohttpClient


async def test_without_the_built_files_both_say_how_to_get_them(
    aiohttp_client: AiohttpClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(page, "STATIC", tmp_path / "nothing")
    page._files.cache_clear()
    app = web.Application()
    page.add_routes(app)
    client = await aiohttp_client(app)
    try:
        assert "not built" in (await (await client.get("/")).json())["page"]
        response = await client.get("/", headers={"Accept": "text/html"})
        assert response.status == 200
        assert "not built" in await response.text()
    finally:
        page._files.cache_clear()
