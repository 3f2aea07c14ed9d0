"""A store with nothing in it, to be copied: making one takes longer than most tests of faults."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from storage.sqlite.connect import connect_writer
from storage.sqlite.migrate import migrate

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "empty.db"
    with closing(connect_writer(path)) as connection:
        migrate(connection)
    return path
