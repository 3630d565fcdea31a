"""A tool with a name, a description and arguments of its own making, instead of those of its function.

python examples/voice_agents/tools.py
"""

import asyncio
from typing import Annotated

from pydantic import Field

from vivavoce import RealtimeAgent, RealtimeRunner, function_tool


@function_tool(name_override="get_weather", description_override="Return the weather for a city.")
async def weather_of(city: Annotated[str, Field(min_length=1)]) -> str:
    """Look out of the window."""
    return f"The weather in {city} is sunny."


weather_agent = RealtimeAgent(
    name="Weather assistant",
    instructions="Answer weather questions.",
    tools=[weather_of],
)


async def main() -> None:
    """Ask about the weather."""
    async with await RealtimeRunner(weather_agent, model="local").run() as session:
        session.on("tool_start", lambda event: print(f"[{event.tool.name} {event.arguments}]"))
        await session.send_message("What is the weather in Lisbon?")
        async for event in session:
            if event.type == "response.output_audio_transcript.done":
                print(f"Agent: {event.transcript}")
                break


if __name__ == "__main__":
    asyncio.run(main())
