"""The OpenAPI document describes the routes as they are, and the pages that show it need nothing from another host."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

import jsonschema_rs
import pytest
from aiohttp import web

from query import kinds, pages
from query.application import add_routes
from query.openapi import document
from query.parameters import is_in_path
from query.question import Parameter, QueryContext, Question, Route
from query.routes import ROUTES
from tests.integration.api_harness import serve

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient
    from pytest_aiohttp import AiohttpClient

    from storage.sqlite.store import SqliteStore


@pytest.fixture
async def client(aiohttp_client: AiohttpClient, store: SqliteStore) -> TestClient[web.Request, web.Application]:
    return await serve(aiohttp_client, store)


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(references(child) for child in node.values()))
    return set().union(*(references(child) for child in node)) if isinstance(node, list) else set()


async def test_the_document_is_served_and_whole(client: TestClient[web.Request, web.Application]) -> None:
    response = await client.get("/openapi.json")
    served = await response.json()
    assert served == document(ROUTES, "1.2.3")
    assert served["openapi"] == "3.1.0"
    assert references(served) <= {f"#/components/schemas/{name}" for name in served["components"]["schemas"]}
    operations = [path["get"]["operationId"] for path in served["paths"].values()]
    assert len(operations) == len(set(operations))


async def test_every_example_of_the_document_can_be_asked(client: TestClient[web.Request, web.Application]) -> None:
    """Each parameter's example, as it stands there and beside the required ones, is read without a refusal."""
    for route in ROUTES:
        in_query = [parameter for parameter in route.parameters if not is_in_path(route, parameter)]
        required = {parameter.name: parameter.example for parameter in in_query if parameter.required}
        for parameter in in_query:
            example = {parameter.name: parameter.example} if parameter.example else {}
            path = route.path.format(trace_id="ab" * 16, id="1", file="start-redoc.js")
            response = await client.head(path, params=required | example)
            assert response.status in {200, 404}, (route.path, parameter.name)


def test_the_schemas_of_parameters_fit_their_examples_and_defaults() -> None:
    for item in document(ROUTES, "1")["paths"].values():
        for parameter in item["get"]["parameters"]:
            for text in (parameter.get("example"), parameter["schema"].get("default")):
                assert text is None or jsonschema_rs.is_valid(parameter["schema"], text), parameter


async def test_a_new_entry_in_the_table_is_a_path_and_in_the_document(aiohttp_client: AiohttpClient, store: SqliteStore) -> None:
    """Nothing but the table needs to know of a resource."""

    async def tell_size(question: Question) -> web.Response:
        return web.json_response({"size": question.values["size"]})

    size = Parameter("size", kinds.count(1, 9), "How large.", default="3")
    route = Route("/api/size", tell_size, "A size", parameters=(size,), schema={"type": "object"})
    app = web.Application()
    context = QueryContext(store=store, clock=lambda: 0, counters=list, version="1")
    add_routes(app, context, [*ROUTES, route])
    client = await aiohttp_client(app)
    assert await (await client.get("/api/size")).json() == {"size": 3}
    assert (await client.get("/api/size?size=12")).status == 400
    assert "/api/size" in (await (await client.get("/openapi.json")).json())["paths"]


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_the_pages_load_only_their_own_files(client: TestClient[web.Request, web.Application], path: str) -> None:
    response = await client.get(path)
    assert response.content_type == "text/html"
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "http" not in policy
    text = await response.text()
    files = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert len(files) >= 3
    assert re.search(r"<script[^>]*>[^<]", text) is None
    for file in files:
        loaded = await client.get(file)
        assert loaded.status == 200, file
        assert loaded.headers["X-Content-Type-Options"] == "nosniff"
        content = await loaded.read()
        assert len(content) > 50
        assert b"cdn." not in content


@pytest.mark.parametrize("name", ["nothing.js", "..%2Fpages.py", "%2Fetc%2Fpasswd", "swagger-ui.css%00"])
async def test_no_other_file_is_served(client: TestClient[web.Request, web.Application], name: str) -> None:
    response = await client.get(f"/docs/static/{name}")
    assert response.status in {400, 404}
    assert (await response.json())["error"]["details"]["parameter"] == "file"


async def test_sources_that_were_not_built_say_so(
    client: TestClient[web.Request, web.Application], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(pages, "STATIC", tmp_path)
    response = await client.get("/docs/static/swagger-ui.css")
    error = cast("dict[str, Any]", await response.json())["error"]
    assert response.status == 404
    assert "not built" in error["message"]
