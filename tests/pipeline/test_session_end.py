"""How sessions end: closed in any state, expired, by the hundred; and what an idle one costs."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest

from vivavoce.engines.base import Engines, FunctionCallDelta, Transcript, TranscriptionOptions
from vivavoce.engines.scripted import LoudnessVad, Pause, Step, scripted_engines
from vivavoce.errors import EngineError, RemoteProtocolError
from vivavoce.pipeline import LocalSession, SessionOptions
from vivavoce.protocol import (
    ErrorEvent,
    InputAudioBufferClear,
    InputAudioBufferCommit,
    ResponseCancel,
    ResponseCreate,
    ResponseDone,
    ResponseOutputAudioDelta,
    ServerEvent,
    ServerVad,
)
from vivavoce.testing import VirtualClockLoop, run

if TYPE_CHECKING:
    from tests.pipeline.conftest import Client, Stage


def timers() -> list[asyncio.TimerHandle]:
    loop = cast(VirtualClockLoop, asyncio.get_running_loop())
    return [timer for _, _, timer, _ in loop._clock._alarms if not timer.cancelled()]


class Ears:
    """A transcriber that counts its open streams, and misbehaves as told.

    Args:
        finishing: seconds that a transcript takes.
        closing: seconds that closing takes.
        failure: raised by `aclose`.
    """

    sample_rate = 16000

    def __init__(
        self, finishing: float = 0.0, closing: float = 0.0, failure: Exception | None = None
    ) -> None:
        self.finishing = finishing
        self.closing = closing
        self.failure = failure
        self.opened = 0
        self.streams: set[Stream] = set()

    def open(self, options: TranscriptionOptions, on_partial: Callable[[str], None]) -> Stream:
        self.opened += 1
        return Stream(self)

    async def aclose(self) -> None:
        """Nothing is held."""


class Stream:
    def __init__(self, ears: Ears) -> None:
        self.ears = ears
        ears.streams.add(self)

    def feed(self, pcm: bytes) -> None:
        """What is said does not matter."""

    async def finish(self) -> Transcript:
        await asyncio.sleep(self.ears.finishing)
        return Transcript("something")

    async def aclose(self) -> None:
        self.ears.streams.discard(self)
        if self.ears.failure is not None:
            raise self.ears.failure
        await asyncio.sleep(self.ears.closing)


async def nothing(client: Client) -> None:
    """Only connected."""


async def speaking(client: Client) -> None:
    await client.speak(200)


async def transcribing(client: Client) -> None:
    await client.turn(200)


async def thinking(client: Client) -> None:
    client.do(ResponseCreate())
    await asyncio.sleep(0.5)


async def answering(client: Client) -> None:
    client.do(ResponseCreate())
    await client.wait(ResponseOutputAudioDelta, 3)


async def interrupted(client: Client) -> None:
    await answering(client)
    client.do(ResponseCancel())


async def just_asked(client: Client) -> None:
    client.do(ResponseCreate())


async def cleared(client: Client) -> None:
    client.set_input(turn_detection=None)
    client.append(client.tone(200))
    client.do(InputAudioBufferClear())


async def committed(client: Client) -> None:
    client.set_input(turn_detection=None)
    client.append(client.tone(200))
    client.do(InputAudioBufferCommit())


async def flooded(client: Client) -> None:
    client.append(client.tone(5000), client.silence(1000))
    await asyncio.sleep(0.01)


async def not_read(client: Client) -> None:
    await answering(client)
    client.writable = False
    await asyncio.sleep(3)


STATES = [
    nothing,
    speaking,
    transcribing,
    thinking,
    answering,
    interrupted,
    just_asked,
    cleared,
    committed,
    flooded,
    not_read,
]


def engines_with(ears: Ears) -> Engines:
    answer: list[Step] = [Pause(1.0), "One. ", FunctionCallDelta(0, "look", "{}"), "word " * 50, Pause(100)]
    return replace(scripted_engines(answers=[answer] * 9), transcriber=ears)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
@pytest.mark.parametrize(
    "ears",
    [(0.0, 0.0, None), (100.0, 0.0, None), (100.0, 0.3, None)],
    ids=["quick ears", "slow to hear", "slow to close"],
)
def test_a_session_closes_in_every_state(
    stage: Stage, state: Callable[[Client], Awaitable[None]], ears: tuple[float, float, None]
) -> None:
    hearing = Ears(*ears)

    async def scenario(client: Client) -> None:
        await state(client)
        told = len(client.events)
        begun = asyncio.get_running_loop().time()
        await client.session.aclose()
        assert asyncio.get_running_loop().time() - begun < 1.0
        assert not hearing.streams
        client.append(client.tone(1000))
        client.do(ResponseCreate())
        client.session.receive_error(RemoteProtocolError("late", code="late"))
        client.session.resume()
        await asyncio.sleep(0)
        assert not timers()
        assert len(client.events) == told

    run(stage.play(scenario, engines_with(hearing)))


def test_closing_at_the_same_time_twice_is_closing_once(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        await client.turn(200)
        await asyncio.gather(client.session.aclose(), client.session.aclose())

    run(stage.play(scenario, engines_with(Ears(100.0, 0.1))))


def test_a_transcriber_that_hangs_or_raises_on_closing_does_not_keep_a_session(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(client: Client) -> None:
        await client.speak(200)
        begun = asyncio.get_running_loop().time()
        await client.session.aclose()
        assert asyncio.get_running_loop().time() - begun < 1.0

    run(stage.play(scenario, engines_with(Ears(closing=1000))))
    run(stage.play(scenario, engines_with(Ears(failure=EngineError("No.")))))
    assert [record.message for record in caplog.records] == ["A task of the session failed"]


def test_many_turns_leave_no_stream_open(stage: Stage) -> None:
    ears = Ears(finishing=0.1)

    async def scenario(client: Client) -> None:
        for count in range(1, 6):
            await client.turn(200)
            await client.response(count)
            assert not ears.streams

    run(stage.play(scenario, replace(scripted_engines(answers=[["Yes."]] * 5), transcriber=ears)))
    assert ears.opened == 5


def test_an_expired_session_says_so_once_and_ends_once(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.do(ResponseCreate())
        await asyncio.sleep(65)
        assert client.ended == ["Your session hit the maximum duration of 1 minutes."]
        assert [event.error.code for event in client.of(ErrorEvent)] == ["session_expired"]
        assert [event.response.status for event in client.of(ResponseDone)] == ["cancelled"]
        assert not cast(LoudnessVad, client.engines.vad).open_slots
        told = len(client.events)
        await client.turn(300)
        client.do(ResponseCreate())
        assert len(client.events) == told
        assert not timers()

    client = run(
        stage.play(scenario, scripted_engines(answers=[["word " * 1000]]), SessionOptions(max_session_s=60))
    )
    assert client.times(ErrorEvent) == [60.0]
    assert len(client.ended) == 1


def test_a_closed_session_does_not_expire(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        await client.session.aclose()
        await asyncio.sleep(100)

    assert run(stage.play(scenario, options=SessionOptions(max_session_s=60))).ended == []


def test_an_idle_session_waits_for_nothing_but_its_end(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    woken = 0
    on_deadline = LocalSession._on_deadline

    def counted(session: LocalSession) -> None:
        nonlocal woken
        woken += 1
        on_deadline(session)

    monkeypatch.setattr(LocalSession, "_on_deadline", counted)

    async def scenario(client: Client) -> None:
        assert [timer.when() for timer in timers()] == [3540.0]
        await asyncio.sleep(600)
        assert woken == 0
        await client.turn(300)
        await client.response()
        await asyncio.sleep(10)
        assert [timer.when() for timer in timers()] == [3540.0]
        before = woken
        await asyncio.sleep(1000)
        assert woken == before

    run(stage.play(scenario, scripted_engines(hears=["x"], answers=[["Yes."]])))


def test_reading_slowly_many_times_leaves_one_timer(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.do(ResponseCreate())
        for _ in range(20):
            await asyncio.sleep(0.3)
            client.writable = False
            await asyncio.sleep(0.3)
            client.writable = True
            client.session.resume()
            assert len(timers()) == 1
        await client.response()
        await asyncio.sleep(1)
        assert [timer.when() for timer in timers()] == [3540.0]

    run(stage.play(scenario, scripted_engines(answers=[["word " * 60]])))


def test_a_silence_that_lasts_too_long_is_answered_once(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.set_input(turn_detection=ServerVad(idle_timeout_ms=5000))
        await client.turn(300)
        await client.response(1)
        await client.pause(8000)
        assert len(client.of(ResponseDone)) == 2

    run(stage.play(scenario, scripted_engines(hears=["x"], answers=[["Yes."], ["Still there?"], ["Hm."]])))


def test_two_sessions_do_not_reach_each_other(stage: Stage) -> None:
    async def scenario(one: Client) -> None:
        two = stage.join()
        one.set_output(voice="echo")
        one.do(ResponseCreate())
        await one.wait(ResponseOutputAudioDelta, 3)
        told: list[ServerEvent] = [event for _, event in two.events]
        assert [event.type for event in told] == ["session.created"]
        await two.turn(300)
        two.do(ResponseCancel(response_id=one.of(ResponseOutputAudioDelta)[0].response_id))
        assert two.of(ErrorEvent)[0].error.code == "response_cancel_not_active"
        await two.session.aclose()
        assert (await one.response()).status == "completed"
        assert one.session.id != two.session.id

    run(stage.play(scenario, scripted_engines(hears=["x"], answers=[["word " * 30], ["So."]])))


def test_two_hundred_sessions_leave_nothing(stage: Stage) -> None:
    engines = scripted_engines(hears=["x"] * 200, answers=[["Yes, I hear you. "]] * 200)

    async def scenario(first: Client) -> None:
        clients = [stage.join() for _ in range(199)]
        clients.append(first)
        async with asyncio.TaskGroup() as group:
            for number, client in enumerate(clients):
                group.create_task(client.turn(200 + 20 * (number % 7)))
        assert len(cast(LoudnessVad, engines.vad).open_slots) == 200
        await asyncio.gather(*(client.response() for client in clients))
        assert {client.transcript for client in clients} == {"Yes, I hear you."}
        assert len({client.session.id for client in clients}) == 200
        await asyncio.gather(*(client.session.aclose() for client in clients))
        await asyncio.sleep(0)
        assert not timers()
        assert not cast(LoudnessVad, engines.vad).open_slots

    run(stage.play(scenario, engines))
    sessions = [weakref.ref(client.session) for client in stage.clients]
    stage.clients.clear()
    gc.collect()
    assert not [session for session in sessions if session() is not None]
