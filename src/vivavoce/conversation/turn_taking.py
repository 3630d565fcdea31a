"""Whose turn it is: what the person's speech and silence mean for the answers."""

from __future__ import annotations

from typing import Protocol

from vivavoce.conversation.answering import Responder
from vivavoce.conversation.listening import Listener
from vivavoce.conversation.settings import Settings
from vivavoce.conversation.turns import ONSET_MS, SpeechStarted, SpeechStopped
from vivavoce.protocol import RealtimeSession, ResponseCreateParams, ServerVad, present


class Floor(Protocol):
    """What turn-taking asks of the session."""

    def respond(self, params: ResponseCreateParams, now: float, stages: dict[str, float]) -> None:
        """Begin a response."""

    def make_room(self, now: float) -> None:
        """Let go of the oldest items beyond the bound."""


class TurnTaking:
    """The policy between listening and answering: barge-in, the answer to a turn, the idle timeout.

    Args:
        listener: what the server hears.
        responder: the responses.
        settings: the session's.
        floor: the session.
    """

    def __init__(self, listener: Listener, responder: Responder, settings: Settings, floor: Floor) -> None:
        self._listener = listener
        self._responder = responder
        self._settings = settings
        self._floor = floor
        self._idle_since: float | None = None
        self._owed_turn: dict[str, float] | None = None
        self._interrupt_ms = max(settings.options.interrupt_after_ms, ONSET_MS)

    def append(self, audio: bytes, now: float) -> None:
        """Take the client's audio.

        Raises:
            RemoteProtocolError: the buffer is full.
        """
        if (overlong := self._listener.overlong_turn(audio)) is not None:
            self._turn_ended(overlong, now)
        self._listener.append(audio)

    def doubts(self, now: float) -> bool:
        """Return whether speech that begins now would cut an answer off, so that its clarity matters.

        An answer is heard for a moment after its response has ended: what was sent ahead is still played.
        """
        heard = self._responder.active is not None or now < self._responder.play_end
        if not heard or self._listener.speaking:
            return False
        detection = self._settings.turn_detection
        return detection is not None and bool(detection.interrupt_response)

    def receive_voice(
        self, probability: float, start_ms: int, end_ms: int, now: float, clarity: float | None = None
    ) -> None:
        """Take the speech probability of the audio between two positions of the input."""
        if self._interrupt_ms != ONSET_MS:
            self._listener.hesitate(self._interrupt_ms if self.doubts(now) else ONSET_MS)
        decision = self._listener.voice(probability, start_ms, end_ms, now, clarity)
        if isinstance(decision, SpeechStarted):
            self._speech_started(now)
        elif isinstance(decision, SpeechStopped):
            self._turn_ended(decision, now)

    def stirred(self) -> None:
        """Take note that something happened: the silence that counts begins anew."""
        self._idle_since = None

    def response_over(self, now: float) -> None:
        """Do what follows when no response of the conversation is active any more."""
        if self._owed_turn is not None:
            stages, self._owed_turn = self._owed_turn, None
            self._floor.respond(ResponseCreateParams(), now, stages)
        elif self._responder.silent_from is not None and not self._listener.speaking:
            # "The timeout value will be applied after the last model response's audio has finished playing."
            self._idle_since = max(now, self._responder.silent_from)
            self._responder.silent_from = None

    def next_deadline(self) -> float | None:
        """Return when `handle_deadline` has something to do."""
        detection = self._settings.turn_detection
        if self._idle_since is None or not isinstance(detection, ServerVad):
            return None
        timeout = present(detection.idle_timeout_ms, None)
        return None if timeout is None else self._idle_since + timeout / 1000

    def handle_deadline(self, now: float) -> None:
        """Have the model speak unasked once the silence has lasted too long (`idle_timeout_ms`)."""
        due = self.next_deadline()
        if due is None or now < due or self._idle_since is None:
            return
        silent_ms = round((now - self._idle_since) * 1000)
        self._idle_since = None
        self._listener.silence_became_item(silent_ms)
        self._floor.make_room(now)
        self._answer_turn({"end_of_turn": now}, now)

    def _speech_started(self, now: float) -> None:
        """Decide whether this speech is a barge-in.

        "interrupt_response: whether or not to automatically interrupt any ongoing response with output to the
        default conversation when a VAD start event occurs."
        """
        self._idle_since = None
        detection = self._settings.turn_detection
        active = self._responder.active
        if detection is not None and detection.interrupt_response and active is not None:
            self._responder.cancel(active, "turn_detected", now)
            self._owed_turn = None
            self._floor.make_room(now)

    def _turn_ended(self, decision: SpeechStopped, now: float) -> None:
        self._listener.turn_ended(decision)
        self._floor.make_room(now)
        detection = self._settings.turn_detection
        if detection is not None and detection.create_response:
            self._answer_turn({"end_of_speech": self._listener.last_voiced, "end_of_turn": now}, now)

    def _answer_turn(self, stages: dict[str, float], now: float) -> None:
        if not isinstance(self._settings.session, RealtimeSession):
            return
        if self._responder.active is not None:
            # Only with interrupt_response off: the person spoke over an answer that went on. They still get
            # theirs, when that one is over.
            self._owed_turn = stages
            return
        self._floor.respond(ResponseCreateParams(), now, stages)
