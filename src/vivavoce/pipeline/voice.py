"""Voice activity of every session of the process, in one computation per tick."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from weakref import WeakValueDictionary

import numpy as np

from vivavoce.audio.frames import PCM16_BYTES
from vivavoce.audio.resample import ChunkResampler
from vivavoce.engines.base import VoiceActivityDetector
from vivavoce.pipeline.formats import pcm_decoder
from vivavoce.protocol import AudioFormat

logger = logging.getLogger(__name__)

TICK_S = 0.008
"""Chunks of different sessions are gathered for so long, so that they share a computation."""

STEPS_PER_TICK = 8
"""Chunks of one session that one tick takes: who sends faster than time does not hold up the others."""

_HISTORY_BYTES = ChunkResampler.HISTORY * PCM16_BYTES

OnProbability = Callable[[float, int, int], None]


class VoiceStream:
    """The ears of one session.

    Args:
        batch: the computation that it takes part in.
        slot: its slot in the detector.
        on_probability: called with the speech probability of a chunk and the positions between which it lies,
            in ms of the session's input.
    """

    def __init__(self, batch: VoiceBatch, slot: int, on_probability: OnProbability) -> None:
        self._batch = batch
        self.slot = slot
        self.on_probability = on_probability
        self._decode: Callable[[bytes], bytes] | None = None
        self._pcm = bytearray()  # at the wire's rate, from the history of the next chunk on
        self._base_ms = 0.0
        self._chunk_bytes = 0
        self.resampler: ChunkResampler | None = None
        """What converts its chunks; `None` while nobody listens."""
        self.chunks: deque[tuple[bytes, int, int]] = deque()
        self.chunk = np.empty(0, np.int16)
        """The chunk whose probability is being told, as the detector got it."""

    def listen(self, fmt: AudioFormat, position_ms: int, *, active: bool) -> None:
        """Begin anew at a position of the input, or stop listening."""
        self._decode = pcm_decoder(fmt)
        self.resampler = resampler = self._batch.resampler(fmt.sample_rate) if active else None
        self._chunk_bytes = resampler.source_samples * PCM16_BYTES if resampler is not None else 0
        self._pcm = bytearray(_HISTORY_BYTES)
        self.chunks.clear()
        self._base_ms = position_ms
        self._batch.detector.reset(self.slot)

    def feed(self, audio: bytes) -> None:
        """Take audio of the wire."""
        if self.resampler is None:
            return
        self._pcm += audio if self._decode is None else self._decode(audio)
        size = self._chunk_bytes
        start, row = 0, size + _HISTORY_BYTES
        while start + row <= len(self._pcm):
            begin, self._base_ms = self._base_ms, self._base_ms + self._batch.chunk_ms
            self.chunks.append((bytes(self._pcm[start : start + row]), round(begin), round(self._base_ms)))
            start += size
        if start:
            del self._pcm[:start]
            self._batch.wake(self)

    def close(self) -> None:
        """Give the slot back; safe to call twice."""
        self.chunks.clear()
        self.resampler = None
        self._batch.leave(self)


class VoiceBatch:
    """Gathers the chunks of all sessions and asks the detector for all of them at once.

    Runs inline on the event loop: in a thread, every call into the detector would wait for the interpreter
    lock, and a step of a millisecond would take a hundred.

    Args:
        detector: what says how likely a chunk holds speech.
    """

    def __init__(self, detector: VoiceActivityDetector) -> None:
        self.detector = detector
        self.chunk_ms = detector.chunk_samples * 1000 / detector.sample_rate
        self._resamplers: dict[int, ChunkResampler] = {}
        self._ready: dict[int, VoiceStream] = {}
        self._open: set[int] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def open(self, on_probability: OnProbability) -> VoiceStream:
        """Return the ears of a new session.

        Raises:
            EngineError: the detector has no slot left.
        """
        stream = VoiceStream(self, self.detector.open(), on_probability)
        self._open.add(stream.slot)
        return stream

    def resampler(self, rate: int) -> ChunkResampler:
        """Return what converts the chunks of every stream of this rate, in Hz, to the detector's."""
        if rate not in self._resamplers:
            detector = self.detector
            self._resamplers[rate] = ChunkResampler(rate, detector.sample_rate, detector.chunk_samples)
        return self._resamplers[rate]

    def wake(self, stream: VoiceStream) -> None:
        """Take note that a stream has a chunk; the next tick will process it."""
        self._ready[stream.slot] = stream
        if self._timer is None:
            self._timer = self._loop.call_later(TICK_S, self._tick)

    def leave(self, stream: VoiceStream) -> None:
        """Forget a stream."""
        if stream.slot in self._open:
            self._open.discard(stream.slot)
            self._ready.pop(stream.slot, None)
            self.detector.close(stream.slot)
        if not self._open and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        self._timer = None
        for _ in range(STEPS_PER_TICK):
            streams = [stream for stream in self._ready.values() if stream.chunks]
            if not streams:
                break
            self._step(streams)
        self._ready = {slot: stream for slot, stream in self._ready.items() if stream.chunks}
        if self._ready and self._timer is None:
            self._timer = self._loop.call_later(0, self._tick)

    def _step(self, streams: list[VoiceStream]) -> None:
        for resampler in self._resamplers.values():
            alike = [stream for stream in streams if stream.resampler is resampler]
            if alike:
                self._hear(alike, resampler)

    def _hear(self, streams: list[VoiceStream], resampler: ChunkResampler) -> None:
        chunks = [stream.chunks.popleft() for stream in streams]
        rows = np.frombuffer(b"".join(chunk[0] for chunk in chunks), dtype="<i2").reshape(len(streams), -1)
        slots = [stream.slot for stream in streams]
        converted = resampler.convert(rows)
        scores = self.detector.probabilities(slots, converted).tolist()
        for stream, score, chunk, (_, start_ms, end_ms) in zip(
            streams, scores, converted, chunks, strict=True
        ):
            stream.chunk = chunk
            try:
                stream.on_probability(score, start_ms, end_ms)
            except Exception:  # one session's trouble must not make the others deaf
                logger.exception("A session failed to hear")


_batches: WeakValueDictionary[tuple[int, int], VoiceBatch] = WeakValueDictionary()
"""By the ids of loop and detector, which stay theirs as long as their batch lives."""


def batch_for(detector: VoiceActivityDetector) -> VoiceBatch:
    """Return the one batch of this detector on the running event loop."""
    key = id(asyncio.get_running_loop()), id(detector)
    batch = _batches.get(key)
    if batch is None:
        batch = _batches[key] = VoiceBatch(detector)
    return batch
