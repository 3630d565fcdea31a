"""`IncomingSpeech`: makes of a call's sound and messages what a WebSocket would have brought. Sans-IO.

Over WebRTC the agent's voice is one endless sound, in real time, and the messages beside it only say when the
server begins and stops to play a response (`output_audio_buffer.started`, `.stopped`, `.cleared`). A session
expects `response.output_audio.delta` events, and the end of a part behind its last one. So:

- Sound between `started` and `stopped` becomes deltas of the response's first spoken part; what is between
  the answers becomes nothing. The two ways are not equally fast: the beginning of an answer may be heard
  before its `started`, the end after its `stopped`.
- `response.output_audio.done` waits for the end of the sound; `response.done` waits for its beginning, for
  on a WebSocket speech never begins after it. Everything else goes through at once.
- When the agent is interrupted, by speech or from here, nothing more of the response is passed on. The server
  cuts the conversation itself, so a `conversation.item.truncate` becomes an `output_audio_buffer.clear`.

Where a response speaks in more than one part, all its sound counts as the first one's: nothing in a call says
where one ends. The server, which knows, cuts the right one, and its words then come from there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from vivavoce.connections.webrtc_voice import RATE, is_silent
from vivavoce.conversation.client_session import output_format, speech_interrupts
from vivavoce.pipeline.formats import Encoder
from vivavoce.protocol import (
    AudioFormat,
    AudioPart,
    ClientEvent,
    ConversationItemTruncate,
    InputAudioBufferSpeechStarted,
    OutputAudioBufferClear,
    OutputAudioBufferCleared,
    OutputAudioBufferStarted,
    OutputAudioBufferStopped,
    PcmFormat,
    RealtimeSession,
    ResponseCancel,
    ResponseContentPartAdded,
    ResponseCreated,
    ResponseDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ServerEvent,
    SessionCreated,
    SessionUpdated,
    Unknown,
    present,
)

BYTES_PER_MS = 48
DELTA_BYTES = 60 * BYTES_PER_MS
"""Sound of one delta, once a response has begun to sound."""
EARLY_PIECES = 50
"""Sound that is kept for a `started` that comes late: a second, in pieces of 20 ms."""
EARLY_PAUSE_MS = 300
"""Silence after which what was heard before it belongs to no answer."""
TAIL_MS = 400
"""Longest sound after `stopped` that is the answer's, and after an interruption that is still the old one."""
PAUSE_MS = 60
"""Silence after `stopped` with which the answer is over."""
PATIENCE_S = 1.0
"""Seconds to wait for a sound: `response.done` for the first of it, the end of an answer for the last."""
RESPONSES = 16
"""Responses that are remembered; beyond them the oldest is let go."""
CUT_ITEMS = 64
"""Items that are remembered as cut by the server."""

Event: TypeAlias = ServerEvent | Unknown


@dataclass(slots=True, eq=False)
class _Response:
    """A response, from its beginning until all its sound has come."""

    id: str
    parts: list[ResponseContentPartAdded] = field(default_factory=list)
    ends: list[Event] = field(default_factory=list)
    done: ResponseDone | None = None
    made: bool = False
    sounded: bool = False

    def take_done(self) -> list[Event]:
        """Return the `response.done` that waits, if one does."""
        done, self.done = self.done, None
        return [] if done is None else [done]

    def take_all(self) -> list[Event]:
        """Return all that waits, in order."""
        ends, self.ends = self.ends, []
        return [*ends, *self.take_done()]


