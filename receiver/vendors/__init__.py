"""Other people's JSON as OTLP: one module per dialect, all of them pure functions, and the table of their endpoints.

The HTTP layer reads the body, calls the endpoint's `translate(body, headers, received_time_ns)`, commits the messages
of the `Translation` through the same queue as any OTLP request, and then calls
`answer(translation, stored)`. `headers` have lower-case names.

Some answers quote what only the store knows: a stable number of an event, or whether a run was new. So `stored` maps
each of `translation.keys` to `Stored(record_id, is_new)`: the number of the first log record that was ever stored under
that key, and whether this request stored it. A key is a `log.record.uid`, or, when it ends in `#`, a prefix of
`log.record.uid`s: the documents of one thing, of which the first one counts. Dialects whose answers do not depend on
the store ignore the mapping.

`VendorRequestError` is all that `translate` raises; it carries the finished answer. Faults that the HTTP layer finds
are worded by the dialect's `refuse(status, message)`.
"""

from receiver.vendors.cylestio_local import DIALECT as CYLESTIO_LOCAL
from receiver.vendors.cylestio_mini import DIALECT as CYLESTIO_MINI
from receiver.vendors.device_metrics import DIALECT as DEVICE_METRICS
from receiver.vendors.dialect import (
    Answer,
    Dialect,
    Element,
    Endpoint,
    SignaturePolicy,
    Stored,
    Translation,
    VendorRequestError,
)
from receiver.vendors.local_telemetry import DIALECT as LOCAL_TELEMETRY
from receiver.vendors.richardops import DIALECT as RICHARDOPS

DIALECTS: tuple[Dialect, ...] = (CYLESTIO_MINI, CYLESTIO_LOCAL, DEVICE_METRICS, RICHARDOPS, LOCAL_TELEMETRY)

__all__ = [
    "DIALECTS",
    "LOCAL_TELEMETRY",
    "Answer",
    "Dialect",
    "Element",
    "Endpoint",
    "SignaturePolicy",
    "Stored",
    "Translation",
    "VendorRequestError",
    "find_endpoint",
]


def find_endpoint(method: str, path: str) -> tuple[Dialect, Endpoint] | None:
    """The endpoint that answers a method and path, in either slash form."""
    for dialect in DIALECTS:
        for endpoint in dialect.endpoints:
            if method in endpoint.methods and path in endpoint.paths:
                return dialect, endpoint
    return None
