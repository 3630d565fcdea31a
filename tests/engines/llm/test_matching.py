from __future__ import annotations

import pytest

from vivavoce.engines.llm.matching import build_profiles, content_indices, known_stems, rank
from vivavoce.engines.llm.words import split_words
from vivavoce.protocol import FunctionTool

TOOLS = [
    FunctionTool(name="get_weather", description="Get the current weather for a city."),
    FunctionTool(name="set_timer", description="Start a timer."),
    FunctionTool(name="transfer_to_billing", description="Handles invoices."),
    FunctionTool(name="transfer_to_sales"),
]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("what is the weather", "get_weather"),
        ("how hot is it", "get_weather"),
        ("the whether please", "get_weather"),
        ("set a time or", "set_timer"),
        ("something about my invoice", "transfer_to_billing"),
        ("bill ing please", "transfer_to_billing"),
        ("sales please", "transfer_to_sales"),
    ],
)
def test_the_best_tool_comes_first(text: str, first: str) -> None:
    assert rank(build_profiles(TOOLS), split_words(text))[0].profile.tool.name == first


def test_words_of_many_tools_weigh_less_than_words_of_one() -> None:
    profiles = build_profiles(TOOLS)
    billing = next(profile for profile in profiles if profile.tool.name == "transfer_to_billing")
    assert billing.weights["transfer"] < billing.weights["bill"]


def test_nothing_matches_nothing() -> None:
    assert rank(build_profiles(TOOLS), split_words("zebra crossing")) == []
    assert rank([], split_words("weather")) == []


def test_only_words_of_meaning_count_as_content() -> None:
    assert content_indices(split_words("what is the weather, please")) == [3]


def test_generic_words_of_a_description_are_not_known() -> None:
    stems = known_stems(build_profiles(TOOLS))
    assert "weather" in stems
    assert "the" not in stems
