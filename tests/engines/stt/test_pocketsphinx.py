"""Dictation by pocketsphinx, on speech synthesized by flite."""

from __future__ import annotations

import asyncio
import importlib.util
from typing import TYPE_CHECKING

import pytest

from vivavoce.engines.base import Transcriber, Transcript, TranscriptionOptions
from vivavoce.engines.stt.pocketsphinx import QUEUE_MS, PocketsphinxTranscriber
from vivavoce.errors import EngineError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

pytestmark = [
    pytest.mark.local,
    pytest.mark.skipif(
        importlib.util.find_spec("pocketsphinx") is None, reason="needs pocketsphinx: vivavoce[local]"
    ),
]

SENTENCES = (
    "what is the weather in london tomorrow morning",
    "can you tell me when the next train leaves for chicago",
    "please book a table for two people at seven o'clock tonight",
    "i want to cancel my order",
    "set the temperature to twenty one degrees",
)
PLAIN_SENTENCES = (
    "hello how are you today",
    "what time is it now",
    "i would like to order two coffees",
    "my brother lives in a small house near the river",
    "please call me back as soon as you can",
    "the doctor said that you can go home on friday",
)
FRAME = 1280
SECOND = bytes(32_000)


def run(use: Callable[[PocketsphinxTranscriber], Awaitable[None]], **settings: int) -> None:
    async def main() -> None:
        transcriber = PocketsphinxTranscriber(**settings)
        try:
            await use(transcriber)
        finally:
            await transcriber.aclose()
            assert transcriber.worker_pids == ()

    asyncio.run(main())


def ignore(_text: str) -> None:
    """Take a partial transcript and forget it."""


async def transcribe(
    transcriber: PocketsphinxTranscriber, pcm: bytes, on_partial: Callable[[str], None] = ignore
) -> str:
    stream = transcriber.open(TranscriptionOptions(), on_partial)
    for start in range(0, len(pcm), FRAME):
        stream.feed(pcm[start : start + FRAME])
    return (await stream.finish()).text


