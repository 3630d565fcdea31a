"""A tool that runs only when somebody has said yes; here a rule says it, in your program a person may.

python examples/approvals.py
"""

import asyncio
import json

from vivavoce import RealtimeAgent, RealtimeRunner, function_tool

LIMIT = 100


@function_tool(needs_approval=True)
def refund_order(amount: int) -> str:
    """Refund an order.

    Args:
        amount: euros to give back.
    """
    return f"{amount} euros are on their way back to you."


agent = RealtimeAgent(name="Shop", instructions="Help with orders.", tools=[refund_order])


async def main() -> None:
    """Ask for two refunds, and decide about each as its call comes."""
    async with await RealtimeRunner(agent, model="local").run() as session:
        for amount in (30, 400):
            await session.send_message(f"Please refund my order, it was {amount} euros.")
            async for event in session:
                if event.type == "tool_approval_required":
                    print(f"[asks for {event.tool.name} with {event.arguments}]")
                    if json.loads(event.arguments)["amount"] <= LIMIT:
                        await session.approve_tool_call(event)
                    else:
                        message = f"Not approved: refunds above {LIMIT} euros need a letter."
                        await session.reject_tool_call(event, rejection_message=message)
                elif event.type == "response.output_audio_transcript.done":
                    print(f"Agent: {event.transcript}")
                    break


if __name__ == "__main__":
    asyncio.run(main())
