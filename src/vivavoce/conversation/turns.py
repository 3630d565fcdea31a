"""Turn detection: from the probability that a chunk holds speech to "began to speak" and "has finished".

              voiced             long enough            unvoiced
    QUIET ───────────► ONSET ───────────────► SPEECH ─────────────► PAUSE ──► QUIET  (silence long enough)
      ▲    unvoiced      │                       ▲       voiced        │
      └──────────────────┘                       └─────────────────────┘

"prefix_padding_ms: amount of audio to include before the VAD detected speech"; "silence_duration_ms: duration
of silence to detect speech stop" (Realtime API reference, turn_detection).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

ONSET_MS = 64
"""Speech must last this long before it counts: two chunks, so that a click does not interrupt anybody."""

HYSTERESIS = 0.15
"""Speech goes on until the probability falls this far below the threshold, as Silero's own iterator does."""


class TurnState(Enum):
    """Where the person is in their turn."""

    QUIET = auto()
    ONSET = auto()
    SPEECH = auto()
    PAUSE = auto()


class Voice(Enum):
    """What a chunk says about the person, given the state."""

    VOICED = auto()
    UNVOICED = auto()
    ENOUGH_SPEECH = auto()
    ENOUGH_SILENCE = auto()


TRANSITIONS: dict[TurnState, dict[Voice, TurnState]] = {
    TurnState.QUIET: {Voice.VOICED: TurnState.ONSET, Voice.UNVOICED: TurnState.QUIET},
    TurnState.ONSET: {
        Voice.VOICED: TurnState.ONSET,
        Voice.UNVOICED: TurnState.QUIET,
        Voice.ENOUGH_SPEECH: TurnState.SPEECH,
    },
    TurnState.SPEECH: {Voice.VOICED: TurnState.SPEECH, Voice.UNVOICED: TurnState.PAUSE},
    TurnState.PAUSE: {
        Voice.VOICED: TurnState.SPEECH,
        Voice.UNVOICED: TurnState.PAUSE,
        Voice.ENOUGH_SILENCE: TurnState.QUIET,
    },
}


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The person began to speak; `at_ms` is where the speech itself begins, without padding."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The person has finished: `spoke_until_ms` is the last voiced moment, `at_ms` the decision."""

    spoke_until_ms: int
    at_ms: int


class TurnDetection:
    """The turns of one person, from speech probabilities in stream time.

    Args:
        threshold: probability above which a chunk is voiced, 0 to 1.
        silence_ms: silence that ends a turn.
    """

    def __init__(self, threshold: float = 0.5, silence_ms: int = 500) -> None:
        self.threshold = threshold
        self.silence_ms = silence_ms
        self.state = TurnState.QUIET
        self._since_ms = 0

    @property
    def speaking(self) -> bool:
        """Whether a turn is open."""
        return self.state in (TurnState.SPEECH, TurnState.PAUSE)

    @property
    def voiced(self) -> bool:
        """Whether the last chunk counted as speech."""
        return self.state in (TurnState.ONSET, TurnState.SPEECH)

    def reset(self) -> None:
        """Forget an open turn."""
        self.state = TurnState.QUIET

    def receive(self, probability: float, start_ms: int, end_ms: int) -> SpeechStarted | SpeechStopped | None:
        """Take the next chunk.

        Args:
            probability: how likely it holds speech.
            start_ms: where the chunk begins in the stream.
            end_ms: where it ends.
        """
        before = self.state
        voice = self._classify(probability, end_ms)
        self.state = TRANSITIONS[before][voice]
        if self.state is not before and self.state in (TurnState.ONSET, TurnState.PAUSE):
            self._since_ms = start_ms
        if voice is Voice.ENOUGH_SPEECH:
            return SpeechStarted(self._since_ms)
        if voice is Voice.ENOUGH_SILENCE:
            return SpeechStopped(self._since_ms, end_ms)
        return None

    def _classify(self, probability: float, end_ms: int) -> Voice:
        floor = max(self.threshold - HYSTERESIS, 0.01) if self.speaking else self.threshold
        if probability >= floor:
            enough = self.state is TurnState.ONSET and end_ms - self._since_ms >= ONSET_MS
            return Voice.ENOUGH_SPEECH if enough else Voice.VOICED
        enough = self.state is TurnState.PAUSE and end_ms - self._since_ms >= self.silence_ms
        return Voice.ENOUGH_SILENCE if enough else Voice.UNVOICED
