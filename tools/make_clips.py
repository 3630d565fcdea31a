"""Make the clips that the caller of `vivavoce demo` speaks, with flite's voice `slt` (apt install flite).

    python tools/make_clips.py

The wordings are such that the built-in transcriber hears each of them word for word. The silence around the
speech is cut off: a clip begins and ends with its voice.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soxr

from vivavoce.audio.wav import read_wav, write_wav
from vivavoce.cli.demo.clips import CLIPS, FOLDER

RATE = 16_000
VOICE = "slt"
QUIET = 300  # of 32768: what flite's silence stays below
MARGIN = RATE // 50
LEVEL_DBFS = -20.0


def speak(text: str, folder: Path) -> np.ndarray:
    """Return the samples of a text, at 16 kHz, -1 to 1, without silence around them."""
    raw = folder / "raw.wav"
    subprocess.run(["flite", "-voice", VOICE, "-t", text, "-o", str(raw)], check=True)
    wav = read_wav(raw)
    samples = soxr.resample(np.frombuffer(wav.mono(), "<i2").astype(np.float64), wav.rate, RATE, "VHQ")
    loud = np.flatnonzero(np.abs(samples) > QUIET)
    return samples[max(0, loud[0] - MARGIN) : loud[-1] + MARGIN] / 32768


def main() -> None:
    """Write every clip."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in CLIPS.items():
            samples = speak(text, Path(folder))
            samples *= 10 ** (LEVEL_DBFS / 20) / np.sqrt(np.mean(samples**2))
            pcm = np.rint(samples.clip(-1, 1) * 32767).astype("<i2").tobytes()
            write_wav(FOLDER / f"{name}.wav", pcm, RATE)
            print(f"{name}.wav  {len(pcm) / 2 / RATE:.2f} s  {text}")


if __name__ == "__main__":
    main()
