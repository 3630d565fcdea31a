"""A first voice agent: define it, connect, and let it speak first.

python examples/voice_agents/first_agent.py

With a hosted model leave out `model` and give a key, or a short-lived client secret:
``runner.run(model_config={"api_key": …})``.
"""

import asyncio

from vivavoce import RealtimeAgent, RealtimeRunner

agent = RealtimeAgent(
    name="Assistant",
    instructions="You are a helpful assistant.",
)
runner = RealtimeRunner(agent, model="local", config={"model_settings": {"model_name": "gpt-realtime"}})


async def main() -> None:
    """Connect, and print the agent's greeting."""
    session = await runner.run()
    async with session:
        print("Connected.")
        await session.say("Hello! I am listening.")
        async for event in session:
            if event.type == "response.output_audio_transcript.done":
                print(f"{session.current_agent.name}: {event.transcript}")
                break


if __name__ == "__main__":
    asyncio.run(main())
