"""Turn detection: from the probability that a chunk holds speech to "began to speak" and "has finished".

              voiced             long enough            unvoiced
    QUIET ───────────► ONSET ───────────────► SPEECH ─────────────► PAUSE ──► QUIET  (silence long enough)
      ▲    unvoiced      │                       ▲       voiced        │
      └──────────────────┘                       └─────────────────────┘

A pause may be judged: `SpeechPaused` asks whether the person sounds finished, `judged` takes the answer, and
it holds for this pause only. A beginning may be doubted: told the clarity of the sound, it takes what is not
articulate (a cough, a hummed "mhm") for speech only when it lasts long.

"prefix_padding_ms: amount of audio to include before the VAD detected speech"; "silence_duration_ms: duration
of silence to detect speech stop" (Realtime API reference, turn_detection).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

ONSET_MS = 64
"""Speech must last this long before it counts: two chunks, so that a click does not interrupt anybody."""

DOUBT_MS = 640
"""Unclear sound must last this long: longer than a cough or a "mm-hm". A whisper is heard in the end."""

CLEAR = 0.5
"""Clarity from which a chunk is taken for articulate speech."""

JUDGED_MS = 160
"""A pause is judged once it is this long; shorter ones are stops and breaths within words."""

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


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """The person pauses and may have finished; `since_ms` is where the pause began."""

    since_ms: int


TurnDecision = SpeechStarted | SpeechStopped | SpeechPaused


class TurnDetection:
    """The turns of one person, from speech probabilities in stream time.

    Args:
        threshold: probability above which a chunk is voiced, 0 to 1.
        silence_ms: silence that ends a turn, unless it is judged.

    Attributes:
        judges: whether pauses are judged.
        onset_ms: how long speech must last before it counts.
    """

    def __init__(self, threshold: float = 0.5, silence_ms: int = 500) -> None:
        self.threshold = threshold
        self.silence_ms = silence_ms
        self.judges = False
        self.state = TurnState.QUIET
        self._since_ms = 0
        self.onset_ms = ONSET_MS
        self._clear = True
        self._asked = False
        self._hold_ms: int | None = None

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

    @property
    def pause(self) -> int | None:
        """Where the pause began that is being judged; `None` while there is none."""
        return self._since_ms if self._asked and self.state is TurnState.PAUSE else None

    def judged(self, since_ms: int, hold_ms: int) -> None:
        """Take how long a pause must last to end the turn; it is too late once that pause is over.

        Args:
            since_ms: where the pause began.
            hold_ms: length of the pause.
        """
        if self.pause == since_ms:
            self._hold_ms = hold_ms

    def receive(
        self, probability: float, start_ms: int, end_ms: int, clarity: float | None = None
    ) -> TurnDecision | None:
        """Take the next chunk.

        Args:
            probability: how likely it holds speech.
            start_ms: where the chunk begins in the stream.
            end_ms: where it ends.
            clarity: how surely its sound is articulate, 0 to 1; `None` where that is of no account.
        """
        before = self.state
        voice = self._classify(probability, end_ms, clarity)
        self.state = TRANSITIONS[before][voice]
        if self.state is not before and self.state in (TurnState.ONSET, TurnState.PAUSE):
            self._since_ms = start_ms
            self._asked, self._hold_ms = False, None
        if voice is Voice.ENOUGH_SPEECH:
            return SpeechStarted(self._since_ms)
        if voice is Voice.ENOUGH_SILENCE:
            return SpeechStopped(self._since_ms, end_ms)
        if self.judges and self._to_be_judged(end_ms):
            self._asked = True
            return SpeechPaused(self._since_ms)
        return None

    def _to_be_judged(self, end_ms: int) -> bool:
        return self.state is TurnState.PAUSE and not self._asked and end_ms - self._since_ms >= JUDGED_MS

    def _classify(self, probability: float, end_ms: int, clarity: float | None) -> Voice:
        floor = max(self.threshold - HYSTERESIS, 0.01) if self.speaking else self.threshold
        lasted = end_ms - self._since_ms
        if probability >= floor:
            clear = clarity is None or clarity >= CLEAR
            if self.state is not TurnState.ONSET:
                self._clear = clear
                return Voice.VOICED
            self._clear = self._clear or clear
            enough = lasted >= (self.onset_ms if self._clear else max(DOUBT_MS, self.onset_ms))
            return Voice.ENOUGH_SPEECH if enough else Voice.VOICED
        silence_ms = self.silence_ms if self._hold_ms is None else self._hold_ms
        enough = self.state is TurnState.PAUSE and lasted >= silence_ms
        return Voice.ENOUGH_SILENCE if enough else Voice.UNVOICED
