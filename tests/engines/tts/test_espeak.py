"""The espeak synthesizer: streaming, timing, voices, stopping."""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import threading
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from vivavoce.engines.base import SpeechChunk, SpeechOptions, Synthesizer
from vivavoce.engines.tts.espeak import MAX_WAITING, VOICES, EspeakSynthesizer
from vivavoce.engines.tts.espeak_library import espeak_library
from vivavoce.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from numpy.typing import NDArray

pytestmark = [
    pytest.mark.local,
    pytest.mark.skipif(
        importlib.util.find_spec("espeakng_loader") is None, reason="needs espeakng-loader: vivavoce[local]"
    ),
]

RATE = 22_050
Timed = list[tuple[str, int]]


def run(use: Callable[[EspeakSynthesizer], Awaitable[None]]) -> None:
    async def main() -> None:
        synthesizer = EspeakSynthesizer()
        try:
            await use(synthesizer)
        finally:
            await synthesizer.aclose()

    asyncio.run(main())


def stream(
    synthesizer: EspeakSynthesizer, text: str, options: SpeechOptions
) -> AsyncGenerator[SpeechChunk, None]:
    return synthesizer.synthesize(text, options)


async def say(
    synthesizer: EspeakSynthesizer, text: str, voice: str = "alloy", speed: float = 1.0
) -> tuple[bytes, Timed]:
    """Return the speech and what was said by when; check what holds for every stream."""
    pcm = b""
    words: Timed = []
    async for chunk in synthesizer.synthesize(text, SpeechOptions(voice, speed)):
        pcm += chunk.pcm
        words += [(text[: word.end], word.end_ms) for word in chunk.words]
    assert [end for _, end in words] == sorted(end for _, end in words)
    assert not words or words[-1][1] <= len(pcm) / 2 / RATE * 1000 + 1
    return pcm, words


def sound_ends(pcm: bytes) -> list[int]:
    """Return the milliseconds at which at least 50 ms of silence begin, and the end of the last sound."""
    samples = np.abs(np.frombuffer(pcm, "<i2").astype(float))
    loud = np.flatnonzero(samples > 300)
    last_before_gap = loud[np.flatnonzero(np.diff(loud, append=len(samples) + RATE) > RATE * 0.05)]
    return [round(int(i) * 1000 / RATE) for i in last_before_gap]


def test_it_is_a_synthesizer() -> None:
    async def use(synthesizer: EspeakSynthesizer) -> None:
        assert isinstance(synthesizer, Synthesizer)
        assert synthesizer.sample_rate == RATE

    run(use)


@pytest.mark.parametrize("voice", ["alloy", "ash", "marin"])
@pytest.mark.parametrize("speed", [0.25, 0.5, 1.0, 1.5])
def test_words_end_where_their_sound_ends(voice: str, speed: float) -> None:
    async def use(synthesizer: EspeakSynthesizer) -> None:
        pcm, words = await say(synthesizer, "one, two, three, four.", voice, speed)
        assert [text for text, _ in words] == [
            "one,",
            "one, two,",
            "one, two, three,",
            "one, two, three, four.",
        ]
        ends = sound_ends(pcm)
        for _, end_ms in words:
            assert min(abs(end_ms - end) for end in ends) <= 60, (words, ends)
        assert ends[-1] == pytest.approx(words[-1][1], abs=60)

    run(use)


def test_each_chunk_brings_its_word_with_the_audio_in_which_it_ends() -> None:
    async def use(synthesizer: EspeakSynthesizer) -> None:
        text = 'Well — it\'s "naïve", 😀 costs $5.50 and <b>more</b>, e.g. 25 Uhr!'
        heard = 0
        said = ""
        async for chunk in synthesizer.synthesize(text, SpeechOptions()):
            before, heard = heard, heard + len(chunk.pcm) // 2
            (word,) = chunk.words
            assert before / RATE * 1000 - 1 <= word.end_ms <= heard / RATE * 1000 + 1
            assert len(said) < word.end
            said = text[: word.end]
        assert said == text

    run(use)


