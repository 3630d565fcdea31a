"""How to test an application with two agents: no model, no microphone, and no waiting.

pytest examples/test_front_desk.py        (or: python examples/test_front_desk.py)
"""

import time
from typing import Any

from vivavoce import RealtimeAgent, RealtimeRunner, function_tool
from vivavoce.testing import (
    After,
    AgentFinished,
    AgentSaid,
    HangUp,
    Say,
    ScriptedRealtimeModel,
    SimulatedCaller,
    local_test_model,
    run,
    spoken,
    tool_call,
    user_says,
)

# --- the application ---------------------------------------------------------------------------------------


@function_tool
def look_up_invoice(number: int) -> str:
    """Look up what an invoice was for."""
    return f"Invoice {number}: 120 euros for one room, two nights."


billing = RealtimeAgent(name="Billing", instructions="Explain invoices.", tools=[look_up_invoice])
front_desk = RealtimeAgent(name="Front desk", instructions="Greet people and help.", handoffs=[billing])


# --- its tests ---------------------------------------------------------------------------------------------


def test_a_question_about_an_invoice_goes_to_billing() -> None:
    """The model's part is a script: one entry for each answer. Everything else is the real thing."""
    model = ScriptedRealtimeModel(
        [
            tool_call("transfer_to_billing"),
            tool_call("look_up_invoice", {"number": 7}),
            "That was one room for two nights.",
        ]
    )

    async def call() -> None:
        async with await RealtimeRunner(front_desk, model=model).run() as session:
            await session.send_message("What is invoice 7?")
            seen = []
            async for event in session:
                seen.append(event)
                if event.type == "response.output_audio_transcript.done":
                    break
            handoff = next(event for event in seen if event.type == "handoff")
            assert (handoff.from_agent.name, handoff.to_agent.name) == ("Front desk", "Billing")
            tool = next(event for event in seen if event.type == "tool_end")
            assert tool.output == "Invoice 7: 120 euros for one room, two nights."
            assert session.current_agent is billing

    run(call())
    model.assert_complete()


def test_what_was_not_heard_was_not_said() -> None:
    """A user who speaks while the agent does: what the script lets them say, and when."""
    model = ScriptedRealtimeModel([spoken("Our rooms have a view of the sea and the mountains.", pace=1.0)])

    async def call() -> None:
        async with await RealtimeRunner(front_desk, model=model).run() as session:
            await session.send_message("Tell me about your rooms.")
            async for event in session:
                if event.type == "response.output_audio_transcript.delta" and event.delta == " sea":
                    break
            model.emit(user_says("How much are they?", pace=1.0), spoken("Sixty euros."))
            async for event in session:
                if event.type == "agent_end" and event.output == "Sixty euros.":
                    break
            assert words(session.history) == [
                "user: Tell me about your rooms.",
                "assistant: Our rooms have a view of the",
                "user: How much are they?",
                "assistant: Sixty euros.",
            ]

    run(call())


def test_a_whole_call_with_an_interruption_at_a_word() -> None:
    """A caller with a voice: turns are found in the audio, and the call takes as long as it takes."""
    model = local_test_model(
        [
            tool_call("transfer_to_billing"),
            "Invoice seven was one room for two nights, with breakfast and parking.",
            "You are welcome.",
        ],
        hears=["what is invoice seven", "thank you that is enough"],
    )
    caller = SimulatedCaller(
        [
            Say("What is invoice seven?", After(0.5)),
            Say("Thank you, that is enough.", AgentSaid("two nights")),
            HangUp(AgentFinished()),
        ]
    )

    async def call() -> list[str]:
        config = {"model_settings": {"input_audio_transcription": {"model": "any"}}}
        runner = RealtimeRunner(front_desk, model=model, config=config)
        async with await runner.run(model_config={"playback_tracker": caller.tracker}) as session:
            await caller.call(session)
            return words(session.history)

    assert run(call()) == [
        "user: what is invoice seven",
        "assistant: Invoice seven was one room for two nights,",
        "user: thank you that is enough",
        "assistant: You are welcome.",
    ]
    assert caller.heard == "Invoice seven was one room for two nights, You are welcome."
    assert caller.tape.seconds > 5


def words(history: list[Any]) -> list[str]:
    """Return who said what."""
    messages = [item for item in history if item.type == "message"]
    return [
        f"{message.role}: {getattr(part, 'text', None) or getattr(part, 'transcript', None) or ''}"
        for message in messages
        for part in message.content
    ]


if __name__ == "__main__":
    for test in (
        test_a_question_about_an_invoice_goes_to_billing,
        test_what_was_not_heard_was_not_said,
        test_a_whole_call_with_an_interruption_at_a_word,
    ):
        began = time.perf_counter()
        test()
        print(f"{test.__name__}: {time.perf_counter() - began:.3f} s")
