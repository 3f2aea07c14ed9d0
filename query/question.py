"""What a handler is given: one question, with everything needed to answer it, and the table entry it came by.

A route is data. The same entry registers the handler, reads and checks the query string, and writes the OpenAPI document, so
that the three cannot disagree.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from aiohttp import web

    from query.kinds import Kind
    from storage.contract import Store

MEBIBYTE = 1024 * 1024
QUERY_SCOPE = "query"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client, and all of them together, may cost."""

    query_characters: int = 4096  # aiohttp itself refuses a request line of more than 8,190 bytes
    answer_bytes: int = 64 * MEBIBYTE
    running_questions: int = 16
    streams: int = 32
    stream_events: int = 1000  # waiting for one client of /api/stream; the oldest are dropped and counted


@dataclass(frozen=True, slots=True)
class Measurement:
    """One figure that the program keeps about itself. A counter's name ends in _total."""

    name: str
    value: float
    description: str
    labels: Mapping[str, str] = field(default_factory=dict)


# Given the headers and the scope that is needed; raises an exception with an `http_status` (401, 403, 429) on a refusal.
# Names of headers are looked up in lower case.
Authorize: TypeAlias = Callable[[Mapping[str, str], str], None]


@dataclass(frozen=True, slots=True)
class QueryContext:
    """`clock` gives nanoseconds since 1970. `authorize` is None where no keys are in use."""

    store: Store
    clock: Callable[[], int]
    counters: Callable[[], Iterable[Measurement]]
    version: str
    limits: Limits = field(default_factory=Limits)
    authorize: Authorize | None = None
    # What the engine tells about itself: `db_path`, `journal_mode`, `synchronous`.
    engine: Mapping[str, str] = field(default_factory=dict)
    # One for each exporter: what it has sent, what waits, what went wrong last.
    exporters: Sequence[Callable[[], Awaitable[dict[str, Any]]]] = ()


@dataclass(frozen=True, slots=True)
class Parameter:
    """`default` is text, read like any other; `cost` names what makes a question cheaper when it takes too long."""

    name: str
    kind: Kind
    description: str
    example: str = ""
    default: str | None = None
    required: bool = False
    narrows: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """One path. `schema` is the JSON schema of a good answer; a route without one is a page and not in the document.
    `text_types` are the media types in which the same answer can be had as text.

    `bounded` routes ask the store and count against Limits.running_questions; `open` ones need no key.
    """

    path: str
    handler: Callable[[Question], Awaitable[web.StreamResponse]]
    summary: str
    description: str = ""
    parameters: Sequence[Parameter] = ()
    schema: Mapping[str, Any] | None = None
    media_type: str = "application/json"
    text_types: Sequence[str] = ()
    tag: Literal["traces", "logs", "metrics", "latency", "agents", "live", "status", "pages"] = "status"
    attributes: bool = False
    paged: bool = False
    bounded: bool = True
    open: bool = False
    statuses: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """One request, its parameters read: `values` has every parameter of the route, None where it was not given."""

    request: web.Request
    context: QueryContext
    route: Route
    values: Mapping[str, Any]
    now: int

    @property
    def store(self) -> Store:
        return self.context.store
