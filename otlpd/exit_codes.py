"""What the command's exit codes mean; docs/configuration.md tells them to users."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    OK = 0
    FAILED = 1
    USAGE = 2
    ADDRESS = 3
    DATABASE = 4


MEANINGS = {
    ExitCode.OK: "done; after SIGTERM or SIGINT: stopped, and everything that was acknowledged is on disk",
    ExitCode.FAILED: "something else went wrong; `otlpd check`: the daemon is not there or not ready",
    ExitCode.USAGE: "the command line or a setting is wrong; every fault is named with its origin",
    ExitCode.ADDRESS: "an address cannot be listened on, most often because another program does already",
    ExitCode.DATABASE: "the database is in use by another daemon (which is named), or cannot be used",
}


class CannotStart(Exception):
    """Ends the command with `code`, after one clear message."""

    def __init__(self, code: ExitCode, message: str) -> None:
        super().__init__(message)
        self.code = code
