"""API keys: made, kept as hashes, found again.

A key is 256 random bits, so one SHA-256 is enough: there is no dictionary to try, and a slow hash would only cost every
request. The file beside the database holds hashes and can be read by its owner only; the key itself is shown once.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from storage.errors import StoreInUse
from storage.sqlite.lock import FileLock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

SCOPES = ("ingest", "query", "admin")
PREFIX = "otlpd_"
FORMAT = 1

_SECRET_BYTES = 32
_SHORTEST_GIVEN_KEY = 24
"""Keys in a setting are made by people; shorter ones could be tried out against a hash."""
_LONGEST_NAME = 100
_MOST_KEYS = 10_000
_IDENTIFIER_DIGITS = 12
_LOCK_SECONDS = 5.0
_LOCK_PAUSE = 0.05


class BadKeys(Exception):
    """The keys file cannot be used, or not changed as asked; the message says why."""


@dataclass(frozen=True, slots=True)
class Key:
    """`identifier` is the beginning of the hash: it names a key in lists and logs, and is no secret."""

    name: str
    scopes: tuple[str, ...]
    sha256: str
    created: str = ""

    @property
    def identifier(self) -> str:
        return self.sha256[:_IDENTIFIER_DIGITS]

    def allows(self, scope: str) -> bool:
        """Admin may do everything."""
        return scope in self.scopes or "admin" in self.scopes


class KeyRing:
    """Finds the key that a secret belongs to, in the same time whether it is known or not."""

    def __init__(self, keys: Iterable[Key] = ()) -> None:
        self._keys = {key.identifier: key for key in keys}

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys.values())

    def find(self, secret: str) -> Key | None:
        """The dictionary is asked for the public part of the hash only; the rest is compared in constant time."""
        found = _hash(secret)
        key = self._keys.get(found[:_IDENTIFIER_DIGITS])
        known = key.sha256 if key is not None else "0" * len(found)
        return key if hmac.compare_digest(found, known) else None


def new_key(name: str, scopes: Sequence[str]) -> tuple[Key, str]:
    """The key to keep, and the secret to give away."""
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise BadKeys(f"a key's name has 1 to {_LONGEST_NAME} printable characters")
    secret = PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return Key(name, _checked(scopes), _hash(secret), created), secret


def key_of_setting(text: str, position: int) -> Key:
    """Reads `ingest+query:secret`. Raises ValueError without quoting the secret."""
    scopes, colon, secret = text.partition(":")
    if not colon:
        raise ValueError(f"number {position} has no colon: write scopes:key, for example ingest+query:<32 random characters>")
    if len(secret) < _SHORTEST_GIVEN_KEY:
        raise ValueError(f"number {position} has a key of {len(secret)} characters; {_SHORTEST_GIVEN_KEY} are the least")
    try:
        return Key(f"api_keys[{position}]", _checked(scopes.split("+")), _hash(secret))
    except BadKeys as error:
        raise ValueError(f"number {position}: {error}") from None


def read_keys(path: Path) -> list[Key]:
    """The keys in a file; none when there is no file. Raises BadKeys."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BadKeys(f"the keys file {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise BadKeys(f"the keys file {path} is not JSON: {error}") from None
    try:
        if content["format"] != FORMAT:
            raise BadKeys(f"the keys file {path} has format {content['format']}; this otlpd knows {FORMAT}")
        return [_read_key(entry) for entry in content["keys"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadKeys(f"the keys file {path} is damaged: {type(error).__name__} {error}") from None


def add_key(path: Path, name: str, scopes: Sequence[str]) -> tuple[Key, str]:
    """Make a key and keep its hash. Names are unique, so that one can be revoked by its name."""
    key, secret = new_key(name, scopes)
    with _changing(path) as keys:
        if any(other.name == name for other in keys):
            raise BadKeys(f"there is a key named {name!r} already; choose another name, or revoke that one first")
        if len(keys) >= _MOST_KEYS:
            raise BadKeys(f"{path} holds {_MOST_KEYS:,} keys, which is the limit; revoke some")
        keys.append(key)
    return key, secret


def revoke_key(path: Path, name_or_identifier: str) -> Key:
    with _changing(path) as keys:
        found = [key for key in keys if name_or_identifier in (key.name, key.identifier)]
        if not found:
            raise BadKeys(f"no key in {path} has the name or id {name_or_identifier!r}; `otlpd keys list` shows them")
        keys.remove(found[0])
    return found[0]


@contextlib.contextmanager
def _changing(path: Path) -> Iterator[list[Key]]:
    """The keys, to be changed in place and then written whole; one process at a time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path):
            keys = read_keys(path)
            yield keys
            _write_keys(path, keys)
    except OSError as error:
        raise BadKeys(f"the keys file {path} cannot be written: {error.strerror}") from None


def _locked(path: Path) -> FileLock:
    until = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            return FileLock(path)
        except StoreInUse:
            if time.monotonic() > until:
                raise BadKeys(f"another program is changing {path}; try again when it is done") from None
            time.sleep(_LOCK_PAUSE)


def _write_keys(path: Path, keys: Iterable[Key]) -> None:
    """Replace the file in one step, so that a reader or a crash never meets half of it."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    content = {"format": FORMAT, "keys": [asdict(key) for key in keys]}
    # Created unreadable for others: a chmod afterwards would leave a moment.
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _read_key(entry: dict[str, Any]) -> Key:
    digest = str(entry["sha256"])
    if len(bytes.fromhex(digest)) != hashlib.sha256().digest_size:
        raise ValueError("sha256 has another length")
    return Key(str(entry["name"]), _checked(entry["scopes"]), digest.lower(), str(entry.get("created", "")))


def _checked(scopes: Sequence[str]) -> tuple[str, ...]:
    for scope in scopes:
        if scope not in SCOPES:
            raise BadKeys(f"there is no scope {scope!r}; there are {', '.join(SCOPES)}")
    if not scopes:
        raise BadKeys(f"a key needs a scope: {', '.join(SCOPES)}")
    return tuple(dict.fromkeys(scopes))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
