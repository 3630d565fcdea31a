"""A tool that reads the conversation so far, as it was when the tool was called.

python examples/voice_agents/tool_history.py

To hand the conversation to another model from here, see `examples/delegation.py`.
"""

import asyncio
from typing import Any

from vivavoce import RealtimeAgent, RealtimeRunner, ToolContext, function_tool


@function_tool(name_override="Refund_Expert", description_override="Evaluate a refund")
def refund_tool(context: ToolContext[Any], request: str) -> str:
    """Evaluate a refund.

    Args:
        context: of the call.
        request: what is to be refunded.
    """
    # The transcription of what the user has just said may not be there yet.
    said = [item for item in context.history_json() if item["type"] == "message" and item["role"] == "user"]
    return f"The refund of {request} is granted, after {len(said)} messages from you."


agent = RealtimeAgent(
    name="Customer Support",
    instructions="You are a customer support agent.",
    tools=[refund_tool],
)


async def main() -> None:
    """Ask for a refund."""
    async with await RealtimeRunner(agent, model="local").run() as session:
        await session.send_message("The shoes are broken.", respond=False)
        await session.send_message("Please evaluate a refund, the request is my shoes.")
        async for event in session:
            if event.type == "tool_start":
                print(f"[{event.tool.name} {event.arguments}]")
            elif event.type == "response.output_audio_transcript.done":
                print(f"Agent: {event.transcript}")
                break


if __name__ == "__main__":
    asyncio.run(main())
