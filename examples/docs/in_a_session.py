"""The blocks of docs/sessions.md as one program. Its model follows a script, on a clock that does not wait.

python examples/docs/in_a_session.py
"""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from vivavoce import RealtimeAgent, RealtimePlaybackTracker, RealtimeRunner
from vivavoce.testing import ScriptedRealtimeModel, run, spoken

agent = RealtimeAgent(name="Front desk", instructions="Greet people and help.")
runner = RealtimeRunner(
    agent,
    model=lambda: ScriptedRealtimeModel(
        ["Welcome to the hotel.", spoken("We have rooms with a view of the sea.", pace=1.0), "Sixty euros."]
    ),
)


class Loudspeaker:
    """Stands for a sound card: plays what is queued, and tells how much of it was heard."""

    def __init__(self) -> None:
        self.tracker = RealtimePlaybackTracker()
        self.queue: list[Any] = []

    async def follow(self, events: AsyncIterator[Any]) -> None:
        """Play a session's speech, and stop at once when it is interrupted."""
        async for event in events:
            if event.type == "audio":
                self.queue.append(event)
                self.tracker.on_play_bytes(event.item_id, event.content_index, event.audio.data)
            else:
                self.queue.clear()


def show_error(event: Any) -> None:
    """Tell the operator."""
    print(f"[error: {event.error}]")


async def talk(folder: Path) -> None:
    """Greet, be interrupted by the application, and keep the conversation in a file."""
    speaker = Loudspeaker()
    session = await runner.run(model_config={"playback_tracker": speaker.tracker})
    async with session, asyncio.TaskGroup() as group:
        session.on("error", show_error)
        group.create_task(speaker.follow(session.events("audio", "audio_interrupted")))
        await session.say("Welcome to the hotel.")
        await asyncio.sleep(3)
        await session.send_message("Which rooms are there?")
        await asyncio.sleep(1.5)
        await session.interrupt()
        await asyncio.sleep(1)
        print([words(item) for item in session.history_json()])
        await session.update_history(lambda history: history[1:])
        await asyncio.sleep(1)
        stored = folder / "conversation.json"
        stored.write_text(json.dumps(session.history_json()))
        await session.close()  # ends the loudspeaker's events, and so the group


async def go_on(folder: Path) -> None:
    """Go on with the conversation tomorrow, or on another machine."""
    history = json.loads((folder / "conversation.json").read_text())
    async with await runner.run(history=history) as session:
        await session.send_message("And what do they cost?")
        async for event in session:
            if event.type == "agent_end":
                break
        print([words(item) for item in session.history_json()])


def words(item: dict[str, Any]) -> str:
    """Return who said what."""
    said = (part.get("transcript") or part.get("text") or "" for part in item["content"])
    return f"{item['role']}: {' '.join(said)}"


async def main() -> None:
    """Talk, and go on later."""
    with TemporaryDirectory() as folder:
        await talk(Path(folder))
        await go_on(Path(folder))


if __name__ == "__main__":
    run(main())
