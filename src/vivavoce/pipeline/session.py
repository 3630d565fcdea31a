"""`LocalSession`: the driver of one `ServerConversation`. Feeds, drains and waits for it; decides nothing."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from vivavoce.conversation.effects import (
    BeginUtterance,
    CancelResponse,
    DropUtterance,
    Effect,
    EndSession,
    EndUtterance,
    FeedUtterance,
    Listen,
    StartResponse,
    TranscribeItem,
)
from vivavoce.conversation.ids import IdSource
from vivavoce.conversation.options import SessionOptions
from vivavoce.conversation.response import FinishReason
from vivavoce.conversation.server import BACKLOG_LIMIT_MS, ServerConversation
from vivavoce.conversation.tokens import CountedTokens
from vivavoce.engines.base import Engines, FunctionCallDelta, TranscriptionOptions
from vivavoce.errors import EngineError, RemoteProtocolError
from vivavoce.ids import RandomIds
from vivavoce.pipeline.answering import Answer
from vivavoce.pipeline.utterances import Utterance
from vivavoce.pipeline.voice import batch_for
from vivavoce.protocol import AudioFormat, ClientEvent, InputAudioBufferAppend, ServerEvent, present
from vivavoce.tasks import Tasks

logger = logging.getLogger(__name__)


class Sink(Protocol):
    """Where a session's events go."""

    def send(self, events: Sequence[ServerEvent]) -> None:
        """Take events, in order. Never waits, never raises."""
        ...

    @property
    def writable(self) -> bool:
        """Whether the peer keeps up. While it does not, the session holds its paced audio back."""
        ...


