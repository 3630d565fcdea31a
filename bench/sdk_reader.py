"""A client that receives audio: the least that any does, or the SDK's session. Prints one JSON object."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import time
from typing import Any

from websockets.asyncio.client import connect

from bench.process import usage_of

_LAST = "response.output_audio.done"


async def floor(url: str) -> dict[str, Any]:
    """Receive, parse and decode; nothing else."""
    count, begin = 0, 0.0
    async with connect(url, compression=None, max_queue=64) as socket:
        await socket.send("{}")
        async for frame in socket:
            event = json.loads(frame)
            if event["type"] == "response.output_audio.delta":
                begin = begin or time.process_time()
                base64.b64decode(event["delta"])
                count += 1
            elif event["type"] == _LAST:
                break
        return {"deltas": count, "cpu_s": time.process_time() - begin}
    raise ConnectionError("the connection ended early")


async def session(url: str) -> dict[str, Any]:
    """Read the session's events."""
    from vivavoce import RealtimeAgent, RealtimeRunner
    from vivavoce.session.events import RealtimeAudio

    size, begin = 0, 0.0
    async with await RealtimeRunner(RealtimeAgent(name="Reader"), model=url).run() as opened:
        async for event in opened:
            if isinstance(event, RealtimeAudio):
                begin = begin or time.process_time()
                size += len(event.audio.data)
            elif event.type == "audio_end":
                break
        return {"deltas": size // 960, "cpu_s": time.process_time() - begin}
    raise ConnectionError("the connection ended early")


async def unread(url: str) -> dict[str, Any]:
    """Read nothing; only count what passes by."""
    from vivavoce import RealtimeAgent, RealtimeRunner, WebSocketRealtimeModel
    from vivavoce.protocol import ResponseOutputAudioDelta, ResponseOutputAudioDone

    count = 0
    done = asyncio.Event()

    def listen(event: object) -> None:
        nonlocal count
        if isinstance(event, ResponseOutputAudioDelta):
            count += 1
        elif isinstance(event, ResponseOutputAudioDone):
            done.set()

    model = WebSocketRealtimeModel(url)
    model.add_listener(listen)
    async with await RealtimeRunner(RealtimeAgent(name="Reader"), model=model).run():
        before = usage_of(os.getpid()).rss_kb
        await done.wait()
        return {"deltas": count, "grown_kb": usage_of(os.getpid()).rss_kb - before}
    raise ConnectionError("the connection ended early")


def main() -> None:
    """Run the reader that is asked for: `floor`, `session` or `unread`, and a URL."""
    reader = {"floor": floor, "session": session, "unread": unread}[sys.argv[1]]
    print(json.dumps(asyncio.run(reader(sys.argv[2]))))


if __name__ == "__main__":
    main()
