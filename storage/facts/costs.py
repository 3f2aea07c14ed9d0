"""What a model call costs in US dollars, offline.

The prices are those of the genai-prices package, or the user's own, which go before. The package takes 155 µs a call and
0.3 s to import; here a model's rates are looked up once and then cost half a microsecond a call, and the package is imported
with the first model that needs a price. A model that nobody prices has no cost, which is not the same as costing nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, datetime
from importlib.metadata import version
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from storage.facts.price_overrides import PriceFileError, read_overrides

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genai_prices.types import ModelInfo, ModelPrice

    _Key = tuple[str | None, str, str | None]

MODELS_KEPT: Final = 4_096
PERIODS_KEPT: Final = 1_024
_MINUTE_NS: Final = 60 * 10**9
_DAY_NS: Final = 86_400 * 10**9
_MILLION: Final = 1_000_000
_ALIASES: Final = {"gcp.gen_ai": "google", "x_ai": "x-ai", "azure.ai.inference": "azure", "azure.ai.openai": "azure"}
# Servers of the user's own: their models have names that others sell under, at prices that do not apply.
_UNPRICED: Final = frozenset(("ibm.watsonx.ai", "ollama", "vllm", "lmstudio", "lm_studio", "llama.cpp", "llamacpp", "local"))
_REGIONS: Final = ("us.", "eu.", "apac.", "global.", "jp.", "au.", "us-gov.")
_STANDARD_TIERS: Final = frozenset((None, "auto", "default", "standard"))


class Cost(NamedTuple):
    """`saving`: what the tokens read from the cache would have cost more as plain input, less what writing them cost more."""

    dollars: float
    saving: float | None
    version: str


_Cost = tuple[float, float | None, str]


class Rate(NamedTuple):
    """USD per token up to the first start, and from each start (in input tokens of the call) on."""

    base: float
    starts: tuple[int, ...] = ()
    prices: tuple[float, ...] = ()

    def at(self, input_tokens: int) -> float:
        place = bisect_left(self.starts, input_tokens)
        return self.prices[place - 1] if place else self.base


class Rates:
    """What the tokens of one model cost; `first_start`: up to this size of the call every rate is its base."""

    __slots__ = ("_base", "_rates", "_request", "_version", "first_start")

    def __init__(self, rates: tuple[Rate, Rate, Rate, Rate], request: float, mark: str) -> None:
        """`rates`: input, output, cache read, cache write. `request`: dollars for a call of any size."""
        self._rates = rates
        self._base = tuple(rate.base for rate in rates)
        self._request = request
        self._version = mark
        self.first_start = min((start for rate in rates for start in rate.starts), default=inf)

    def cost(self, input_tokens: int, output_tokens: int, cache_read: int, cache_write: int) -> _Cost:
        """The fields of a Cost, as a plain tuple: making a named one takes as long as working it out."""
        if input_tokens <= self.first_start:
            plain, answer, read, write = self._base
        else:
            plain, answer, read, write = (rate.at(input_tokens) for rate in self._rates)
        dollars = input_tokens * plain + output_tokens * answer + self._request
        if not (cache_read or cache_write):
            return dollars, None, self._version
        saving = cache_read * (plain - read) + cache_write * (plain - write)
        return dollars - saving, saving, self._version


class Prices:
    """Prices by provider and model. Not for several threads at once, except that losing a race only repeats a look-up."""

    def __init__(self, overrides: Mapping[str, Rates] | None = None) -> None:
        self._overrides = dict(overrides or {})
        self._known: dict[_Key, Rates | _Dated | None] = {}

    @classmethod
    def from_file(cls, path: str | Path | None) -> Prices:
        """Prices with the user's own in front; raises PriceFileError, which says what to change in the file."""
        if path is None:
            return cls()
        try:
            text = Path(path).read_bytes()
        except OSError as error:
            raise PriceFileError(f"the price file {path} cannot be read: {error.strerror}") from error
        return cls.from_text(text)

    @classmethod
    def from_text(cls, text: bytes) -> Prices:
        """Likewise, from what stands in the file."""
        return cls({name: _override(entry, mark) for (name, entry), mark in read_overrides(text)})

    def cost(
        self, provider: str | None, model: str | None, tokens: tuple[int, int, int, int], time: int, tier: str | None = None
    ) -> Cost | None:
        """`tokens`: input (with cached), output, cache read, cache write. None where the model has no price."""
        rates = self.rates(provider, model, time, tier)
        return None if rates is None else Cost(*rates.cost(*tokens))

    def rates(self, provider: str | None, model: str | None, time: int, tier: str | None = None) -> Rates | None:
        """The rates of a model at a time (ns)."""
        if model is None:
            return None
        key = (provider, model, tier)
        try:
            found = self._known[key]
        except KeyError:
            found = self._find(key)
        return found.at(time) if found.__class__ is _Dated else found  # type: ignore[return-value]

    def _find(self, key: _Key) -> Rates | _Dated | None:
        provider, model, tier = key
        own = self._overrides
        found: Rates | _Dated | None = own.get(f"{provider}/{model}".lower()) or own.get(model.lower()) if own else None
        if found is None and provider not in _UNPRICED:
            found = _look_up(provider, model, tier)
        if len(self._known) >= MODELS_KEPT:
            self._known.clear()
        self._known[key] = found
        return found


