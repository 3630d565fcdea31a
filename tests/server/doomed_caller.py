"""A process that calls a server, says so, and talks until somebody kills it."""

from __future__ import annotations

import asyncio
import sys

from tests.server.rtc_caller import RtcCaller, tone


async def talk(url: str) -> None:
    """Call, print the id of the call, and never hang up."""
    caller = RtcCaller()
    await caller.call(url)
    await caller.event("session.created")
    caller.say(tone(60.0))
    await caller.event("input_audio_buffer.speech_started")
    sys.stdout.write(f"{caller.call_id}\n")
    sys.stdout.flush()
    await caller.until(lambda: caller.over)


if __name__ == "__main__":
    asyncio.run(talk(sys.argv[1]))
