"""What the commands that read and write Parquet share: pyarrow is an extra, and not everybody has it."""

from __future__ import annotations

from importlib.util import find_spec

from otlpd.exit_codes import CannotStart, ExitCode


def check_pyarrow() -> None:
    if find_spec("pyarrow") is None:
        raise CannotStart(ExitCode.USAGE, "Parquet needs pyarrow, which is not installed: pip install 'otlpd[parquet]'")
