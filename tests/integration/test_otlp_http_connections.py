"""Connections to the HTTP port: kept, upgraded, crowded, in the wrong protocol, stopped, over TLS and unix sockets.

Cases 62 to 75 and 106 to 109, each named beside its test.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from typing import TYPE_CHECKING

import aiohttp
import grpc
import pytest
import trustme

from receiver.listening import CannotListen, PortInUse, open_sockets
from receiver.settings import TlsSettings
from receiver.tls import BadTlsFile, ssl_context
from tests.integration.otlp_harness import PROTOBUF, export_method, http_request, raw, traces
from tests.integration.test_otlp_http_errors import SlowStore

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.conftest import StartReceiver
    from tests.integration.otlp_harness import Receiver


async def statuses(reader: asyncio.StreamReader, count: int) -> list[bytes]:
    """The statuses of answers whose bodies are empty."""
    heads = [await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5) for _ in range(count)]
    return [head.split()[1] for head in heads]


async def test_sequential_and_pipelined_requests_on_one_connection(receiver: Receiver) -> None:
    """case 62."""
    reader, writer = await asyncio.open_connection("127.0.0.1", receiver.http.port)
    for _ in range(3):
        writer.write(http_request("/v1/traces", traces().SerializeToString()))
        assert await statuses(reader, 1) == [b"200"]
    writer.write(b"".join(http_request("/v1/traces", traces().SerializeToString()) for _ in range(3)))
    assert await statuses(reader, 3) == [b"200"] * 3
    writer.close()
    assert (await receiver.stored())["traces"] == 6


async def test_idle_connections_outlive_the_pools_of_clients(receiver: Receiver) -> None:
    """case 63: nothing but the setting can be read without waiting 90 s for it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", receiver.http.port)
    writer.write(http_request("/v1/traces", b""))
    assert await statuses(reader, 1) == [b"200"]
    server = receiver.http._runner.server
    assert server is not None
    (connection,) = server.connections
    assert connection.keepalive_timeout > 90
    writer.close()


async def test_http_1_0(receiver: Receiver) -> None:
    """case 64: answered, then closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", receiver.http.port)
    writer.write(http_request("/v1/traces", traces().SerializeToString(), version="1.0"))
    assert (await asyncio.wait_for(reader.read(), 5)).split()[1] == b"200"
    writer.close()


async def test_an_offered_upgrade_to_http2_is_ignored(receiver: Receiver) -> None:
    """case 65: Java's own HTTP client offers it on every plain request."""
    upgrade = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAA")
    answer = await raw(receiver.http.port, http_request("/v1/traces", traces().SerializeToString(), *upgrade))
    assert answer.split()[:2] == [b"HTTP/1.1", b"200"]
    assert (await receiver.stored())["traces"] == 1


