"""What carries a line's audio to a session and the agent's back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Protocol

from vivavoce.lines.base import Line


class Voice(Protocol):
    """What a bridge needs of a session; `RealtimeSession` offers it."""

    async def send_audio(self, audio: bytes) -> None:
        """Take speech of the human."""
        ...

    def events(self, *types: str) -> AsyncIterator[Any]:
        """Return the session's events of some types."""
        ...


async def bridge(line: Line, session: Voice) -> None:
    """Let a human and an agent talk until one of them is gone: the line hangs up or the session ends.

    Args:
        line: where the human is.
        session: open, with audio in the line's form in both directions.

    Raises:
        VivavoceError: what line or session raised.
    """
    # Opened before the first sound goes out, so that no answer is missed.
    answers = session.events("audio", "audio_interrupted")
    try:
        async with asyncio.TaskGroup() as group:
            ways = {group.create_task(_carry_in(line, session)), group.create_task(_carry_out(line, answers))}
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def _carry_in(line: Line, session: Voice) -> None:
    while audio := await line.hear():
        await session.send_audio(audio)


async def _carry_out(line: Line, answers: AsyncIterator[Any]) -> None:
    async for event in answers:
        if event.type == "audio":
            line.play(event.item_id, event.content_index, event.audio.data)
        else:
            line.clear()
