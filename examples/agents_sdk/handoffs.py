"""Handoffs with descriptions: a main agent passes the conversation to the specialist who is needed.

python examples/agents_sdk/handoffs.py
"""

import asyncio

from vivavoce import RealtimeAgent, RealtimeRunner, realtime_handoff

# Specialized agents
billing_agent = RealtimeAgent(
    name="Billing Support",
    instructions="You specialize in billing and payment issues.",
)

technical_agent = RealtimeAgent(
    name="Technical Support",
    instructions="You handle technical troubleshooting.",
)

# Main agent with handoffs
main_agent = RealtimeAgent(
    name="Customer Service",
    instructions="You are the main customer service agent. Hand off to specialists when needed.",
    handoffs=[
        realtime_handoff(billing_agent, tool_description="Transfer to billing support"),
        realtime_handoff(technical_agent, tool_description="Transfer to technical support"),
    ],
)


async def main() -> None:
    """Ask for a specialist, and see who answers."""
    async with await RealtimeRunner(main_agent, model="local").run() as session:
        for message in ("Hello!", "Please transfer me to billing support."):
            print(f"You: {message}")
            await session.send_message(message)
            async for event in session:
                if event.type == "handoff":
                    print(f"[{event.from_agent.name} hands off to {event.to_agent.name}]")
                elif event.type == "response.output_audio_transcript.done":
                    print(f"{session.current_agent.name}: {event.transcript}")
                    break


if __name__ == "__main__":
    asyncio.run(main())
