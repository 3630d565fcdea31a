"""The blocks of docs/agents.md as one program. Its model follows a script, on a clock that does not wait.

python examples/docs/agents_and_tools.py
"""

import asyncio
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import BaseModel

from vivavoce import (
    RealtimeAgent,
    RealtimeAgentHooks,
    RealtimeRunner,
    RunContextWrapper,
    ToolContext,
    background_result,
    function_tool,
    realtime_handoff,
)
from vivavoce.testing import ScriptedRealtimeModel, run, tool_call


@dataclass
class Guest:
    """The application's own object: one for each call, never sent to a model."""

    name: str
    room: int


# --- tools --------------------------------------------------------------------------------------------------


@function_tool(timeout=10)
async def book_table(context: ToolContext[Guest], people: int, day: date) -> str:
    """Book a table in the restaurant.

    Args:
        context: of the call; the model does not see it.
        people: how many.
        day: the day of the dinner.
    """
    if context.say is not None:
        await context.say("One moment, I am asking the kitchen.")
    await asyncio.sleep(2)
    return f"A table for {people} on {day:%d %B}, in the name of {context.context.name}."


@function_tool
def note_wish(wish: str) -> Any:
    """Note a wish of the guest."""
    return background_result({"noted": wish})


def cannot_book(_context: ToolContext[Any], error: Exception) -> str:
    """Write what the model is told when a call fails."""
    return f"The spa did not answer ({error}). Offer to call back."


def has_room(context: RunContextWrapper[Guest], _agent: Any) -> bool:
    """Say whether the guest lives in the hotel."""
    return context.context.room > 0


@function_tool(failure_error_function=cannot_book, is_enabled=has_room)
def book_spa(hour: int) -> str:
    """Book an hour in the spa."""
    raise ConnectionError(f"no line at {hour}")


# --- agents and handoffs ------------------------------------------------------------------------------------


class Complaint(BaseModel):
    """What the model must say to hand over a complaint."""

    about: str
    urgent: bool


async def write_down(context: RunContextWrapper[Guest], complaint: Complaint) -> None:
    """Note a complaint before the manager takes over."""
    print(f"[{context.context.name} complains about {complaint.about}]")


async def greeting(context: RunContextWrapper[Guest], _agent: RealtimeAgent[Guest]) -> str:
    """Write the instructions of one call."""
    return f"You are the front desk of a hotel. You speak with {context.context.name}."


manager = RealtimeAgent[Guest](
    name="Manager",
    handoff_description="Takes complaints.",
    instructions="You are the manager of a hotel. Make up for what went wrong.",
)
front_desk = RealtimeAgent[Guest](
    name="Front desk",
    instructions=greeting,
    voice="marin",
    tools=[book_table, note_wish, book_spa],
    handoffs=[realtime_handoff(manager, on_handoff=write_down, input_type=Complaint)],
)
manager.handoffs = [front_desk]


# --- hooks --------------------------------------------------------------------------------------------------


class Diary(RealtimeAgentHooks[Guest]):
    """Write down what an agent does."""

    async def on_start(self, context: RunContextWrapper[Guest], agent: RealtimeAgent[Any]) -> None:
        """Note who begins."""
        print(f"[{agent.name} begins to work for {context.context.name}]")

    async def on_tool_end(
        self, context: RunContextWrapper[Guest], agent: RealtimeAgent[Any], tool: Any, result: Any
    ) -> None:
        """Note what a tool came to."""
        print(f"[{agent.name} used {tool.name} for {context.context.name}: {result}]")


# --- the program --------------------------------------------------------------------------------------------

SCRIPT = (
    tool_call("book_table", {"people": 2, "day": "2026-12-24"}),
    "One moment, I am asking the kitchen.",
    "A table for two.",
    tool_call("note_wish", {"wish": "near the window"}),
    tool_call("book_spa", {"hour": 17}),
    "The spa will call you back.",
    tool_call("transfer_to_manager", {"about": "noise"}),
    tool_call("transfer_to_manager", {"about": "noise", "urgent": True}),
    "I am sorry for the noise.",
)


async def main() -> None:
    """Let four things be asked for, and print who says what."""
    agent = front_desk.clone(hooks=Diary())
    runner = RealtimeRunner(agent, model=ScriptedRealtimeModel(SCRIPT))
    async with await runner.run(context=Guest("Ms Tolk", room=12)) as session:
        for wish in ("A table, please.", "By the window.", "And the spa.", "It is loud here!"):
            await session.send_message(wish)
            await asyncio.sleep(5)
        for item in session.history_json():
            said = item.get("output") or " ".join(
                part.get("transcript") or part.get("text") for part in item.get("content", ())
            )
            print(f"{item.get('role', item['type'])}: {said}" if said else f"calls {item['name']}")
        print(f"{session.current_agent.name} speaks now.")


if __name__ == "__main__":
    run(main())
