"""What can be set about receiving, with the default and the reason for its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ReceiverSettings:
    """Limits and doors of the OTLP receiver; the same for every port that serves it."""

    max_body_bytes: int = 64 * MIB
    """Per request, as sent and again after decompression: what the OTLP specification recommends."""

    max_pending_bytes: int = 256 * MIB
    """All bodies between their first byte and their answer. Over it senders are told to come back in a second."""

    body_timeout_seconds: float = 30.0
    """A whole body; SDKs give up on an export after 10 s, a Collector after 30 s."""

    path_prefixes: tuple[str, ...] = ()
    """Further base paths: "/otlp" serves /otlp/v1/traces as well as /v1/traces."""

    allowed_origins: tuple[str, ...] = ()
    """Origins of web pages that may send, besides loopback ones; `https://*.example.com` stands for every subdomain."""

    allowed_hosts: tuple[str, ...] = ()
    """Names that Host may have, besides loopback names and addresses, where it is checked."""

    check_host: bool = True
    """Refuse other names in Host. Meant for loopback: it keeps web pages out that rebind their own name to 127.0.0.1."""


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """Files in PEM. With `client_ca_file` a client must show a certificate that this authority signed (mTLS)."""

    cert_file: Path
    key_file: Path
    client_ca_file: Path | None = None
