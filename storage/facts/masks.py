"""Masks over secrets and e-mail addresses in any value: what looks like a key or a token, what is named a password."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Any, Final

import orjson

from storage.facts import coerce

MASK: Final = "[secret]"
EMAIL_MASK: Final = "[e-mail]"
PATTERN_MASK: Final = "[masked]"
DEEPEST: Final = 64

_SECRETS: Final = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]{0,20000}?-----END [A-Z ]{0,40}PRIVATE KEY-----"
    r"|\bsk-[A-Za-z0-9_-]{16,}"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}|\bglpat-[A-Za-z0-9_-]{16,}"
    r"|\bxox[abeprs]-[A-Za-z0-9-]{10,}"
    r"|\bAIza[0-9A-Za-z_-]{35}"
    r"|\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"
    r"|\bhf_[A-Za-z0-9]{30,}|\bnpm_[A-Za-z0-9]{30,}|\bpypi-[A-Za-z0-9_-]{40,}"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*"
)
# What is said to be one: the name stays, the value goes.
_NAMED_SECRETS: Final = re.compile(
    r"(?P<name>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{16,}"
    r"|(?P<user>://[^\s/:@\"']{1,100}:)[^\s/@\"']{1,200}(?=@)"
    r"|(?P<key>(?:password|passwd|passphrase|secret|api[_-]?key|access[_-]?key|auth[_-]?token|access[_-]?token)"
    r"[\"']?\s{0,3}[:=]\s{0,3}[\"']?)[^\s\"',;&)}\]]{6,}",
    re.IGNORECASE,
)
_SECRET_KEYS: Final = re.compile(
    r"(?:^|[._-])(?:password|passwd|passphrase|secret|client_secret|api_?key|access_?key|private_?key|auth_?token|access_?token"
    r"|refresh_?token|authorization|cookie|set-cookie|x-api-key)$",
    re.IGNORECASE,
)
_EMAIL: Final = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b")
# Without one of these in it, in lower case, no text has a secret: looking takes a tenth of the time of searching.
_SECRET_HINTS: Final = (
    "private key", "sk-", "github_pat_", "akia", "asia", "gh", "glpat-", "xox", "aiza", "k_live_", "k_test_", "hf_", "npm_",
    "pypi-", "eyj", "bearer", "basic", "://", "pass", "secret", "key", "token", "authorization", "cookie",
)  # fmt: skip
_USER_KEYS: Final = frozenset(
    ("user.id", "user.email", "user.name", "user_id", "enduser.id", "enduser.pseudo.id", "langfuse.user.id", "gen_ai.user",
     "traceloop.association.properties.user_id", "lmnr.association.properties.user_id", "ai.telemetry.metadata.userId",
     "langsmith.metadata.user_id", "user.account_id", "user.account_uuid"),
)  # fmt: skip


class Masks:
    """Replaces and counts. `secrets`: the patterns above; `patterns`: the user's own. Raises ValueError for one that is none."""

    def __init__(self, secrets: bool, patterns: tuple[str, ...] = ()) -> None:
        self._secrets = secrets
        self._patterns = [_compiled(pattern) for pattern in patterns]
        self.count = 0

    def json_text(self, text: str | None) -> str | None:
        """JSON text with its strings masked."""
        if text is None or not self._may_hold(text):
            return text
        before = self.count
        masked = self._value(orjson.loads(text), "", 0)
        return orjson.dumps(masked).decode() if self.count != before else text

    def text(self, text: str | None) -> str | None:
        """Plain text, which may be JSON as well."""
        if text is None or not self._may_hold(text):
            return text
        found = self._value(text, "", 0)
        return found if isinstance(found, str) else text

    def _may_hold(self, text: str) -> bool:
        if not self._secrets or self._patterns:
            return bool(self._patterns)
        lowered = text.lower()
        return "@" in text or any(hint in lowered for hint in _SECRET_HINTS)

    def _value(self, value: Any, key: str, depth: int) -> Any:
        if depth >= DEEPEST:
            return value
        if isinstance(value, str):
            return self._text_or_json(value, key, depth)
        if isinstance(value, list):
            if len(value) == 2 and isinstance(value[0], str):  # may be an entry of "$list" or "$kvlist"
                key = value[0]
            return [self._value(entry, key, depth + 1) for entry in value]
        if isinstance(value, dict):
            return {name: self._value(entry, name, depth + 1) for name, entry in value.items()}
        return value

    def _text_or_json(self, text: str, key: str, depth: int) -> str:
        inner = coerce.parsed(text)
        if not isinstance(inner, dict | list):
            return self._text(text, key)
        before = self.count
        masked = self._value(inner, key, depth + 1)
        return coerce.dumped(masked) if self.count != before else text

    def _text(self, text: str, key: str) -> str:
        masked = text
        if self._secrets and text:
            if _SECRET_KEYS.search(key) and text != key:
                self.count += 1
                return MASK
            masked = _SECRETS.sub(MASK, masked)
            masked = _NAMED_SECRETS.sub(_keep_name, masked)
            masked = _EMAIL.sub(_pseudonym if key in _USER_KEYS else EMAIL_MASK, masked)
        for pattern in self._patterns:
            masked = pattern.sub(PATTERN_MASK, masked)
        self.count += masked != text
        return masked


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f"the mask {pattern!r} is not a regular expression: {error}") from error


def _keep_name(match: re.Match[str]) -> str:
    return f"{match['name'] or match['user'] or match['key']}{MASK}"


def _pseudonym(match: re.Match[str]) -> str:
    digest = blake2b(match[0].lower().encode(), digest_size=4, person=b"otlpd e-mail").hexdigest()
    return f"[e-mail {digest}]"
