"""`TurnEndDetector`: the port of an engine that tells a finished turn from a pause for thought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class TurnSoFar:
    """What somebody has said in the turn that they now pause in.

    Attributes:
        pcm: the newest of it, PCM16 at the detector's rate, at most `TurnEndDetector.window_s` seconds, up to
            and with the pause.
        transcript: the words so far, as far as they are known; may lag behind.
        language: ISO-639-1 code, or `None`.
    """

    pcm: bytes
    transcript: str = ""
    language: str | None = None


@runtime_checkable
class TurnEndDetector(Protocol):
    """Says how likely it is that a turn is over.

    Attributes:
        sample_rate: rate it hears at, in Hz.
        window_s: how much of the turn it wants to hear, in seconds; 0: only the words.
    """

    sample_rate: int
    window_s: float

    async def completeness(self, turn: TurnSoFar) -> float:
        """Return the probability that the person has finished, 0 to 1.

        Raises:
            EngineError: it cannot say; the length of the pause decides then.
        """
        ...

    async def aclose(self) -> None:
        """Free what it holds; safe to call twice."""
        ...
