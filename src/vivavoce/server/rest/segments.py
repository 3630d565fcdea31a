"""Cutting a long recording where nobody speaks, so that a transcriber gets it in utterances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["MAX_SEGMENT_S", "Segment", "cut"]

MAX_SEGMENT_S = 25.0
"""Longest segment: engines for speech are made for about so much at once."""

SPEECH = 0.5
PAUSE_S = 0.6
"""Silence that ends a segment."""
PADDING_S = 0.2
"""What is left of the silence before and after it."""

_LOOK_BACK_S = 5.0


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a recording in which somebody speaks.

    Attributes:
        start: its beginning, in seconds.
        end: its end, in seconds.
        no_speech: how likely nobody speaks in it, 0 to 1.
    """

    start: float
    end: float
    no_speech: float = 0.0


def cut(probabilities: Sequence[float], chunk_s: float, total_s: float) -> list[Segment]:
    """Return the segments of a recording, in order; they do not overlap.

    Speech that never pauses is cut where it is least likely to be speech.

    Args:
        probabilities: how likely each chunk holds speech.
        chunk_s: length of a chunk, in seconds.
        total_s: length of the recording, in seconds.
    """
    segments: list[Segment] = []
    longest, look_back = int(MAX_SEGMENT_S / chunk_s), int(_LOOK_BACK_S / chunk_s)
    begun: int | None = None
    spoken = 0

    def close(first: int, after: int, *, padded: bool) -> None:
        if after <= first:  # nobody has spoken since the last cut
            return
        floor = segments[-1].end if segments else 0.0
        start = max(floor, first * chunk_s - PADDING_S)
        end = min(total_s, after * chunk_s + (PADDING_S if padded else 0.0))
        heard = probabilities[first:after]
        segments.append(Segment(start, end, 1.0 - sum(heard) / len(heard)))

    for index, probability in enumerate(probabilities):
        if probability >= SPEECH:
            begun = index if begun is None else begun
            spoken = index + 1
        if begun is None:
            continue
        if (index + 1 - spoken) * chunk_s >= PAUSE_S:
            close(begun, spoken, padded=True)
            begun = None
        elif index + 1 - begun >= longest:
            after = min(range(index + 1 - look_back, index + 1), key=probabilities.__getitem__)
            close(begun, after, padded=False)
            begun = after
    if begun is not None:
        close(begun, spoken, padded=True)
    return segments
