"""Token counts, what fits, and the arithmetic of usage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.conversation.items import Record
from vivavoce.conversation.tokens import (
    CountedTokens,
    Tokens,
    fit_context,
    fixed_tokens,
    input_audio_tokens,
    output_audio_tokens,
    text_tokens,
    tokens_of,
    usage,
)
from vivavoce.protocol import (
    FunctionCallItem,
    FunctionCallOutputItem,
    FunctionTool,
    InputAudio,
    InputImage,
    InputText,
    McpApprovalResponseItem,
    MessageItem,
    OutputAudio,
    OutputText,
    RetentionRatio,
    TokenLimits,
)


def test_rates() -> None:
    assert [text_tokens(text) for text in ("", "a", "four", "fives")] == [0, 1, 1, 2]
    assert [input_audio_tokens(ms) for ms in (0, 1, 100, 101)] == [0, 1, 1, 2]
    assert [output_audio_tokens(ms) for ms in (0, 1, 50, 51)] == [0, 1, 1, 2]


@pytest.mark.parametrize(
    ("record", "cost"),
    [
        (Record(FunctionCallItem(name="look", arguments="{}1234")), Tokens(text=3)),
        (Record(FunctionCallOutputItem(call_id="c", output="12345")), Tokens(text=2)),
        (Record(McpApprovalResponseItem(approval_request_id="r", approve=True)), Tokens()),
        (
            Record(
                MessageItem(
                    role="user",
                    content=[InputText(text="abcd"), InputAudio(), InputImage(image_url="data:,")],
                ),
                audio_ms=1000,
                image_tokens=255,
            ),
            Tokens(text=1, audio=10, image=255),
        ),
        (
            Record(
                MessageItem(role="assistant", content=[OutputText(text="abcd"), OutputAudio()]), audio_ms=1000
            ),
            Tokens(text=1, audio=20),
        ),
    ],
)
def test_costs_of_items(record: Record, cost: Tokens) -> None:
    assert tokens_of(record) == cost
    assert tokens_of(record).total == cost.text + cost.audio + cost.image


def test_instructions_and_tools_always_cost() -> None:
    tool = FunctionTool(name="look", description="Look up.", parameters={})
    assert fixed_tokens("12345678", []) == 2
    assert fixed_tokens("12345678", [tool]) == 2 + 1 + 2 + 1


TEN = [Tokens(text=10)] * 10
HALF = RetentionRatio(retention_ratio=0.5)
CAPPED = RetentionRatio(retention_ratio=0.5, token_limits=TokenLimits(post_instructions=40))
UNCAPPED = RetentionRatio(retention_ratio=0.5, token_limits=TokenLimits())


@pytest.mark.parametrize(
    ("limit", "truncation", "first"),
    [
        (100, "auto", 0),
        (99, "auto", 1),
        (10, "auto", 9),
        (5, "auto", None),  # not even what is to be answered
        (100, "disabled", 0),
        (99, "disabled", None),
        (100, HALF, 0),
        (99, HALF, 6),  # down to 49 at once, so that the cache of the rest stays warm
        (99, UNCAPPED, 6),
        (1000, CAPPED, 8),
        (99, RetentionRatio(retention_ratio=0), 9),  # what is to be answered stays
        (9, HALF, None),
    ],
)
def test_what_fits(limit: int, truncation: object, first: int | None) -> None:
    fit = fit_context(TEN, 0, limit, truncation)
    assert (None if fit is None else fit.first) == first


@given(st.lists(st.integers(0, 50), max_size=20), st.integers(0, 100), st.integers(0, 500))
def test_auto_keeps_the_newest_and_as_many_as_fit(sizes: list[int], fixed: int, limit: int) -> None:
    costs = [Tokens(text=size) for size in sizes]
    fit = fit_context(costs, fixed, limit, "auto")
    if fit is None:
        assert sizes[-1] > limit - fixed
        return
    assert fit.tokens.total == sum(sizes[fit.first :])
    assert fit.tokens.total <= max(0, limit - fixed)
    if fit.first:
        assert sum(sizes[fit.first - 1 :]) > limit - fixed


def test_usage_adds_up() -> None:
    spent = usage(Tokens(text=30, audio=20, image=5), Tokens(text=7, audio=9))
    assert (spent.input_tokens, spent.output_tokens, spent.total_tokens) == (55, 16, 71)
    details = spent.input_token_details
    assert (details.text_tokens, details.audio_tokens, details.image_tokens) == (30, 20, 5)
    assert details.cached_tokens == details.cached_tokens_details.text_tokens == 0
    assert (spent.output_token_details.text_tokens, spent.output_token_details.audio_tokens) == (7, 9)


@pytest.mark.parametrize(("cached", "told"), [(0, 0), (40, 40), (100, 41)])
def test_a_model_knows_its_text_better_and_cached_text_is_part_of_it(cached: int, told: int) -> None:
    counted = CountedTokens(read=41, written=3, cached=cached)
    spent = usage(Tokens(text=30, audio=20, image=5), Tokens(text=7, audio=9), counted)
    assert (spent.input_tokens, spent.output_tokens, spent.total_tokens) == (61, 12, 73)
    details = spent.input_token_details
    assert (details.text_tokens, details.audio_tokens, details.image_tokens) == (36, 20, 5)
    assert details.cached_tokens == told
    cached_text = min(told, 36)
    assert details.cached_tokens_details.text_tokens == cached_text
    assert details.cached_tokens_details.image_tokens == told - cached_text
    assert (spent.output_token_details.text_tokens, spent.output_token_details.audio_tokens) == (3, 9)


def test_pictures_that_a_model_has_counted_are_not_counted_twice() -> None:
    spent = usage(Tokens(text=10, image=255), Tokens(), CountedTokens(read=300, written=5, cached=20))
    assert (spent.input_tokens, spent.input_token_details.text_tokens) == (300, 45)
    assert spent.input_token_details.image_tokens == 255
    blind = usage(Tokens(text=10, image=255), Tokens(), CountedTokens(read=30, written=5))
    assert blind.input_token_details.text_tokens == 0
