from __future__ import annotations

from vivavoce.testing import Pause, failed, one_response, spoken, tool_call, user_says, written
from vivavoce.testing.answers import Answer, Failure, Spoken, ToolCall, UserTurn, Written


def test_a_word_takes_300_ms_unless_told_otherwise() -> None:
    assert spoken("Good day to you.") == Answer((Spoken("Good day to you.", 1200),))
    assert spoken("Good day.", audio_ms=50, pace=1.0) == Answer((Spoken("Good day.", 50, 1.0),))
    assert user_says("Hello there") == UserTurn("Hello there", 600)
    assert user_says("Hello", audio_ms=0, pace=0.5) == UserTurn("Hello", 0, 0.5)


def test_arguments_are_a_dictionary_or_what_the_model_really_sends() -> None:
    assert tool_call("look", {"at": 1}) == Answer((ToolCall("look", '{"at": 1}'),))
    assert tool_call("look", "{nonsense", call_id="c1") == Answer((ToolCall("look", "{nonsense", "c1"),))
    assert tool_call("look") == Answer((ToolCall("look", "{}"),))


def test_several_answers_make_one_response() -> None:
    whole = one_response("One moment.", tool_call("a"), tool_call("b"), Pause(1.5), written("x"), failed())
    assert whole.parts == (
        Spoken("One moment.", 600),
        ToolCall("a", "{}"),
        ToolCall("b", "{}"),
        Pause(1.5),
        Written("x"),
        Failure("The model failed."),
    )
