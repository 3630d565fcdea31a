"""A voice that pocketsphinx can read: flite (it reads nothing of what espeak-ng says)."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np

from vivavoce.audio.wav import read_wav
from vivavoce.engines.tts.piecewise import PieceSynthesizer, Spoken


class FliteSynthesizer(PieceSynthesizer):
    """Speaks with flite's ``awb``, at his own pace, whatever voice is asked for."""

    sample_rate = 16_000
    honours_speed = False

    def __init__(self) -> None:
        super().__init__("flite", ("awb",), 2)

    def _speak(self, voice: str, speed: float, text: str) -> Spoken:
        del speed
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "said.wav"
            subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True, timeout=30)
            wav = read_wav(path)
        assert wav.rate == self.sample_rate
        return Spoken(np.frombuffer(wav.mono(), "<i2").astype(np.float32) / np.float32(32768))
