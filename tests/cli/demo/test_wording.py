from __future__ import annotations

import pytest

from vivavoce.cli.demo.timeline import Answer, Span, Timeline, ToolCall, Turn
from vivavoce.cli.demo.wording import call_text, clock, shortened, stage_row, transcript


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("get_weather", '{"city": "London"}', 'get_weather(city="London")'),
        ("book", '{"seats": 2, "when": null}', "book(seats=2, when=null)"),
        ("now", "{}", "now()"),
        ("broken", '{"city": ', 'broken({"city": )'),
        ("odd", "[1]", "odd([1])"),
    ],
)
def test_a_tool_call_reads_like_a_call(name: str, arguments: str, text: str) -> None:
    assert call_text(name, arguments) == text


@pytest.mark.parametrize(
    ("text", "most", "short"),
    [("as it is", 8, "as it is"), ("too long for that", 9, "too long…"), ("two\n lines ", 20, "two lines")],
)
def test_long_texts_are_cut_with_an_ellipsis(text: str, most: int, short: str) -> None:
    assert shortened(text, most) == short


def test_the_transcript_has_both_sides_in_the_order_of_time() -> None:
    cut = Answer("There are four", "There are four", Span(2.0, 4.1), 4.14)
    tool = ToolCall("find_trains", '{"city": "London"}', "There are four trains.", Span(1.5, 1.6))
    rain = Answer("It will rain.", "It will rain.", Span(16.5, 18.0), None)
    turns = (
        Turn("Which trains?", "which trains", Span(0.5, 1.0), (tool,), (cut,)),
        Turn("The weather?", "the weather", Span(4.0, 6.0), (), (rain,)),
    )
    assert transcript(Timeline(20.0, turns)).splitlines() == [
        "  0.5 s  Caller  which trains",
        '  1.5 s  Tool    find_trains(city="London") -> There are four trains.',
        "  2.0 s  Agent   There are four",
        "  4.0 s  Caller  the weather",
        "  4.1 s          (the agent was interrupted here)",
        " 16.5 s  Agent   It will rain.",
    ]


def test_stages_that_were_not_reached_are_dashes() -> None:
    turn = Turn("", "", Span(0, 1), stages={"end_of_turn": 500.4, "first_audio": 3.0})
    assert stage_row(turn) == ["500", "–", "–", "–", "3"]


def test_times_are_aligned() -> None:
    assert len(clock(3.14)) == len(clock(123.4)) == len("123.4 s")