def test_long_text_keeps_its_positions_and_its_clock_across_pieces() -> None:
    async def use(synthesizer: EspeakSynthesizer) -> None:
        text = "I can hear you. " * 60
        pcm, words = await say(synthesizer, text)
        assert [said for said, _ in words] == list(
            itertools.accumulate(text.split(), lambda said, word: f"{said} {word}")
        )
        assert words[-1][1] > 0.95 * len(pcm) / 2 / RATE * 1000

    run(use)


@pytest.mark.parametrize("text", ["", "  ", "...?!", "\n\n", "\x00\x01", "\ud800"])
def test_what_cannot_be_pronounced_is_silent_and_no_error(text: str) -> None:
    async def use(synthesizer: EspeakSynthesizer) -> None:
        assert await say(synthesizer, text) == (b"", [])

    run(use)


def test_markup_and_commands_are_read_out() -> None:
    async def use(synthesizer: EspeakSynthesizer) -> None:
        plain, _ = await say(synthesizer, "hello")
        for markup in ('<break time="9s"/>hello', "[[h@loU]] hello", "<speak>hello</speak>"):
            marked, words = await say(synthesizer, markup)
            assert 1.5 * len(plain) < len(marked) < 9 * RATE * 2
            assert words[-1][0] == markup
        slow, _ = await say(synthesizer, "\x0110S hello")
        assert len(slow) < 5 * len(plain)

    run(use)


def test_speed_changes_the_length_and_not_the_pitch() -> None:
    def pitch(pcm: bytes) -> float:
        # A voiced stretch correlates with itself best at a distance of one period.
        samples = np.frombuffer(pcm, "<i2").astype(float)
        periods = []
        for start in range(0, len(samples) - 2048, 1024):
            stretch = samples[start : start + 2048]
            if np.abs(stretch).mean() > 500:
                correlation = np.correlate(stretch, stretch, "full")[2047:]
                periods.append(100 + int(np.argmax(correlation[100:400])))
        return RATE / float(np.median(periods))

    async def use(synthesizer: EspeakSynthesizer) -> None:
        text = "a number of words of ordinary length, all the way along"
        normal, _ = await say(synthesizer, text, "ash")
        for speed in (0.25, 0.4, 0.75, 1.5):
            other, _ = await say(synthesizer, text, "ash", speed)
            assert len(other) == pytest.approx(len(normal) / speed, rel=0.1)
            assert pitch(other) == pytest.approx(pitch(normal), rel=0.1)

    run(use)


def test_every_voice_of_the_api_speaks_and_sounds_different() -> None:
    def colour(pcm: bytes) -> NDArray[np.float64]:
        samples = np.frombuffer(pcm, "<i2").astype(float)
        frames = samples[: len(samples) // 1024 * 1024].reshape(-1, 1024) * np.hanning(1024)
        bands = np.abs(np.fft.rfft(frames))[:, 2:402].mean(axis=0).reshape(-1, 8).mean(axis=1)
        return cast("NDArray[np.float64]", np.log(bands / bands.mean()))

    def distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
        return float(np.sqrt(np.mean((one - other) ** 2)))

    async def use(synthesizer: EspeakSynthesizer) -> None:
        assert synthesizer.voice_names == (
            *("alloy", "ash", "ballad", "coral", "echo", "fable", "nova", "onyx"),
            *("sage", "shimmer", "verse", "marin", "cedar"),
        )
        text = "how are you today my friend, it is a long way home"
        colours = [colour((await say(synthesizer, text, voice))[0]) for voice in VOICES]
        again = [colour((await say(synthesizer, text, voice))[0]) for voice in VOICES]
        # espeak never says a thing twice in exactly the same way.
        most_alike = max(map(distance, colours, again))
        assert min(distance(*pair) for pair in itertools.combinations(colours, 2)) > 2 * most_alike

    run(use)


def test_espeaks_own_voices_and_languages_are_accepted() -> None:
    async def use(synthesizer: EspeakSynthesizer) -> None:
        for voice in ("de", "en-gb+f2", "German"):
            assert (await say(synthesizer, "ja", voice))[0]
        spoken = [
            b"".join(
                [chunk.pcm async for chunk in synthesizer.synthesize("25", SpeechOptions(language=language))]
            )
            for language in (None, "en", "de")
        ]
        assert len(spoken[1]) == pytest.approx(len(spoken[0]), rel=0.05)
        assert abs(len(spoken[2]) - len(spoken[0])) > 1000

    run(use)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (SpeechOptions("zira"), "unknown voice 'zira'.*alloy.*cedar.*espeak voice"),
        (SpeechOptions("en-us+../f3"), "unknown voice"),
        (SpeechOptions("en-us+unheard"), "unknown voice"),
        (SpeechOptions(""), "unknown voice"),
        (SpeechOptions(language="xx"), "no language 'xx'"),
        (SpeechOptions(speed=0.2), r"speed is 0\.2.*0\.25 to 1\.5"),
        (SpeechOptions(speed=1.6), r"speed is 1\.6"),
        (SpeechOptions(speed=float("nan")), "speed is nan"),
    ],
)
def test_a_wish_that_cannot_be_met_is_named(options: SpeechOptions, words: str) -> None:
    async def use(synthesizer: EspeakSynthesizer) -> None:
        with pytest.raises(EngineError, match=words):
            await anext(stream(synthesizer, "hi", options))

    run(use)


