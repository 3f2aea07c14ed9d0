"""Proves promise 8 from outside, on all three ports: keys and scopes, rates, TLS and mTLS, and who may listen where."""

from __future__ import annotations

import ssl
from base64 import b64encode
from typing import TYPE_CHECKING

import grpc
import pytest
import trustme
from opentelemetry.sdk.trace.export import SpanExportResult

from otlpd.exit_codes import ExitCode
from tests.acceptance.clients import TRANSPORTS, Files, Transport, exporter_to, grpc_exporter, http_exporter, send_trace
from tests.running import FREE_PORTS, Daemon, request, run_command

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import StartDaemon

OK = [SpanExportResult.SUCCESS, SpanExportResult.SUCCESS]
REFUSED = [SpanExportResult.FAILURE, SpanExportResult.FAILURE]


def new_key(home: Path, *scopes: str) -> str:
    """Made by the command, as users make one."""
    words = [word for scope in scopes for word in ("--scope", scope)]
    name = "+".join(scopes)
    made = run_command(["keys", "add", "--db", str(home / "otlpd.db"), "--name", name, *words], home)
    assert made.returncode == ExitCode.OK, made.stderr
    return made.stdout.strip()


def basic(key: str) -> str:
    return "Basic " + b64encode(f"anybody:{key}".encode()).decode()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_sending_needs_a_key_with_the_scope(transport: Transport, tmp_path: Path, start_daemon: StartDaemon) -> None:
    sender, reader = new_key(tmp_path, "ingest"), new_key(tmp_path, "query")
    daemon = start_daemon()
    assert send_trace(exporter_to(daemon, transport))[1] == REFUSED
    assert send_trace(exporter_to(daemon, transport, {"x-api-key": reader}))[1] == REFUSED
    for headers in ({"x-api-key": sender}, {"authorization": f"Bearer {sender}"}, {"authorization": basic(sender)}):
        assert send_trace(exporter_to(daemon, transport, headers))[1] == OK
    assert len(daemon.ask("/api/traces", {"x-api-key": reader})) == 3


def test_asking_needs_a_key_with_the_scope(tmp_path: Path, start_daemon: StartDaemon) -> None:
    sender, reader, owner = new_key(tmp_path, "ingest"), new_key(tmp_path, "query"), new_key(tmp_path, "admin")
    daemon = start_daemon()
    nobody = daemon.get("/api/traces")
    assert (nobody.status, nobody.json()["error"]["code"]) == (401, "unauthorized")
    assert nobody.headers["WWW-Authenticate"].startswith("Bearer")
    assert daemon.get("/api/traces", {"x-api-key": sender}).status == 403
    assert daemon.get("/api/traces", {"x-api-key": reader}).status == 200
    assert daemon.get("/api/traces", {"Authorization": basic(owner)}).status == 200
    assert daemon.get("/metrics").status == 401
    assert daemon.get("/health").status == 200


def test_the_api_port_asks_senders_for_a_key_too(tmp_path: Path, start_daemon: StartDaemon) -> None:
    new_key(tmp_path, "ingest")
    daemon = start_daemon()
    answer = request("POST", f"{daemon.api_url}/v1/traces", b"{}", {"Content-Type": "application/json"})
    assert answer.status == 401


def test_no_key_is_ever_logged(tmp_path: Path, start_daemon: StartDaemon) -> None:
    key = new_key(tmp_path, "ingest")
    daemon = start_daemon("--log-level", "debug")
    send_trace(exporter_to(daemon, "http", {"x-api-key": key}))
    daemon.get("/api/traces", {"x-api-key": key})
    daemon.get("/api/traces", {"x-api-key": "a-wrong-secret"})
    daemon.stop()
    text = str(daemon.log)
    assert key not in text
    assert "a-wrong-secret" not in text


def test_a_key_over_its_rate_is_told_when_to_come_back(tmp_path: Path, start_daemon: StartDaemon) -> None:
    key = new_key(tmp_path, "query")
    daemon = start_daemon("--rate-limit", "1")
    answers = [daemon.get("/api/services", {"x-api-key": key}) for _ in range(4)]
    assert [answer.status for answer in answers[:2]] == [200, 200]
    assert answers[-1].status == 429
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 5


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "127.0.0.1,0.0.0.0"])
def test_listening_beyond_this_machine_without_keys_is_refused(host: str, tmp_path: Path) -> None:
    ended = run_command(["serve", "--db", str(tmp_path / "a.db"), *FREE_PORTS, "--host", host], tmp_path)
    assert ended.returncode == ExitCode.USAGE
    assert "--insecure" in ended.stderr
    assert "otlpd keys add" in ended.stderr


def test_insecure_says_that_it_is_meant(start_daemon: StartDaemon) -> None:
    daemon = start_daemon("--host", "0.0.0.0", "--insecure")
    assert daemon.get("/api/traces", {"Host": "any.name.example"}).status == 200


