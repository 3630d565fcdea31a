"""The blocks of docs/reliability.md as one program: a line that breaks, and a tool that does.

python examples/docs/staying_alive.py
"""

import asyncio

from vivavoce import RealtimeAgent, RealtimeRunner, function_tool
from vivavoce.errors import ConnectionLostError
from vivavoce.testing import RealtimeStep, ScriptedRealtimeModel, run, tool_call


@function_tool
def look_up_order(number: int) -> str:
    """Look up an order."""
    raise ConnectionError(f"no line to the warehouse for {number}")


agent = RealtimeAgent(name="Shop", instructions="Help with orders.", tools=[look_up_order])

config = {"reconnect": {"attempts": 5, "first_delay_s": 0.2, "longest_delay_s": 4}}

SCRIPT = (
    "Hello, which order is it?",
    RealtimeStep("response.create", error=ConnectionLostError("The line is dead.")),
    tool_call("look_up_order", {"number": 7}),
    "I cannot reach the warehouse.",
)


async def main() -> None:
    """Ask twice; the line breaks with the second question."""
    runner = RealtimeRunner(agent, model=ScriptedRealtimeModel(SCRIPT), config=config)
    async with await runner.run() as session:
        session.on("connection_lost", lambda event: print(f"[lost: {event.error}]"))
        session.on("reconnecting", lambda event: print(f"[attempt {event.attempt}]"))
        session.on("reconnected", lambda event: print(f"[back at attempt {event.attempt}]"))
        session.on("error", lambda event: print(f"[error: {event.error}]"))
        session.on("agent_end", lambda event: print(f"Agent: {event.output}") if event.output else None)
        await session.send_message("Hello!")
        await asyncio.sleep(5)
        await session.send_message("Where is order 7?")
        await asyncio.sleep(5)
        print(f"{len(session.history)} items in the conversation")


if __name__ == "__main__":
    run(main())
