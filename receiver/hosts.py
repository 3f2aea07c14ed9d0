"""Whether a Host header names this machine, or a name it was given: the guard against DNS rebinding.

A web page can point its own name at 127.0.0.1 and then speak to a local daemon as if it were its own server. The browser
still sends the page's name as Host, so on loopback only loopback names, addresses and configured names are answered.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_CACHED = 1024


def is_loopback(host: str) -> bool:
    """Whether a name or an address (IPv6 without brackets) means this very machine."""
    host = host.lower().rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def host_pattern(patterns: Iterable[str]) -> re.Pattern[str]:
    """One expression for names in which `*` stands for any run of characters within the name."""
    alternatives = (re.escape(pattern.strip().lower().rstrip("/")).replace(r"\*", "[^/]*") for pattern in patterns)
    return re.compile("|".join(alternatives) or r"(?!)")


class HostCheck:
    """Judges Host headers. An address is always fine: there is no name in it that could be rebound."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed = host_pattern(allowed)
        self.allows = lru_cache(_CACHED)(self._allows)

    def _allows(self, header: str | None) -> bool:
        host = _without_port(header or "").lower()
        if not host or is_loopback(host) or _is_container_host(host) or self._allowed.fullmatch(host):
            return True
        try:
            ip_address(host)
        except ValueError:
            return False
        return True


def _is_container_host(host: str) -> bool:
    """host.docker.internal and its kin: how containers reach loopback of their host. Nobody can register .internal names."""
    return host.startswith("host.") and host.endswith(".internal")


def _without_port(header: str) -> str:
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]
