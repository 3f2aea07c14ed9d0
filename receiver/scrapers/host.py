"""The figures of one machine under the names of the semantic conventions: processors, memory, disks, network, processes.

What the operating system does not tell (another user's process, a missing sensor) is left out, never guessed.
"""

from __future__ import annotations

import contextlib
import heapq
import platform
import socket
import time
from typing import TYPE_CHECKING, Any

import psutil

from receiver.scrapers.points import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from receiver.scrapers.points import Scrape

SCOPE = "otlpd.host"
_CPU_MODES = {
    "user": "user", "system": "system", "idle": "idle", "iowait": "iowait", "nice": "nice", "irq": "interrupt",
    "softirq": "interrupt", "steal": "steal",
}  # fmt: skip
_MEMORY_STATES = ("used", "free", "buffers", "cached", "shared")
_PSEUDO = frozenset({"squashfs", "overlay", "tmpfs", "devtmpfs", "autofs", "proc", "sysfs", "nsfs", "fuse.lxcfs"})
_READ_WRITE = (("read", "read_count", "read_bytes"), ("write", "write_count", "write_bytes"))
_NANOSECONDS = 10**9


def resource() -> dict[str, str | int]:
    system = platform.system().lower()
    return {
        "host.name": socket.gethostname(),
        "host.arch": {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine().lower(), platform.machine().lower()),
        "os.type": system or "unknown",
        "os.version": platform.release(),
        "service.name": "otlpd-collect",
    }


class HostScraper:
    """`processes` is how many of the largest processes are told of one by one."""

    def __init__(self, processes: int = 10) -> None:
        self._processes = processes
        self._resource = resource()
        self._boot = int(psutil.boot_time() * _NANOSECONDS)
        self._cpu = psutil.cpu_times()

    def scrape(self, into: Scrape) -> None:
        """Reads everything; takes some 10 ms, and 1 ms for every hundred processes."""
        into.add(self._resource, self._figures(), self._boot)
        for owner, figures, started in self._largest():
            into.add({**self._resource, **owner}, figures, started)

    def _figures(self) -> Iterator[Figure]:
        for part in (self._processors, _memory, _disks, _file_systems, _network, _connections, _counts):
            with contextlib.suppress(psutil.Error, OSError, NotImplementedError):
                yield from part()

    def _processors(self) -> Iterator[Figure]:
        before, self._cpu = self._cpu, psutil.cpu_times()
        spent = _by_mode(self._cpu)
        grown = {mode: max(value - _by_mode(before).get(mode, 0.0), 0.0) for mode, value in spent.items()}
        total = sum(grown.values())
        for mode, seconds in spent.items():
            yield Figure("system.cpu.time", seconds, "s", "counter", {"cpu.mode": mode})
            if total > 0:
                yield Figure("system.cpu.utilization", round(grown[mode] / total, 6), "1", "gauge", {"cpu.mode": mode})
        yield Figure("system.cpu.logical.count", psutil.cpu_count() or 1, "{cpu}", "updown")
        if physical := psutil.cpu_count(logical=False):
            yield Figure("system.cpu.physical.count", physical, "{cpu}", "updown")
        for minutes, load in zip((1, 5, 15), psutil.getloadavg(), strict=True):
            yield Figure(f"system.cpu.load_average.{minutes}m", round(load, 4), "{thread}")

    def _largest(self) -> Iterator[tuple[dict[str, str | int], list[Figure], int]]:
        if self._processes <= 0:
            return
        found = []
        for process in psutil.process_iter(["memory_info"]):
            memory = process.info["memory_info"]
            if memory is not None:
                found.append((memory.rss, process.pid, process))
        for _, _, process in heapq.nlargest(self._processes, found):
            with contextlib.suppress(psutil.Error, OSError):
                yield _process(process)


def _by_mode(times: Any) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, value in times._asdict().items():
        if mode := _CPU_MODES.get(name):
            found[mode] = found.get(mode, 0.0) + value
    return found


