"""One measurement of one client, in a process of its own. Prints one JSON object."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import os
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from websockets.asyncio.client import connect

from bench.process import usage_of
from bench.sdk_kit import Kit, kit_of
from bench.sdk_wire import TOOL

Found = dict[str, Any]
_SILENCE = bytes(960)
_SETTLE_S = 0.2


async def floor(url: str) -> Found:
    """Receive, parse and decode; nothing else."""
    heard, begin = 0, 0.0
    async with connect(url, compression=None, max_queue=64) as socket:
        await socket.send('{"type":"input_audio_buffer.commit"}')
        async for frame in socket:
            event = json.loads(frame)
            if event["type"] == "response.output_audio.delta":
                begin = begin or time.process_time()
                heard += len(base64.b64decode(event["delta"]))
            elif event["type"] == "response.output_audio.done":
                break
        return {"bytes": heard, "cpu_s": time.process_time() - begin}
    raise ConnectionError("the connection ended early")


async def audio(kit: Kit, url: str, **options: Any) -> Found:
    """Read an answer's events."""
    heard, begin = 0, 0.0
    async with await kit.open(url, **options) as session:
        await session.send_audio(_SILENCE, commit=True)
        async for event in session:
            if event.type == "audio":
                begin = begin or time.process_time()
                heard += len(event.audio.data)
            elif event.type == "audio_end":
                break
            _refuse_error(event)
        return {"bytes": heard, "cpu_s": time.process_time() - begin}
    raise ConnectionError("the session ended early")


async def observed(kit: Kit, url: str) -> Found:
    """Read an answer's events while somebody looks on."""
    return await audio(kit, url, observers=[_Onlooker()])


class _Onlooker:
    """An observer that does nothing."""

    def on_client_event(self, event: object, now: float) -> None: ...

    def on_server_event(self, event: object, now: float) -> None: ...

    def on_session_event(self, event: object, now: float) -> None: ...

    def close(self, now: float) -> None: ...


async def unread(kit: Kit, url: str) -> Found:
    """Let an answer come, and read nothing of it."""
    return await _kept(kit, url, begin=False)


async def stalled(kit: Kit, url: str) -> Found:
    """Read the first event of an answer, and then no more."""
    return await _kept(kit, url, begin=True)


async def _kept(kit: Kit, url: str, *, begin: bool) -> Found:
    done = asyncio.Event()
    async with await kit.open(url) as session:
        kit.listen(session, lambda name: done.set() if name == "response.done" else None)
        if begin:
            events = aiter(session)
            await anext(events)
        gc.collect()
        before = _rss_kb()
        await session.send_audio(_SILENCE, commit=True)
        await done.wait()
        await asyncio.sleep(_SETTLE_S)
        gc.collect()
        return {"grown_kb": _rss_kb() - before}
    raise ConnectionError("the session ended early")


async def idle(kit: Kit, url: str, sessions: str) -> Found:
    """Keep sessions open in which nothing happens, each with somebody who reads its events."""
    return await _opened(kit, url, int(sessions), _rss_kb)


async def idle_traced(kit: Kit, url: str, sessions: str) -> Found:
    """The same, by what Python allocates."""
    tracemalloc.start()
    return await _opened(kit, url, int(sessions), lambda: tracemalloc.get_traced_memory()[0] / 1024)


async def _opened(kit: Kit, url: str, count: int, used_kb: Callable[[], float]) -> Found:
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        readers: list[asyncio.Task[None]] = []

        async def more(number: int) -> None:
            for _ in range(number):
                session = await stack.enter_async_context(await kit.open(url))
                readers.append(tasks.create_task(_read(session)))
            await asyncio.sleep(_SETTLE_S)
            gc.collect()

        # The first sessions load what all share.
        await more(min(count, 5))
        before, cpu_s = used_kb(), time.process_time()
        await more(count)
        found = {"kb": (used_kb() - before) / count, "open_ms": (time.process_time() - cpu_s) / count * 1000}
        for reader in readers:
            reader.cancel()
    return found


async def _read(session: Any) -> None:
    async for event in session:
        _refuse_error(event)


async def turns(kit: Kit, url: str, count: str) -> Found:
    """Have a conversation of so many turns, and say what each took; its audio is played as it comes."""
    taken: list[float] = []
    tracker = kit.tracker()
    before = _rss_kb()
    async with await kit.open(url, tracker=tracker) as session:
        events = aiter(session)
        for _ in range(int(count)):
            begin = time.process_time()
            await session.send_audio(_SILENCE, commit=True)
            while (event := await anext(events)).type != "agent_end":
                if event.type == "audio":
                    tracker.on_play_bytes(event.item_id, event.content_index, event.audio.data)
                _refuse_error(event)
            taken.append((time.process_time() - begin) * 1000)
        gc.collect()
        return {"turn_ms": taken, "grown_kb": _rss_kb() - before}
    raise ConnectionError("the session ended early")


async def calls(kit: Kit, url: str, kind: str) -> Found:
    """Let a tool that does nothing be called, until an answer comes."""

    async def measured() -> str:
        """Do nothing."""
        return "done"

    def measured_in_thread() -> str:
        """Do nothing, in a thread."""
        return "done"

    measured_in_thread.__name__ = TOOL
    tool = kit.tool(measured if kind == "async" else measured_in_thread)
    async with await kit.open(url, tools=(tool,)) as session:
        await session.send_message("Do it.")
        async for event in session:
            if event.type == "audio_end":
                break
            _refuse_error(event)
    return {}


async def reconnect(kit: Kit, url: str, items: str) -> Found:
    """Lose the connection of a conversation with a history, and see when there is another."""
    text = {"type": "input_text", "text": "This was said before."}
    history = [{"type": "message", "role": "user", "content": [text]} for _ in range(int(items))]
    delay_s = 0.0
    async with await kit.open(url, history=history) as session:
        await session.clear()
        async for event in session:
            if event.type == "reconnecting":
                delay_s = event.delay_s
            elif event.type == "reconnected":
                return {"at": time.monotonic(), "delay_s": delay_s}
    raise ConnectionError("the session did not reconnect")


def _refuse_error(event: Any) -> None:
    if event.type == "error":
        raise RuntimeError(f"the client reports an error: {event.error}")


def _rss_kb() -> float:
    return usage_of(os.getpid()).rss_kb


def main() -> None:
    """Run a measurement: its name, the client's name or ``-``, a URL, and what it takes."""
    name, client, url, *rest = sys.argv[1:]
    measurements: dict[str, Callable[..., Awaitable[Found]]] = {
        function.__name__: function
        for function in (audio, observed, unread, stalled, idle, idle_traced, turns, calls, reconnect)
    }
    asyncio.run(_print(floor(url) if client == "-" else measurements[name](kit_of(client), url, *rest)))


async def _print(measurement: Awaitable[Found]) -> None:
    found = await measurement
    used = usage_of(os.getpid())
    print(json.dumps({**found, "waited_s": used.waited_s, "ran_s": used.cpu_s}))


if __name__ == "__main__":
    main()
