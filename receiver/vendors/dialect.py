"""What every vendor dialect states: its endpoints, how its JSON becomes OTLP, and what its clients are told.

All of it is pure: `translate` reads bytes and returns OTLP messages, the caller stores them through the same queue as
any other telemetry, and `answer` is called after the commit, so that a vendor's 200, 201 or 202 means "on disk".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from receiver.vendors.cylestio_events import Event

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = dict[str, Json]
Signal = Literal["traces", "metrics", "logs"]
ExportRequest = ExportTraceServiceRequest | ExportMetricsServiceRequest | ExportLogsServiceRequest


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON body for the client."""

    status: int
    body: JsonObject
    headers: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Body as bytes. ASCII escapes carry even a lone surrogate that a client sent and is quoted back."""
        return json.dumps(self.body, separators=(",", ":"), allow_nan=False).encode("ascii")


class VendorRequestError(Exception):
    """The only error that `translate` and `authenticate` raise: nothing is stored, the client gets `answer`."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.status} {answer.body}")
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store says about one key of a translation, after the commit.

    `record_id` is the number of the first record that was ever stored under the key, and `is_new` tells whether that
    happened in this request.
    """

    record_id: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class Element:
    """One JSON record of a request: the whole body, or one element of a batch.

    `uid` is the `log.record.uid` of its primary log record. `key` is the text under which the client expects
    idempotency: the uid itself, or a prefix of it that ends in `#` where several documents describe one thing.
    A refused element has neither, but an `error`. `echo` is what the answer quotes back.
    """

    uid: str | None
    key: str | None
    error: str | None = None
    echo: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Translation:
    """The OTLP messages to store, in order, and what the answer will need."""

    requests: tuple[tuple[Signal, ExportRequest], ...]
    elements: tuple[Element, ...]
    is_batch: bool
    received_time_ns: int
    # What the requests were made of, where a start and its finish may come apart.
    events: Sequence[Event] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Distinct keys of the accepted elements, in order: what the store is asked about for the answer."""
        return tuple(dict.fromkeys(element.key for element in self.elements if element.key is not None))


Translate = Callable[[bytes, Mapping[str, str], int], Translation]
MakeAnswer = Callable[[Translation, Mapping[str, Stored]], Answer]


@dataclass(frozen=True, slots=True)
class SignaturePolicy:
    """A shared secret and the age up to which a signed request is accepted."""

    secret: bytes = field(repr=False)
    window_seconds: int = 24 * 3600

    def __post_init__(self) -> None:
        if not self.secret:
            raise ValueError("the secret that signs requests is empty: set one, or leave signatures off")


Authenticate = Callable[[bytes, Mapping[str, str], int, SignaturePolicy], None]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One door of a dialect. Both slash forms are real routes: a redirect loses the body of many HTTP clients."""

    methods: tuple[str, ...]
    path: str
    translate: Translate
    answer: MakeAnswer
    authenticate: Authenticate | None = None
    # Whether the answer quotes what the store says about the translation's keys.
    quotes_store: bool = False

    @property
    def paths(self) -> tuple[str, str]:
        return self.path, self.path + "/"


@dataclass(frozen=True, slots=True)
class Dialect:
    """One vendor system. `refuse` words a fault that the HTTP layer found (413, 503 …) in the dialect's error style."""

    system: str
    version: str
    endpoints: tuple[Endpoint, ...]
    refuse: Callable[[int, str], Answer]
