"""Guardrails of a whole session, and how often they look: by default every 100 characters and at the end.

python examples/voice_agents/guardrails.py
"""

import asyncio
from typing import Any

from vivavoce import GuardrailFunctionOutput, OutputGuardrail, RealtimeAgent, RealtimeRunner, function_tool


@function_tool
def list_staff() -> str:
    """List the staff."""
    return (
        "Ada is at the front desk, Dom is in the workshop, and Grace is with a customer until three o'clock."
    )


def mentions_dom(_context: Any, _agent: Any, agent_output: str) -> GuardrailFunctionOutput:
    """Look for the name. A plain function like this runs in a thread."""
    dom_in_output = "Dom" in agent_output
    return GuardrailFunctionOutput(
        output_info={"dom_in_output": dom_in_output}, tripwire_triggered=dom_in_output
    )


agent = RealtimeAgent(
    name="Greeter",
    instructions="Greet the user with cheer and answer questions.",
    tools=[list_staff],
)
guardrails = [OutputGuardrail(mentions_dom, name="No mention of Dom")]


async def ask(settings: dict[str, Any]) -> None:
    """Ask for what trips the guardrail, and print what happens until an answer may be given.

    Args:
        settings: how guardrails run.
    """
    print(settings)
    config = {"output_guardrails": guardrails, "guardrails_settings": settings}
    async with await RealtimeRunner(agent, model="local", config=config).run() as session:
        await session.send_message("Please list the staff.")
        async for event in session:
            if event.type == "guardrail_tripped":
                [result] = event.guardrail_results
                print(f"[{result.guardrail.name}: {result.output.output_info}, seen in item {event.item_id}]")
            elif event.type == "audio_interrupted":
                print(f"[playback cut after {event.heard_ms / 1000:.1f} s]")
            elif event.type == "agent_end" and event.output:
                print(f"Agent ({event.status}): {event.output}")
                if event.status == "completed" and "Dom" not in event.output:
                    break


async def main() -> None:
    """Let guardrails look early; then so that nobody hears a word that they have not seen."""
    await ask({"debounce_text_length": 40})
    await ask({"debounce_text_length": 500, "hold_back": True})


if __name__ == "__main__":
    asyncio.run(main())
