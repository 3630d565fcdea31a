from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from vivavoce.agents import RealtimeAgent
from vivavoce.connections.memory import LocalRealtimeModel
from vivavoce.engines.llm.brain import BuiltinBrain
from vivavoce.engines.scripted import scripted_engines
from vivavoce.errors import ConfigurationError
from vivavoce.protocol.codec import client_event_from, to_builtins
from vivavoce.session import RealtimeRunner, RealtimeSession
from vivavoce.session.saying import SAY_PREFIX, say_request
from vivavoce.testing import run


def test_a_request_to_say_something_calls_no_tool_and_can_be_told_from_others() -> None:
    event = to_builtins(say_request("  Good day.\n\nHow are you? "))
    assert event["response"] == {
        "instructions": SAY_PREFIX + "Good day.\n\nHow are you?",
        "tool_choice": "none",
        "metadata": {"vivavoce.say": "1"},
    }
    assert client_event_from(event) == say_request("Good day.\n\nHow are you?")


@pytest.mark.parametrize("nothing", ["", " \n", None, 5])
def test_nothing_cannot_be_said(nothing: Any) -> None:
    with pytest.raises(ConfigurationError, match="not empty, got"):
        say_request(nothing)


async def answer(session: RealtimeSession, count: int) -> list[str]:
    """The transcripts of the next answers."""
    spoken: list[str] = []
    event: Any
    async for event in session:
        assert event.type != "error"
        if event.type == "response.output_audio_transcript.done":
            spoken.append(event.transcript)
            if len(spoken) == count:
                break
    return spoken


def local(**engines: Any) -> Any:
    brain = dataclasses.replace(scripted_engines(**engines), llm=BuiltinBrain())
    agent = RealtimeAgent[Any]("Ada", "You are Ada. Never say anything but yes.")
    return RealtimeRunner(agent, model=LocalRealtimeModel(brain)).run()


def test_the_built_in_brain_says_it_word_for_word() -> None:
    async def main() -> None:
        async with await local() as session:
            await session.send_event(say_request("Hotel Nord: good day - what can I do?"))
            assert await answer(session, 1) == ["Hotel Nord: good day - what can I do?"]
            await session.send_message("thank you")
            assert await answer(session, 1) == ["You are welcome."]
            await session.send_event(say_request("Wait.\n\nI am looking."))
            await session.send_event(say_request("Here it is."))
            said = await answer(session, 2)
            assert [" ".join(words.split()) for words in said] == ["Wait. I am looking.", "Here it is."]

    run(main())


def test_the_agent_greets_when_it_is_asked_to_speak_first() -> None:
    async def main() -> None:
        async with await local() as session:
            greet = {"type": "response.create", "response": {"instructions": "Greet the user."}}
            await session.send_event(greet)
            assert await answer(session, 1) == ["Hello! How can I help you?"]
            await asyncio.sleep(5)
            await session.send_event(greet)
            assert await answer(session, 1) == ["Hello again! What can I do for you?"]

    run(main())
