"""Many calls by WebRTC at once, one after another, and of processes that die: nothing is left of them."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

pytest.importorskip("aiortc", reason="needs vivavoce[webrtc]")

from tests.server import rtc_caller
from tests.server.rtc_caller import HERE, RtcCaller, calling, emptied, hosting, tone
from tests.server.test_webrtc import talker
from websockets.asyncio.client import connect

from vivavoce.engines.scripted import scripted_engines
from vivavoce.server import Limits, ServerConfig
from vivavoce.webrtc.peer import RtcPeer

ROOT = Path(__file__).parents[2]
CROWD = 12
"""As many as one process that traces itself carries, callers included; `bench.calls` measures thirty."""


@dataclass(frozen=True)
class Held:
    """What calls hold of a process."""

    sockets: int
    threads: int
    tasks: int
    peers: int


def held() -> Held:
    gc.collect()
    links: list[str] = []
    for number in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one with which the folder is read
            links.append(str(number.readlink()))
    return Held(
        sockets=sum(link.startswith("socket:") for link in links),
        threads=threading.active_count(),
        tasks=len(asyncio.all_tasks()),
        peers=sum(isinstance(each, RtcPeer) for each in gc.get_objects()),
    )


@pytest.mark.timeout(180)
def test_a_crowd_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtc_caller, "PATIENCE_S", 120.0)

    async def scenario() -> None:
        answers = [["Good day to you."]] * CROWD
        engines = scripted_engines(hears=["Hello."] * CROWD, answers=answers, word_ms=200)
        # All peers in one process: on a busy machine each has to be patient with the others.
        patient = replace(HERE, connect_s=60.0, vanish_s=60.0)
        config = ServerConfig(webrtc=patient, limits=Limits(max_sessions=CROWD))
        async with hosting(config, engines) as (url, app):
            before = held()
            callers = [RtcCaller(patient) for _ in range(CROWD)]
            try:
                for start in range(0, CROWD, 5):
                    await asyncio.gather(*(caller.call(url) for caller in callers[start : start + 5]))
                    for caller in callers[start : start + 5]:
                        await caller.event("session.created")
                assert app.sessions == CROWD
                for caller in callers:
                    caller.say(tone(0.5))
                for caller in callers:
                    await caller.event("output_audio_buffer.stopped")
            finally:
                await asyncio.gather(*(caller.peer.aclose() for caller in callers))
            for caller in callers:
                transcript = caller.of("response.output_audio_transcript.done")[0]["transcript"]
                assert transcript == "Good day to you."
                assert len(caller.of("response.done")) == 1
                assert caller.voiced_ms > 700  # four words of 200 ms
            await emptied(app)
            callers.clear()
            del caller
            after = held()
        assert (after.sockets, after.threads, after.peers) == (before.sockets, before.threads, before.peers)

    asyncio.run(scenario())


@pytest.mark.timeout(120)
def test_calls_that_are_over_leave_nothing() -> None:
    async def scenario() -> None:
        async with hosting(None, talker()) as (url, _app):
            lasting = asyncio.all_tasks()
            await _come_and_go(url)  # what the first call loads stays
            await _ended(lasting)
            before = held()
            for _ in range(CROWD // 3):
                await asyncio.gather(*(_come_and_go(url) for _ in range(3)))
            await _ended(lasting)
            assert held() == before

    asyncio.run(scenario())


async def _come_and_go(url: str) -> None:
    async with calling(url) as caller:
        await caller.until(lambda: len(caller.pcm) > 4800)


async def _ended(lasting: set[asyncio.Task[object]]) -> None:
    """Wait until all tasks but these have ended, and what they closed is closed."""
    if tasks := asyncio.all_tasks() - lasting:
        _, pending = await asyncio.wait(tasks, timeout=20)
        assert not pending
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.skipif(sys.platform == "win32", reason="processes cannot be killed without notice")
def test_a_process_that_is_killed_is_gone_within_ten_seconds() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        config = ServerConfig(webrtc=HERE)  # as patient with peers as it comes
        before = held()
        async with hosting(config, scripted_engines(hears=["Hello."])) as (url, app):
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.server.doomed_caller", url),
                cwd=ROOT,
                stdout=asyncio.subprocess.PIPE,
            )
            assert process.stdout is not None
            call_id = (await process.stdout.readline()).decode().strip()
            assert app.sessions == 1
            async with connect(f"{url}?call_id={call_id}") as side:
                busy = held()
                process.kill()
                killed = loop.time()
                async for _event in side:
                    pass
                assert loop.time() - killed < 12
            await process.wait()
            await emptied(app)
            assert loop.time() - killed < 12
            idle = held()
            assert idle.peers == before.peers
            assert idle.sockets < busy.sockets
            assert idle.threads <= busy.threads
            assert idle.tasks < busy.tasks

    asyncio.run(scenario())
