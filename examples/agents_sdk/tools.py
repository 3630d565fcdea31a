"""Two function tools: their names, arguments and descriptions are read from the functions themselves.

python examples/agents_sdk/tools.py
"""

import asyncio

from vivavoce import RealtimeAgent, RealtimeRunner, function_tool


@function_tool
def get_weather(city: str) -> str:
    """Get current weather for a city."""
    # Your weather API logic here
    return f"The weather in {city} is sunny, 72°F"


@function_tool
def book_appointment(date: str, time: str, service: str) -> str:
    """Book an appointment."""
    # Your booking logic here
    return f"Appointment booked for {service} on {date} at {time}"


agent = RealtimeAgent(
    name="Assistant",
    instructions="You can help with weather and appointments.",
    tools=[get_weather, book_appointment],
)

MESSAGES = ("What is the weather in Paris?", "Book an appointment.", "On Friday", "At ten", "A haircut")


async def main() -> None:
    """Ask for both; what a tool still needs, the agent asks for."""
    async with await RealtimeRunner(agent, model="local").run() as session:
        for message in MESSAGES:
            print(f"You:   {message}")
            await session.send_message(message)
            async for event in session:
                if event.type == "tool_start":
                    print(f"[calls {event.tool.name} with {event.arguments}]")
                elif event.type == "response.output_audio_transcript.done":
                    print(f"Agent: {event.transcript}")
                    break


if __name__ == "__main__":
    asyncio.run(main())
