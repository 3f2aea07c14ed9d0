"""What the user decides about rows: how much content is kept, and what model calls cost.

One value for the whole program. It goes as text to the processes that decode, so that each of them decides as the daemon does,
whatever has become of the price file since the start.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import orjson

from storage.facts.costs import Prices
from storage.facts.masking import ContentPolicy
from storage.facts.price_overrides import PriceFileError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ContentPolicy", "PriceFileError", "RowSettings"]


@dataclass(frozen=True, slots=True)
class RowSettings:
    """`prices` is the text of the user's price file; None prices by the package's data alone."""

    content: ContentPolicy = field(default_factory=ContentPolicy)
    prices: str | None = None

    @staticmethod
    def read(content: ContentPolicy, price_file: Path | None) -> RowSettings:
        """Raises PriceFileError, which says what to change in the file."""
        if price_file is None:
            return RowSettings(content)
        try:
            text = price_file.read_bytes()
        except OSError as error:
            raise PriceFileError(f"the price file {price_file} cannot be read: {error.strerror}") from error
        Prices.from_text(text)
        return RowSettings(content, text.decode())

    def make_prices(self) -> Prices:
        """Prices of their own for each thread."""
        return Prices() if self.prices is None else Prices.from_text(self.prices.encode())

    def dump(self) -> bytes:
        return orjson.dumps({"content": asdict(self.content), "prices": self.prices})

    @staticmethod
    def load(text: bytes) -> RowSettings:
        """The inverse of `dump`."""
        document = orjson.loads(text)
        content = document["content"]
        return RowSettings(ContentPolicy(**{**content, "patterns": tuple(content["patterns"])}), document["prices"])
