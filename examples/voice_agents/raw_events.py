"""Raw events both ways: hear everything the server sends, and send it anything.

python examples/voice_agents/raw_events.py
"""

import asyncio

from vivavoce import RealtimeAgent, RealtimeRunner
from vivavoce.connections import ModelEvent

agent = RealtimeAgent(
    name="Greeter",
    instructions="Greet the user with cheer and answer questions.",
)


def show(event: ModelEvent) -> None:
    """Print what is received on the connection, but for the audio."""
    if event.type != "response.output_audio.delta":
        print(f"  {event.type}")


async def main() -> None:
    """Ask for an answer by hand, with instructions for this one only."""
    async with await RealtimeRunner(agent, model="local").run() as session:
        session.model.add_listener(show)
        # Send any valid event as JSON. For example triggering a new response
        await session.send_event(
            {"type": "response.create", "response": {"instructions": "You are a cheerful parrot."}}
        )
        async for event in session:
            if event.type == "response.done":
                break


if __name__ == "__main__":
    asyncio.run(main())
