from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from vivavoce import LocalRealtimeModel, RealtimeAgent, RealtimeRunner
from vivavoce.audio.levels import voiced_spans
from vivavoce.engines.base import Engines
from vivavoce.engines.scripted import ScriptedSynthesizer, scripted_engines
from vivavoce.errors import CallerTimeoutError, ConfigurationError
from vivavoce.protocol import Item, MessageItem, OutputAudio
from vivavoce.testing import (
    After,
    AgentFinished,
    AgentSaid,
    AgentSpeaking,
    Clip,
    HangUp,
    Say,
    SimulatedCaller,
    run,
    speak_clip,
    tone_clip,
)


def words(seconds: float, sample_rate: int = 24_000) -> Clip:
    """Something that the scripted detector takes for speech."""
    t = np.arange(int(seconds * sample_rate)) / sample_rate
    pcm = (np.sin(2 * np.pi * 200 * t) * 9000).astype("<i2").tobytes()
    return Clip(f"{seconds} s", pcm, sample_rate)


def call(caller: SimulatedCaller, engines: Engines) -> Sequence[Item]:
    """Make the call on a virtual clock and return the history."""

    async def main() -> Sequence[Item]:
        runner = RealtimeRunner[None](RealtimeAgent("Desk"), model=LocalRealtimeModel(engines))
        async with await runner.run(model_config={"playback_tracker": caller.tracker}) as session:
            await caller.call(session)
            return session.history

    return run(main())


def answers(history: Sequence[Item]) -> list[str | None]:
    """What the history says that the agent said."""
    said = [item for item in history if isinstance(item, MessageItem) and item.role == "assistant"]
    return [
        part.transcript
        for item in said
        for part in item.content
        if isinstance(part, OutputAudio) and (part.transcript is None or isinstance(part.transcript, str))
    ]


def test_a_caller_speaks_hears_the_answer_and_hangs_up() -> None:
    caller = SimulatedCaller([Say(words(1.0), After(0.5)), HangUp(AgentFinished(0.6))])
    engines = scripted_engines(hears=["hello"], answers=[["Good day to you."]], word_ms=200)
    assert answers(call(caller, engines)) == ["Good day to you."]
    assert [(said.start, said.samples) for said in caller.said] == [(12_000, 24_000)]
    assert voiced_spans(caller.tape.human, 24_000) == [(500, 1500)]
    [(start, end)] = voiced_spans(caller.tape.agent, 24_000)
    assert end - start == pytest.approx(4 * 200, abs=40)
    assert start > 1500
    assert caller.tape.seconds == pytest.approx(end / 1000 + 0.6, abs=0.05)
    assert sum(piece.samples for piece in caller.played) == pytest.approx(4 * 200 * 24, abs=1)
    assert caller.cleared == []


def test_an_interruption_silences_the_agent_and_cuts_the_history_at_the_ear() -> None:
    caller = SimulatedCaller(
        [
            Say(words(1.0), After(0.5)),
            Say(words(1.0), AgentSpeaking(1.0)),
            HangUp(AgentFinished(0.6)),
        ]
    )
    engines = scripted_engines(
        hears=["tell me", "stop"],
        answers=[["one two three four five six seven eight nine ten."], ["All right."]],
        word_ms=300,
    )
    first, second = answers(call(caller, engines))
    interruption = caller.said[1].start / 24_000
    spans = voiced_spans(caller.tape.agent, 24_000)
    assert len(spans) == 2
    silent = spans[0][1] / 1000
    assert interruption < silent < interruption + 0.25
    assert caller.cleared == [caller.played[0].start + caller.played[0].samples]
    heard_words = caller.played[0].samples / 24_000 / 0.3
    assert first is not None
    assert len(first.split()) in {int(heard_words), int(heard_words) + 1}
    assert "one two three four five six seven eight nine ten".startswith(first.strip())
    assert second == "All right."


