"""Web pages may send when they are of this machine or named, and no page may by rebinding its name (cases 92 to 100)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.otlp_harness import JSON, http_request, raw, span_json, traces

if TYPE_CHECKING:
    from tests.integration.conftest import StartReceiver
    from tests.integration.otlp_harness import Answer, Receiver

PAGE = "http://localhost:3000"


async def preflight(receiver: Receiver, origin: str, **headers: str) -> Answer:
    asked = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "content-type,authorization,x-custom"}
    return await receiver.request("OPTIONS", "/v1/traces", Origin=origin, **asked, **headers)


async def test_preflight(receiver: Receiver) -> None:
    """cases 92, 97: the origin is echoed, credentials are allowed, and the headers that were asked for."""
    answer = await preflight(receiver, PAGE)
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-allow-methods"] == "POST, OPTIONS"
    assert answer.headers["access-control-allow-headers"] == "content-type,authorization,x-custom"
    assert answer.headers["access-control-max-age"] == "7200"
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    "origin",
    ["http://localhost", "http://localhost:5173", "https://127.0.0.1:8443", "http://[::1]:3000", "http://app.localhost:3000"],
)
async def test_pages_of_this_machine_may_send(receiver: Receiver, origin: str) -> None:
    """case 100."""
    assert (await preflight(receiver, origin)).headers["access-control-allow-origin"] == origin


@pytest.mark.parametrize(
    "origin",
    ["https://example.com", "http://localhost.example.com", "http://127.0.0.1.nip.io", "null", "file://", "http://[", "*"],
)
async def test_other_pages_may_not(receiver: Receiver, origin: str) -> None:
    """case 94: 204 without allow headers, and the browser blocks."""
    answer = await preflight(receiver, origin)
    assert answer.status == 204
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    ("pattern", "origin", "allowed"),
    [
        pytest.param("https://*.example.com", "https://app.example.com", True, id="case-99"),
        pytest.param("https://*.example.com", "https://a.b.example.com", True, id="case-99-deep"),
        pytest.param("https://*.example.com", "https://example.com", False, id="case-99-not-itself"),
        pytest.param("https://*.example.com", "http://app.example.com", False, id="case-99-scheme"),
        pytest.param("https://*.example.com", "https://app.example.com.evil.org", False, id="case-99-suffix"),
        pytest.param("https://app.example.com", "https://appXexample.com", False, id="case-99-dot"),
        pytest.param("https://App.Example.com/", "https://app.example.com", True, id="case-99-spelling"),
        pytest.param("*", "https://anything.org", True, id="case-99-all"),
    ],
)
async def test_configured_origins(start_receiver: StartReceiver, pattern: str, origin: str, *, allowed: bool) -> None:
    """case 99: even `*` is answered with the origin itself."""
    receiver = await start_receiver(allowed_origins=(pattern,))
    answer = await preflight(receiver, origin)
    assert answer.headers.get("access-control-allow-origin") == (origin if allowed else None)


async def test_the_answers_themselves_carry_the_headers(receiver: Receiver) -> None:
    """cases 95, 96, 98: success and errors alike, with Retry-After readable."""
    answers = [
        await receiver.post_json("/v1/traces", span_json(), Origin=PAGE),
        await receiver.post("/v1/traces", b"[", JSON, Origin=PAGE),
        await receiver.post("/v1/traces", b"", "text/plain", Origin=PAGE),
        await receiver.post("/nowhere", b"", Origin=PAGE),
    ]
    assert [answer.status for answer in answers] == [200, 400, 415, 404]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert answer.headers["access-control-expose-headers"] == "Retry-After"


async def test_private_network_access(receiver: Receiver) -> None:
    """Chromium asks before a public page may speak to this machine; only allowed pages get a yes."""
    name = "access-control-allow-private-network"
    assert (await preflight(receiver, PAGE, Access_Control_Request_Private_Network="true")).headers[name] == "true"
    assert name not in (await preflight(receiver, "https://evil.org", Access_Control_Request_Private_Network="true")).headers


@pytest.mark.parametrize(
    ("host", "status"),
    [
        pytest.param("localhost:4318", 200, id="case-100-name"),
        pytest.param("LOCALHOST", 200, id="case-100-case"),
        pytest.param("app.localhost", 200, id="case-100-subdomain"),
        pytest.param("127.0.0.1:4318", 200, id="case-100-address"),
        pytest.param("[::1]:4318", 200, id="case-100-ipv6"),
        pytest.param("192.168.1.5:4318", 200, id="case-100-lan-address"),
        pytest.param("host.docker.internal:4318", 200, id="case-100-from-a-container"),
        pytest.param("evil.org", 403, id="case-100-rebound"),
        pytest.param("localhost.evil.org:4318", 403, id="case-100-disguised"),
        pytest.param("127.0.0.1.nip.io", 403, id="case-100-address-like"),
        pytest.param("host.evil.org", 403, id="case-100-container-like"),
    ],
)
async def test_host_is_checked_on_loopback(receiver: Receiver, host: str, status: int) -> None:
    answer = await receiver.post("/v1/traces", traces().SerializeToString(), Host=host)
    assert answer.status == status


async def test_named_hosts_and_no_check(start_receiver: StartReceiver) -> None:
    """case 100: names can be added, and where otlpd listens for everybody Host says nothing."""
    named = await start_receiver(allowed_hosts=("otel.example.com",))
    assert (await named.post("/v1/traces", b"", Host="otel.example.com:4318")).status == 200
    assert (await named.post("/v1/traces", b"", Host="evil.org")).status == 403
    anywhere = await start_receiver(check_host=False)
    assert (await anywhere.post("/v1/traces", b"", Host="evil.org")).status == 200


async def test_no_host_at_all(receiver: Receiver) -> None:
    """case 64: HTTP/1.0 has none, and a browser never sends such a request."""
    sent = http_request("/v1/traces", b"", version="1.0").replace(b"Host: localhost\r\n", b"")
    assert (await raw(receiver.http.port, sent)).split()[1] == b"200"
