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
    Listen,
    TranscribeItem,
)
from vivavoce.engines.base import TranscriptionOptions
from vivavoce.errors import EngineError
from vivavoce.pipeline.backstage import Backstage
from vivavoce.pipeline.utterances import Utterance
from vivavoce.pipeline.voice import batch_for
from vivavoce.protocol import AudioFormat, present


class Hearing:
    """Carries out what the conversation wishes to hear.

    Args:
        backstage: what the session shares.
        on_probability: called with the speech probability of a chunk and the positions between which it lies.

    Raises:
        EngineError: the detector has no slot left.
    """

    def __init__(self, backstage: Backstage, on_probability: Callable[[float, int, int], None]) -> None:
        self._backstage = backstage
        self._engines = backstage.engines
        self._tasks = backstage.tasks
        self._utterances: dict[str, Utterance] = {}
        self._recordings: dict[str, asyncio.Task[None]] = {}
        self._one_recording = asyncio.Lock()
        self._ears = batch_for(self._engines.vad).open(on_probability)
        self.hear = self._ears.feed
        """Takes the client's audio, for the detector."""
        self.performers: Mapping[type[Effect], Callable[[Any], None]] = {
            BeginUtterance: self._begin_utterance,
            FeedUtterance: self._feed_utterance,
            EndUtterance: self._end_utterance,
            TranscribeItem: self._transcribe_item,
            DropUtterance: self._drop_utterance,
            Listen: self._listen,
        }

    def deafen(self) -> None:
        """Hear nothing more; safe to call twice."""
        self._ears.close()

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
            )

        def on_partial(text: str) -> None:
            self._backstage.feed(
                lambda conversation, _now: conversation.receive_partial_transcript(item_id, text)
            )

        utterance = Utterance(self._engines.transcriber, fmt, options, on_partial)
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
                text = await utterance.finish()
        except TimeoutError:
            self._transcript_failed(
                item_id, utterance, EngineError("The transcriber did not answer in time.")
            )
        except Exception as error:  # noqa: BLE001  # whatever an engine raises, the session goes on
            self._transcript_failed(item_id, utterance, error)
        else:
            if self._forget(item_id, utterance):
                seconds = utterance.seconds
                self._backstage.feed(lambda talk, now: talk.receive_transcript(item_id, text, seconds, now))

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
