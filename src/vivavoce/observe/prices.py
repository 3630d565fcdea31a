"""What tokens cost: a table that the user brings, and the arithmetic."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from vivavoce.protocol import Usage

MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPrice:
    """Prices of one model, for a million tokens each. A kind without a price makes no cost.

    Attributes:
        text_input: text that the model reads.
        audio_input: speech that the model hears.
        image_input: images that the model sees.
        cached_text_input: text that was cached; ``None`` is the price of other text.
        cached_audio_input: speech that was cached; ``None`` is the price of other speech.
        cached_image_input: images that were cached; ``None`` is the price of other images.
        text_output: text that the model writes.
        audio_output: speech that the model speaks.
    """

    text_input: float = 0.0
    audio_input: float = 0.0
    image_input: float = 0.0
    cached_text_input: float | None = None
    cached_audio_input: float | None = None
    cached_image_input: float | None = None
    text_output: float = 0.0
    audio_output: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not (isinstance(value, int | float) and 0 <= value < float("inf")):
                raise ConfigurationError(
                    f"{field.name} is {value!r}; it must be a price for a million tokens, 0 or more"
                )


@dataclass(frozen=True, slots=True)
class Cost:
    """What something cost.

    Attributes:
        amount: in `currency`.
        currency: as the price table says.
    """

    amount: float
    currency: str = "USD"

    def __add__(self, other: Cost) -> Cost:
        if other.currency != self.currency:
            raise ConfigurationError(f"cannot add {other.currency} to {self.currency}")
        return Cost(self.amount + other.amount, self.currency)

    def __str__(self) -> str:
        return f"{self.amount:.4f} {self.currency}"


class PriceTable:
    """Prices by model.

    There is no table of anybody's prices in here: they change, and differ from contract to contract. A model
    that is not in the table has no cost, which is not a cost of zero.

    Args:
        models: model name -> prices; a name also stands for its dated versions (``gpt-x`` for
            ``gpt-x-2026-01-31``).
        currency: of all prices.

    Raises:
        ConfigurationError: the prices of a model are no `ModelPrice`.
    """

    def __init__(self, models: Mapping[str, ModelPrice] | None = None, *, currency: str = "USD") -> None:
        for name, price in (models or {}).items():
            if not isinstance(price, ModelPrice):
                raise ConfigurationError(f"the prices of {name!r} must be a ModelPrice, got {price!r}")
        self.models = dict(models or {})
        self.currency = currency

    @classmethod
    def from_file(cls, path: str | Path) -> PriceTable:
        """Read a table from a ``.toml`` or ``.json`` file.

        Example:
            currency = "USD"

            [models."my-model"]
            text_input = 4.0
            audio_input = 32.0

        Raises:
            ConfigurationError: the file cannot be read or does not hold such a table; the message says where.
        """
        path = Path(path)
        raw = _read(path)
        models = raw.get("models")
        unknown = raw.keys() - {"models", "currency"}
        currency = raw.get("currency", "USD")
        if unknown or not isinstance(models, dict) or not isinstance(currency, str):
            raise ConfigurationError(
                f"{path}: a price table has the keys 'models' (a table for each model) and 'currency' (a "
                f"text), got {', '.join(sorted(raw)) or 'nothing'}"
            )
        return cls({name: _price(path, name, prices) for name, prices in models.items()}, currency=currency)

    def price_of(self, model: str | None) -> ModelPrice | None:
        """Return the prices of a model, or ``None`` where there are none."""
        if model is None:
            return None
        if model in self.models:
            return self.models[model]
        dated = [
            name
            for name in self.models
            if model.startswith(f"{name}-") and model[len(name) + 1 :][:1].isdigit()
        ]
        return self.models[max(dated, key=len)] if dated else None

    def cost(self, usage: Usage, model: str | None) -> Cost | None:
        """Return what tokens of a model cost, or ``None`` where it has no price.

        Cached tokens are part of the others and pay their own price instead. Those that the server does not
        assign to a kind count as text first, then as audio.

        Args:
            usage: of one response, or a sum of them.
            model: name of the model.
        """
        price = self.price_of(model)
        if price is None:
            return None
        read, written = usage.input_token_details, usage.output_token_details
        cached = _cached(usage)
        amount = (
            _side(read.text_tokens, cached[0], price.text_input, price.cached_text_input)
            + _side(read.audio_tokens, cached[1], price.audio_input, price.cached_audio_input)
            + _side(read.image_tokens, cached[2], price.image_input, price.cached_image_input)
            + written.text_tokens * price.text_output
            + written.audio_tokens * price.audio_output
        )
        return Cost(amount / MILLION, self.currency)


def _side(tokens: int, cached: int, price: float, cached_price: float | None) -> float:
    return (tokens - cached) * price + cached * (price if cached_price is None else cached_price)


def _cached(usage: Usage) -> tuple[int, int, int]:
    """Return the cached tokens of text, audio and images; never more than there are of a kind."""
    read = usage.input_token_details
    details = read.cached_tokens_details
    text = min(details.text_tokens, read.text_tokens)
    audio = min(details.audio_tokens, read.audio_tokens)
    image = min(details.image_tokens, read.image_tokens)
    rest = max(0, read.cached_tokens - text - audio - image)
    more_text = min(rest, read.text_tokens - text)
    more_audio = min(rest - more_text, read.audio_tokens - audio)
    return text + more_text, audio + more_audio, image


def _read(path: Path) -> dict[str, Any]:
    if path.suffix not in {".toml", ".json"}:
        raise ConfigurationError(f"{path}: a price table is a .toml or a .json file")
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json":
            raw = json.loads(text)
        else:
            import tomllib

            raw = tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: cannot be read as a price table: {error}") from error
    if not isinstance(raw, dict):
        raise ConfigurationError(f"{path}: a price table is an object with the key 'models'")
    return raw


def _price(path: Path, model: str, prices: object) -> ModelPrice:
    known = [field.name for field in fields(ModelPrice)]
    if not isinstance(prices, dict) or not prices.keys() <= set(known):
        raise ConfigurationError(f"{path}: models.{model} may have these prices: {', '.join(known)}")
    try:
        return ModelPrice(**prices)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: models.{model}: {error}") from error
