"""What a simulated caller does when: deciding, without waiting."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from vivavoce.audio.frames import PCM16_BYTES
from vivavoce.audio.resample import Resampler
from vivavoce.audio.wav import read_wav
from vivavoce.errors import CallerTimeoutError
from vivavoce.testing.words import words_of


@dataclass(frozen=True, slots=True)
class Clip:
    """Something to say.

    Attributes:
        name: for reports.
        pcm: PCM16, mono.
        sample_rate: samples per second.
        text: the words, where they are known.
    """

    name: str
    pcm: bytes = field(repr=False)
    sample_rate: int
    text: str = ""

    @classmethod
    def load(cls, path: str | Path, text: str = "") -> Clip:
        """Read a WAV file; stereo is mixed to mono.

        Raises:
            AudioFormatError: it is no PCM16 WAV file.
        """
        wav = read_wav(path)
        return cls(Path(path).stem, wav.mono(), wav.rate, text)

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.pcm) / PCM16_BYTES / self.sample_rate

    def at(self, sample_rate: int) -> Clip:
        """Return it at another sample rate."""
        resampler = Resampler(self.sample_rate, sample_rate, "HQ")
        pcm = resampler.process(self.pcm) + resampler.flush()
        return Clip(self.name, pcm, sample_rate, self.text)


@dataclass(slots=True)
class Ear:
    """What the caller has heard since they last spoke.

    Attributes:
        heard_s: seconds of the agent's speech.
        silent_s: seconds since the agent was last heard.
        words: what the agent said in that time, as far as it was heard.
    """

    heard_s: float = 0.0
    silent_s: float = 0.0
    words: str = ""


class Cue(Protocol):
    """When to act."""

    def met(self, waited_s: float, ear: Ear) -> bool:
        """Say whether it is time.

        Args:
            waited_s: seconds since the caller last spoke, or since the call began.
            ear: what was heard since.
        """
        ...


@dataclass(frozen=True, slots=True)
class After:
    """Some time after the caller last spoke, or after the call began.

    Attributes:
        seconds: how long.
    """

    seconds: float

    def met(self, waited_s: float, ear: Ear) -> bool:
        """Say whether it is time."""
        del ear
        return waited_s >= self.seconds

    def __str__(self) -> str:
        return f"{self.seconds:g} s to pass"


@dataclass(frozen=True, slots=True)
class AgentFinished:
    """The agent has answered and then been silent.

    Attributes:
        pause_s: for how long.
    """

    pause_s: float = 0.6

    def met(self, waited_s: float, ear: Ear) -> bool:
        """Say whether it is time."""
        del waited_s
        return ear.heard_s > 0 and ear.silent_s >= self.pause_s

    def __str__(self) -> str:
        return "the agent to answer and finish"


@dataclass(frozen=True, slots=True)
class AgentSpeaking:
    """The agent is in the middle of an answer.

    Attributes:
        for_s: and has been speaking for so long.
    """

    for_s: float = 1.0

    def met(self, waited_s: float, ear: Ear) -> bool:
        """Say whether it is time."""
        del waited_s
        return ear.heard_s >= self.for_s and ear.silent_s == 0

    def __str__(self) -> str:
        return f"the agent to speak for {self.for_s:g} s"


@dataclass(frozen=True, slots=True)
class AgentSaid:
    """The agent has said something since the caller last spoke: to interrupt at a given word.

    Case and punctuation do not count. How exactly the moment is known depends on how the server sends the
    words: with their audio, as this project's does, or ahead of it.

    Attributes:
        text: one word or several, to the end of the last one.
    """

    text: str

    def met(self, waited_s: float, ear: Ear) -> bool:
        """Say whether it is time."""
        del waited_s
        wanted, heard = words_of(self.text), words_of(ear.words)
        return any(heard[i : i + len(wanted)] == wanted for i in range(len(heard) - len(wanted) + 1))

    def __str__(self) -> str:
        return f"the agent to say '{self.text}'"


@dataclass(frozen=True, slots=True)
class Say:
    """Say something, whether the agent is speaking or not.

    Attributes:
        clip: what: a recording, or a text for the caller's `speak` to speak.
        cue: when.
        timeout_s: how long the cue may take.
    """

    clip: Clip | str
    cue: Cue
    timeout_s: float = 15.0

    def __str__(self) -> str:
        what = self.clip if isinstance(self.clip, str) else self.clip.text or self.clip.name
        return f"could say '{what}'"


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call.

    Attributes:
        cue: when.
        timeout_s: how long the cue may take.
    """

    cue: Cue
    timeout_s: float = 15.0

    def __str__(self) -> str:
        return "could hang up"


Step = Say | HangUp


class CallerScript:
    """The steps of a call, in order. After the last one the caller hangs up.

    Args:
        steps: what to do.
    """

    def __init__(self, steps: Iterable[Step]) -> None:
        self._steps = deque(steps)
        self._count = 0
        self._since = 0.0
        self.ear = Ear()

    def wait_from(self, now: float) -> None:
        """Begin to wait for the next cue: the call has begun, or the caller has finished speaking."""
        self._since = now
        self.ear = Ear()

    def hear(self, spoken_s: float, passed_s: float, words: str = "") -> None:
        """Take note of what was heard.

        Args:
            spoken_s: seconds of the agent's speech that were played.
            passed_s: seconds in which that was.
            words: the words that ended in them.
        """
        self.ear.words += words
        self.ear.heard_s += spoken_s
        self.ear.silent_s = 0.0 if spoken_s else self.ear.silent_s + passed_s

    def due(self, now: float) -> Step | None:
        """Return the step to take now, if its time has come.

        Raises:
            CallerTimeoutError: its time should have come.
        """
        if not self._steps:
            return HangUp(After(0.0))
        step = self._steps[0]
        waited = now - self._since
        if step.cue.met(waited, self.ear):
            self._steps.popleft()
            self._count += 1
            return step
        if waited > step.timeout_s:
            raise CallerTimeoutError(
                f"The caller waited {step.timeout_s:g} s for {step.cue} before they {step} "
                f"(step {self._count + 1}); "
                f"{self.ear.heard_s:.1f} s of speech were heard, then {self.ear.silent_s:.1f} s of silence."
                f"{self._quote()}"
            )
        return None

    def _quote(self) -> str:
        return f" The words: '{self.ear.words.strip()}'." if self.ear.words.strip() else ""
