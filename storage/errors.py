"""What a store can refuse, in one hierarchy: receivers sort it into retryable and permanent, the API into status codes."""

from __future__ import annotations


class StoreError(Exception):
    """Base of all refusals of a store; the message is written for the person who runs otlpd."""


class TemporaryError(StoreError):
    """The same call may succeed later. `retry_after` is in whole seconds, 1 to 5 (SDKs give up on longer waits)."""

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StoreBusy(TemporaryError):
    """The queue before the writer is full, or another program holds the write lock."""


class StoreFull(TemporaryError):
    """The disk, the quota or the configured maximum leaves no room. Temporary: retention or a person makes room."""


class StoreClosed(TemporaryError):
    """The store is closing or closed; a client's retry reaches the next process."""


class StoreUnwritable(StoreError):
    """The file is read-only, damaged or gone; a retry meets the same fault until a person acts."""


class StoreInUse(StoreError):
    """Another daemon holds the lock file beside the database."""


class NotAStore(StoreError):
    """The file is not an SQLite database, or one that is not otlpd's."""


class SchemaTooNew(StoreError):
    """The file was written by a newer otlpd whose schema this one cannot keep."""


class QueryTimeout(StoreError):
    """The question did not finish within its deadline; a narrower `start` and `end` makes it cheaper."""


class BadQuestion(StoreError):
    """The question cannot be answered as put (for example a percentile of a gauge). Names the parameter."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter
