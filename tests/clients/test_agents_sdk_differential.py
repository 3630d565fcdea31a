"""The same program on both Agents SDKs, against one scripted server: what differs, and why.

Each case names every difference there is. ``-`` is what only `openai-agents` does, ``+`` what only this
project does. A difference that goes away, or a new one, fails the test.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import BaseModel

from vivavoce.testing import Answer, Pause, failed, one_response, spoken, tool_call, user_says, written

pytestmark = pytest.mark.clients

Kit = Any
Stage = Any
Play = Callable[[Any], Awaitable[None]]


# Agents ---------------------------------------------------------------------------------------------------


def plain(kit: Kit) -> Any:
    return kit.RealtimeAgent(name="Ada", instructions="Be kind.")


def weather(kit: Kit) -> Any:
    async def get_weather(city: str) -> str:
        """Get the weather."""
        await asyncio.sleep(0.5 if city == "Rome" else 0.0)
        if city == "Atlantis":
            raise ValueError("no such city")
        return f"It is sunny in {city}."

    return kit.RealtimeAgent(name="Ada", instructions="Be kind.", tools=[kit.function_tool(get_weather)])


class Reason(BaseModel):
    """Why the model hands off."""

    reason: str


def desk(kit: Kit) -> Any:
    billing = kit.RealtimeAgent(name="Billing", instructions="Talk about bills.")

    def on_handoff(context: Any, data: Reason) -> None:
        assert data.reason

    handoff = kit.realtime_handoff(billing, on_handoff=on_handoff, input_type=Reason)
    return kit.RealtimeAgent(name="Desk", instructions="Greet.", handoffs=[handoff])


def guarded(kit: Kit) -> Any:
    def no_secrets(context: Any, agent: Any, output: str) -> Any:
        return kit.GuardrailFunctionOutput(output_info={}, tripwire_triggered="secret" in output)

    guardrail = kit.output_guardrail(no_secrets)
    return kit.RealtimeAgent(name="Ada", instructions="Be kind.", output_guardrails=[guardrail])


# What a program does --------------------------------------------------------------------------------------


async def ask(stage: Stage) -> None:
    await stage.session.send_message("Hello?")
    await stage.wait(3)


async def speak(stage: Stage) -> None:
    await stage.session.send_audio(bytes(960))
    stage.model.emit(user_says("Hello there"), spoken("Good day."))
    await stage.wait()


def hear(stage: Stage, ms: float) -> None:
    audio = stage.first("audio")
    stage.tracker.on_play_ms(audio.item_id, audio.content_index, ms)


async def interrupt_mid_audio(stage: Stage) -> None:
    await stage.session.send_message("Hello?")
    await stage.wait(0.7)
    hear(stage, 450)
    await stage.session.interrupt()
    await stage.wait(3)


async def interrupt_before_audio(stage: Stage) -> None:
    await stage.session.send_message("Hello?")
    await stage.wait(0.2)
    await stage.session.interrupt()
    await stage.wait(3)


async def barge_in_with_two_replies_queued(stage: Stage) -> None:
    stage.model.emit(spoken("One two three four."), spoken("Five six seven eight."))
    await stage.wait(0.2)
    hear(stage, 650)
    stage.model.emit(user_says("Stop"))
    await stage.wait()


async def speak_after_all_was_heard(stage: Stage) -> None:
    stage.model.emit(spoken("Good day."))
    await stage.wait(0.2)
    hear(stage, 600)
    await stage.wait(0.4)
    stage.model.emit(user_says("And now?"))
    await stage.wait()


async def hear_of_an_item_in_between(stage: Stage) -> None:
    for item_id, before in (("a", None), ("c", "a"), ("b", "a")):
        content = [{"type": "input_text", "text": item_id}]
        item = {"id": item_id, "type": "message", "role": "user", "status": "completed", "content": content}
        stage.model.emit({"type": "conversation.item.added", "previous_item_id": before, "item": item})
    await stage.wait()


async def ask_while_the_server_is_in_error(stage: Stage) -> None:
    await stage.session.send_message("One?")
    await stage.wait(0.1)
    error = {"type": "server_error", "code": None, "message": "Something went wrong.", "param": None}
    stage.model.emit({"type": "error", "error": error})
    await stage.wait(15)
    await stage.session.send_message("Two?")
    await stage.wait(15)


async def ask_while_a_turn_is_answered(stage: Stage) -> None:
    refusal = {
        "type": "invalid_request_error",
        "code": "conversation_already_has_active_response",
        "message": "Conversation already has an active response in progress.",
        "param": None,
    }
    await stage.session.send_message("One?")
    await stage.wait(0.1)
    request = next(event for event in stage.server.received if event["type"] == "response.create")
    stage.model.emit({"type": "error", "error": {**refusal, "event_id": request["event_id"]}})
    await stage.wait(3)


async def ask_after_nonsense(stage: Stage) -> None:
    await stage.server.send_frame("{no json")
    await stage.wait(0.1)
    await ask(stage)


async def see_the_server_leave(stage: Stage) -> None:
    await stage.server.disconnect()
    await stage.wait(0.1)


# Cases ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A program, a script, and every difference between the two SDKs.

    Attributes:
        shows: the defect of `openai-agents` that the differences show, or why else they are there.
    """

    shows: str = ""
    play: Play = ask
    agent: Callable[[Kit], Any] = plain
    steps: tuple[Answer | str, ...] = ()
    config: dict[str, Any] = field(default_factory=dict)
    differences: tuple[str, ...] = ()