def test_keys_of_the_environment_open_a_container(start_daemon: StartDaemon) -> None:
    secret = "0123456789abcdef0123456789abcdef"
    daemon = start_daemon(environment={"OTLPD_HOST": "0.0.0.0", "OTLPD_API_KEYS": f"query:{secret}"})
    assert daemon.get("/api/traces").status == 401
    assert daemon.get("/api/traces", {"x-api-key": secret}).status == 200


class Certificates:
    """An authority, a server's certificate for localhost, and a client's, as files."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        server = authority.issue_cert("localhost", "127.0.0.1")
        client = authority.issue_cert("client.example")
        self.authority, self.server, self.server_key = folder / "ca.pem", folder / "server.pem", folder / "server.key"
        self.client, self.client_key = folder / "client.pem", folder / "client.key"
        authority.cert_pem.write_to_path(self.authority)
        for file, key_file, issued in ((self.server, self.server_key, server), (self.client, self.client_key, client)):
            issued.cert_chain_pems[0].write_to_path(file)
            issued.private_key_pem.write_to_path(key_file)

    def server_words(self, *, mutual: bool) -> list[str]:
        words = ["--tls-cert-file", str(self.server), "--tls-key-file", str(self.server_key)]
        return [*words, "--tls-client-ca-file", str(self.authority)] if mutual else words

    def files(self, *, mutual: bool) -> Files:
        return Files(self.authority, self.client, self.client_key) if mutual else Files(self.authority)

    def context(self, *, mutual: bool) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.authority)
        if mutual:
            context.load_cert_chain(self.client, self.client_key)
        return context

    def channel_credentials(self, *, mutual: bool) -> grpc.ChannelCredentials:
        own = (self.client_key.read_bytes(), self.client.read_bytes()) if mutual else (None, None)
        return grpc.ssl_channel_credentials(self.authority.read_bytes(), *own)


@pytest.fixture
def certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificates:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)  # requests prefers them to the file that the exporter was given
    return Certificates(tmp_path)


def deliver_everywhere(daemon: Daemon, certificates: Certificates, *, mutual: bool) -> None:
    """Over gRPC, OTLP/HTTP, and OTLP/HTTP on the API port; then ask."""
    credentials = certificates.channel_credentials(mutual=mutual)
    files = certificates.files(mutual=mutual)
    sent = [
        send_trace(grpc_exporter(daemon, credentials=credentials)),
        send_trace(http_exporter(daemon.http_url, files=files)),
        send_trace(http_exporter(daemon.api_url, files=files)),
    ]
    assert [results for _, results in sent] == [OK, OK, OK]
    answer = daemon.get("/api/traces", tls=certificates.context(mutual=mutual))
    assert {trace["trace_id"] for trace in answer.json()} == {trace_id for trace_id, _ in sent}


def test_tls_on_all_three_ports(certificates: Certificates, start_daemon: StartDaemon, tmp_path: Path) -> None:
    daemon = start_daemon(*certificates.server_words(mutual=False))
    assert all(url.startswith("https://") for url in (daemon.grpc_url, daemon.http_url, daemon.api_url))
    deliver_everywhere(daemon, certificates, mutual=False)
    with pytest.raises(ConnectionError):
        request("GET", daemon.api_url.replace("https", "http") + "/health")
    assert run_command(["check", "--db", str(daemon.database)], tmp_path).returncode == ExitCode.OK


def test_mtls_on_all_three_ports(certificates: Certificates, start_daemon: StartDaemon, tmp_path: Path) -> None:
    daemon = start_daemon(*certificates.server_words(mutual=True))
    deliver_everywhere(daemon, certificates, mutual=True)
    stranger = certificates.context(mutual=False)
    for url in (daemon.http_url, daemon.api_url):
        with pytest.raises(OSError, match=r"(?i)certificate required|reset|closed"):
            request("GET", f"{url}/health", tls=stranger)
    refused = send_trace(grpc_exporter(daemon, credentials=certificates.channel_credentials(mutual=False)))
    assert refused[1] == REFUSED
    assert run_command(["check", "--db", str(daemon.database)], tmp_path).returncode == ExitCode.OK


def test_a_certificate_that_cannot_be_used_stops_the_start_by_name(certificates: Certificates, tmp_path: Path) -> None:
    for words, named in (
        (["--tls-cert-file", str(tmp_path / "no.pem"), "--tls-key-file", str(certificates.server_key)], "no.pem"),
        (["--tls-cert-file", str(certificates.server), "--tls-key-file", str(certificates.client_key)], "client.key"),
        ([*certificates.server_words(mutual=False), "--tls-client-ca-file", str(certificates.server_key)], "server.key"),
    ):
        ended = run_command(["serve", "--db", str(tmp_path / "a.db"), *FREE_PORTS, *words], tmp_path)
        assert ended.returncode == ExitCode.USAGE
        assert named in ended.stderr
    assert not (tmp_path / "a.db").exists()
