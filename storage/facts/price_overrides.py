"""The user's own prices: a JSON file that names models and what their tokens cost.

    {"my-finetune": {"input_cost_per_token": 3e-6, "output_cost_per_token": 1.5e-5},
     "ollama/llama3": {"input_cost_per_token": 0, "output_cost_per_token": 0}}

A name is a model, or `provider/model`; case does not matter. `cache_read_input_token_cost`, `cache_creation_input_token_cost`
and `input_cost_per_request` may be there too; other entries, as price lists of this form have them, are passed over.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final

import orjson

_NEEDED: Final = ("input_cost_per_token", "output_cost_per_token")
_OPTIONAL: Final = ("cache_read_input_token_cost", "cache_creation_input_token_cost", "input_cost_per_request")
MOST_PER_TOKEN: Final = 1_000.0
LARGEST_FILE_BYTES: Final = 32 * 2**20


class PriceFileError(ValueError):
    """A price file that cannot be used; the message says what to change."""


def read_overrides(text: bytes) -> list[tuple[tuple[str, dict[str, float]], str]]:
    """((name in lower case, its rates), the mark of the file) of every entry; raises PriceFileError."""
    if len(text) > LARGEST_FILE_BYTES:
        raise PriceFileError(f"the price file has {len(text)} bytes; at most {LARGEST_FILE_BYTES} are read")
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise PriceFileError(f"the price file is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise PriceFileError('the price file must be a JSON object: {"model": {"input_cost_per_token": …, …}, …}')
    mark = f"own prices {blake2b(text, digest_size=4).hexdigest()}"
    return [
        ((name.lower(), _rates(name, entry)), mark)
        for name, entry in document.items()
        if not isinstance(entry, dict) or any(key in entry for key in _NEEDED)
    ]


def _rates(name: str, entry: Any) -> dict[str, float]:
    if not isinstance(entry, dict):
        raise PriceFileError(f"the price of {name!r} must be an object with {' and '.join(_NEEDED)}")
    for key in _NEEDED:
        if key not in entry:
            raise PriceFileError(f"the price of {name!r} lacks {key}; 0 says that it costs nothing")
    return {key: _price(name, key, entry[key]) for key in (*_NEEDED, *_OPTIONAL) if entry.get(key) is not None}


def _price(name: str, key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_PER_TOKEN:
        raise PriceFileError(f"{key} of {name!r} must be a number of dollars from 0 to {MOST_PER_TOKEN:.0f}, not {value!r}")
    return float(value)