def _process(process: psutil.Process) -> tuple[dict[str, str | int], list[Figure], int]:
    with process.oneshot():
        owner: dict[str, str | int] = {
            "process.pid": process.pid,
            "process.executable.name": process.name(),
            "process.parent_pid": process.ppid(),
            "process.owner": process.username(),
        }
        cpu, memory = process.cpu_times(), process.memory_info()
        figures = [
            Figure("process.cpu.time", cpu.user, "s", "counter", {"cpu.mode": "user"}),
            Figure("process.cpu.time", cpu.system, "s", "counter", {"cpu.mode": "system"}),
            Figure("process.memory.usage", memory.rss, "By", "updown"),
            Figure("process.memory.virtual", memory.vms, "By", "updown"),
            Figure("process.thread.count", process.num_threads(), "{thread}", "updown"),
            Figure("process.uptime", max(time.time() - process.create_time(), 0.0), "s"),
        ]
        if hasattr(process, "num_fds"):
            with contextlib.suppress(psutil.AccessDenied):
                figures.append(Figure("process.unix.file_descriptor.count", process.num_fds(), "{file_descriptor}", "updown"))
        return owner, figures, int(process.create_time() * _NANOSECONDS)


def _memory() -> Iterator[Figure]:
    memory = psutil.virtual_memory()
    yield Figure("system.memory.limit", memory.total, "By", "updown")
    for state in _MEMORY_STATES:
        if (size := getattr(memory, state, None)) is not None:
            yield Figure("system.memory.usage", size, "By", "updown", {"system.memory.state": state})
            yield Figure("system.memory.utilization", round(size / memory.total, 6), "1", "gauge", {"system.memory.state": state})
    swap = psutil.swap_memory()
    for state in ("used", "free"):
        yield Figure("system.paging.usage", getattr(swap, state), "By", "updown", {"system.paging.state": state})


def _disks() -> Iterator[Figure]:
    for device, disk in (psutil.disk_io_counters(perdisk=True) or {}).items():
        for direction, operations, size in _READ_WRITE:
            where = {"system.device": device, "disk.io.direction": direction}
            yield Figure("system.disk.io", getattr(disk, size), "By", "counter", where)
            yield Figure("system.disk.operations", getattr(disk, operations), "{operation}", "counter", where)


def _file_systems() -> Iterator[Figure]:
    for partition in psutil.disk_partitions(all=False):
        if partition.fstype in _PSEUDO:
            continue
        try:
            usage = psutil.disk_usage(partition.mountpoint)
        except OSError:
            continue  # an empty drive, or one that this user may not look at
        where = {
            "system.device": partition.device,
            "system.filesystem.mountpoint": partition.mountpoint,
            "system.filesystem.type": partition.fstype,
        }
        for state in ("used", "free"):
            size, named = getattr(usage, state), {**where, "system.filesystem.state": state}
            yield Figure("system.filesystem.usage", size, "By", "updown", named)
            if usage.total:
                yield Figure("system.filesystem.utilization", round(size / usage.total, 6), "1", "gauge", named)


def _network() -> Iterator[Figure]:
    for device, counted in psutil.net_io_counters(pernic=True).items():
        for direction, size, packets, errors, dropped in (
            ("receive", counted.bytes_recv, counted.packets_recv, counted.errin, counted.dropin),
            ("transmit", counted.bytes_sent, counted.packets_sent, counted.errout, counted.dropout),
        ):
            where = {"network.interface.name": device, "network.io.direction": direction}
            yield Figure("system.network.io", size, "By", "counter", where)
            yield Figure("system.network.packet.count", packets, "{packet}", "counter", where)
            yield Figure("system.network.errors", errors, "{error}", "counter", where)
            yield Figure("system.network.packet.dropped", dropped, "{packet}", "counter", where)


def _connections() -> Iterator[Figure]:
    states: dict[str, int] = {}
    for connection in psutil.net_connections(kind="tcp"):
        states[connection.status.lower()] = states.get(connection.status.lower(), 0) + 1
    for state, count in states.items():
        where = {"network.transport": "tcp", "network.connection.state": state}
        yield Figure("system.network.connection.count", count, "{connection}", "updown", where)


def _counts() -> Iterator[Figure]:
    yield Figure("system.process.count", len(psutil.pids()), "{process}", "updown")
    yield Figure("system.uptime", time.time() - psutil.boot_time(), "s")
