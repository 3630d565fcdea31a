"""The same program on both Agents SDKs: turns, tools, handoffs, guardrails (see `conftest`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from vivavoce.testing import one_response, spoken, tool_call, user_says, written

pytestmark = pytest.mark.clients

Kit = Any
Stage = Any
Compare = Callable[..., list[str]]


def weather(kit: Kit) -> Any:
    async def get_weather(city: str) -> str:
        """Get the weather."""
        await kit.wait(0.5 if city == "Rome" else 0.0)
        if city == "Atlantis":
            raise ValueError("no such city")
        return f"It is sunny in {city}."

    return kit.RealtimeAgent(name="Ada", instructions="Be kind.", tools=[kit.function_tool(get_weather)])


def careless(kit: Kit) -> Any:
    def explode() -> str:
        """Do something."""
        raise ValueError("on fire")

    tool = kit.function_tool(explode, failure_error_function=None)
    return kit.RealtimeAgent(name="Ada", instructions="Be kind.", tools=[tool])


def careful(kit: Kit) -> Any:
    def delete_all() -> str:
        """Delete everything."""
        return "All is gone."

    tool = kit.function_tool(delete_all, needs_approval=True)
    return kit.RealtimeAgent(name="Ada", instructions="Be kind.", tools=[tool])


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


async def ask(stage: Stage) -> None:
    await stage.session.send_message("Hello?")
    await stage.wait(3)


async def speak(stage: Stage) -> None:
    await stage.session.send_audio(bytes(960))
    stage.model.emit(user_says("Hello there"), spoken("Good day."))
    await stage.wait()


async def approve(stage: Stage) -> None:
    await stage.session.send_message("Delete everything.")
    await stage.wait(1)
    await stage.session.approve_tool_call(stage.first("tool_approval_required").call_id)
    await stage.wait(2)


async def reject(stage: Stage) -> None:
    await stage.session.send_message("Delete everything.")
    await stage.wait(1)
    call_id = stage.first("tool_approval_required").call_id
    await stage.session.reject_tool_call(call_id, rejection_message="Better not")
    await stage.wait(2)


def answer(sign: str, words: int) -> tuple[str, ...]:
    """The events of an answer that only one of them gets."""
    return (
        f"{sign} event agent_start",
        *(f"{sign} event audio" for _ in range(words)),
        f"{sign} event audio_end",
        f"{sign} event agent_end",
    )


OUTPUT_IS_AN_ITEM = "+ event history_added"
"""The output of a tool is an item of the history, and told like every other one."""
TWO_CALLS = one_response(
    tool_call("get_weather", {"city": "Oslo"}), tool_call("get_weather", {"city": "Rome"})
)
SECRET = "Here is a secret that you must never tell anybody else in the world."


async def see_the_server_leave(stage: Stage) -> None:
    await stage.server.disconnect()
    await stage.wait(0.1)


@pytest.mark.parametrize(
    ("play", "steps"),
    [
        (None, [written("Good day.")]),
        (None, ["Good day."]),
        (speak, []),
        (lambda stage: stage.wait(), []),
        (see_the_server_leave, []),
    ],
    ids=["written", "spoken", "audio turn with transcription", "silence", "server leaves"],
)
def test_the_two_do_the_same(compare: Compare, play: Any, steps: list[Any]) -> None:
    assert compare(play=play, steps=steps) == []


def test_tool_call(compare: Compare) -> None:
    """Outputs of tools are told."""
    assert compare(agent=weather, steps=(tool_call("get_weather", {"city": "Oslo"}), "It is sunny.")) == [
        OUTPUT_IS_AN_ITEM,
    ]


def test_handoff(compare: Compare) -> None:
    """Outputs of tools are told."""
    assert compare(
        agent=desk, steps=(tool_call("transfer_to_billing", {"reason": "a bill"}), "Billing here.")
    ) == [
        OUTPUT_IS_AN_ITEM,
    ]


def test_tool_that_raises(compare: Compare) -> None:
    """Nobody learns that a tool failed."""
    assert compare(
        agent=weather, steps=(tool_call("get_weather", {"city": "Atlantis"}), "I cannot tell.")
    ) == ["+ event error", OUTPUT_IS_AN_ITEM]


def test_arguments_that_are_no_json(compare: Compare) -> None:
    """Nobody learns that a tool failed."""
    assert compare(agent=weather, steps=(tool_call("get_weather", "{nonsense"), "I cannot tell.")) == [
        "+ event error",
        OUTPUT_IS_AN_ITEM,
    ]


def test_two_parallel_tools(compare: Compare) -> None:
    """Finding 5: the first output asks for an answer before the second is there, so there are two answers.

    Here both calls begin side by side, before either has an output.
    """
    assert compare(agent=weather, steps=(TWO_CALLS, "It is sunny in Oslo.", "And in Rome.")) == [
        "- sends response.create",
        "- event agent_start",
        *("- event audio",) * 3,
        "- event audio_end",
        "- event agent_end",
        "+ event tool_start",
        "- event tool_start",
        OUTPUT_IS_AN_ITEM,
        "- keeps assistant: And in Rome",
    ]


def test_unknown_tool(compare: Compare) -> None:
    """Finding 5: after an unknown tool nobody says anything any more."""
    assert compare(agent=weather, steps=(tool_call("get_time"), "I cannot tell.")) == [
        "- sends conversation.item.create function_call_output: Tool get_time not found",
        "+ sends conversation.item.create function_call_output: There is no tool 'get_time'",
        "+ sends response.create",
        *answer("+", 3),
        OUTPUT_IS_AN_ITEM,
        "+ event history_added",
        "+ keeps assistant: I cannot tell",
    ]


def test_handoff_with_arguments_that_are_no_json(compare: Compare) -> None:
    """Finding 7: arguments that the model got wrong end the session."""
    assert compare(agent=desk, steps=(tool_call("transfer_to_billing", "{nonsense"), "Say that again.")) == [
        "+ sends conversation.item.create function_call_output: bad arguments for transfer_to_billing",
        "+ sends response.create",
        *answer("+", 3),
        OUTPUT_IS_AN_ITEM,
        "+ event history_added",
        "+ keeps assistant: Say that again",
        "- ends ModelBehaviorError",
        "+ ends open",
    ]


def test_guardrail(compare: Compare) -> None:
    """Finding 6: the model is told in a message of the user; unheard words are kept."""
    assert compare(
        agent=guarded,
        config={"guardrails_settings": {"debounce_text_length": 20}},
        steps=(spoken(SECRET, pace=0.5), "Sorry."),
    ) == [
        "- sends conversation.item.create user: guardrail triggered",
        "+ sends conversation.item.truncate answer1 at 0",
        "+ sends conversation.item.create system: Your last answer was stopped, because it broke a rule",
        "- event audio_end",
        "- keeps assistant: Here is a secret that",
        "- keeps user: guardrail triggered",
        "+ keeps assistant: ",
        "+ keeps system: Your last answer was stopped, because it broke a rule",
    ]


def test_guardrail_on_a_short_reply(compare: Compare) -> None:
    """Finding 6: a reply shorter than the debounce length is never checked."""
    assert compare(agent=guarded, steps=("A secret.", "Sorry.")) == [
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
    ]


def test_tool_that_raises_and_has_nothing_to_say_about_it(compare: Compare) -> None:
    """A tool whose errors are not for the model ends the session."""
    assert compare(agent=careless, steps=(tool_call("explode"), "I cannot tell.")) == [
        "+ sends conversation.item.create function_call_output: The tool failed",
        "+ sends response.create",
        *answer("+", 3),
        "+ event tool_end",
        OUTPUT_IS_AN_ITEM,
        "+ event history_added",
        "+ keeps assistant: I cannot tell",
        "- ends ValueError",
        "+ ends open",
    ]


def test_approved_call(compare: Compare) -> None:
    """Outputs of tools are told."""
    assert compare(play=approve, agent=careful, steps=(tool_call("delete_all"), "Done.")) == [
        OUTPUT_IS_AN_ITEM,
    ]


def test_rejected_call(compare: Compare) -> None:
    """Outputs of tools are told."""
    assert compare(play=reject, agent=careful, steps=(tool_call("delete_all"), "As you like.")) == [
        OUTPUT_IS_AN_ITEM,
    ]
