"""The blocks of docs/agents.md about agents that write, as one program, on the built-in brain.

python examples/docs/text_agents.py
"""

import asyncio

from vivavoce import Agent, RealtimeAgent, RunConfig, Runner, StopAtTools, function_tool


@function_tool
def look_up_booking(number: int) -> str:
    """Look up a booking."""
    return f"Booking {number} is for two nights."


@function_tool(needs_approval=True)
def cancel_booking(number: int) -> str:
    """Cancel a booking."""
    return f"Booking {number} is cancelled."


clerk = Agent(
    name="Clerk",
    instructions="Look up bookings.",
    tools=[look_up_booking, cancel_booking],
    tool_use_behavior=StopAtTools(stop_at_tool_names=["look_up_booking"]),
)

front_desk = RealtimeAgent(
    name="Front desk",
    instructions="Greet people and help.",
    tools=[
        clerk.as_tool(
            tool_name="ask_the_clerk",
            tool_description="Answers questions about bookings.",
            run_config=RunConfig(model="local"),
        )
    ],
)


async def main() -> None:
    """Ask the text agent: at a go, as it writes, and for something that somebody must approve."""
    config = RunConfig(model="local")
    result = await Runner.run(clerk, "Look up booking 7.", run_config=config)
    print(result.final_output)
    streamed = Runner.run_streamed(clerk, "Look up booking 8.", run_config=config)
    async for event in streamed.stream_events():
        if event.type == "run_item_stream_event":
            print(f"[{event.name}]")
    print(streamed.final_output)
    result = await Runner.run(clerk, "Cancel booking 9.", run_config=config)
    while result.interruptions:
        state = result.to_state()
        for call in result.interruptions:
            state.approve(call)
        result = await Runner.run(clerk, state, run_config=config)
    print(result.final_output)


if __name__ == "__main__":
    asyncio.run(main())
