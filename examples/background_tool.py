"""A tool that takes its time: the conversation goes on, and its result is spoken when it comes.

python examples/background_tool.py
"""

import asyncio

from vivavoce import RealtimeAgent, RealtimeRunner, function_tool


@function_tool(background=True)
async def search_archive(topic: str) -> str:
    """Search the archive for a topic."""
    await asyncio.sleep(8)
    return f"The archive has twelve letters about {topic}."


@function_tool
def opening_hours() -> str:
    """Tell the opening hours of the archive."""
    return "The archive is open from nine to five."


agent = RealtimeAgent(name="Archivist", instructions="Help visitors.", tools=[search_archive, opening_hours])


async def main() -> None:
    """Start a search, ask something else meanwhile, and wait for what was found."""
    questions = iter(["What are the opening hours?"])
    async with await RealtimeRunner(agent, model="local").run() as session:
        await session.send_message("Search the archive for bees.")
        async for event in session:
            if event.type == "response.output_audio_transcript.done":
                print(f"Agent: {event.transcript}")
                if "letters" in event.transcript:
                    break
                if (question := next(questions, None)) is not None:
                    print(f"You:   {question}")
                    await session.send_message(question)


if __name__ == "__main__":
    asyncio.run(main())
