"""The settings of one response: the session's, with the client's wishes laid over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.conversation.effects import StartResponse
from vivavoce.conversation.prompts import StoredPrompt
from vivavoce.protocol import (
    FunctionTool,
    PcmFormat,
    PcmuFormat,
    RealtimeSession,
    ResponseCreate,
    ResponseCreated,
    ResponseCreateParams,
    ResponseDone,
    SessionUpdate,
    ToolChoiceFunction,
    to_builtins,
)

if TYPE_CHECKING:
    from tests.conversation.conftest import Talk

LOOK = {"type": "function", "name": "look"}


def test_without_wishes_the_session_decides(talk: Talk) -> None:
    talk.update(
        instructions="Be kind.",
        tools=[LOOK],
        tool_choice="required",
        max_output_tokens=9,
        parallel_tool_calls=False,
    )
    talk.ask()
    start = talk.started
    assert (start.instructions, start.tools, start.tool_choice) == (
        "Be kind.",
        (FunctionTool(name="look"),),
        "required",
    )
    assert (start.max_output_tokens, start.parallel_tool_calls) == (9, False)
    assert (start.modality, start.voice, start.speed, start.fmt) == ("audio", "alloy", 1.0, PcmFormat())


def test_wishes_hold_for_one_response(talk: Talk) -> None:
    talk.ask(
        instructions="Whisper.",
        tools=[LOOK],
        tool_choice="none",
        parallel_tool_calls=False,
        max_output_tokens=5,
        output_modalities=["text"],
        audio={"output": {"format": {"type": "audio/pcmu"}, "voice": "ash"}},
        metadata={"topic": "a"},
    )
    start = talk.started
    assert (start.instructions, len(start.tools), start.tool_choice) == ("Whisper.", 1, "none")
    assert (start.max_output_tokens, start.modality) == (5, "text")
    assert (start.voice, start.fmt, start.parallel_tool_calls) == ("ash", PcmuFormat(), False)
    reported = to_builtins(talk.last(ResponseCreated))["response"]
    assert reported == {
        "object": "realtime.response",
        "id": "resp_1",
        "status": "in_progress",
        "status_details": None,
        "output": [],
        "conversation_id": "conv_1",
        "output_modalities": ["text"],
        "max_output_tokens": 5,
        "audio": {"output": {"format": {"type": "audio/pcmu"}, "voice": "ash"}},
        "usage": None,
        "metadata": {"topic": "a"},
    }
    talk.finish()
    assert talk.last(ResponseDone).response.metadata == {"topic": "a"}
    talk.ask(audio={"output": {}})
    assert (talk.started.instructions, talk.started.voice) != ("Whisper.", "ash")
    assert talk.started.max_output_tokens is None
    assert talk.started.voice == "alloy"


@pytest.mark.parametrize(
    ("wish", "param"),
    [
        ({"reasoning": {"effort": "low"}}, "response.reasoning.effort"),
        ({"tool_choice": {"type": "function", "name": "look"}}, "response.tool_choice"),
        ({"tool_choice": {"type": "function", "name": "go"}, "tools": [LOOK]}, "response.tool_choice"),
        ({"tools": [LOOK, LOOK]}, "response.tools[1].name"),
        ({"audio": {"output": {"voice": "bob"}}}, "response.audio.output.voice"),
    ],
)
def test_a_wish_that_cannot_be_met(talk_with: type[Talk], wish: dict[str, Any], param: str) -> None:
    talk = talk_with(voices=("alloy",))
    assert talk.ask(**wish) == ["error"]
    assert talk.complaint[:2] == ("invalid_value", param)
    assert talk.of(StartResponse) == []


def test_a_tool_may_be_chosen_among_those_of_the_response(talk: Talk) -> None:
    choice = {"type": "function", "name": "look"}
    assert talk.ask(tools=[LOOK], tool_choice=choice) == ["response.created"]
    assert talk.started.tool_choice == ToolChoiceFunction(name="look")


def test_the_sessions_choice_must_be_among_the_tools_of_the_response(talk: Talk) -> None:
    talk.update(tools=[LOOK], tool_choice={"type": "function", "name": "look"})
    assert talk.ask(tools=[]) == ["error"]
    told = "There is no tool named 'look'. There are: none."
    assert talk.complaint == ("invalid_value", "response.tool_choice", told)
    assert talk.ask(tools=[], tool_choice="none") == ["response.created"]


def test_the_effort_of_a_response_goes_before_the_sessions(talk_with: type[Talk]) -> None:
    talk = talk_with(model_honours=frozenset({"reasoning"}))
    talk.update(reasoning={"effort": "high"})
    for wish, effort in (({"effort": "low"}, "low"), (None, "high"), ({}, "high")):
        talk.ask(reasoning=wish, conversation="none")
        assert talk.started.effort == effort


def test_a_prompt_for_one_response(talk_with: type[Talk]) -> None:
    talk = talk_with(instructions="Own.", stored_prompt=lambda *_: StoredPrompt("p", "", "Be {{mood}}."))
    brief = {"id": "p", "variables": {"mood": "brief"}}
    talk.ask(prompt=brief, conversation="none")
    assert talk.started.instructions == "Be brief."
    talk.ask(prompt=brief, instructions="Mine.", conversation="none")
    assert talk.started.instructions == "Mine."
    talk.ask(prompt=None, conversation="none")
    assert talk.started.instructions == "Own."
    assert talk.ask(prompt={"id": "p"}) == ["error"]
    assert talk.complaint[:2] == ("missing_required_parameter", "response.prompt.variables.mood")


def test_the_voice_of_a_response_is_locked_too(talk: Talk) -> None:
    talk.ask()
    talk.clause("Hi.", 100)
    talk.finish()
    assert talk.ask(audio={"output": {"voice": "ash"}}) == ["error"]
    assert talk.complaint[0] == "cannot_update_voice"


def test_the_temperature_of_the_beta_reaches_a_model_that_has_one(talk_with: type[Talk]) -> None:
    talk = talk_with(model_honours=frozenset({"temperature"}))
    talk.server.receive(SessionUpdate(session=RealtimeSession(temperature=0.7)), talk.now)
    for wish, temperature in ((0.9, 0.9), (None, 0.7)):
        params = ResponseCreateParams(conversation="none", temperature=wish)
        talk.server.receive(ResponseCreate(response=params), talk.now)
        talk.take()
        assert talk.started.temperature == temperature
    cold = talk_with()
    cold.server.receive(SessionUpdate(session=RealtimeSession(temperature=0.7)), cold.now)
    cold.take()
    assert "temperature" not in cold.json["session"]
    cold.ask()
    assert cold.started.temperature is None