class IncomingSpeech:
    """The agent's side of one call.

    What returns events returns them in the order in which the session is to hear them.

    Attributes:
        session: the session's settings as the server last reported them.
    """

    def __init__(self) -> None:
        self.session: RealtimeSession | None = None
        self._format: AudioFormat = PcmFormat()
        self._encoder = Encoder(RATE, self._format)
        self._responses: dict[str, _Response] = {}
        self._cut_items: deque[str] = deque(maxlen=CUT_ITEMS)
        self._playing: _Response | None = None
        self._stopped: OutputAudioBufferStopped | None = None
        self._sound = bytearray()
        self._pause = bytearray()
        self._early: deque[bytes] = deque(maxlen=EARLY_PIECES)
        self._silent_ms = self._tail_ms = self._residue_ms = 0.0
        self._deadline: float | None = None
        self._deltas = 0

    # --- messages of the server ---------------------------------------------------------------------------

    def receive(self, event: Event, now: float) -> Sequence[Event]:
        """Take in a message.

        Args:
            event: as decoded.
            now: seconds on any steady clock.
        """
        events: Sequence[Event] = (event,)
        match event:
            case SessionCreated() | SessionUpdated():
                self._set_session(event.session)
            case ResponseCreated():
                events = [*self._begin(event.response.id), event]
            case ResponseContentPartAdded() if isinstance(event.part, AudioPart):
                if (response := self._responses.get(event.response_id)) is not None:
                    response.parts.append(event)
            case ResponseOutputAudioDone():
                events = self._audio_done(event)
            case ResponseDone():
                events = self._done(event, now)
            case OutputAudioBufferStarted():
                events = self._start(event, now)
            case OutputAudioBufferStopped():
                events = self._stop(event, now)
            case OutputAudioBufferCleared():
                events = [*self._cut(self._responses.get(event.response_id), now), event]
            case InputAudioBufferSpeechStarted() if speech_interrupts(self.session):
                events = [event, *self._cut_all(now)]
        return events

    def _set_session(self, session: object) -> None:
        if isinstance(session, RealtimeSession):
            self.session = session
            audio_format = output_format(session) or PcmFormat()
            if audio_format != self._format:
                self._format = audio_format
                self._encoder = Encoder(RATE, audio_format)

    def _begin(self, response_id: str) -> list[Event]:
        """Note that a response began: the one before it is over, whether it has sounded or not."""
        events = [event for response in self._responses.values() for event in response.take_done()]
        self._responses[response_id] = _Response(response_id)
        if len(self._responses) > RESPONSES:
            oldest = next(name for name, each in self._responses.items() if each is not self._playing)
            events += self._responses.pop(oldest).take_all()
        return events

    def _audio_done(self, event: ResponseOutputAudioDone) -> Sequence[Event]:
        response = self._responses.get(event.response_id)
        if response is None:
            return (event,)
        response.ends.append(event)
        return ()

    def _done(self, event: ResponseDone, now: float) -> Sequence[Event]:
        response = self._responses.get(event.response.id)
        if response is None:
            return (event,)
        response.made = True
        if not response.parts:
            del self._responses[response.id]
            return (event,)
        if response.sounded or event.response.status not in {"completed", "incomplete"}:
            return (event,)
        response.done = event
        self._expect_sound(now)
        return ()

    def _expect_sound(self, now: float) -> None:
        """Set how long answers that are made wait for their sound while nothing plays."""
        if self._playing is None:
            waits = any(response.done is not None for response in self._responses.values())
            self._deadline = now + PATIENCE_S if waits else None

    def _start(self, event: OutputAudioBufferStarted, now: float) -> Sequence[Event]:
        before = self._end(now)
        response = self._responses.get(event.response_id)
        if response is None or not response.parts:
            return [*before, event]
        self._playing = response
        self._deadline = None
        self._residue_ms = 0.0
        self._sound += b"".join(self._early)
        self._early.clear()
        return [*before, event, *self._emit()]

    def _stop(self, event: OutputAudioBufferStopped, now: float) -> Sequence[Event]:
        if self._playing is None or self._playing.id != event.response_id:
            return (event,)
        self._stopped = event
        self._silent_ms = self._tail_ms = 0.0
        self._deadline = now + PATIENCE_S
        return ()

    # --- sound --------------------------------------------------------------------------------------------

    def hear(self, pcm: bytes, now: float) -> Sequence[Event]:
        """Take in sound of the call: PCM16, mono, 24 kHz."""
        response, ms = self._playing, len(pcm) / BYTES_PER_MS
        if response is None:
            self._hear_early(pcm, ms)
            return ()
        if self._stopped is not None:
            self._tail_ms += ms
            if is_silent(pcm):
                self._pause += pcm
                self._silent_ms += ms
            else:
                self._sound += self._pause
                self._sound += pcm
                self._pause.clear()
                self._silent_ms = 0.0
            if self._silent_ms >= PAUSE_MS or self._tail_ms >= TAIL_MS:
                return self._end(now)
        else:
            self._sound += pcm
        return self._emit() if len(self._sound) >= DELTA_BYTES or not response.sounded else ()

    def _hear_early(self, pcm: bytes, ms: float) -> None:
        """Keep sound that may be the beginning of an answer."""
        silent = is_silent(pcm)
        if self._residue_ms > 0:
            self._residue_ms = 0.0 if silent else self._residue_ms - ms
        elif self._early or not silent:
            self._silent_ms = self._silent_ms + ms if silent else 0.0
            self._early.append(pcm)
            if self._silent_ms >= EARLY_PAUSE_MS:
                self._early.clear()

    def _emit(self) -> list[Event]:
        """Make a delta of the sound that has come, if any."""
        response, pcm = self._playing, bytes(self._sound)
        self._sound.clear()
        data = self._encoder.process(pcm)
        if response is None or not data:
            return []
        response.sounded = True
        return [self._delta(response, data), *response.take_done()]

    def _delta(self, response: _Response, data: bytes) -> Event:
        self._deltas += 1
        part = response.parts[0]
        return ResponseOutputAudioDelta(
            event_id=f"event_rtp_{self._deltas}",
            response_id=part.response_id,
            item_id=part.item_id,
            output_index=part.output_index,
            content_index=part.content_index,
            delta=data,
        )

    def _end(self, now: float) -> list[Event]:
        """Let the answer that plays be over."""
        response, stopped = self._playing, self._stopped
        if response is None:
            return []
        events = self._emit()
        if rest := self._encoder.flush():
            events.append(self._delta(response, rest))
        events += response.take_all()
        if stopped is not None:
            events.append(stopped)
        self._forget(response, now)
        return events

    def _forget(self, response: _Response, now: float) -> None:
        self._responses.pop(response.id, None)
        if response is self._playing:
            self._playing = self._stopped = None
            self._sound.clear()
            self._pause.clear()
            self._encoder.flush()
            self._early.clear()
            self._expect_sound(now)

    # --- interruptions ------------------------------------------------------------------------------------

    def _cut(self, response: _Response | None, now: float) -> list[Event]:
        """Pass on nothing more of a response."""
        if response is None:
            return []
        events = response.take_all()
        if response is self._playing:
            self._residue_ms = TAIL_MS
            if self._stopped is not None:
                events.append(self._stopped)
        self._cut_items.extend(part.item_id for part in response.parts)
        self._forget(response, now)
        return events

    def _cut_all(self, now: float) -> list[Event]:
        """Cut what plays, and what is made and would play next."""
        doomed = [each for each in self._responses.values() if each is self._playing or each.done is not None]
        return [event for response in doomed for event in self._cut(response, now)]

    def send(self, event: ClientEvent, now: float) -> tuple[Sequence[ClientEvent], Sequence[Event]]:
        """Return what to send in the place of an event, and what the session is to hear of it."""
        match event:
            case ConversationItemTruncate():
                return self._truncate(event, now)
            case ResponseCancel():
                return self._cancel(event, now)
            case OutputAudioBufferClear():
                return (event,), self._cut_all(now)
        return (event,), ()

    def _truncate(
        self, event: ConversationItemTruncate, now: float
    ) -> tuple[Sequence[ClientEvent], Sequence[Event]]:
        if event.item_id in self._cut_items:
            return (), ()
        for response in self._responses.values():
            if any(part.item_id == event.item_id for part in response.parts):
                played_out = response is self._playing and self._stopped is not None
                instead = event if played_out else OutputAudioBufferClear(event_id=event.event_id)
                return (instead,), self._cut(response, now)
        return (event,), ()  # the server has played it to its end, and cannot know what was heard here

    def _cancel(self, event: ResponseCancel, now: float) -> tuple[Sequence[ClientEvent], Sequence[Event]]:
        response = self._responses.get(present(event.response_id, ""))
        if response is None or self._playing not in {None, response}:
            return (event,), ()
        clear = OutputAudioBufferClear(event_id=event.event_id)
        return (clear,) if response.made else (event, clear), self._cut(response, now)

    # --- time ---------------------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """Return when `handle_deadline` is next due, or ``None``."""
        return self._deadline

    def handle_deadline(self, now: float) -> Sequence[Event]:
        """Wait no longer for a sound that should have come. Early calls do nothing."""
        if self._deadline is None or now < self._deadline:
            return ()
        self._deadline = None
        if self._playing is not None:
            return self._end(now)
        return [event for response in self._responses.values() for event in response.take_done()]
