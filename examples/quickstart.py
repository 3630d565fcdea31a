"""An agent with a tool, on your own machine: no key, no download.

python examples/quickstart.py
"""

import asyncio

from vivavoce import RealtimeAgent, RealtimeRunner, function_tool


@function_tool
def get_weather(city: str) -> str:
    """Get the current weather for a city."""
    return f"It is sunny in {city}."


agent = RealtimeAgent(name="Front desk", instructions="Greet people and help.", tools=[get_weather])


async def main() -> None:
    """Ask one question and print what is said and done until the answer is complete."""
    runner = RealtimeRunner(agent, model="local")
    async with await runner.run() as session:
        await session.send_message("What is the weather in Oslo?")
        async for event in session:
            if event.type == "tool_start":
                print(f"[calls {event.tool.name} with {event.arguments}]")
            elif event.type == "response.output_audio_transcript.done":
                print(f"Agent: {event.transcript}")
                break


if __name__ == "__main__":
    asyncio.run(main())
