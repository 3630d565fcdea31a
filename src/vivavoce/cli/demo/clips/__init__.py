"""What the demo's caller can say: clips of flite's voice `slt`, made by `tools/make_clips.py`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vivavoce.testing import Clip

__all__ = ["CLIPS", "FOLDER", "load"]

FOLDER = Path(__file__).parent

CLIPS: Mapping[str, str] = {
    "weather": "What is the weather in London tomorrow?",
    "trains": "Which trains go to London tomorrow?",
    "interruption": "Sorry, what is the weather in Paris?",
    "goodbye": "Thank you very much. Goodbye.",
}
"""Name of each clip and its words."""


def load(name: str) -> Clip:
    """Return a clip."""
    return Clip.load(FOLDER / f"{name}.wav", CLIPS[name])