class _Dated:
    """A model whose price depends on when it was asked, or on the service tier."""

    def __init__(self, info: ModelInfo, tier: str | None) -> None:
        self._info = info
        self._context = None if tier in _STANDARD_TIERS else {"service_tier": str(tier)}
        self._rates: dict[int, Rates | None] = {}
        prices = info.prices if isinstance(info.prices, list) else []
        by_the_hour = any(hasattr(price.constraint, "start_time") for price in prices)
        self._period = _MINUTE_NS if by_the_hour else _DAY_NS
        self._last_period = -1
        self._last: Rates | None = None

    def at(self, time: int) -> Rates | None:
        period = time // self._period
        if period == self._last_period:
            return self._last
        self._last_period, self._last = period, self._in(period)
        return self._last

    def _in(self, period: int) -> Rates | None:
        try:
            return self._rates[period]
        except KeyError:
            moment = datetime.fromtimestamp(period * self._period / 1e9, UTC)
            if len(self._rates) >= PERIODS_KEPT:
                self._rates.clear()
            found = self._rates[period] = _rates(self._info.get_prices(moment, self._context))
            return found


def _look_up(provider: str | None, model: str, tier: str | None) -> Rates | _Dated | None:
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415  0.3 s and 40 MB, only where a model is priced
    from genai_prices.types import ModelPrice  # noqa: PLC0415

    snapshot = get_snapshot()
    for candidate_provider, candidate in candidates(provider, model):
        try:
            _, info = snapshot.find_provider_model(candidate, None, candidate_provider, None)
        except (LookupError, ValueError):
            continue
        if isinstance(info.prices, ModelPrice) and tier in _STANDARD_TIERS:
            return _rates(info.prices)
        return _Dated(info, tier)
    return None


def candidates(provider: str | None, model: str) -> list[tuple[str | None, str]]:
    """(provider, model) as the price data may know them, the most exact first."""
    alias = None if provider is None else _ALIASES.get(provider, provider)
    found: list[tuple[str | None, str]] = []
    for name in _names(model):
        found += [(alias, name), (None, name)]
        if name.startswith(_REGIONS):
            found += [("aws", name), ("aws", name.split(".", 1)[1])]
        elif name.startswith(("anthropic.", "amazon.", "meta.")):
            found.append(("aws", name))
    return list(dict.fromkeys(found))


def _names(model: str) -> list[str]:
    names = [model]
    if "/" in model:
        names.append(model.rsplit("/", 1)[1])
    names += [name[: max(name.rfind("@"), name.rfind(":"))] for name in names if "@" in name or ":" in name]
    return [name for name in names if name]


def _rates(price: ModelPrice) -> Rates | None:
    """None for what is priced by the hour, page or image: its tokens do not tell what it cost."""
    if price.input_mtok is None and price.output_mtok is None:
        return None
    plain = _rate(price.input_mtok) or Rate(0.0)
    output = _rate(price.output_mtok) or Rate(0.0)
    read = _rate(price.cache_read_mtok) or plain
    write = _rate(price.cache_write_mtok) or plain
    requests: Any = price.requests_kcount
    base = getattr(requests, "base", requests)
    return Rates((plain, output, read, write), float(base) / 1_000 if base is not None else 0.0, data_version())


def _rate(price: Any) -> Rate | None:
    if price is None:
        return None
    if not hasattr(price, "base"):
        return Rate(float(price) / _MILLION)
    tiers = price.tiers
    return Rate(
        float(price.base) / _MILLION, tuple(tier.start for tier in tiers), tuple(float(tier.price) / _MILLION for tier in tiers)
    )


def _override(entry: Mapping[str, float], mark: str) -> Rates:
    plain = Rate(entry["input_cost_per_token"])
    rates = (
        plain,
        Rate(entry["output_cost_per_token"]),
        Rate(entry.get("cache_read_input_token_cost", plain.base)),
        Rate(entry.get("cache_creation_input_token_cost", plain.base)),
    )
    return Rates(rates, entry.get("input_cost_per_request", 0.0), mark)


def data_version() -> str:
    """Which edition of the price data computed costs come from."""
    global _version  # noqa: PLW0603  read once a process
    if _version is None:
        _version = f"genai-prices {version('genai-prices')}"
    return _version


_version: str | None = None