OUTPUT_IS_AN_ITEM = "+ event history_added"
"""The output of a tool is an item of the history, and told like every other one."""
OLD_AUDIO = ("- event audio", "- event audio", "- event audio", "- event audio_end")


def answer(sign: str, words: int) -> tuple[str, ...]:
    """The events of an answer that only one of them gets."""
    return (
        f"{sign} event agent_start",
        *(f"{sign} event audio" for _ in range(words)),
        f"{sign} event audio_end",
        f"{sign} event agent_end",
    )


TWO_CALLS = one_response(
    tool_call("get_weather", {"city": "Oslo"}), tool_call("get_weather", {"city": "Rome"})
)
SECRET = "Here is a secret that you must never tell anybody else in the world."

ALIKE = {
    "connect": Case(play=lambda stage: stage.wait()),
    "written turn": Case(steps=(written("Good day."),)),
    "spoken answer": Case(steps=("Good day.",)),
    "audio turn with transcription": Case(play=speak),
    "server leaves": Case(play=see_the_server_leave),
}
"""Where the two do the same."""

BETTER = {
    "tool call": Case(
        "outputs of tools are told",
        agent=weather,
        steps=(tool_call("get_weather", {"city": "Oslo"}), "It is sunny."),
        differences=(OUTPUT_IS_AN_ITEM,),
    ),
    "handoff": Case(
        "outputs of tools are told",
        agent=desk,
        steps=(tool_call("transfer_to_billing", {"reason": "a bill"}), "Billing here."),
        differences=(OUTPUT_IS_AN_ITEM,),
    ),
    "tool that raises": Case(
        "nobody learns that a tool failed",
        agent=weather,
        steps=(tool_call("get_weather", {"city": "Atlantis"}), "I cannot tell."),
        differences=("+ event error", OUTPUT_IS_AN_ITEM),
    ),
    "arguments that are no JSON": Case(
        "nobody learns that a tool failed",
        agent=weather,
        steps=(tool_call("get_weather", "{nonsense"), "I cannot tell."),
        differences=("+ event error", OUTPUT_IS_AN_ITEM),
    ),
    "two parallel tools": Case(
        "5: the first output asks for an answer before the second is there, so there are two answers",
        agent=weather,
        steps=(TWO_CALLS, "It is sunny in Oslo.", "And in Rome."),
        differences=(
            "- sends response.create",
            "- event agent_start",
            *("- event audio",) * 3,
            "- event audio_end",
            "- event agent_end",
            OUTPUT_IS_AN_ITEM,
            "- keeps assistant: And in Rome",
        ),
    ),
    "unknown tool": Case(
        "5: after an unknown tool nobody says anything any more",
        agent=weather,
        steps=(tool_call("get_time"), "I cannot tell."),
        differences=(
            "- sends conversation.item.create function_call_output: Tool get_time not found",
            "+ sends conversation.item.create function_call_output: There is no tool 'get_time'",
            "+ sends response.create",
            *answer("+", 3),
            OUTPUT_IS_AN_ITEM,
            "+ event history_added",
            "+ keeps assistant: I cannot tell",
        ),
    ),
    "handoff with arguments that are no JSON": Case(
        "7: arguments that the model got wrong end the session",
        agent=desk,
        steps=(tool_call("transfer_to_billing", "{nonsense"), "Say that again."),
        differences=(
            "+ sends conversation.item.create function_call_output: bad arguments for transfer_to_billing",
            "+ sends response.create",
            *answer("+", 3),
            OUTPUT_IS_AN_ITEM,
            "+ event history_added",
            "+ keeps assistant: Say that again",
            "- ends ModelBehaviorError",
            "+ ends open",
        ),
    ),
    "interrupt in mid-audio": Case(
        "3: interrupt() does not stop the answer, and its audio keeps coming; 9: unheard words are kept",
        play=interrupt_mid_audio,
        steps=(spoken("One two three four five six.", pace=1.0),),
        differences=(
            "+ sends response.cancel",
            *OLD_AUDIO,
            "- keeps assistant: One two three four five six",
            "+ keeps assistant: One",
        ),
    ),
    "interrupt before the first audio": Case(
        "3: interrupt() does nothing before the first audio",
        play=interrupt_before_audio,
        steps=(one_response(Pause(0.5), "One two three."),),
        differences=(
            "+ sends response.cancel",
            *OLD_AUDIO,
            "- event history_added",
            "- keeps assistant: One two three",
        ),
    ),
    "barge-in with two replies queued": Case(
        "10: only one of two queued replies is cut; 9: unheard words are kept",
        play=barge_in_with_two_replies_queued,
        differences=(
            "- sends conversation.item.retrieve answer2",
            "- sends conversation.item.retrieve answer2",
            "+ sends conversation.item.truncate answer2 at 0",
            "+ sends conversation.item.retrieve answer1",
            "- keeps assistant: One two three four",
            "- keeps assistant: Five six seven eight",
            "+ keeps assistant: One two",
            "+ keeps assistant: ",
        ),
    ),
    "speech after all was heard": Case(
        "2: audio_interrupted although nothing was playing; 9: the answer is asked for again",
        play=speak_after_all_was_heard,
        differences=("- sends conversation.item.retrieve answer1", "- event audio_interrupted"),
    ),
    "guardrail": Case(
        "6: the model is told in a message of the user; unheard words are kept",
        agent=guarded,
        config={"guardrails_settings": {"debounce_text_length": 20}},
        steps=(spoken(SECRET, pace=0.5), "Sorry."),
        differences=(
            "- sends conversation.item.create user: guardrail triggered",
            "+ sends conversation.item.truncate answer1 at 0",
            "+ sends conversation.item.create system: Your last answer was stopped, because it broke a rule",
            "- event audio_end",
            "- keeps assistant: Here is a secret that",
            "- keeps user: guardrail triggered",
            "+ keeps assistant: ",
            "+ keeps system: Your last answer was stopped, because it broke a rule",
        ),
    ),
    "guardrail on a short reply": Case(
        "6: a reply shorter than the debounce length is never checked",
        agent=guarded,
        steps=("A secret.", "Sorry."),
        differences=(
            "+ sends conversation.item.truncate answer1 at 0",
            "+ sends conversation.item.create system: Your last answer was stopped, because it broke a rule",
            "+ sends response.create",
            "+ event audio_interrupted",
            *answer("+", 1),
            "+ event guardrail_tripped",
            "+ event history_added",
            "+ event history_added",
            "- keeps assistant: A secret",
            "+ keeps assistant: ",
            "+ keeps system: Your last answer was stopped, because it broke a rule",
            "+ keeps assistant: Sorry",
        ),
    ),
    "response that fails": Case(
        "nobody learns that a response failed",
        steps=(failed("on fire"),),
        differences=("+ event error",),
    ),
    "item put between two others": Case(
        "8: an item is put at the end, wherever it belongs",
        play=hear_of_an_item_in_between,
        differences=("+ keeps user: b", "- keeps user: b"),
    ),
    "error that names no event": Case(
        "4: an error without event_id stops every later response; here it does not, and what is lost is told",
        play=ask_while_the_server_is_in_error,
        differences=("+ sends response.create", "+ event error", "+ event error"),
    ),
    "request refused while another response runs": Case(
        "4: a request that came too early is dropped, and nobody answers",
        play=ask_while_a_turn_is_answered,
        differences=("+ sends response.create", "- event error"),
    ),
    "frame that is no JSON": Case(
        "11: one bad frame ends the session",
        play=ask_after_nonsense,
        steps=("Good day.",),
        differences=(
            "+ sends conversation.item.create user: Hello?",
            "+ sends response.create",
            *answer("+", 2),
            "- event raises AssertionError",
            "+ event error",
            "+ event history_added",
            "+ event history_added",
            "+ keeps user: Hello?",
            "+ keeps assistant: Good day",
            "- ends JSONDecodeError",
            "+ ends open",
        ),
    ),
}
"""Where `openai-agents` has a defect, by its number in the list of findings, or tells less."""


@pytest.mark.parametrize("name", ALIKE)
def test_the_two_do_the_same(name: str, perform: Any, ours: Kit, theirs: Kit, difference: Any) -> None:
    assert difference(perform(theirs, ALIKE[name]), perform(ours, ALIKE[name])) == []


@pytest.mark.parametrize("name", BETTER)
def test_a_defect_shows_there_and_not_here(
    name: str, perform: Any, ours: Kit, theirs: Kit, difference: Any
) -> None:
    case = BETTER[name]
    found = difference(perform(theirs, case), perform(ours, case))
    assert found == list(case.differences), case.shows
