"""What the daemon says when it is ready: where its page is, where it listens, what to paste into a program, a first question."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otlpd.addresses import Addresses
    from otlpd.config import Configuration

_KEY = "<key>"


def banner(version: str, addresses: Addresses, configuration: Configuration) -> str:
    settings = configuration.settings
    with_keys = bool(configuration.keys)
    certificate = f"export OTEL_EXPORTER_OTLP_CERTIFICATE={settings.tls_cert_file}" if addresses.tls else ""
    header = f'export OTEL_EXPORTER_OTLP_HEADERS="x-api-key={_KEY}"' if with_keys else ""
    curl = ["curl"]
    if addresses.tls:
        curl.append(f"--cacert {settings.tls_cert_file}")
    if with_keys:
        curl.append(f"-H 'x-api-key: {_KEY}'")
    lines = [
        f"otlpd {version} is ready.",
        "",
        f"  web page   {addresses.api_url}/",
        f"  OTLP/gRPC  {' '.join(addresses.grpc)}",
        f"  OTLP/HTTP  {' '.join(addresses.http)}",
        f"  JSON API   {' '.join(addresses.api)}   documentation: {addresses.api_url}/docs",
        f"  database   {settings.db}",
        f"  API keys   {_about_keys(configuration)}",
        "",
        "Point a program at it (with its OpenTelemetry SDK, over HTTP or gRPC):",
        "",
        f"  export OTEL_EXPORTER_OTLP_ENDPOINT={addresses.http_url} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
        f"  export OTEL_EXPORTER_OTLP_ENDPOINT={addresses.grpc_url} OTEL_EXPORTER_OTLP_PROTOCOL=grpc",
        *(f"  {line}" for line in (header, certificate) if line),
        "",
        "and ask:",
        "",
        f"  {' '.join(curl)} {addresses.api_url}/api/traces",
        "",
        "Ctrl-C stops it; what was acknowledged is on disk.",
    ]
    return "\n".join(lines)


def _about_keys(configuration: Configuration) -> str:
    if configuration.keys:
        return f"{len(configuration.keys)} in use; `otlpd keys` makes, lists and revokes them"
    if configuration.settings.insecure:
        return "none: EVERYBODY who reaches these ports may send and ask"
    return "none: every program on this machine may send and ask (`otlpd keys add` changes that)"
