"""A noise filter on audio of the wire."""

from __future__ import annotations

from vivavoce.audio.frames import PCM16_BYTES, FrameSplitter, whole_samples
from vivavoce.engines.noise.base import FRAME_MS, NoiseKind, NoiseReducer
from vivavoce.pipeline.formats import pcm_decoder, pcm_encoder
from vivavoce.protocol import AudioFormat


class NoiseFilter:
    """Takes noise out of a session's input, in the format of the wire.

    As many bytes come out as went in, so that every position of the input stays what it was. Where a client
    sends no whole frames of 10 ms, silence stands in for what is still being filtered, one frame at most in a
    whole session; the audio is so much later from then on.

    Args:
        reducer: who does it.
        fmt: format of the input.
        kind: where the microphone is.
        strength: 0 to 1; beyond that, the nearer of the two.

    Raises:
        EngineError: the reducer cannot.
    """

    def __init__(self, reducer: NoiseReducer, fmt: AudioFormat, kind: NoiseKind, strength: float) -> None:
        self._decode = pcm_decoder(fmt)
        self._encode = pcm_encoder(fmt)
        silence = bytes(PCM16_BYTES)
        self._silent_sample = silence if self._encode is None else self._encode(silence)
        self._frames = FrameSplitter(fmt.sample_rate * FRAME_MS // 1000 * PCM16_BYTES)
        self._ready = bytearray()
        self._stream = reducer.open(kind, min(max(strength, 0.0), 1.0), fmt.sample_rate)

    def process(self, audio: bytes) -> bytes:
        """Return what takes the place of `audio`; half a sample is given as one, too."""
        pcm = audio if self._decode is None else self._decode(audio)
        filtered = b"".join([self._stream.process(frame) for frame in self._frames.push(pcm)])
        self._ready += filtered if self._encode is None else self._encode(filtered)
        size, sample = len(audio), len(self._silent_sample)
        if (missing := size - len(self._ready)) > 0:
            begun = len(self._ready) % sample  # the rest of a sample of which half was given before
            samples = whole_samples(missing + sample - 1, sample) // sample
            self._ready[begun:begun] = self._silent_sample * samples
        taken = bytes(self._ready[:size])
        del self._ready[:size]
        return taken

    def close(self) -> None:
        """Free what the filter holds; safe to call twice."""
        self._stream.close()
