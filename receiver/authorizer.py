"""How the receiver asks whether a sender may send, without knowing how keys are kept.

An authorizer is given the request's headers and the scope that is needed, before any byte of the body is read, and raises
Unauthenticated, PermissionDenied or RateLimited. Names of headers are to be looked up in lower case: HTTP hands over a
mapping that ignores case, gRPC one whose keys are lower case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

Authorizer = Callable[[Mapping[str, str], str], None]

INGEST_SCOPE = "ingest"


def allow_all(headers: Mapping[str, str], scope: str) -> None:
    """No keys: everybody who reaches the port may send."""
