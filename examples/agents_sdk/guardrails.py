"""An output guardrail: it reads along every 100 characters and at the end, and stops an answer it dislikes.

python examples/agents_sdk/guardrails.py

Nothing is raised: the session tells of it with a `guardrail_tripped` event, and the agent answers anew.
"""

import asyncio
from typing import Any

from vivavoce import GuardrailFunctionOutput, RealtimeAgent, RealtimeRunner, function_tool, output_guardrail


@function_tool
def open_safe() -> str:
    """Tell how to open the safe."""
    return (
        "The secret code of the safe is 4711. It is behind the painting of the harbour in the old library. "
        "You will need a ladder to reach it, and somebody who holds the ladder."
    )


@output_guardrail(policy_hint="Codes are never told.")
async def no_codes(_context: Any, _agent: Any, output: str) -> GuardrailFunctionOutput:
    """Trip on everything that tells a code."""
    return GuardrailFunctionOutput(output_info="code" in output, tripwire_triggered="code" in output)


agent = RealtimeAgent(
    name="Butler",
    instructions="You look after the house.",
    tools=[open_safe],
    output_guardrails=[no_codes],
)


async def main() -> None:
    """Ask for what must not be told, and wait for an answer that may be given."""
    async with await RealtimeRunner(agent, model="local").run() as session:
        await session.send_message("How do I open the safe?")
        async for event in session:
            if event.type == "guardrail_tripped":
                names = [result.guardrail.get_name() for result in event.guardrail_results]
                print(f"[stopped by {', '.join(names)}: {event.message}]")
            elif event.type == "audio_interrupted":
                print(f"[playback is cut after {event.heard_ms / 1000:.1f} seconds]")
            elif event.type == "agent_end" and event.output:
                print(f"Agent ({event.status}): {event.output}")
                if event.status == "completed":
                    break


if __name__ == "__main__":
    asyncio.run(main())
