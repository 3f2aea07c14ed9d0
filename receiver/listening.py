"""Listening sockets on several addresses that share one port, and clear words when that cannot be.

`localhost` is 127.0.0.1 for some clients and ::1 for others, so both are listened on; a machine without IPv6 makes do with
one. A host may also be `unix:/path`.
"""

from __future__ import annotations

import errno
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LOOPBACK = ("127.0.0.1", "::1")
UNIX_PREFIX = "unix:"

_BACKLOG = 1024
_PORT_TRIES = 20
_NO_SUCH_ADDRESS = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


class CannotListen(Exception):
    """An address cannot be listened on; the message names it and says why."""


class PortInUse(CannotListen):
    """Another program listens there."""


def open_sockets(hosts: Sequence[str], port: int) -> list[socket.socket]:
    """Bound, non-blocking sockets that do not listen yet; port 0 picks one that is free on all addresses."""
    for _ in range(_PORT_TRIES - 1):
        try:
            return _open_all(hosts, port)
        except PortInUse:
            if port:
                raise
    return _open_all(hosts, port)


def address_text(listener: socket.socket) -> str:
    """How people write the address of a socket: 127.0.0.1:4318, [::1]:4318, unix:/run/otlpd.sock."""
    if listener.family == socket.AF_UNIX:
        return f"{UNIX_PREFIX}{listener.getsockname()}"
    return host_and_port(*listener.getsockname()[:2])


def host_and_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _open_all(hosts: Sequence[str], port: int) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    try:
        for host in hosts:
            if host.startswith(UNIX_PREFIX):
                sockets.append(_open_unix(Path(host.removeprefix(UNIX_PREFIX))))
                continue
            for family, address in _resolve(host, port):
                listener = _open_tcp(family, (address, port))
                if listener is not None:
                    sockets.append(listener)
                    port = listener.getsockname()[1]
    except BaseException:
        for listener in sockets:
            listener.close()
        raise
    if not sockets:
        raise CannotListen(f"cannot listen on {', '.join(hosts)}: this machine has no such address")
    return sockets


def _resolve(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise CannotListen(f"cannot listen on {host}: the name is not known ({error.strerror})") from None
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def _open_tcp(family: socket.AddressFamily, address: tuple[str, int]) -> socket.socket | None:
    """Bind one address; None when this machine does not have it."""
    try:
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        return None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        # With SO_REUSEADDR two sockets may be bound to one port; only one of them may listen.
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno in _NO_SUCH_ADDRESS:
            return None
        raise _refusal(host_and_port(*address), error) from None
    listener.setblocking(False)
    return listener


def _open_unix(path: Path) -> socket.socket:
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _refusal(f"{UNIX_PREFIX}{path}", error) from None
    listener.setblocking(False)
    return listener


def _remove_stale(path: Path) -> None:
    """Remove the socket that a dead process left; one that answers belongs to somebody."""
    try:
        if not stat.S_ISSOCK(path.stat().st_mode):
            return
    except OSError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)


def _refusal(address: str, error: OSError) -> CannotListen:
    if error.errno == errno.EADDRINUSE:
        return PortInUse(f"cannot listen on {address}: another program listens there; stop it or choose another port")
    if error.errno == errno.EACCES:
        return CannotListen(f"cannot listen on {address}: not permitted (ports below 1024 need special rights)")
    return CannotListen(f"cannot listen on {address}: {error.strerror or error}")
