"""How a session hears: its ears at the detector, and what is said on its way to a transcript."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from vivavoce.conversation.effects import (
    BeginUtterance,
    DropUtterance,
    Effect,
    EndUtterance,
    FeedUtterance,
    JudgePause,
    Listen,
    ReduceNoise,
    TranscribeItem,
)
from vivavoce.conversation.transcripts import TranscriptDetails
from vivavoce.engines.base import Transcript, TranscriptionOptions
from vivavoce.engines.noise.base import NoiseKind
from vivavoce.engines.turn.base import TurnEndDetector, TurnSoFar
from vivavoce.engines.vad.clarity import HearsClarity
from vivavoce.errors import EngineError
from vivavoce.pipeline.backstage import Backstage
from vivavoce.pipeline.noise import NoiseFilter
from vivavoce.pipeline.utterances import Utterance
from vivavoce.pipeline.voice import batch_for
from vivavoce.protocol import AudioFormat, InputAudioBufferAppend, present, replace

JUDGE_S = 1.0
"""A pause is not judged any more when that has taken so long; its length decides."""

LIKELY_SPEECH = 0.3
"""Chunks that are less likely to hold speech begin no turn, whatever they sound like."""

OnHeard = Callable[[float, int, int, float | None], None]


class Hearing:
    """Carries out what the conversation wishes to hear.

    Args:
        backstage: what the session shares.
        on_heard: called with the speech probability of a chunk, the positions between which it lies, and how
            clear it is where the conversation asks for that.

    Raises:
        EngineError: the detector has no slot left.
    """

    def __init__(self, backstage: Backstage, on_heard: OnHeard) -> None:
        self._backstage = backstage
        self._engines = backstage.engines
        self._tasks = backstage.tasks
        self._utterances: dict[str, Utterance] = {}
        self._recordings: dict[str, asyncio.Task[None]] = {}
        self._one_recording = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._judging: asyncio.Task[None] | None = None
        self._noise: NoiseFilter | None = None
        self._on_heard = on_heard
        vad = self._engines.vad
        self._clarity = vad.clarity if isinstance(vad, HearsClarity) else None
        self._ears = batch_for(vad).open(self._heard)
        self.hear = self._ears.feed
        """Takes the client's audio, for the detector."""
        self.performers: Mapping[type[Effect], Callable[[Any], None]] = {
            BeginUtterance: self._begin_utterance,
            FeedUtterance: self._feed_utterance,
            EndUtterance: self._end_utterance,
            TranscribeItem: self._transcribe_item,
            DropUtterance: self._drop_utterance,
            Listen: self._listen,
            JudgePause: self._judge_pause,
            ReduceNoise: self._reduce_noise,
        }

    def deafen(self) -> None:
        """Hear nothing more; safe to call twice."""
        self._ears.close()
        self._drop_filter()

    def closing(self) -> list[Coroutine[Any, Any, None]]:
        """Return what is still to be done when the session ends: drop what is being said."""
        return [utterance.aclose() for utterance in self._utterances.values()]

    def _feed_utterance(self, effect: FeedUtterance) -> None:
        if (utterance := self._utterances.get(effect.item_id)) is not None:
            utterance.feed(effect.audio)

    def _end_utterance(self, effect: EndUtterance) -> None:
        item_id = effect.item_id
        if (utterance := self._utterances.get(item_id)) is not None:
            self._tasks.spawn(self._transcribe(item_id, utterance), f"transcribe {item_id}")

    def _transcribe_item(self, effect: TranscribeItem) -> None:
        task = self._tasks.spawn(self._transcribe_recording(effect), f"transcribe {effect.item_id}")
        if task is not None:
            self._recordings[effect.item_id] = task

    def _drop_utterance(self, effect: DropUtterance) -> None:
        item_id = effect.item_id
        if (task := self._recordings.pop(item_id, None)) is not None:
            task.cancel()
        if (utterance := self._utterances.get(item_id)) is not None:
            self._tasks.spawn(self._drop(item_id, utterance), f"drop {item_id}")

    def _listen(self, effect: Listen) -> None:
        self._ears.listen(effect.fmt, effect.position_ms, active=effect.active)

    # --- before anybody hears it --------------------------------------------------------------------------

    def incoming(self, event: InputAudioBufferAppend) -> InputAudioBufferAppend:
        """Return the client's audio as everybody is to hear it: without noise, if that is wished for."""
        if self._noise is None:
            return event
        try:
            return replace(event, audio=self._noise.process(event.audio))
        except Exception as error:  # noqa: BLE001  # whatever an engine raises, the person is heard
            self._backstage.explain("The noise reduction failed", error)
            self._drop_filter()
            return event

    def _reduce_noise(self, effect: ReduceNoise) -> None:
        self._drop_filter()
        reducer, wishes = self._engines.noise, effect.wishes
        if reducer is None or wishes is None:
            return
        kind: NoiseKind = present(wishes.type, "near_field")
        strength = present(wishes.strength, 1.0)
        try:
            self._noise = NoiseFilter(reducer, effect.fmt, kind, strength)
        except Exception as error:  # noqa: BLE001  # whatever an engine raises, the person is heard
            self._backstage.explain("The noise reduction failed", error)

    def _drop_filter(self) -> None:
        if self._noise is not None:
            self._noise.close()
            self._noise = None

    def _heard(self, probability: float, start_ms: int, end_ms: int) -> None:
        clarity = None
        if (
            probability >= LIKELY_SPEECH
            and self._clarity is not None
            and self._backstage.conversation.doubts_speech(self._loop.time())
        ):
            clarity = self._clarity(self._ears.chunk)
        self._on_heard(probability, start_ms, end_ms, clarity)

    # --- whether somebody has finished --------------------------------------------------------------------

    def _judge_pause(self, effect: JudgePause) -> None:
        detector, utterance = self._engines.turn, self._utterances.get(effect.item_id)
        if detector is None or utterance is None:
            return
        if self._judging is not None:
            self._judging.cancel()  # what it finds is out of date
        turn = TurnSoFar(
            utterance.newest(detector.sample_rate, detector.window_s),
            utterance.draft,
            utterance.options.language,
        )
        self._judging = self._tasks.spawn(self._judge(detector, effect, turn), f"judge {effect.item_id}")

    async def _judge(self, detector: TurnEndDetector, effect: JudgePause, turn: TurnSoFar) -> None:
        try:
            async with asyncio.timeout(JUDGE_S):
                completeness = await detector.completeness(turn)
        except Exception as error:  # noqa: BLE001  # whatever an engine raises, the length of the pause decides
            self._backstage.explain("The turn-end detector failed", error, item_id=effect.item_id)
        else:
            item_id, since_ms = effect.item_id, effect.since_ms
            self._backstage.feed(lambda talk, _now: talk.receive_turn_end(item_id, since_ms, completeness))

    # --- listening ----------------------------------------------------------------------------------------

    def _begin_utterance(self, effect: BeginUtterance) -> None:
        utterance = self._open_utterance(effect.item_id, effect.fmt)
        utterance.feed(effect.audio)

    def _open_utterance(self, item_id: str, fmt: AudioFormat) -> Utterance:
        wishes = self._backstage.conversation.transcription
        options = TranscriptionOptions()
        if wishes is not None:
            options = TranscriptionOptions(
                model=present(wishes.model, None),
                language=present(wishes.language, None),
                prompt=present(wishes.prompt, None),
                languages=tuple(wishes.languages or ()),
                keywords=tuple(wishes.keywords or ()),
                delay=present(wishes.delay, None),
                logprobs=self._backstage.conversation.wants_logprobs,
            )

        def on_partial(text: str) -> None:
            utterance.partial = text
            self._backstage.feed(
                lambda conversation, _now: conversation.receive_partial_transcript(item_id, text)
            )

        keep_s = 0.0 if self._engines.turn is None else self._engines.turn.window_s
        utterance = Utterance(self._engines.transcriber, fmt, options, on_partial, keep_s=keep_s)
        self._utterances[item_id] = utterance
        return utterance

    async def _transcribe_recording(self, effect: TranscribeItem) -> None:
        # One at a time, and in pieces: a client may send many and long ones, and others want to be heard.
        async with self._one_recording:
            utterance = self._open_utterance(effect.item_id, effect.fmt)
            piece = effect.fmt.bytes_of(1000)
            for start in range(0, len(effect.audio), piece):
                utterance.feed(effect.audio[start : start + piece])
                await asyncio.sleep(0)
            await self._transcribe(effect.item_id, utterance)
        self._recordings.pop(effect.item_id, None)

    async def _transcribe(self, item_id: str, utterance: Utterance) -> None:
        try:
            async with asyncio.timeout(self._backstage.options.transcription_wait_s):
                heard = await utterance.finish()
        except TimeoutError:
            self._transcript_failed(
                item_id, utterance, EngineError("The transcriber did not answer in time.")
            )
        except Exception as error:  # noqa: BLE001  # whatever an engine raises, the session goes on
            self._transcript_failed(item_id, utterance, error)
        else:
            if self._forget(item_id, utterance):
                self._transcript_ready(item_id, heard, utterance)

    def _transcript_ready(self, item_id: str, heard: Transcript, utterance: Utterance) -> None:
        asked, seconds = utterance.options, utterance.seconds
        details = TranscriptDetails(heard.logprobs if asked.logprobs else (), heard.language)
        self._backstage.feed(
            lambda talk, now: talk.receive_transcript(item_id, heard.text, seconds, now, details)
        )

    def _transcript_failed(self, item_id: str, utterance: Utterance, error: Exception) -> None:
        message = self._backstage.explain("The transcriber failed", error, item_id=item_id)
        if self._forget(item_id, utterance):
            self._backstage.feed(lambda talk, now: talk.receive_transcript_failure(item_id, message, now))

    async def _drop(self, item_id: str, utterance: Utterance) -> None:
        # Known until it is closed, so that a session that ends meanwhile closes it.
        await utterance.aclose()
        self._forget(item_id, utterance)

    def _forget(self, item_id: str, utterance: Utterance) -> bool:
        """Return whether it still stood for its item: a client may delete the item and use its id again."""
        stood = self._utterances.get(item_id) is utterance
        if stood:
            del self._utterances[item_id]
        return stood
