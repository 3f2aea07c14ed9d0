"""Where to and how telemetry is forwarded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMES = ("http", "https", "grpc", "grpcs")
MIB = 2**20


class BadUpstream(ValueError):
    """The address is none that can be sent to; the message says why."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """`url` is http://, https:// (OTLP over HTTP, the path before /v1/…), grpc:// or grpcs://. Headers may be secrets."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    compress: bool = True
    timeout_seconds: float = 10.0
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in SCHEMES or not parts.hostname:
            raise BadUpstream(f"{self.shown}: must begin with http://, https://, grpc:// or grpcs://, and name a host")
        if parts.query or parts.fragment:
            raise BadUpstream(f"{self.shown}: has a query or a fragment; give the address before /v1/traces")

    @property
    def is_grpc(self) -> bool:
        return self.url.startswith("grpc")

    @property
    def is_tls(self) -> bool:
        return urlsplit(self.url).scheme in {"https", "grpcs"}

    @property
    def target(self) -> str:
        """Host and port; the port is that of OTLP where none is named."""
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        port = parts.port or (4317 if self.is_grpc else 443 if self.is_tls else 4318)
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def shown(self) -> str:
        """The address without a user's name and password."""
        parts = urlsplit(self.url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    @property
    def base(self) -> str:
        """The URL that signal paths are added to, for HTTP."""
        parts = urlsplit(self.shown)
        return parts._replace(netloc=self.target).geturl().rstrip("/")


@dataclass(frozen=True, slots=True)
class Pace:
    """How much at once, and how long between two attempts. Waits double from the first to the longest, with jitter."""

    rows: int = 2000
    request_bytes: int = 3 * MIB  # receivers over gRPC refuse more than 4 MiB unless told otherwise
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 30.0
    longest_asked_seconds: float = 300.0  # of what an upstream asks for with Retry-After
    idle_seconds: float = 1.0  # how often is looked for news that nobody told of
