"""One simulated caller: speaks, falls silent, and notes when what came back."""

from __future__ import annotations

import json
import socket
import time
from array import array
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.speech import FRAME_MS
from bench.wire import CLOSE, PING, PONG, FrameReader, client_frame, delta_ms, kind_of

LEAD_S = 0.5
"""How far ahead of its playback the server sends audio (`SessionOptions.output_lead_ms`)."""
TURN_MS = 660
"""A turn is over so long after its last voiced frame: 500 ms of silence, and what the detector rounds up."""
_BARGE_AFTER = 5


@dataclass(slots=True)
class Turn:
    """What became of one utterance; moments in seconds of the monotonic clock.

    Attributes:
        began: its first voiced frame was sent.
        ended: its last voiced frame was sent.
        started: `speech_started` arrived.
        decided: the frame was sent with which the silence had lasted long enough.
        stopped: `speech_stopped` arrived.
        answered: the first audio of the answer arrived.
        done: `response.done` arrived.
        cut: `response.done` of the response that this utterance interrupted arrived.
        late_ms: how much later than its schedule each audio delta of the answer came.
        after_start: audio deltas of the interrupted response that came after `speech_started`.
        stages: `stage_times` of the answer.
    """

    began: float = 0.0
    ended: float = 0.0
    started: float = 0.0
    decided: float = 0.0
    stopped: float = 0.0
    answered: float = 0.0
    done: float = 0.0
    cut: float = 0.0
    late_ms: list[float] = field(default_factory=list)
    after_start: int = 0
    stages: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it for the measuring process."""
        return asdict(self)


class Caller:
    """A session of the load generator.

    Args:
        sock: a connected, non-blocking socket.
        begun: what had already come from it.
        frames: one cycle, ready to send: the utterance, then silence.
        voiced: how many of them hold the utterance.
        place: frame of the cycle to begin with.
        barge_in: interrupt every answer 100 ms after its first audio, instead of waiting for the cycle's end.
    """

    def __init__(
        self,
        sock: socket.socket,
        begun: bytes,
        *,
        frames: list[bytes],
        voiced: int,
        place: int = 0,
        barge_in: bool = False,
    ) -> None:
        self.sock = sock
        self.turns: list[Turn] = []
        self.closed = False
        self._reader = FrameReader()
        self._frames = frames
        self._voiced = voiced
        self._place = place
        self._barge_in = barge_in
        self._sent = array("d")
        self._response: list[tuple[float, float]] = []  # arrival of each delta, audio before it in s
        self._given_s = 0.0
        self._handlers = {
            b"input_audio_buffer.speech_started": self._speech_started,
            b"input_audio_buffer.speech_stopped": self._speech_stopped,
            b"response.created": self._response_created,
            b"response.output_audio.delta": self._delta,
            b"response.done": self._response_done,
        }
        self._feed(begun, time.monotonic())

    def speak(self) -> None:
        """Send the next 20 ms."""
        frame = self._frames[self._place]
        try:
            sent = self.sock.send(frame)
        except BlockingIOError:
            sent = 0
        if sent < len(frame):
            self.sock.settimeout(10)
            self.sock.sendall(frame[sent:])
            self.sock.setblocking(False)
        now = time.monotonic()
        self._sent.append(now)
        if self._place == 0:
            self.turns.append(Turn(began=now))
        elif self._place == self._voiced - 1 and self.turns:
            self.turns[-1].ended = now
        self._place += 1
        if self._place == len(self._frames):
            self._place = self._voiced if self._waits(now) else 0

    def _waits(self, now: float) -> bool:
        """Whether the next utterance waits for an answer to interrupt; not for ever, should none come."""
        if not self._barge_in or not self.turns:
            return False
        turn = self.turns[-1]
        return not turn.answered and now - turn.ended < 3.0

    def hear(self) -> None:
        """Read what has come."""
        try:
            data = self.sock.recv(262144)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.closed = True
            return
        self._feed(data, time.monotonic())

    def _feed(self, data: bytes, now: float) -> None:
        for opcode, payload in self._reader.feed(data):
            if opcode == PING:
                self.sock.send(client_frame(payload, PONG))
            elif opcode == CLOSE:
                self.closed = True
            elif handler := self._handlers.get(kind_of(payload)):
                handler(payload, now)

    def _speech_started(self, _event: bytes, now: float) -> None:
        if self.turns and not self.turns[-1].started:
            self.turns[-1].started = now

    def _speech_stopped(self, event: bytes, now: float) -> None:
        if not self.turns or not self.turns[-1].ended:
            return  # the beginning of the utterance was not ours to see
        turn = self.turns[-1]
        turn.stopped = now
        at_ms = json.loads(event)["audio_end_ms"]
        turn.decided = self._sent[min(len(self._sent) - 1, (at_ms - 1) // FRAME_MS)]

    def _response_created(self, _event: bytes, _now: float) -> None:
        self._response.clear()
        self._given_s = 0.0

    def _delta(self, event: bytes, now: float) -> None:
        if self._barge_in and self.turns and self.turns[-1].started and not self.turns[-1].ended:
            self.turns[-1].after_start += 1
        if not self._response and self.turns and self.turns[-1].stopped and not self.turns[-1].answered:
            self.turns[-1].answered = now
            if self._barge_in:
                self._place = len(self._frames) - _BARGE_AFTER
        self._response.append((now, self._given_s))
        self._given_s += delta_ms(event) / 1000

    def _response_done(self, event: bytes, now: float) -> None:
        if not self.turns:
            return
        turn = self.turns[-1]
        if b'"cancelled"' in event:
            turn.cut = now
        elif turn.answered and not turn.done:
            turn.done = now
            turn.stages = json.loads(event).get("stage_times", {})
            turn.late_ms = lateness_ms(self._response)


def lateness_ms(deltas: list[tuple[float, float]]) -> list[float]:
    """Return how late each delta was, given when it came and how much audio (s) went before it.

    A delta is due when all but `LEAD_S` of the audio before it has been played. The clock starts at the
    delta that came earliest in relation to that, so the best one is 0 late.
    """
    due = [max(0.0, before - LEAD_S) for _, before in deltas]
    origin = min((at - wait for (at, _), wait in zip(deltas, due, strict=True)), default=0.0)
    return [(at - origin - wait) * 1000 for (at, _), wait in zip(deltas, due, strict=True)]
