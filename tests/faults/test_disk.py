"""Proves what happens when the disk has no room or the file may not be written, on real file systems.

A small file system is mounted where the tests may (as root); elsewhere a child process runs under a limit of its file size.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from storage.batch import Written
from storage.errors import StoreFull, StoreUnwritable
from storage.sqlite.connect import connect_writer
from storage.sqlite.lock import FileLock
from tests.faults.plan import sender
from tests.faults.recount import faults_of, told
from tests.faults.telemetry import Log, Span, logs_batch, spans_batch

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
SIZE = "6m"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    options = ("-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder))
    if mount is None or subprocess.run([mount, *options], capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system takes rights that this user lacks")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_full_disk_refuses_and_recovers(empty: Path, small_disk: Path) -> None:
    """Written until it is full: refused with the words to come again, what was acknowledged is there; with room, all goes on."""
    path = Path(shutil.copy(empty, small_disk / "full.db"))
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 2**20)
    acknowledged: list[int] = []
    refusals = []
    with sender(path) as one:
        for number in range(400):
            answer = one.send(spans_batch([Span(number, number * 100 + at, attributes={"x": "y" * 300}) for at in range(50)]))
            if isinstance(answer, Written):
                acknowledged.append(number)
            else:
                refusals.append(answer)
            if len(refusals) > 5:
                break
        assert len(acknowledged) > 20
        assert refusals
        assert {type(refusal) for refusal in refusals} == {StoreFull}
        assert isinstance(one.probe(), StoreFull | None)
        ballast.unlink()
        assert one.probe() is None
        assert isinstance(one.send(logs_batch([Log()])), Written)
    assert len(told(path)["spans"]) == 50 * len(acknowledged)
    assert faults_of(path) == []


def test_disk_that_is_full_from_the_start(empty: Path, small_disk: Path) -> None:
    """Not even the index of the log fits: full, and not damaged."""
    path = Path(shutil.copy(empty, small_disk / "none.db"))
    fill_up(small_disk / "ballast")
    with pytest.raises(StoreFull), sender(path) as one:
        one.send(spans_batch([Span(1, 1)]))
    (small_disk / "ballast").unlink()
    with sender(path) as one:
        assert isinstance(one.send(spans_batch([Span(1, 1)])), Written)


def fill_up(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)


LIMITED = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from storage.batch import Written
from tests.faults.plan import sender
from tests.faults.telemetry import Span, spans_batch
with sender(Path(sys.argv[1])) as one:
    for number in range(1, 200):
        answer = one.send(spans_batch([Span(number, number * 100 + at, attributes={"x": "y" * 300}) for at in range(50)]))
        print(type(answer).__name__, number)
"""


def test_limit_of_the_file_size(empty: Path, tmp_path: Path) -> None:
    """The system stops the file from growing: what was acknowledged is there, the rest was refused, the process lives."""
    path = Path(shutil.copy(empty, tmp_path / "limited.db"))
    child = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path), str(ROOT)], capture_output=True, text=True, timeout=50, check=False
    )
    assert child.returncode == 0, child.stderr
    answers = [line.split() for line in child.stdout.splitlines()]
    acknowledged = [int(number) for name, number in answers if name == "Written"]
    assert len(answers) == 199
    assert 5 < len(acknowledged) < 199
    assert {name for name, _ in answers} <= {"Written", "StoreFull", "StoreUnwritable"}
    assert len(told(path)["spans"]) == 50 * len(acknowledged)
    assert faults_of(path) == []


READ_ONLY = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from storage.errors import StoreError
from storage.sqlite.connect import connect_writer
from storage.sqlite.lock import FileLock
from tests.faults.plan import sender
from tests.faults.telemetry import Span, spans_batch
# Python itself may lie where only root can read: all that is imported late is imported by a first run.
with sender(Path(sys.argv[3])) as one:
    one.send(spans_batch([Span(1, 1)]))
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
path = Path(sys.argv[1])
try:
    with sender(path) as one:
        print("answer", repr(one.send(spans_batch([Span(1, 1)]))))
except StoreError as error:
    print("open", repr(error))
try:
    FileLock(path)
except StoreError as error:
    print("lock", repr(error))
"""


@pytest.mark.parametrize(("mode", "folder_mode"), [(0o444, 0o777), (0o444, 0o555), (0o666, 0o555)])
def test_file_or_folder_that_may_not_be_written(empty: Path, tmp_path: Path, mode: int, folder_mode: int) -> None:
    """A person must act: the refusal says what to look at, and does not ask the sender to come again."""
    folder = tmp_path / "readonly"
    folder.mkdir()
    path = Path(shutil.copy(empty, folder / "readonly.db"))
    warm_up = Path(shutil.copy(empty, tmp_path / "first.db"))
    path.chmod(mode)
    folder.chmod(folder_mode)
    for parent in [tmp_path, *tmp_path.parents][:3]:
        parent.chmod(0o755)
    try:
        child = subprocess.run(
            [sys.executable, "-c", READ_ONLY, str(path), str(ROOT), str(warm_up)],
            capture_output=True, text=True, timeout=50, check=False, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
    finally:
        folder.chmod(0o755)
    assert child.returncode == 0, child.stderr
    first, *lock = child.stdout.splitlines()
    assert "StoreUnwritable" in first
    assert "check" in first or "cannot" in first
    if folder_mode == 0o555:
        assert "StoreUnwritable" in lock[0]


def test_lock_file_that_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.db.lock").mkdir()
    with pytest.raises(StoreUnwritable, match="cannot be written"):
        FileLock(tmp_path / "a.db")


def test_folder_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(StoreUnwritable, match="cannot be opened"):
        connect_writer(tmp_path / "nowhere" / "a.db")
