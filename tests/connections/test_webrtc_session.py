"""Sessions over calls to this project's own server, and over calls to a server that does what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.connections.rtc_server import RtcServer
from tests.connections.rtc_session import (
    Ear,
    said,
    serving,
    speech,
    talking,
    voiced_ms,
    with_script,
    with_server,
)

from vivavoce import RealtimeSession
from vivavoce.audio.resample import Resampler
from vivavoce.audio.wav import read_wav
from vivavoce.engines.base import FunctionCallDelta, TranscriptionOptions
from vivavoce.engines.stt.pocketsphinx import PocketsphinxTranscriber
from vivavoce.testing.words import word_error_rate
from vivavoce.webrtc.seams import protocols

COUNTING = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"


def test_a_spoken_turn() -> None:
    async def scene(session: RealtimeSession, ear: Ear) -> None:
        await session.send_audio(speech(0.5) + bytes(48_000))
        await ear.hears("audio_end")
        assert voiced_ms(ear.sound) == pytest.approx(800, abs=60)
        assert said(session, "user") == ["Hello there."]
        assert said(session) == ["Good day to you, my very dear friend."]
        first = next(at for at, event in ear.events if event.type == "audio")
        last = next(at for at, event in ear.events if event.type == "audio_end")
        assert last - first == pytest.approx(0.8, abs=0.25)  # as it was spoken: in real time
        kinds = ear.kinds
        assert kinds.index("agent_start") < kinds.index("audio") < kinds.index("audio_end")
        assert {event.audio.response_id for event in ear.all("audio")} == {
            ear.all("audio")[0].audio.response_id
        }

    with_server(scene, ["Good day to you, my very dear friend."])


def test_a_message_a_tool_and_an_answer() -> None:
    async def scene(session: RealtimeSession, ear: Ear) -> None:
        await session.send_message("How is the weather?")
        assert (await ear.hears("tool_end")).output == "The weather in Oslo is warm and dry today."
        await ear.hears("audio_end")
        assert said(session) == ["It is sunny."]
        assert voiced_ms(ear.sound) == pytest.approx(300, abs=60)

    call = FunctionCallDelta(0, "get_weather", '{"city": "Oslo"}')
    with_server(scene, [call], ["It is sunny."])


def test_a_tool_does_not_wait_until_the_words_before_it_were_heard() -> None:
    async def scene(session: RealtimeSession, ear: Ear) -> None:
        await session.send_message("How is the weather?")
        await ear.hears("audio_end", 2)
        kinds = ear.kinds
        assert kinds.index("tool_end") < kinds.index("audio_end")
        ids = [event.audio.response_id for event in ear.all("audio")]
        assert len(set(ids)) == 2
        assert ids == sorted(ids, key=ids.index)  # one after the other
        assert voiced_ms(ear.sound) == pytest.approx(1400, abs=100)

    call = FunctionCallDelta(0, "get_weather", '{"city": "Oslo"}')
    with_server(scene, ["I am going to have a look out of the window.", call], ["It is sunny."])


def heard_words(ear: Ear, word_ms: int) -> float:
    return voiced_ms(ear.sound) / word_ms


def test_the_user_interrupts_by_speaking() -> None:
    async def scene(session: RealtimeSession, ear: Ear) -> None:
        await session.send_message("Count.")
        await ear.until(lambda: voiced_ms(ear.sound) >= 500)
        await session.send_audio(speech(0.5) + bytes(48_000))
        await ear.hears("audio_interrupted")
        heard = heard_words(ear, 100)
        # The exact words come from the server, which played them.
        await ear.hears("audio", len(ear.all("audio")) + 1)
        cut = ear.kinds.index("audio_interrupted")
        answer = next(i for i, kind in enumerate(ear.kinds) if kind == "audio" and i > cut)
        first, second = ear.all("audio")[0].audio.response_id, ear.events[answer][1].audio.response_id
        assert first != second  # nothing of the old answer comes after the interruption
        assert len(said(session)[0].split()) == pytest.approx(heard, abs=1.5)
        assert said(session)[0] == COUNTING[: len(said(session)[0])]

    with_server(scene, [COUNTING], ["What is it?"])


def test_the_application_interrupts() -> None:
    async def scene(session: RealtimeSession, ear: Ear) -> None:
        await session.send_message("Count.")
        await ear.until(lambda: voiced_ms(ear.sound) >= 500)
        await session.interrupt()
        await ear.hears("audio_interrupted")
        pieces, heard = len(ear.all("audio")), heard_words(ear, 100)
        await session.send_message("And now?")
        await ear.hears("audio", pieces + 1)
        assert ear.all("audio")[pieces].audio.response_id != ear.all("audio")[0].audio.response_id
        assert len(said(session)[0].split()) == pytest.approx(heard, abs=1.5)

    with_server(scene, [COUNTING], ["What is it?"])


def test_an_answer_that_has_hardly_begun_can_be_interrupted() -> None:
    async def scene(session: RealtimeSession, ear: Ear) -> None:
        await session.send_message("Count.")
        await ear.hears("agent_start")
        await session.interrupt()
        pieces = len(ear.all("audio"))
        await session.send_message("And now?")
        await ear.hears("audio_end")
        assert len({event.audio.response_id for event in ear.all("audio")[pieces:]}) == 1
        await ear.until(lambda: said(session)[-1:] == ["What is it?"])

    with_server(scene, [COUNTING], ["What is it?"])


def test_a_session_is_closed_within_a_second_whatever_it_does() -> None:
    async def scene(session: RealtimeSession, ear: Ear) -> None:
        await session.send_message("Count.")
        await ear.hears("audio")
        began = asyncio.get_running_loop().time()
        await session.close()
        assert asyncio.get_running_loop().time() - began < 1

    with_server(scene, [COUNTING])


def test_a_server_that_hangs_up_ends_the_session() -> None:
    async def scene(_session: RealtimeSession, ear: Ear, server: RtcServer) -> None:
        await server.caller.peer.aclose()
        await ear.until(lambda: ear.over)
        assert ear.all("error") == []
        assert len(server.calls) == 1

    with_script(scene)


def vanish(server: RtcServer) -> None:
    """Take the network away from the server: it says no more."""
    wiring = server.caller.peer._wiring
    assert wiring is not None
    for protocol in protocols(wiring.link):
        protocol.transport.abort()


def test_a_session_goes_on_when_its_server_vanishes() -> None:
    async def scene(session: RealtimeSession, ear: Ear, server: RtcServer) -> None:
        await session.send_message("Hello.", respond=False)
        await server.caller.event("conversation.item.create")
        vanish(server)
        await ear.hears("reconnected")
        assert "nothing was heard of the peer" in str(ear.all("connection_lost")[0].error)
        assert len(server.calls) == 2
        again = await server.caller.event("conversation.item.create")
        assert again["item"]["content"][0]["text"] == "Hello."
        server.caller.say(speech(0.2), "resp_2")
        await ear.hears("audio_end")
        assert voiced_ms(ear.sound) == pytest.approx(200, abs=60)

    with_script(scene)


def test_speech_that_nobody_heard_is_said_again_and_a_microphone_goes_on() -> None:
    async def scene(session: RealtimeSession, ear: Ear, server: RtcServer) -> None:
        await session.send_audio(speech(0.6))
        await server.caller.until(lambda: voiced_ms(bytes(server.caller.voice)) >= 600)
        vanish(server)
        await ear.hears("reconnecting")
        for _ in range(10):
            await session.send_audio(speech(0.1))
        await ear.hears("reconnected")
        await server.caller.until(lambda: voiced_ms(bytes(server.caller.voice)) >= 1500)

    with_script(scene)


def test_without_reconnecting_a_server_that_vanishes_ends_the_session() -> None:
    async def scene(_session: RealtimeSession, ear: Ear, server: RtcServer) -> None:
        vanish(server)
        await ear.until(lambda: ear.over)
        assert "nothing was heard of the peer" in str(ear.all("error")[0].error)

    with_script(scene, reconnect=False)


@pytest.mark.local
def test_a_spoken_question_is_answered_by_engines_that_hear_and_speak(
    speech_clip: Callable[..., Path],
) -> None:
    question = sound_of(speech_clip("what is the weather in london"))

    async def main() -> None:
        async with serving(None) as url, talking(url) as (session, ear):
            await session.send_audio(question + bytes(48_000))
            await ear.hears("tool_end")
            await ear.hears("audio_end")
            assert said(session, "user") == ["what is the weather in london"]
            assert said(session) == ["The weather in London is warm and dry today."]
            assert voiced_ms(ear.sound) > 1000

    asyncio.run(main())


@pytest.mark.local
def test_what_is_said_either_way_can_be_understood(speech_clip: Callable[..., Path]) -> None:
    question, answer = "what is the weather in london", "please leave a message after the tone"

    heard: list[bytes] = []

    async def scene(session: RealtimeSession, ear: Ear, server: RtcServer) -> None:
        server.caller.say(sound_of(speech_clip(answer)), words=answer)
        await session.send_audio(sound_of(speech_clip(question)))
        await session.commit()
        await server.caller.event("input_audio_buffer.commit")
        await ear.hears("audio_end")
        heard.extend([bytes(server.caller.voice), ear.sound])

    with_script(scene)
    texts = asyncio.run(understood(*heard))
    assert word_error_rate(question, texts[0]) <= 0.35, texts
    assert word_error_rate(answer, texts[1]) <= 0.35, texts


def sound_of(clip: Path) -> bytes:
    return read_wav(clip).pcm


async def understood(*sounds: bytes) -> list[str]:
    texts = []
    transcriber = PocketsphinxTranscriber()
    try:
        for pcm in sounds:
            stream = transcriber.open(TranscriptionOptions(), lambda _: None)
            stream.feed(Resampler(24_000, transcriber.sample_rate).process(pcm + bytes(24_000)))
            texts.append((await stream.finish()).text.lower())
    finally:
        await transcriber.aclose()
    return texts
