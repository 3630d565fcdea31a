"""What sessions leave in memory: nobody reads for ten minutes, and hundreds come and go."""

from __future__ import annotations

import asyncio
import gc
import threading
import tracemalloc
import weakref
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.agents import RealtimeAgent
from vivavoce.engines.scripted import scripted_engines
from vivavoce.protocol import ClientEvent, ResponseOutputAudioDelta
from vivavoce.server import ServerConfig, serve
from vivavoce.session import RealtimeRunner, RealtimeSession
from vivavoce.session.streams import AUDIO_BYTES
from vivavoce.testing import run

if TYPE_CHECKING:
    from tests.session.conftest import HandModel

LeavingNoTask = Callable[[Callable[[], Coroutine[Any, Any, None]]], Coroutine[Any, Any, None]]
ClosedSoon = Callable[[RealtimeSession], Coroutine[Any, Any, None]]

MINUTES = 10
ANSWERS_PER_MINUTE = 4
ANSWER_MS = 14_000
CHUNK_MS = 50
SESSIONS = 200


def chunk_of(number: int) -> ResponseOutputAudioDelta:
    return ResponseOutputAudioDelta(
        event_id="e",
        response_id=f"r{number}",
        item_id=f"m{number}",
        output_index=0,
        content_index=0,
        delta=bytes(CHUNK_MS * 48),
    )


async def forget(_event: ClientEvent) -> None:
    """Send nothing, and keep nothing of it."""


def test_nobody_reads_for_ten_minutes(
    hand_model: HandModel,
    leaving_no_task: LeavingNoTask,
    closed_soon: ClosedSoon,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = MINUTES * ANSWERS_PER_MINUTE
    spoken = answers * ANSWER_MS * 48

    async def main() -> None:
        session = await RealtimeRunner(RealtimeAgent[Any]("Ada"), model=hand_model).run()
        await session.enter()
        stream, loop = session.events(), aiter(session)
        monkeypatch.setattr(hand_model, "send_event", forget)
        tracemalloc.start()
        for number in range(answers):
            hand_model.begin(f"r{number}")
            hand_model.speak(f"r{number}", f"m{number}", "One word after another. " * 15, 0)
            for _ in range(ANSWER_MS // CHUNK_MS):
                hand_model.emit(chunk_of(number))
            hand_model.done(f"r{number}")
            for _ in range(60 // ANSWERS_PER_MINUTE):
                await session.send_audio(bytes(48_000))
                await asyncio.sleep(1)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert spoken > AUDIO_BYTES + 10_000_000
        assert spoken - stream.dropped_audio_bytes <= AUDIO_BYTES
        assert spoken - stream.dropped_audio_bytes > AUDIO_BYTES - 2 * CHUNK_MS * 48
        assert stream.dropped_events == 0
        assert peak < AUDIO_BYTES + 12_000_000  # both readers hold the same bytes
        await closed_soon(session)
        kinds = [event.type async for event in stream]
        assert kinds.count("agent_start") == kinds.count("agent_end") == answers
        assert kinds.count("response.output_audio_transcript.delta") == answers
        assert kinds.count("history_updated") == 1
        assert sum([len(event.audio.data) async for event in loop if event.type == "audio"]) <= AUDIO_BYTES

    run(leaving_no_task(main))


def test_what_a_session_holds_grows_with_its_history_only(hand_model: HandModel) -> None:
    hand_model.accepts = False
    sizes: list[int] = []

    async def talk(session: RealtimeSession, first: int, last: int) -> None:
        for number in range(first, last):
            hand_model.begin(f"r{number}")
            hand_model.speak(f"r{number}", f"m{number}", "Well.", 40)
            hand_model.call(f"r{number}", (f"c{number}", "nobody", "{}"))
            await asyncio.sleep(0.5)
            await session.interrupt()
            item = {"type": "message", "id": f"m{number}", "role": "assistant", "content": []}
            hand_model.say("conversation.item.deleted", item_id=item["id"])
            hand_model.say("error", error={"type": "t", "code": "c", "message": "m"})
            hand_model.sent.clear()
            async for _ in drained(session):
                pass
        gc.collect()
        sizes.append(sum(map(size_of, parts_of(session))))

    async def drained(session: RealtimeSession) -> Any:
        for _ in range(len(session._works.streams._main)):
            yield await anext(aiter(session))

    async def main() -> None:
        session = await RealtimeRunner(RealtimeAgent[Any]("Ada"), model=hand_model).run()
        async with session:
            await talk(session, 0, 1100)  # beyond what is remembered on purpose
            await talk(session, 1100, 2200)
            assert session.history == []
        before, after = sizes
        assert after <= before * 1.02

    run(main())


def parts_of(session: RealtimeSession) -> list[object]:
    """Return every object of this project and every container that a session holds."""
    seen: dict[int, object] = {}
    waiting: list[object] = [session]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type) or callable(one):
            continue
        ours = type(one).__module__.startswith("vivavoce")
        if ours or isinstance(one, list | tuple | dict | set | frozenset) or type(one).__name__ == "deque":
            seen[id(one)] = one
            waiting += gc.get_referents(one)
    return list(seen.values())


def size_of(one: object) -> int:
    return len(one) if isinstance(one, list | dict | set) or type(one).__name__ == "deque" else 0  # type: ignore[arg-type]


@pytest.mark.parametrize("far_end", ["by hand", "over sockets"])
def test_sessions_come_and_go_and_leave_nothing(
    new_hand_model: Callable[[], HandModel], leaving_no_task: LeavingNoTask, far_end: str
) -> None:
    sessions: weakref.WeakSet[RealtimeSession] = weakref.WeakSet()

    async def visit(runner: RealtimeRunner[Any]) -> None:
        session = await runner.run()
        sessions.add(session)
        async with session:
            session.on("audio", lambda _: None)
            await session.send_message("Hello?")

    async def main() -> None:
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        config = replace(ServerConfig(), port=0)
        server = asyncio.ensure_future(
            serve(config, engines=scripted_engines(answers=[["Yes?"]]), on_ready=ready.set_result)
        )
        model: Any = await ready if far_end == "over sockets" else new_hand_model
        runner = RealtimeRunner(RealtimeAgent[Any]("Ada"), model=model)
        await visit(runner)
        before = (len(asyncio.all_tasks()), threading.active_count(), open_files())
        for _ in range(SESSIONS // 10):
            async with asyncio.TaskGroup() as group:
                for _ in range(10):
                    group.create_task(visit(runner))
        await asyncio.sleep(1)
        assert (len(asyncio.all_tasks()), threading.active_count(), open_files()) <= before
        server.cancel()
        await asyncio.wait({server})
        gc.collect()
        assert len(sessions) == 0

    run(leaving_no_task(main))


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
