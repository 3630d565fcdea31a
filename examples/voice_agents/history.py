"""The history: watch it grow, and change it.

python examples/voice_agents/history.py
"""

import asyncio
from collections.abc import Sequence

from vivavoce import RealtimeAgent, RealtimeRunner, RealtimeSession
from vivavoce.protocol import Item, MessageItem

agent = RealtimeAgent(name="Assistant")
config = {"model_settings": {"model_name": "gpt-realtime"}}


def show(history: Sequence[Item]) -> None:
    """Print who said what, on one line."""
    said = [
        f"{item.role}: {getattr(part, 'text', None) or getattr(part, 'transcript', None) or '…'}"
        for item in history
        if isinstance(item, MessageItem)
        for part in item.content
    ]
    print(said)


async def until_it_has(session: RealtimeSession, items: int) -> None:
    """Wait until the history has so many items: the server says when a change is made.

    Args:
        session: whose history.
        items: how many.
    """
    async for event in session:
        if event.type == "history_updated" and len(event.history) == items:
            break


async def main() -> None:
    """Hold a turn; then set the history, and then derive it from what it is."""
    async with await RealtimeRunner(agent, model="local", config=config).run() as session:
        # listening to the history_updated event, which has the full history of the session
        session.on("history_updated", lambda event: show(event.history))
        await session.send_message("Hello!")
        async for event in session:
            if event.type == "agent_end":
                break

        # Option 1: explicit setting
        note = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "I am Ada."}]}
        await session.update_history([*session.history, note])
        await until_it_has(session, 3)

        # Option 2: override based on current state like removing all agent messages
        await session.update_history(
            lambda current: [
                item for item in current if not (isinstance(item, MessageItem) and item.role == "assistant")
            ]
        )
        await until_it_has(session, 2)


if __name__ == "__main__":
    asyncio.run(main())
