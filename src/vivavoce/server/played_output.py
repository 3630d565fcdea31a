"""`PlayedOutput`: what of the answers is played, and what was heard of them, where the server feeds the ear.

Over WebRTC and SIP the server plays, and knows what reached the line: it cuts its own audio at a barge-in,
and truncates the conversation itself. Decides everything, waits never: time is the number of frames pulled.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from vivavoce.audio.frames import PCM16_BYTES
from vivavoce.lines.playback import QUEUE_S, PlaybackBuffer
from vivavoce.protocol import (
    AudioFormat,
    AudioPart,
    ConversationItemTruncate,
    ErrorEvent,
    InputAudioBufferSpeechStarted,
    OutputAudioBufferCleared,
    OutputAudioBufferStarted,
    OutputAudioBufferStopped,
    PcmFormat,
    RealtimeSession,
    Response,
    ResponseContentPartAdded,
    ResponseCreated,
    ResponseDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ServerEvent,
    SessionCreated,
    SessionUpdated,
    UnsetType,
    present,
)
from vivavoce.server.played_response import RATE, PlayedPart, PlayedResponse

__all__ = ["FRAME_MS", "PlayedOutput"]

FRAME_MS = 20
"""How much is pulled at once."""

_QUEUE_SAMPLES = QUEUE_S * RATE
_MAX_RESPONSES = 64
"""Responses that are followed at once; beyond that, the oldest is taken to be done."""
_CUT_ITEMS = 256
"""Items of which it is remembered that they were cut."""


class PlayedOutput:
    """The output audio buffer of one session.

    Give it what the session says (`receive`) and take what goes on from it (`events_to_send`): the same, with
    `output_audio_buffer.started`, `.stopped` and `.cleared` in their places. Pull a frame whenever 20 ms of
    the media clock have passed. Tell the session what `truncations` returns, after what it has just said.

    Responses play one after another in the order in which they began to speak; one that runs beside another
    waits for the end of that. While a response that goes on has nothing to play, its position stands still:
    what was not played was not heard.

    Args:
        new_id: makes the `event_id` of an event that this adds.

    Attributes:
        opened: `session.created` has come.
        input_format: of the session's input audio.
    """

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._own = f"played_{new_id()}_"
        self._told = 0
        self._frames = 0
        self._buffer = PlaybackBuffer(RATE, 0.0)
        self._waiting = 0  # samples
        self._created_count = 0
        self._responses: dict[int, PlayedResponse] = {}
        """By number: ids are the session's, who knows whether it uses each but once."""
        self._running: dict[str, PlayedResponse] = {}
        self._queue: deque[PlayedResponse] = deque()
        """Those that have audio, in the order in which they are played."""
        self._cut_items: dict[str, None] = {}
        self._events: list[ServerEvent] = []
        self._truncations: list[ConversationItemTruncate] = []
        self._interrupts = True
        self._output_format: AudioFormat = PcmFormat()
        self.opened = False
        self.input_format: AudioFormat = PcmFormat()
        self._handlers: dict[type[Any], Callable[[Any], None]] = {
            SessionCreated: self._open,
            SessionUpdated: self._configured,
            ResponseCreated: self._created,
            ResponseContentPartAdded: self._part_added,
            ResponseOutputAudioDelta: self._audio,
            ResponseOutputAudioDone: self._audio_done,
            ResponseDone: self._done,
            InputAudioBufferSpeechStarted: self._speech_started,
        }

    # --- what comes out -----------------------------------------------------------------------------------

    def events_to_send(self) -> list[ServerEvent]:
        """Return the events for those who are connected, in order; they are forgotten here."""
        events, self._events = self._events, []
        return events

    def truncations(self) -> list[ConversationItemTruncate]:
        """Return what the session is to be told, in order; it is forgotten here."""
        truncations, self._truncations = self._truncations, []
        return truncations

    # --- what comes in ------------------------------------------------------------------------------------

    def receive(self, event: ServerEvent) -> None:
        """Take an event of the session."""
        if isinstance(event, ErrorEvent) and self._is_own(event):
            return  # its item was deleted, say: no client asked for anything
        self._events.append(event)
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    def clear(self) -> None:
        """Carry out `output_audio_buffer.clear`: stop what is playing, and what waits to be played.

        "stops playout of the current response", also of what it says later. While nothing plays there is no
        response that `output_audio_buffer.cleared` could name, and no client waits for one: nothing happens.
        """
        self._silence(when_done=False)

    def take_truncate(self, item_id: str) -> bool:
        """Carry out a client's `conversation.item.truncate` as far as it concerns what is played.

        Clients that are written for WebSocket stop their own playback and say where. Here the media clock
        knows: an item that is playing is cut as by `clear`, and one that was cut stays as it is.

        Returns:
            Whether that is all; otherwise the session is to have the event.
        """
        if item_id in self._cut_items:
            return True
        unheard = (part for response in self._queue for part in response.parts if not part.whole)
        if any(part.item_id == item_id for part in unheard):
            self._silence(when_done=False)
        return item_id in self._cut_items

    def cancel_asked(self, response_id: str | None) -> None:
        """Take note of a client's `response.cancel`: a `clear` that follows is meant for that response, too.

        Args:
            response_id: of the response; `None` is the one that writes to the conversation.
        """
        for response in self._running.values():
            if response.id == response_id or (response_id is None and response.in_conversation):
                response.cancelled = True

    def pull(self) -> bytes:
        """Return the next 20 ms to play, PCM16 at 24 kHz, or nothing where all of it is silence."""
        self._frames += 1
        heard = self._buffer.read(self._now)
        for piece in heard.pieces:
            response = self._responses[int(piece.item_id)]
            if not response.started:
                self._stop_those_played()
                response.started = True
                self._say(OutputAudioBufferStarted, response)
            response.parts[piece.content_index].heard += piece.samples
            response.waiting -= piece.samples
            self._waiting -= piece.samples
        self._stop_those_played()
        return heard.pcm if heard.pieces else b""

    @property
    def _now(self) -> float:
        return self._frames * FRAME_MS / 1000

    # --- the session --------------------------------------------------------------------------------------

    def _open(self, event: SessionCreated) -> None:
        self.opened = True
        self._configured(event)

    def _configured(self, event: SessionCreated | SessionUpdated) -> None:
        audio = event.session.audio
        if isinstance(audio, UnsetType):
            return
        if not isinstance(audio.input, UnsetType):
            self.input_format = _given(audio.input.format, self.input_format)
            detection = audio.input.turn_detection
            if not isinstance(detection, UnsetType):
                self._interrupts = detection is not None and bool(present(detection.interrupt_response, True))
        if isinstance(event.session, RealtimeSession):
            output = present(event.session.audio, None)
            if output is not None and not isinstance(output.output, UnsetType):
                self._output_format = _given(output.output.format, self._output_format)

    def _speech_started(self, _event: InputAudioBufferSpeechStarted) -> None:
        if self._interrupts:
            self._silence(when_done=True)

    # --- responses ----------------------------------------------------------------------------------------

    def _created(self, event: ResponseCreated) -> None:
        created = event.response
        in_conversation = created.conversation_id is not None
        # There is but one in the conversation at a time: whatever ran has ended, though nobody said so.
        self._end(
            [
                each
                for each in self._running.values()
                if each.id == created.id or (in_conversation and each.in_conversation)
            ]
        )
        if len(self._running) >= _MAX_RESPONSES:
            self._end([next(iter(self._running.values()))])
        self._created_count += 1
        response = PlayedResponse(self._created_count, created.id, in_conversation, self._format_of(created))
        self._responses[response.number] = self._running[response.id] = response

    def _format_of(self, response: Response) -> AudioFormat:
        audio = present(response.audio, None)
        output = None if audio is None else present(audio.output, None)
        return self._output_format if output is None else _given(output.format, self._output_format)

    def _part_added(self, event: ResponseContentPartAdded) -> None:
        response = self._running.get(event.response_id)
        if response is not None and isinstance(event.part, AudioPart):
            response.part(event.item_id, event.content_index)

    def _audio(self, event: ResponseOutputAudioDelta) -> None:
        response = self._running.get(event.response_id)
        if response is not None:
            part = response.part(event.item_id, event.content_index)
            pcm = part.process(event.delta)
            if not response.silenced:
                self._add(response, part, pcm)

    def _audio_done(self, event: ResponseOutputAudioDone) -> None:
        response = self._running.get(event.response_id)
        if response is not None:
            response.part(event.item_id, event.content_index).ended = True

    def _add(self, response: PlayedResponse, part: PlayedPart, pcm: bytes) -> None:
        pcm = pcm[: max(0, _QUEUE_SAMPLES - self._waiting) * PCM16_BYTES]
        if not pcm:
            return
        response.waiting += len(pcm) // PCM16_BYTES
        self._waiting += len(pcm) // PCM16_BYTES
        if response not in self._queue:
            self._queue.append(response)
        if self._may_play(response):
            self._play(response, part, pcm)
        else:
            response.held.append((part, pcm))

    def _may_play(self, response: PlayedResponse) -> bool:
        """Whether all that play before it have said all they had to say."""
        for earlier in self._queue:
            if earlier is response:
                break
            if earlier.running:
                return False
        return True

    def _play(self, response: PlayedResponse, part: PlayedPart, pcm: bytes) -> None:
        self._buffer.write(str(response.number), part.number, pcm, self._now)

    def _done(self, event: ResponseDone) -> None:
        response = self._running.get(event.response.id)
        if response is not None:
            self._end([response])

    def _end(self, responses: Iterable[PlayedResponse]) -> None:
        for response in responses:
            for part in response.parts:
                part.ended = True
            response.running = False
            self._running.pop(response.id, None)
            self._truncations += response.cuts_when_done
            if response.silenced:
                self._truncations += self._cuts(response)  # what it began to say after that
            if response not in self._queue:
                del self._responses[response.number]
        for response in self._queue:
            if response.held and self._may_play(response):
                for part, pcm in response.held:
                    self._play(response, part, pcm)
                response.held.clear()

    def _stop_those_played(self) -> None:
        while self._queue and not self._queue[0].running and not self._queue[0].waiting:
            response = self._queue.popleft()
            self._say(OutputAudioBufferStopped, response)
            self._truncations += self._cuts(response)  # where the buffer was full
            del self._responses[response.number]

    # --- what is not heard --------------------------------------------------------------------------------

    def _silence(self, *, when_done: bool) -> None:
        """Play nothing any more of any response that has begun to speak.

        Args:
            when_done: have items of a response under way truncated after its `response.done`, which the
                barge-in brings; else at once.
        """
        self._buffer.clear(self._now)
        self._waiting = 0
        for response in list(self._responses.values()):
            if response.silenced or not (response.begun or response in self._queue):
                continue
            if response.started or response.waiting:
                self._say(OutputAudioBufferCleared, response)
            response.silenced = True
            response.held.clear()
            later = when_done and response.running
            cuts = response.cuts_when_done if later else self._truncations
            cuts += self._cuts(response)
            if not response.running:
                del self._responses[response.number]
        self._queue.clear()

    def _cuts(self, response: PlayedResponse) -> list[ConversationItemTruncate]:
        """Return what has the conversation keep what was heard of a response whose rest is not played."""
        cuts = []
        for part in response.cuts():
            self._told += 1
            cuts.append(
                ConversationItemTruncate(
                    event_id=f"{self._own}{self._told}",
                    item_id=part.item_id,
                    content_index=part.content_index,
                    audio_end_ms=part.heard_ms,
                )
            )
            self._cut_items[part.item_id] = None
            if len(self._cut_items) > _CUT_ITEMS:
                del self._cut_items[next(iter(self._cut_items))]
        return cuts

    def _is_own(self, event: ErrorEvent) -> bool:
        event_id = event.error.event_id
        return event_id is not None and event_id.startswith(self._own)

    def _say(self, kind: Callable[..., ServerEvent], response: PlayedResponse) -> None:
        self._events.append(kind(event_id=self._new_id(), response_id=response.id))


def _given(fmt: AudioFormat | UnsetType, otherwise: AudioFormat) -> AudioFormat:
    return otherwise if isinstance(fmt, UnsetType) else fmt
