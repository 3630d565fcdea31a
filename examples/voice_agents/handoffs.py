"""Handoffs between agents: a plain agent in `handoffs`, with a description of when it is needed.

python examples/voice_agents/handoffs.py

The session stays the same and its history goes along; so does the voice, once it was heard.
"""

import asyncio

from vivavoce import RealtimeAgent, RealtimeRunner

math_tutor_agent = RealtimeAgent(
    name="Math Tutor",
    handoff_description="Specialist agent for math questions",
    instructions=(
        "You provide help with math problems. Explain your reasoning at each step and include examples"
    ),
)

agent = RealtimeAgent(
    name="Greeter",
    instructions="Greet the user with cheer and answer questions.",
    handoffs=[math_tutor_agent],
)


async def main() -> None:
    """Ask for the tutor."""
    async with await RealtimeRunner(agent, model="local").run() as session:
        session.on("handoff", lambda event: print(f"[{event.from_agent.name} -> {event.to_agent.name}]"))
        for message in ("Hello!", "I have a math question."):
            print(f"You: {message}")
            await session.send_message(message)
            async for event in session:
                if event.type == "response.output_audio_transcript.done":
                    print(f"{session.current_agent.name}: {event.transcript}")
                    break
        print(f"The history has {len(session.history)} items.")


if __name__ == "__main__":
    asyncio.run(main())