@pytest.mark.parametrize("word", ["two", "five", "nine"])
def test_an_interruption_at_a_word(word: str) -> None:
    numbers = "one two three four five six seven eight nine ten eleven twelve"
    caller = SimulatedCaller(
        [
            Say("Tell me.", After(0.5)),
            Say("Stop!", AgentSaid(word)),
            HangUp(AgentFinished(0.6)),
        ]
    )
    engines = scripted_engines(hears=["tell me", "stop"], answers=[[numbers], ["Yes."]], word_ms=400)
    first, second = answers(call(caller, engines))
    assert first is not None
    assert first.split()[-1] == word
    assert caller.heard == f"{first} {second}"


def test_texts_are_spoken_by_whoever_is_asked_to() -> None:
    texts: list[str] = []

    def speak(text: str) -> Clip:
        texts.append(text)
        return words(0.5, 16_000)

    caller = SimulatedCaller([Say("Hello?", After(0.1)), HangUp(AgentFinished())], speak=speak)
    assert answers(call(caller, scripted_engines(hears=["hello"], answers=[["Yes."]]))) == ["Yes."]
    assert texts == ["Hello?"]
    assert caller.said[0].samples == pytest.approx(12_000, abs=24)


def test_a_tone_for_every_word() -> None:
    clip = tone_clip("Hello my dear")
    assert clip.seconds == pytest.approx(0.9)
    assert clip.text == "Hello my dear"
    assert repr(clip) == "Clip(name='Hello my dear', sample_rate=24000, text='Hello my dear')"


def test_a_synthesizer_of_the_engines_makes_clips() -> None:
    synthesizer = ScriptedSynthesizer(word_ms=100)
    clip = run(speak_clip(synthesizer, "Good day", voice="echo"))
    assert clip.seconds == pytest.approx(0.2)
    assert (clip.sample_rate, clip.text) == (24_000, "Good day")
    run(speak_clip(synthesizer, "Good day"))
    assert [options.voice for _, options in synthesizer.spoken] == ["echo", "alloy"]


def test_a_clip_of_another_rate_takes_as_long() -> None:
    caller = SimulatedCaller([Say(words(1.0, sample_rate=16_000), After(0.5)), HangUp(After(0.5))])
    call(caller, scripted_engines(hears=["hello"], answers=[["Yes."]]))
    assert caller.said[0].samples == pytest.approx(24_000, abs=24)


def test_both_tracks_are_as_long_as_the_call() -> None:
    caller = SimulatedCaller([HangUp(After(1.0))])
    call(caller, scripted_engines())
    assert len(caller.tape.human) == len(caller.tape.agent) == 2 * 24_000
    assert caller.tape.human == caller.tape.agent == bytes(48_000)


def test_an_agent_that_does_not_answer_is_a_clear_failure() -> None:
    caller = SimulatedCaller([Say(words(0.5), After(0.2)), HangUp(AgentFinished(), timeout_s=4.0)])
    with pytest.raises(
        CallerTimeoutError, match="waited 4 s for the agent to answer and finish before they could hang"
    ):
        call(caller, scripted_engines(hears=["hello"], answers=[[]]))
    assert caller.tape.seconds == pytest.approx(4.7, abs=0.1)


def test_a_loop_that_is_late_loses_no_frame() -> None:
    caller = SimulatedCaller([HangUp(After(1.0))])

    async def main() -> tuple[int, float]:
        frames = 0
        loop = asyncio.get_running_loop()
        began = loop.time()
        while frame := await caller.hear():
            assert len(frame) == 960
            frames += 1
            await asyncio.sleep(0.3 if frames == 10 else 0.0)
        return frames, loop.time() - began

    frames, seconds = run(main())
    assert frames == 50
    assert seconds == pytest.approx(1.0)


def test_who_has_hung_up_says_nothing_more() -> None:
    caller = SimulatedCaller([])

    async def main() -> list[bytes]:
        return [await caller.hear() for _ in range(3)]

    assert run(main()) == [bytes(960), b"", b""]


def test_a_rate_that_does_not_fit_the_frames_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="11025"):
        SimulatedCaller([], sample_rate=11_025)