def test_closing_the_iterator_frees_the_worker_for_the_next() -> None:
    async def use(synthesizer: EspeakSynthesizer) -> None:
        async with aclosing(stream(synthesizer, "word " * 20_000, SpeechOptions())) as speech:
            await anext(speech)
        pcm, words = await say(synthesizer, "hello")
        assert [said for said, _ in words] == ["hello"]
        assert len(pcm) < RATE * 2

    run(use)


def test_a_slow_listener_does_not_hold_up_the_others() -> None:
    async def use(synthesizer: EspeakSynthesizer) -> None:
        async with aclosing(stream(synthesizer, "word " * 20_000, SpeechOptions())) as slow:
            await anext(slow)
            results = await asyncio.gather(*(say(synthesizer, f"number {i}") for i in range(8)))
            assert [words[-1][0] for _, words in results] == [f"number {i}" for i in range(8)]
            await anext(slow)

    run(use)


def test_the_loop_turns_while_the_library_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    speaking = threading.Event()
    go_on = threading.Event()
    library = espeak_library()
    speak = library.speak

    def speak_when_told(*args: object, **wishes: object) -> None:
        speaking.set()
        assert go_on.wait(10)
        speak(*args, **wishes)  # type: ignore[arg-type]  # passed on as they came

    async def use(synthesizer: EspeakSynthesizer) -> None:
        monkeypatch.setattr(library, "speak", speak_when_told)
        async with asyncio.TaskGroup() as group:
            said = group.create_task(say(synthesizer, "hello"))
            group.create_task(say(synthesizer, "hello again"))
            turns = 0
            while turns < 100 or not speaking.is_set():
                await asyncio.sleep(0)
                turns += 1
            assert not said.done()
            assert synthesizer.queue_depth == 1
            go_on.set()
        assert synthesizer.queue_depth == 0
        assert said.result()[1][0][0] == "hello"

    run(use)


def test_too_many_texts_at_a_time_are_refused() -> None:
    async def use(synthesizer: EspeakSynthesizer) -> None:
        streams = [stream(synthesizer, "hi there", SpeechOptions()) for _ in range(MAX_WAITING)]
        await asyncio.gather(*map(anext, streams))
        with pytest.raises(EngineError, match=f"{MAX_WAITING} texts"):
            await anext(stream(synthesizer, "hi", SpeechOptions()))
        await streams[0].aclose()
        assert (await say(synthesizer, "hi"))[0]
        for one in streams:
            await one.aclose()

    run(use)


def test_closing_is_clean_and_final() -> None:
    async def use(synthesizer: EspeakSynthesizer) -> None:
        await say(synthesizer, "hi")
        assert any(thread.name.startswith("espeak") for thread in threading.enumerate())
        interrupted = stream(synthesizer, "word " * 20_000, SpeechOptions())
        await anext(interrupted)
        await synthesizer.aclose()
        await synthesizer.aclose()
        assert not any(thread.name.startswith("espeak") for thread in threading.enumerate())
        with pytest.raises(EngineError, match="closed"):
            async for _ in interrupted:
                pass
        with pytest.raises(EngineError, match="closed"):
            await say(synthesizer, "hi")

    run(use)
