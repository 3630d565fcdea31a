"""The unmodified `openai-agents` on this project's server, in the scenes of the JavaScript SDK."""

from __future__ import annotations

from typing import Any

import pytest
from tests.clients.test_agents_sdk_on_our_server import ada, kinds, perform, said, talk, wait

from vivavoce.engines.base import FunctionCallDelta
from vivavoce.engines.scripted import scripted_engines

agents = pytest.importorskip("agents", reason="needs the package openai-agents")

pytestmark = pytest.mark.clients

PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAAB"
    "JRU5ErkJggg=="
)


def requests(engines: Any) -> list[Any]:
    asked: list[Any] = engines.llm.requests
    return asked


def test_parallel_tools() -> None:
    @agents.function_tool  # type: ignore[untyped-decorator]
    async def get_weather(city: str) -> str:
        """Get the weather."""
        await wait(0.2)
        return f"It is sunny in {city}."

    async def play(session: Any, _: list[Any]) -> None:
        await session.send_message("How is the weather?")
        await wait(6)

    both: list[Any] = [
        FunctionCallDelta(index, "get_weather", f'{{"city": "{city}"}}', f"call_{city}")
        for index, city in enumerate(("Oslo", "Rome"))
    ]
    # This SDK may ask for an answer after each output.
    engines = scripted_engines(answers=[both, ["Sunny there."], ["Sunny there."]])
    events = perform(ada(tools=[get_weather]), engines, play, modalities=["text"])
    outputs = [item.output for item in requests(engines)[-1].items if item.type == "function_call_output"]
    assert sorted(outputs) == ["It is sunny in Oslo.", "It is sunny in Rome."]
    assert said(events)[-1] == "assistant: Sunny there."


@pytest.mark.parametrize("approved", [True, False])
def test_a_tool_that_asks_first(*, approved: bool) -> None:
    @agents.function_tool(needs_approval=True)  # type: ignore[untyped-decorator]
    async def erase() -> str:
        """Erase everything."""
        return "All is gone."

    async def play(session: Any, events: list[Any]) -> None:
        await session.send_message("Erase it all.")
        await wait(1)
        (asked,) = [event for event in events if event.type == "tool_approval_required"]
        answer = session.approve_tool_call if approved else session.reject_tool_call
        await answer(asked.call_id)
        await wait(3)

    call: list[Any] = [FunctionCallDelta(0, "erase", "{}", "call_1")]
    engines = scripted_engines(answers=[call, ["As you wish."]])
    events = perform(ada(tools=[erase]), engines, play, modalities=["text"])
    (output,) = [item.output for item in requests(engines)[-1].items if item.type == "function_call_output"]
    assert (output == "All is gone.") is approved
    assert said(events)[-1] == "assistant: As you wish."


def test_a_guardrail_stops_an_answer() -> None:
    @agents.output_guardrail  # type: ignore[untyped-decorator]
    def no_secrets(context: Any, agent: Any, output: str) -> Any:
        return agents.GuardrailFunctionOutput(output_info={}, tripwire_triggered="secret" in output)

    async def play(session: Any, _: list[Any]) -> None:
        await session.send_message("Tell me.")
        await wait(12)

    secret = "Here is a secret that you must never tell anybody else in the whole wide world. " * 2
    engines = scripted_engines(answers=[[secret], ["I cannot say."]], word_ms=200)
    events = perform(ada(output_guardrails=[no_secrets]), engines, play)
    assert kinds(events).count("guardrail_tripped") == 1
    assert said(events)[-1] == "assistant: I cannot say."
    assert len(requests(engines)) == 2


def test_a_picture_reaches_the_model() -> None:
    async def play(session: Any, _: list[Any]) -> None:
        content = [
            {"type": "input_text", "text": "What is it?"},
            {"type": "input_image", "image_url": PIXEL, "detail": "low"},
        ]
        await session.send_message({"type": "message", "role": "user", "content": content})
        await wait(2)

    engines = scripted_engines(answers=[["A dot."]])
    events = perform(ada(), engines, play, modalities=["text"])
    (item,) = requests(engines)[-1].items
    assert [part.type for part in item.content] == ["input_text", "input_image"]
    assert item.content[1].image_url == PIXEL
    assert said(events)[-1] == "assistant: A dot."


def test_turns_by_meaning_with_all_that_the_sdk_can_ask_for() -> None:
    async def play(session: Any, _: list[Any]) -> None:
        await talk(session, 800, loud=True)
        await talk(session, 6000, loud=False)

    engines = scripted_engines(hears=["What time is it?"], answers=[["It is noon."]], word_ms=100)
    events = perform(
        ada(),
        engines,
        play,
        turn_detection={"type": "semantic_vad", "eagerness": "high", "interrupt_response": True},
        input_audio_transcription={"model": "gpt-4o-mini-transcribe"},
        input_audio_noise_reduction=None,
        speed=1.0,
        tracing="auto",
    )
    assert said(events) == ["user: What time is it?", "assistant: It is noon."]


def test_an_answer_out_of_band() -> None:
    from agents.realtime.model_inputs import RealtimeModelRawClientMessage, RealtimeModelSendRawMessage

    async def play(session: Any, _: list[Any]) -> None:
        response = {
            "conversation": "none",
            "metadata": {"topic": "mood"},
            "output_modalities": ["text"],
            "input": [
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "How am I?"}]}
            ],
        }
        message = RealtimeModelRawClientMessage(type="response.create", other_data={"response": response})
        await session.model.send_event(RealtimeModelSendRawMessage(message=message))
        await wait(2)

    engines = scripted_engines(answers=[["Fine."]])
    events = perform(ada(), engines, play)
    models = [event.data for event in events if event.type == "raw_model_event"]
    raw = [model.data for model in models if model.type == "raw_server_event"]
    (done,) = [event["response"] for event in raw if event["type"] == "response.done"]
    assert done["metadata"] == {"topic": "mood"}
    assert done["conversation_id"] is None
    assert "conversation.item.added" not in {event["type"] for event in raw}