class LocalSession:
    """One realtime session on local engines. Every method is called on the event loop.

    Args:
        engines: who hears, thinks and speaks; shared by many sessions.
        sink: where events go.
        options: what the operator decided.
        ids: where ids come from; random ones unless given.
        on_end: called once, with the reason, when the session ends by itself (its time is up).
    """

    def __init__(
        self,
        engines: Engines,
        sink: Sink,
        options: SessionOptions | None = None,
        *,
        ids: IdSource | None = None,
        on_end: Callable[[str], None] | None = None,
    ) -> None:
        options = options or SessionOptions()
        if not options.created_at:
            options = replace(options, created_at=int(time.time()))
        if not options.voices:
            speaker = engines.synthesizer
            options = replace(options, voices=speaker.voice_names, knows_voice=speaker.knows_voice)
        self._options = options
        self._loop = asyncio.get_running_loop()
        self._engines = engines
        self._sink = sink
        self._conversation = ServerConversation(options, ids or RandomIds(), self._loop.time())
        self.id = self._conversation.id
        self.on_end = on_end
        self._tasks = Tasks()
        self._answers: dict[str, asyncio.Task[None]] = {}
        self._utterances: dict[str, Utterance] = {}
        self._recordings: dict[str, asyncio.Task[None]] = {}
        self._one_recording = asyncio.Lock()
        self._ears = batch_for(engines.vad).open(self._heard)
        self._timer: asyncio.TimerHandle | None = None
        self._stage = _Stage(self)
        self._paused = False
        self._closed = False
        self._performers: dict[type[Effect], Callable[[Any], None]] = {
            BeginUtterance: self._begin_utterance,
            FeedUtterance: self._feed_utterance,
            EndUtterance: self._end_utterance,
            TranscribeItem: self._transcribe_item,
            DropUtterance: self._drop_utterance,
            StartResponse: self._start_response,
            CancelResponse: self._cancel_response,
            Listen: self._listen,
            EndSession: self._end_session,
        }

    def start(self) -> None:
        """Send `session.created`."""
        self._drain()

    def receive(self, event: ClientEvent) -> None:
        """Take a decoded client event."""
        if self._closed:
            return
        self._conversation.receive(event, self._loop.time())
        if isinstance(event, InputAudioBufferAppend):
            if self._conversation.takes_audio:
                self._ears.feed(event.audio)
            if not self._conversation.has_output:
                return
        self._drain()

    def receive_error(self, error: RemoteProtocolError) -> None:
        """Take a frame that could not be decoded: it is answered with an `error` event."""
        self.feed(lambda conversation, _now: conversation.receive_error(error))

    def resume(self) -> None:
        """Go on sending paced audio: the sink is writable again."""
        if self._paused:
            self._paused = False
            self._conversation.resume_output()
            self._on_deadline()

    async def aclose(self) -> None:
        """End everything; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._ears.close()
        await self._tasks.aclose(*(utterance.aclose() for utterance in self._utterances.values()))

    # --- the loop: results in, events and effects out -----------------------------------------------------

    def feed(self, receive: Callable[[ServerConversation, float], None]) -> None:
        """Give the conversation a result of an engine and send what follows from it."""
        if not self._closed:
            receive(self._conversation, self._loop.time())
            self._drain()

    def _heard(self, probability: float, start_ms: int, end_ms: int) -> None:
        self._conversation.receive_voice(probability, start_ms, end_ms, self._loop.time())
        if self._conversation.has_output:
            self._drain()

    def _drain(self) -> None:
        for effect in self._conversation.effects():
            self._performers[type(effect)](effect)
        if events := self._conversation.events_to_send():
            self._sink.send(events)
        if not self._paused and not self._sink.writable:
            self._paused = True
            self._conversation.pause_output()
        self._arm()

    def _arm(self) -> None:
        due = self._conversation.next_deadline()
        if self._timer is not None:
            if due == self._timer.when():
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._on_deadline) if due is not None else None

    def _on_deadline(self) -> None:
        if self._timer is not None:
            self._timer.cancel()  # `resume` comes before its time
            self._timer = None
        if not self._closed:
            self._conversation.handle_deadline(self._loop.time())
            self._drain()

    # --- effects ------------------------------------------------------------------------------------------

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

    def _start_response(self, effect: StartResponse) -> None:
        task = self._tasks.spawn(self._answer(effect), f"answer {effect.response_id}")
        if task is not None:
            self._answers[effect.response_id] = task

    def _cancel_response(self, effect: CancelResponse) -> None:
        if (task := self._answers.pop(effect.response_id, None)) is not None:
            task.cancel()

    def _listen(self, effect: Listen) -> None:
        self._ears.listen(effect.fmt, effect.position_ms, active=effect.active)

    def _end_session(self, effect: EndSession) -> None:
        self._ears.close()
        if self.on_end is not None:
            self._loop.call_soon(self.on_end, effect.reason)

    # --- listening ----------------------------------------------------------------------------------------

    def _begin_utterance(self, effect: BeginUtterance) -> None:
        utterance = self._open_utterance(effect.item_id, effect.fmt)
        utterance.feed(effect.audio)

    def _open_utterance(self, item_id: str, fmt: AudioFormat) -> Utterance:
        wishes = self._conversation.transcription
        options = TranscriptionOptions()
        if wishes is not None:
            options = TranscriptionOptions(
                model=present(wishes.model, None),
                language=present(wishes.language, None),
                prompt=present(wishes.prompt, None),
            )

        def on_partial(text: str) -> None:
            self.feed(lambda conversation, _now: conversation.receive_partial_transcript(item_id, text))

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
            async with asyncio.timeout(self._options.transcription_wait_s):
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
                self.feed(lambda talk, now: talk.receive_transcript(item_id, text, seconds, now))

    def _transcript_failed(self, item_id: str, utterance: Utterance, error: Exception) -> None:
        message = self._explain("The transcriber failed", error, item_id=item_id)
        if self._forget(item_id, utterance):
            self.feed(lambda talk, now: talk.receive_transcript_failure(item_id, message, now))

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

    # --- thinking and speaking ----------------------------------------------------------------------------

    async def _answer(self, request: StartResponse) -> None:
        response_id = request.response_id
        try:
            await Answer(self._engines, request, self._stage, self.id, self._options.apology).run()
        except Exception as error:  # noqa: BLE001  # whatever an engine raises, the session goes on
            code = "engine_error" if isinstance(error, EngineError) else "server_error"
            message = self._explain("An answer failed", error, response_id=response_id)
            self.feed(lambda talk, now: talk.receive_failure(response_id, code, message, now))
        finally:
            self._answers.pop(response_id, None)

    def _explain(self, what: str, error: Exception, **where: str) -> str:
        """Log what an engine raised, and return what the client is told of it."""
        known = isinstance(error, EngineError)
        level = logging.WARNING if known else logging.ERROR
        where |= {"session_id": self.id, "detail": str(error)}
        logger.log(level, what, extra=where, exc_info=None if known else error)
        return str(error) if known and self._options.explain_failures else f"{what}."

    async def room(self, response_id: str) -> None:
        """Wait while more audio of a response is unsent than its bound; it leaves at the speed of time."""
        # No event tells of it: the audio leaves at the speed of time, so the wait is known beforehand. It is
        # repeated only when the client read too slowly meanwhile, and then not more than once a second.
        while (excess := self._conversation.backlog_ms(response_id) - BACKLOG_LIMIT_MS) > 0:  # noqa: ASYNC110
            await asyncio.sleep(max(excess / 1000, 1.0))


class _Stage:
    """Passes an answer's results to the conversation."""

    def __init__(self, session: LocalSession) -> None:
        self._session = session
        self.room = session.room

    def first_token(self, response_id: str) -> None:
        self._session.feed(lambda conversation, now: conversation.receive_first_token(response_id, now))

    def text(self, response_id: str, delta: str) -> None:
        self._session.feed(lambda conversation, _now: conversation.receive_text(response_id, delta))

    def clause(self, response_id: str, text: str) -> None:
        self._session.feed(lambda conversation, now: conversation.receive_clause(response_id, text, now))

    def speech(self, response_id: str, audio: bytes, words: list[tuple[int, int]]) -> None:
        self._session.feed(
            lambda conversation, now: conversation.receive_speech(response_id, audio, words, now)
        )

    def clause_end(self, response_id: str) -> None:
        self._session.feed(lambda conversation, now: conversation.receive_clause_end(response_id, now))

    def function_call(self, response_id: str, delta: FunctionCallDelta) -> None:
        self._session.feed(
            lambda conversation, now: conversation.receive_function_call(
                response_id, delta.index, delta.name or "", delta.arguments, delta.call_id, now
            )
        )

    def finish(self, response_id: str, reason: FinishReason, counted: CountedTokens | None) -> None:
        self._session.feed(
            lambda conversation, now: conversation.receive_finish(response_id, reason, counted, now)
        )