def word_errors(said: str, heard: str) -> int:
    """Return the least number of words to change, add or remove."""
    row = list(range(len(heard.split()) + 1))
    for i, word in enumerate(said.split(), 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(heard.split(), 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
    return row[-1]


@pytest.mark.parametrize("voice", ["slt", "rms", "awb"])
def test_clear_speech_is_understood(voice: str, spoken_pcm: Callable[..., bytes]) -> None:
    async def use(transcriber: PocketsphinxTranscriber) -> None:
        errors = 0
        for sentence in SENTENCES:
            partials: list[str] = []
            heard = await transcribe(transcriber, spoken_pcm(sentence, voice), partials.append)
            errors += word_errors(sentence, heard)
            assert len(partials) >= 2
            for before, after in zip(["", *partials], partials, strict=False):
                assert after.startswith(before)
                assert len(after) > len(before)
        assert errors <= 0.2 * sum(len(sentence.split()) for sentence in SENTENCES)

    run(use, workers=1)


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("line", "allowed"), [("clean", 0.15), ("mulaw", 0.35)])
def test_plain_sentences_are_understood(
    line: str, allowed: float, spoken_pcm: Callable[..., bytes], over_telephone: Callable[[bytes], bytes]
) -> None:
    async def use(transcriber: PocketsphinxTranscriber) -> None:
        spoken = [(said, voice) for said in PLAIN_SENTENCES for voice in ("slt", "rms", "awb")]
        pcms = [spoken_pcm(said, voice, before_ms=0) for said, voice in spoken]
        if line == "mulaw":
            pcms = [over_telephone(pcm) for pcm in pcms]
        heard = await asyncio.gather(*(transcribe(transcriber, pcm) for pcm in pcms))
        errors = sum(word_errors(said, text) for (said, _voice), text in zip(spoken, heard, strict=True))
        assert errors <= allowed * 3 * sum(len(sentence.split()) for sentence in PLAIN_SENTENCES)

    run(use, workers=2)


def test_partials_come_while_the_person_speaks(spoken_pcm: Callable[..., bytes]) -> None:
    async def use(transcriber: PocketsphinxTranscriber) -> None:
        pcm = spoken_pcm(SENTENCES[1])
        first = asyncio.Event()
        stream = transcriber.open(TranscriptionOptions(), lambda _text: first.set())
        stream.feed(pcm[: len(pcm) // 2])
        async with asyncio.timeout(30):
            await first.wait()
        await stream.aclose()

    run(use, workers=1)


def test_what_was_said_before_changes_nothing(spoken_pcm: Callable[..., bytes]) -> None:
    async def use(transcriber: PocketsphinxTranscriber) -> None:
        pcm = spoken_pcm(SENTENCES[2])
        other = spoken_pcm(SENTENCES[0], "awb")
        first: list[str] = []
        second: list[str] = []
        alone = await transcribe(transcriber, pcm, first.append)
        await transcribe(transcriber, other)
        assert await transcribe(transcriber, pcm, second.append) == alone
        assert second == first

    run(use, workers=1)


def test_the_loop_turns_while_a_worker_decodes(spoken_pcm: Callable[..., bytes]) -> None:
    async def use(transcriber: PocketsphinxTranscriber) -> None:
        await transcriber.prewarm()
        stream = transcriber.open(TranscriptionOptions(), ignore)
        stream.feed(spoken_pcm(SENTENCES[2]))
        turns = 0
        async with asyncio.TaskGroup() as group:
            finished = group.create_task(stream.finish())
            while not finished.done():
                await asyncio.sleep(0)
                turns += 1
        # Half a second of decoding in 40 blocks: a loop that stood still for each would turn 100 times.
        assert turns > 2000

    run(use, workers=1)


def test_utterances_at_the_same_time_get_a_worker_each_and_the_rest_their_turn(
    spoken_pcm: Callable[..., bytes],
) -> None:
    async def use(transcriber: PocketsphinxTranscriber) -> None:
        pcms = [spoken_pcm(sentence) for sentence in SENTENCES[:4]]
        together = await asyncio.gather(*(transcribe(transcriber, pcm) for pcm in pcms))
        assert len(transcriber.worker_pids) == 2
        for sentence, heard in zip(SENTENCES, together, strict=False):
            assert word_errors(sentence, heard) <= 3

    run(use, workers=2)


def test_a_long_utterance_gives_way_to_the_others(spoken_pcm: Callable[..., bytes]) -> None:
    async def use(transcriber: PocketsphinxTranscriber) -> None:
        sentence = SENTENCES[3]
        endless = transcriber.open(TranscriptionOptions(), ignore)
        endless.feed(spoken_pcm(sentence) + 31 * SECOND)
        other = await transcribe(transcriber, spoken_pcm(sentence))
        endless.feed(spoken_pcm(sentence))
        assert (await endless.finish()).text == f"{other} {other}"

    run(use, workers=1)


def test_silence_and_nothing_give_no_text() -> None:
    async def use(transcriber: PocketsphinxTranscriber) -> None:
        assert await transcribe(transcriber, b"") == ""
        assert transcriber.worker_pids == ()
        stream = transcriber.open(TranscriptionOptions(language="de"), ignore)
        stream.feed(SECOND)
        assert await stream.finish() == Transcript("", language="en")
        await stream.aclose()

    run(use, workers=1)


def test_by_default_there_are_two_workers_per_usable_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vivavoce.engines.stt.pocketsphinx.usable_cpus", lambda: 3)
    assert PocketsphinxTranscriber().workers == 6


def test_more_utterances_than_may_wait_are_refused() -> None:
    async def use(transcriber: PocketsphinxTranscriber) -> None:
        streams = [transcriber.open(TranscriptionOptions(), ignore) for _ in range(3)]
        with pytest.raises(EngineError, match="1 workers \\+ 2 waiting"):
            transcriber.open(TranscriptionOptions(), ignore)
        await streams[0].aclose()
        transcriber.open(TranscriptionOptions(), ignore)

    run(use, workers=1, max_waiting=2)


def test_audio_beyond_the_queue_is_refused_and_the_rest_kept() -> None:
    async def use(transcriber: PocketsphinxTranscriber) -> None:
        stream = transcriber.open(TranscriptionOptions(), ignore)
        for _ in range(QUEUE_MS // 1000):
            stream.feed(SECOND)
        with pytest.raises(EngineError, match="the limit is 120000 ms"):
            stream.feed(SECOND)
        with pytest.raises(EngineError, match="3 bytes"):
            stream.feed(b"123")

    run(use, workers=1)


def test_a_dropped_utterance_stops_at_once_and_frees_its_worker(spoken_pcm: Callable[..., bytes]) -> None:
    async def use(transcriber: PocketsphinxTranscriber) -> None:
        partials: list[str] = []
        dropped = transcriber.open(TranscriptionOptions(), partials.append)
        dropped.feed(110 * SECOND)
        kept = asyncio.ensure_future(transcribe(transcriber, spoken_pcm(SENTENCES[3])))
        waiting = asyncio.ensure_future(dropped.finish())
        await asyncio.sleep(0)
        await dropped.aclose()
        await dropped.aclose()
        with pytest.raises(EngineError, match="dropped"):
            await waiting
        with pytest.raises(EngineError, match="over"):
            dropped.feed(SECOND)
        assert word_errors(SENTENCES[3], await kept) <= 2
        assert partials == []

    run(use, workers=1)


def test_a_listener_that_raises_harms_only_its_own_utterance(spoken_pcm: Callable[..., bytes]) -> None:
    async def use(transcriber: PocketsphinxTranscriber) -> None:
        def refuse(text: str) -> None:
            raise ValueError(text)

        with pytest.raises(ValueError, match=r"^[a-z]"):
            await transcribe(transcriber, spoken_pcm(SENTENCES[3]), refuse)
        assert word_errors(SENTENCES[3], await transcribe(transcriber, spoken_pcm(SENTENCES[3]))) <= 2

    run(use, workers=1)


def test_closing_drops_what_is_open_and_is_final() -> None:
    async def use(transcriber: PocketsphinxTranscriber) -> None:
        await transcriber.prewarm()
        assert len(transcriber.worker_pids) == 2
        stream = transcriber.open(TranscriptionOptions(), ignore)
        stream.feed(60 * SECOND)
        await asyncio.sleep(0)
        await transcriber.aclose()
        await transcriber.aclose()
        with pytest.raises(EngineError, match="dropped"):
            await stream.finish()
        with pytest.raises(EngineError, match="closed"):
            transcriber.open(TranscriptionOptions(), ignore)
        with pytest.raises(EngineError, match="closed"):
            await transcriber.prewarm()

    run(use, workers=2)


def test_it_is_a_transcriber() -> None:
    transcriber = PocketsphinxTranscriber(workers=1)
    assert isinstance(transcriber, Transcriber)
    assert transcriber.sample_rate == 16_000


@pytest.mark.parametrize("settings", [{"workers": 0}, {"max_waiting": -1}])
def test_settings_out_of_range_are_named(settings: dict[str, int]) -> None:
    with pytest.raises(EngineError, match=f"{next(iter(settings))} is"):
        PocketsphinxTranscriber(**settings)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtraError, match=r"vivavoce\[local\]"):
        PocketsphinxTranscriber()


def test_each_word_has_its_certainty_and_the_draft_runs_ahead(spoken_pcm: Callable[..., bytes]) -> None:
    pcm = spoken_pcm("i want to cancel my order")

    async def use(transcriber: PocketsphinxTranscriber) -> None:
        drafts: list[tuple[str, str]] = []
        utterance = transcriber.open(
            TranscriptionOptions(logprobs=True), lambda text: drafts.append((utterance.draft, text))
        )
        for start in range(0, len(pcm), FRAME):
            utterance.feed(pcm[start : start + FRAME])
        heard = await utterance.finish()
        assert heard.text == "i want to cancel my order"
        assert "".join(each.token for each in heard.logprobs) == heard.text
        assert all(each.logprob <= 0 and bytes(each.bytes).decode() == each.token for each in heard.logprobs)
        assert drafts
        assert all(draft.startswith(told) for draft, told in drafts)
        assert any(len(draft) > len(told) for draft, told in drafts)

    run(use, workers=1)
    assert PocketsphinxTranscriber.honours == {"logprobs"}
