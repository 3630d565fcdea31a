"""A voice agent that asks a text agent to decide: delegation with the history of the conversation.

The voice agent runs on this machine. The text agent wants a language model that can write JSON to a schema:
set OPENAI_API_KEY, or OPENAI_BASE_URL and OPENAI_DEFAULT_MODEL for an endpoint of your own.
"""

from __future__ import annotations

import asyncio
import json
import sys

from pydantic import BaseModel

from vivavoce import RealtimeAgent, RealtimeRunner, ToolContext, function_tool
from vivavoce.text import Agent, Runner


class RefundDecision(BaseModel):
    """What the refund expert decides, and why."""

    reasoning: str
    refund_approved: bool


refund_expert = Agent(
    name="Refund Expert",
    instructions=(
        "You are a refund expert. You are given a request to process a refund and you need to determine if "
        "the request is valid."
    ),
    output_type=RefundDecision,
)


@function_tool
async def escalate_to_refund_supervisor(context: ToolContext[None], request: str) -> RefundDecision:
    """Escalate a refund request to the refund supervisor."""
    history = json.dumps(context.history_json(), indent=2)
    result = await Runner.run(
        refund_expert,
        f"The user has requested a refund.\n\nThe request is: {request}\n\n"
        f"Current conversation history:\n{history}",
    )
    return result.final_output_as(RefundDecision)


agent = RealtimeAgent(
    name="Customer Support",
    instructions=(
        "You are a customer support agent. If you receive any requests for refunds, you need to delegate to "
        "your supervisor."
    ),
    tools=[escalate_to_refund_supervisor],
)


async def main(words: str) -> None:
    """Say something to the voice agent; print what is decided and what it says.

    Args:
        words: what the customer says.
    """
    runner = RealtimeRunner(agent, model="local")
    async with await runner.run() as session:
        await session.send_message(words)
        async for event in session:
            if event.type == "tool_end":
                print(f"[{event.tool.name}: {event.output}]")
            elif event.type == "response.output_audio_transcript.done":
                print(f"Agent: {event.transcript}")
                break


if __name__ == "__main__":
    asyncio.run(main(" ".join(sys.argv[1:]) or "I request a refund, my shoes came broken."))
