"""Where the daemon can be reached, for the banner, the log, the lock file and `otlpd check`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104  replaced, not bound


@dataclass(frozen=True, slots=True)
class Addresses:
    """What is listened on, as people write it (127.0.0.1:4317), the one to use first."""

    grpc: Sequence[str]
    http: Sequence[str]
    api: Sequence[str]
    tls: bool

    @property
    def grpc_url(self) -> str:
        return self._url(self.grpc)

    @property
    def http_url(self) -> str:
        return self._url(self.http)

    @property
    def api_url(self) -> str:
        return self._url(self.api)

    def _url(self, addresses: Sequence[str]) -> str:
        host, _, port = addresses[0].rpartition(":")
        return f"{'https' if self.tls else 'http'}://{_EVERYWHERE.get(host, host)}:{port}"
