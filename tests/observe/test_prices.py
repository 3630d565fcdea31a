from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.errors import ConfigurationError
from vivavoce.observe.prices import Cost, ModelPrice, PriceTable
from vivavoce.protocol import (
    CachedTokensDetails,
    InputTokenDetails,
    OutputTokenDetails,
    Usage,
)

PRICE = ModelPrice(
    text_input=4.0,
    audio_input=32.0,
    image_input=5.0,
    cached_text_input=0.4,
    cached_audio_input=0.5,
    text_output=16.0,
    audio_output=64.0,
)
TABLE = PriceTable({"voice-1": PRICE})
TOML = """
currency = "EUR"
[models."voice-1"]
text_input = 4
audio_output = 64.5
"""


def used(forms: SimpleNamespace, **details: int) -> Usage:
    usage: Usage = msgspec.convert(forms.usage(**details), Usage)
    return usage


@pytest.mark.parametrize(
    ("details", "amount"),
    [
        ({}, 0.0),
        ({"text": 1000}, 0.004),
        ({"audio": 1000, "spoke": 1000, "wrote": 1000}, 0.032 + 0.064 + 0.016),
        ({"text": 1000, "cached_text": 400}, 0.6 * 0.004 + 0.4 * 0.0004),
        ({"audio": 1000, "cached_audio": 1000}, 0.0005),
        ({"image": 1000, "cached_image": 500}, 0.005),  # no price of their own: that of other images
        ({"text": 100, "audio": 100, "cached": 150}, (100 * 0.4 + 50 * 0.5 + 50 * 32) / 1e6),
        ({"text": 100, "cached": 500}, 100 * 0.4 / 1e6),  # more than there are
        ({"text": 100, "cached_text": 500}, 100 * 0.4 / 1e6),
    ],
)
def test_every_kind_of_token_pays_its_price(
    forms: SimpleNamespace, details: dict[str, int], amount: float
) -> None:
    cost = TABLE.cost(used(forms, **details), "voice-1")
    assert cost is not None
    assert cost.amount == pytest.approx(amount)
    assert cost.currency == "USD"


counts = st.integers(0, 10**6)


@given(st.tuples(*[counts] * 9))
def test_a_cost_is_never_negative_and_never_more_than_without_a_cache(amounts: tuple[int, ...]) -> None:
    text, audio, image, cached, cached_text, cached_audio, cached_image, wrote, spoke = amounts

    def usage(details: InputTokenDetails) -> Usage:
        out = OutputTokenDetails(text_tokens=wrote, audio_tokens=spoke)
        return Usage(input_token_details=details, output_token_details=out)

    plain = TABLE.cost(
        usage(InputTokenDetails(text_tokens=text, audio_tokens=audio, image_tokens=image)), "voice-1"
    )
    kinds = CachedTokensDetails(text_tokens=cached_text, audio_tokens=cached_audio, image_tokens=cached_image)
    cost = TABLE.cost(
        usage(
            InputTokenDetails(
                text_tokens=text,
                audio_tokens=audio,
                image_tokens=image,
                cached_tokens=cached,
                cached_tokens_details=kinds,
            )
        ),
        "voice-1",
    )
    assert plain is not None
    assert cost is not None
    assert 0 <= cost.amount <= plain.amount + 1e-9


@pytest.mark.parametrize(
    ("model", "known"),
    [
        ("voice-1", True),
        ("voice-1-2026-01-31", True),
        ("voice-1-mini", False),
        ("voice-10", False),
        ("voice-1-", False),
        ("other", False),
        (None, False),
    ],
)
def test_a_name_stands_for_its_dated_versions_too(model: str | None, known: bool) -> None:
    assert (TABLE.price_of(model) is not None) is known


def test_without_a_price_there_is_no_cost_rather_than_none_to_pay() -> None:
    assert PriceTable().cost(Usage(), "voice-1") is None
    assert PriceTable().models == {}


def test_costs_add_up_in_one_currency() -> None:
    assert str(Cost(0.5) + Cost(0.25)) == "0.7500 USD"
    with pytest.raises(ConfigurationError, match="EUR to USD"):
        Cost(1.0) + Cost(1.0, "EUR")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("prices.toml", TOML),
        (
            "prices.json",
            '{"currency": "EUR", "models": {"voice-1": {"text_input": 4, "audio_output": 64.5}}}',
        ),
    ],
)
def test_a_table_is_read_from_a_file(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    table = PriceTable.from_file(path)
    assert table.currency == "EUR"
    assert table.models == {"voice-1": ModelPrice(text_input=4, audio_output=64.5)}


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("prices.yaml", "", "a .toml or a .json file"),
        ("prices.json", "{", "cannot be read as a price table"),
        ("prices.toml", "x = ", "cannot be read as a price table"),
        ("prices.json", "[]", "an object with the key 'models'"),
        ("prices.json", "{}", "got nothing"),
        ("prices.json", '{"models": {}, "tax": 1}', "got models, tax"),
        ("prices.json", '{"models": {}, "currency": 1}', "'currency' \\(a text\\)"),
        ("prices.json", '{"models": {"m": 4}}', "models.m may have these prices: text_input"),
        ("prices.json", '{"models": {"m": {"txt": 4}}}', "models.m may have these prices: text_input"),
        ("prices.json", '{"models": {"m": {"text_input": -1}}}', "models.m: text_input is -1"),
        ("prices.json", '{"models": {"m": {"text_input": "4"}}}', "models.m: text_input is '4'"),
        ("prices.json", '{"models": {"m": {"text_input": NaN}}}', "models.m: text_input is nan"),
    ],
)
def test_a_bad_file_is_refused_with_the_reason(tmp_path: Path, name: str, text: str, complaint: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        PriceTable.from_file(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        PriceTable.from_file(tmp_path / "none.json")


def test_a_price_is_a_number(forms: Any) -> None:
    with pytest.raises(ConfigurationError, match="audio_input is inf"):
        ModelPrice(audio_input=float("inf"))


def test_a_table_holds_prices() -> None:
    plain: Any = {"text_input": 1}
    with pytest.raises(ConfigurationError, match="prices of 'm' must be a ModelPrice, got"):
        PriceTable({"m": plain})
