from __future__ import annotations

import pytest

from vivavoce.cli.demo.timeline import Answer, Span, Timeline, ToolCall, Turn


@pytest.fixture
def timeline() -> Timeline:
    """A question that needs a tool, and an interruption of its answer."""
    tool = ToolCall("find_trains", '{"city": "London"}', "There are four trains.", Span(1.5, 1.6))
    cut = Answer("There are four", "There are four trains", Span(2.0, 4.13), 4.14)
    rain = Answer("Tomorrow it will rain.", "Tomorrow it will rain.", Span(6.5, 8.0), None)
    stages = {"end_of_turn": 520.0, "transcript": 140.0, "first_audio": 4.0}
    asks = Turn("Which trains?", "which trains", Span(0.5, 1.0), (tool,), (cut,), None, None, stages, 1000.0)
    interrupts = Turn(
        "And the weather?", "and the weather", Span(4.0, 6.0), (), (rain,), cut, 130.0, stages, 500.0
    )
    return Timeline(10.0, (asks, interrupts))