async def test_a_grpc_client_on_the_http_port_is_served(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    """case 66: its HTTP/2 is carried to the gRPC port, and the log says so once."""
    caplog.set_level(logging.WARNING)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{receiver.http.port}") as channel:
        export = export_method(channel)
        for _ in range(3):
            assert await export(traces(100, attribute_bytes=1000).SerializeToString(), timeout=5) == b""
    assert (await receiver.stored())["traces"] == 300
    (note,) = [record.getMessage() for record in caplog.records]
    assert f"carried to port {receiver.grpc.port}" in note


async def test_first_bytes_may_come_one_by_one(receiver: Receiver) -> None:
    """case 66: "P" alone could be the start of either protocol."""
    reader, writer = await asyncio.open_connection("127.0.0.1", receiver.http.port)
    sent = http_request("/v1/traces", b"")
    for start in range(6):
        writer.write(sent[start : start + 1])
        await asyncio.sleep(0.01)
    writer.write(sent[6:])
    assert await statuses(reader, 1) == [b"200"]
    writer.close()


async def test_tls_on_the_plain_port_is_closed_with_a_word_in_the_log(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """case 67."""
    for _ in range(3):
        with pytest.raises((ssl.SSLError, OSError)):
            await asyncio.open_connection("127.0.0.1", receiver.http.port, ssl=ssl.create_default_context())
    (note,) = [record.getMessage() for record in caplog.records]
    assert "(127.0.0.1) spoke TLS to a port without TLS: give it an http:// endpoint" in note


async def test_garbage_gets_400_and_no_traceback(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    answer = await raw(receiver.http.port, b"\x00\x01\x02garbage\r\n\r\n")
    assert answer.split()[1] == b"400"
    assert not caplog.records


async def test_long_header_lines(receiver: Receiver) -> None:
    """case 68: a bearer token of 30 kB."""
    answer = await receiver.post("/v1/traces", b"", Authorization=f"Bearer {'x' * 30_000}")
    assert answer.status == 200


async def test_200_parallel_requests(receiver: Receiver) -> None:
    """case 72."""
    connector = aiohttp.TCPConnector(limit=200)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.timeout(10):

        async def post() -> int:
            body = traces(5).SerializeToString()
            async with session.post(f"{receiver.url}/v1/traces", data=body, headers={"Content-Type": PROTOBUF}) as answer:
                return answer.status

        assert set(await asyncio.gather(*(post() for _ in range(200)))) == {200}
    assert (await receiver.stored())["traces"] == 1000


async def test_a_stop_finishes_what_is_in_flight(start_receiver: StartReceiver, receiver: Receiver) -> None:
    """case 73: stored and answered; later ones are refused at connect; idle connections do not hold up the stop."""
    slow = SlowStore(receiver.store)
    stopping = await start_receiver(writer=slow)
    port = stopping.http.port
    _, idle = await asyncio.open_connection("127.0.0.1", port)
    in_flight = asyncio.create_task(stopping.post("/v1/traces", traces().SerializeToString()))
    await slow.entered.wait()
    stop = asyncio.create_task(stopping.http.aclose())
    await asyncio.sleep(0.05)
    with pytest.raises(OSError):  # noqa: PT011  refused or reset, by the platform
        await asyncio.open_connection("127.0.0.1", port)
    slow.go_on.set()
    assert (await in_flight).status == 200
    async with asyncio.timeout(3):
        await stop
        await stopping.http.aclose()
    assert (await stopping.stored())["traces"] == 1
    idle.close()


async def test_a_port_in_use_is_one_clear_line(start_receiver: StartReceiver, receiver: Receiver) -> None:
    """case 74: for HTTP and for gRPC."""
    with pytest.raises(PortInUse, match=rf"127.0.0.1:{receiver.http.port}: another program listens there"):
        await start_receiver(http_port=receiver.http.port)
    with pytest.raises(PortInUse, match=rf"127.0.0.1:{receiver.grpc.port}: another program listens there"):
        await start_receiver(grpc_port=receiver.grpc.port)


def has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6) as probe:
        return probe.connect_ex(("::1", 9)) != 99


async def test_both_families_share_one_port(receiver: Receiver) -> None:
    """case 75: Node resolves localhost to ::1 first."""
    if not has_ipv6():
        pytest.skip("this machine has no ::1")
    assert receiver.http.addresses == [f"127.0.0.1:{receiver.http.port}", f"[::1]:{receiver.http.port}"]
    assert receiver.grpc.addresses == [f"127.0.0.1:{receiver.grpc.port}", f"[::1]:{receiver.grpc.port}"]
    async with receiver.session.post(
        f"http://[::1]:{receiver.http.port}/v1/traces", headers={"Content-Type": PROTOBUF}
    ) as answer:
        assert answer.status == 200
    async with grpc.aio.insecure_channel(f"[::1]:{receiver.grpc.port}") as channel:
        assert await export_method(channel)(b"", timeout=5) == b""


async def test_wildcards(start_receiver: StartReceiver) -> None:
    """case 75: what containers are given, in either spelling or both."""
    for hosts in (("0.0.0.0",), ("0.0.0.0", "::")):
        receiver = await start_receiver(hosts=hosts)
        assert (await receiver.post("/v1/traces", traces().SerializeToString())).status == 200
        async with grpc.aio.insecure_channel(receiver.grpc_target) as channel:
            assert await export_method(channel)(b"", timeout=5) == b""


def test_addresses_of_other_machines() -> None:
    """case 75: the line says which address it is."""
    with pytest.raises(CannotListen, match=r"192\.0\.2\.1"):
        open_sockets(["192.0.2.1"], 0)
    with pytest.raises(CannotListen, match=r"no-such-name\.invalid"):
        open_sockets(["no-such-name.invalid"], 0)


def tls_files(tmp_path: Path, *, client_ca: trustme.CA | None = None) -> tuple[trustme.CA, TlsSettings]:
    authority = trustme.CA()
    server = authority.issue_cert("localhost", "127.0.0.1")
    server.private_key_pem.write_to_path(tmp_path / "key.pem")
    for blob in server.cert_chain_pems:
        blob.write_to_path(tmp_path / "cert.pem", append=True)
    if client_ca is not None:
        client_ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    return authority, TlsSettings(tmp_path / "cert.pem", tmp_path / "key.pem", None if client_ca is None else tmp_path / "ca.pem")


def client_context(authority: trustme.CA, certificate: trustme.LeafCert | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if certificate is not None:
        certificate.configure_cert(context)
    return context


async def post_over_tls(receiver: Receiver, context: ssl.SSLContext) -> int:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        url = f"https://localhost:{receiver.http.port}/v1/traces"
        async with session.post(url, data=traces().SerializeToString(), headers={"Content-Type": PROTOBUF}) as answer:
            return answer.status


async def test_tls(start_receiver: StartReceiver, tmp_path: Path) -> None:
    """case 106: HTTP/1.1 over TLS, and HTTP/2 is not promised in the handshake."""
    authority, tls = tls_files(tmp_path)
    receiver = await start_receiver(tls=tls)
    assert await post_over_tls(receiver, client_context(authority)) == 200
    assert (await receiver.stored())["traces"] == 1
    context = client_context(authority)
    context.set_alpn_protocols(["h2", "http/1.1"])
    _, writer = await asyncio.open_connection("localhost", receiver.http.port, ssl=context)
    assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
    writer.close()


async def test_client_certificates(start_receiver: StartReceiver, tmp_path: Path) -> None:
    """case 108: none or a foreign one fails the handshake, the right one is let in."""
    clients = trustme.CA()
    authority, tls = tls_files(tmp_path, client_ca=clients)
    receiver = await start_receiver(tls=tls)
    foreign = trustme.CA().issue_cert("somebody@example.org")
    for context in (client_context(authority), client_context(authority, foreign)):
        with pytest.raises((aiohttp.ClientError, ssl.SSLError, ConnectionError)):
            await post_over_tls(receiver, context)
    assert await post_over_tls(receiver, client_context(authority, clients.issue_cert("agent@example.org"))) == 200
    assert (await receiver.stored())["traces"] == 1


def test_bad_tls_files_are_named(tmp_path: Path) -> None:
    """case 107."""
    _, tls = tls_files(tmp_path)
    with pytest.raises(BadTlsFile, match=r"missing\.pem cannot be read"):
        ssl_context(TlsSettings(tls.cert_file, tmp_path / "missing.pem"))
    (tmp_path / "empty.pem").touch()
    with pytest.raises(BadTlsFile, match=r"empty\.pem"):
        ssl_context(TlsSettings(tls.cert_file, tmp_path / "empty.pem"))
    with pytest.raises(BadTlsFile, match=r"empty\.pem"):
        ssl_context(TlsSettings(tls.cert_file, tls.key_file, tmp_path / "empty.pem"))
    trustme.CA().issue_cert("localhost").private_key_pem.write_to_path(tmp_path / "other-key.pem")
    with pytest.raises(BadTlsFile, match=r"other-key\.pem"):
        ssl_context(TlsSettings(tls.cert_file, tmp_path / "other-key.pem"))


async def test_unix_sockets(start_receiver: StartReceiver, tmp_path: Path) -> None:
    """case 109: HTTP and gRPC, and a socket that a dead process left is no obstacle."""
    (http_socket,) = open_sockets([f"unix:{tmp_path}/http.sock"], 0)
    http_socket.close()
    receiver = await start_receiver(hosts=(f"unix:{tmp_path}/http.sock",), grpc_hosts=(f"unix:{tmp_path}/grpc.sock",))
    assert receiver.http.addresses == [f"unix:{tmp_path}/http.sock"]
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(f"{tmp_path}/http.sock")) as session,
        session.post("http://localhost/v1/traces", data=b"", headers={"Content-Type": PROTOBUF}) as answer,
    ):
        assert answer.status == 200
    async with grpc.aio.insecure_channel(f"unix:{tmp_path}/grpc.sock") as channel:
        assert await export_method(channel)(b"", timeout=5) == b""
    with pytest.raises(PortInUse, match=r"http\.sock"):
        open_sockets([f"unix:{tmp_path}/http.sock"], 0)
