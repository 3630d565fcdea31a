"""A listener of one's own on the model: it hears every event of the connection, before the session acts.

python examples/agents_sdk/model_access.py
"""

import asyncio
from collections import Counter

from vivavoce import RealtimeAgent, RealtimeRunner
from vivavoce.connections import ModelEvent

agent = RealtimeAgent(name="Assistant", instructions="You are a helpful voice assistant.")
heard: Counter[str] = Counter()


def my_custom_listener(event: ModelEvent) -> None:
    """Count the events of each type."""
    heard[str(event.type)] += 1


async def main() -> None:
    """Listen to the model while the session talks."""
    session = await RealtimeRunner(agent, model="local").run()
    # Add a custom listener to the model
    session.model.add_listener(my_custom_listener)
    async with session:
        await session.send_message("Hello!")
        async for event in session:
            if event.type == "agent_end":
                print(f"Agent: {event.output}")
                break
    for name, count in sorted(heard.items()):
        print(f"{count:3} {name}")


if __name__ == "__main__":
    asyncio.run(main())
