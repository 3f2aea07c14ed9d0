"""A model server on loopback that answers by rule and keeps a journal: what libraries are recorded against.

Speaks OpenAI (chat completions, responses, embeddings), Anthropic (messages) and Gemini (generateContent), streamed or not.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar, Self

from proto_fixtures.record.agents import model_openai, model_others
from proto_fixtures.record.agents.model_answers import Asked, Reply, Usage, reply

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

GEMINI = re.compile(r"/models/([^/:]+):(streamGenerateContent|generateContent)$")
REFUSAL = "Rate limit reached: the stub was asked to refuse."


@dataclass(frozen=True)
class Served:
    """One line of the journal. ``told`` is false where a stream was not asked for its usage, so nobody can know it."""

    path: str
    reply: Reply
    stream: bool
    told: bool


class ModelServer:
    """Listens while it is entered; ``take()`` gives the journal since the last call, and counting starts again at 1."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._journal: list[Served] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"model": self}))

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def take(self) -> list[Served]:
        with self._lock:
            taken, self._journal = self._journal, []
        return taken

    def answer(self, path: str, asked: Asked) -> Reply:
        with self._lock:
            given = reply(asked, len(self._journal) + 1)
            self._journal.append(Served(path, given, asked.stream, asked.usage_wanted))
        return given

    def embed(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            number = len(self._journal) + 1
            answer = model_openai.embeddings(body, number)
            spent = Usage(answer["usage"]["prompt_tokens"], 0)
            self._journal.append(Served(path, Reply(number, body["model"], spent), stream=False, told=True))
        return answer

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._http.shutdown()
        self._http.server_close()


class _Handler(BaseHTTPRequestHandler):
    model: ClassVar[ModelServer]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._send(404, {"error": {"message": "nothing is here but models to be asked"}})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
        path = self.path.partition("?")[0]
        if path.endswith("/embeddings"):
            self._send(200, self.model.embed(path, body))
            return
        asked = _asked(path, body)
        if asked is None:
            self._send(404, {"error": {"message": f"no model at {path}"}})
            return
        given = self.model.answer(path, asked)
        whole, stream = _answers(path, asked, given, body)
        self._give(given, asked, whole, stream)

    def _give(self, given: Reply, asked: Asked, whole: dict[str, Any], stream: Iterable[str]) -> None:
        # Anthropic and OpenAI each name a request in a header of their own.
        names = dict.fromkeys(("request-id", "x-request-id"), f"req_stub_{given.number:04}")
        if given.refused:
            self._send(429, _refusal(asked.protocol), names)
        elif asked.stream:
            self._bytes(200, "text/event-stream", "".join(stream).encode(), names)
        else:
            self._send(200, whole, names)

    def _send(self, status: int, answer: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._bytes(status, "application/json", json.dumps(answer).encode(), headers or {})

    def _bytes(self, status: int, content_type: str, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing: the journal says it."""


def _refusal(protocol: str) -> dict[str, Any]:
    kind = "rate_limit_error" if protocol == "anthropic" else "rate_limit_exceeded"
    error = {"type": kind, "code": 429 if protocol == "gemini" else kind, "message": REFUSAL}
    return {"type": "error", "error": error}


def _asked(path: str, body: dict[str, Any]) -> Asked | None:
    readers = {
        "chat/completions": model_openai.asked_chat,
        "responses": model_openai.asked_responses,
        "messages": model_others.asked_anthropic,
    }
    for end, read in readers.items():
        if path.endswith(f"/{end}"):
            return read(body)
    found = GEMINI.search(path)
    return model_others.asked_gemini(body, found[1], found[2].startswith("stream")) if found else None


def _answers(path: str, asked: Asked, given: Reply, body: dict[str, Any]) -> tuple[dict[str, Any], Iterable[str]]:
    """The answer in one piece, and streamed."""
    if asked.protocol == "anthropic":
        return model_others.anthropic(given), model_others.anthropic_stream(given)
    if asked.protocol == "gemini":
        whole = model_others.gemini(given)
        return whole, [f"data: {json.dumps(whole)}\r\n\r\n"]
    if path.endswith("/responses"):
        return model_openai.responses(given, body), model_openai.responses_stream(given, body)
    return model_openai.chat(given), model_openai.chat_stream(given, asked)
