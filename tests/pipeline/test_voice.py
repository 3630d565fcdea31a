"""Voice activity of many sessions in one computation."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from vivavoce.engines.scripted import LoudnessVad, scripted_engines
from vivavoce.pipeline import SessionOptions
from vivavoce.pipeline.voice import STEPS_PER_TICK, VoiceStream, batch_for
from vivavoce.protocol import (
    ErrorEvent,
    InputAudioBufferClear,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    PcmFormat,
    PcmuFormat,
    ServerVad,
)
from vivavoce.testing import run

if TYPE_CHECKING:
    from tests.pipeline.conftest import Client, Stage

CHUNK = bytes(512 * 3)  # 32 ms at 24 kHz
LOUD = (np.ones(768, "<i2") * 5000).tobytes()


class CountingVad(LoudnessVad):
    """Notes which slots each computation was for."""

    def __init__(self) -> None:
        super().__init__()
        self.computed: list[list[int]] = []

    def probabilities(self, slots: Sequence[int], chunks: NDArray[np.int16]) -> NDArray[np.float32]:
        self.computed.append(list(slots))
        return super().probabilities(slots, chunks)


def play(scenario: Callable[[CountingVad], Awaitable[None]]) -> CountingVad:
    detector = CountingVad()

    async def main() -> None:
        await scenario(detector)

    run(main())
    return detector


def listen(stream: VoiceStream, position_ms: int = 0) -> None:
    stream.listen(PcmFormat(), position_ms, active=True)


def ignore(_probability: float, _start_ms: int, _end_ms: int) -> None:
    """Hear and forget."""


def test_chunks_of_all_sessions_share_a_computation() -> None:
    async def scenario(detector: CountingVad) -> None:
        batch = batch_for(detector)
        heard: list[tuple[int, float, int, int]] = []
        streams = [batch.open(lambda *what, name=name: heard.append((name, *what))) for name in range(3)]
        for stream in streams:
            listen(stream, 1000)
        for _ in range(2):
            for name, stream in enumerate(streams):
                stream.feed(LOUD if name == 1 else CHUNK)
            await asyncio.sleep(0.032)
        assert heard == [
            (name, float(name == 1), 1000 + 32 * turn, 1032 + 32 * turn)
            for turn in (0, 1)
            for name in (0, 1, 2)
        ]

    assert play(scenario).computed == [[1, 2, 3], [1, 2, 3]]


def test_who_does_not_listen_computes_nothing() -> None:
    async def scenario(detector: CountingVad) -> None:
        stream = batch_for(detector).open(ignore)
        stream.feed(CHUNK * 10)
        stream.listen(PcmuFormat(), 0, active=True)
        stream.listen(PcmuFormat(), 0, active=False)
        stream.feed(CHUNK * 10)
        await asyncio.sleep(1)

    assert play(scenario).computed == []


def test_a_flood_takes_a_few_steps_per_tick_and_lets_others_in() -> None:
    async def scenario(detector: CountingVad) -> None:
        batch = batch_for(detector)
        late: list[int] = []
        flood = batch.open(ignore)
        other = batch.open(lambda _p, _s, _e: late.append(len(detector.computed)))
        for stream in (flood, other):
            listen(stream)
        flood.feed(CHUNK * 300)
        await asyncio.sleep(0.008)
        for _ in range(5):
            await asyncio.sleep(0)
        begun = len(detector.computed)
        assert 0 < begun < 300
        other.feed(CHUNK)
        await asyncio.sleep(1)
        assert late[0] - begun <= STEPS_PER_TICK + 1
        assert len(detector.computed) == 300

    detector = play(scenario)
    assert sum(2 in slots for slots in detector.computed) == 1


def test_closing_gives_the_slot_back_once_and_leaves_no_timer() -> None:
    async def scenario(detector: CountingVad) -> None:
        batch = batch_for(detector)
        one, two = batch.open(ignore), batch.open(ignore)
        for stream in (one, two):
            listen(stream)
            stream.feed(CHUNK)
        one.close()
        one.close()
        assert detector.open_slots == {two.slot}
        await asyncio.sleep(1)
        two.feed(CHUNK)
        two.close()
        two.feed(CHUNK)
        assert not detector.open_slots
        await asyncio.sleep(1)

    assert play(scenario).computed == [[2]]


def test_one_session_that_fails_to_hear_does_not_make_others_deaf(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(detector: CountingVad) -> None:
        batch = batch_for(detector)
        heard: list[int] = []

        def fails(_probability: float, _start_ms: int, _end_ms: int) -> None:
            raise RuntimeError("on purpose")

        bad, good = batch.open(fails), batch.open(lambda _p, start_ms, _e: heard.append(start_ms))
        for stream in (bad, good):
            listen(stream)
            stream.feed(CHUNK * 3)
        await asyncio.sleep(1)
        assert heard == [0, 32, 64]

    play(scenario)
    assert {record.message for record in caplog.records} == {"A session failed to hear"}


def test_a_detector_has_one_batch_on_each_loop_and_dies_with_its_last_user() -> None:
    async def main(detector: LoudnessVad) -> None:
        batch = batch_for(detector)
        assert batch_for(detector) is batch
        assert batch_for(LoudnessVad()) is not batch

    detector = LoudnessVad()
    run(main(detector))
    run(main(detector))
    gone = weakref.ref(detector)
    del detector
    gc.collect()
    assert gone() is None


# --- through a session ------------------------------------------------------------------------------------


def test_ten_seconds_in_one_append_are_cut_into_their_turns(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        turns = [(1000, 600), (2600, 1200), (4800, 400), (6400, 900), (8200, 500)]
        sounds, position = [], 0
        for start, length in turns:
            sounds += [client.silence(start - position), client.tone(length)]
            position = start + length
        client.append(*sounds, client.silence(10_000 - position))
        neighbour = stage.join()
        neighbour.append(neighbour.tone(200))
        await neighbour.wait(InputAudioBufferSpeechStarted, within=0.02)
        await client.wait(InputAudioBufferCommitted, 5, within=1)
        await client.response(5)
        for (start, length), started, stopped in zip(
            turns,
            client.of(InputAudioBufferSpeechStarted),
            client.of(InputAudioBufferSpeechStopped),
            strict=True,
        ):
            assert started.audio_start_ms == pytest.approx(start - 300, abs=32)
            assert stopped.audio_end_ms == pytest.approx(start + length + 512, abs=32)

    engines = scripted_engines(
        hears=["a", "b", "c", "d", "e"], answers=[["A."]] * 5, hearing_delay=0.05, speaking_delay=0.01
    )
    client = run(stage.play(scenario, engines))
    assert len(client.of(InputAudioBufferCommitted)) == 5
    assert not client.of(ErrorEvent)


def test_audio_that_the_full_buffer_refused_is_not_heard_either(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.append(client.silence(1500))
        client.append(client.tone(1000))  # too much
        client.append(client.tone(1000))
        (refused,) = client.of(ErrorEvent)
        assert refused.error.code == "input_audio_buffer_full"
        await asyncio.sleep(1)
        assert not client.of(InputAudioBufferSpeechStarted)
        client.do(InputAudioBufferClear())
        await client.turn(400)
        await client.wait(InputAudioBufferCommitted)
        assert client.of(InputAudioBufferSpeechStarted)[0].audio_start_ms == 1500
        assert client.of(InputAudioBufferSpeechStopped)[0].audio_end_ms == pytest.approx(2412, abs=64)

    run(stage.play(scenario, scripted_engines(answers=[[]]), SessionOptions(max_input_buffer_s=2)))


def test_nothing_is_heard_after_the_session_has_expired(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.append(client.tone(2000), client.silence(1000))
        await asyncio.sleep(0.005)
        await asyncio.sleep(10)
        assert not client.of(InputAudioBufferSpeechStarted)

    run(stage.play(scenario, options=SessionOptions(max_session_s=0.004)))


def test_turn_detection_switched_on_hears_only_what_comes_then(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.set_input(turn_detection=None)
        client.append(client.tone(1000))
        client.set_input(turn_detection=ServerVad())
        client.append(client.silence(1000))
        await asyncio.sleep(1)
        assert not client.of(InputAudioBufferSpeechStarted)
        await client.speak(200)
        assert client.of(InputAudioBufferSpeechStarted)[0].audio_start_ms == pytest.approx(1700, abs=32)

    run(stage.play(scenario))
