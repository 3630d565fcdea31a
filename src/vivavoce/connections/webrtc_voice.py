"""`OutgoingVoice`: the user's speech on its way into a call, at the pace of the call. Sans-IO."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from vivavoce.pipeline.formats import Decoder
from vivavoce.protocol import AudioFormat, PcmFormat

RATE = 24_000
FRAME_BYTES = 960
"""20 ms of PCM16 at 24 kHz."""
FRAME_MS = 20
MAX_QUEUED_MS = 20_000
"""Speech that may wait: more than a session keeps to be heard again by another server (15 s)."""
PATIENCE = 2
"""Frames for which the rest of one is waited for, before it is filled up with silence."""
SETTLE_FRAMES = 2
"""Silence sent before what must follow the speech: the codec and the way hold some of it back."""
LATE_MS = 1000
"""Speech that may wait before long pauses in it are shortened."""
LONGEST_PAUSE_MS = 1000
"""Silence that is left of a pause when too much waits: enough for any turn detection."""
SILENCE_PEAK = 32
"""Loudest sample, of 32767, that counts as silence: -60 dBFS."""
_PCM16 = np.dtype("<i2")


def is_silent(pcm: bytes) -> bool:
    """Return whether nobody can hear anything in a piece of PCM16."""
    samples = np.frombuffer(pcm, _PCM16)
    return not samples.size or (int(samples.max()) <= SILENCE_PEAK and int(samples.min()) >= -SILENCE_PEAK)


class OutgoingVoice:
    """What waits to be said, and the messages that must not overtake it.

    A call carries speech in real time; what is pushed faster waits. Where more than `LATE_MS` waits, which a
    microphone brings about only when its speech must be sent again, pauses are shortened to
    `LONGEST_PAUSE_MS` until it has caught up.
    """

    def __init__(self) -> None:
        self._format: AudioFormat = PcmFormat()
        self._decoder = Decoder(self._format, RATE)
        self._frames: deque[bytes | str] = deque()
        self._rest = bytearray()
        self._audio_frames = 0
        self._messages = 0
        self._waited = 0
        self._pause_ms = 0

    def set_format(self, audio_format: AudioFormat | None) -> None:
        """Set what pushed bytes are; ``None`` where the server does not say: PCM16 at 24 kHz."""
        audio_format = audio_format or PcmFormat()
        if audio_format != self._format:
            self._format = audio_format
            self._decoder = Decoder(audio_format, RATE)

    @property
    def queued_ms(self) -> int:
        """Milliseconds of speech that wait, in whole frames."""
        return self._audio_frames * FRAME_MS

    @property
    def messages(self) -> int:
        """How many messages wait for speech; while there are any, what is sent must wait behind them."""
        return self._messages

    def pieces(self, audio: bytes) -> list[bytes]:
        """Return audio of the session's format in pieces of a second."""
        size = self._format.bytes_of(1000)
        return [audio[start : start + size] for start in range(0, len(audio), size)]

    def push(self, audio: bytes) -> None:
        """Queue speech in the session's input format."""
        self._rest += self._decoder.process(audio)
        whole = len(self._rest) - len(self._rest) % FRAME_BYTES
        for start in range(0, whole, FRAME_BYTES):
            self._add(bytes(self._rest[start : start + FRAME_BYTES]))
        del self._rest[:whole]
        self._waited = 0

    def _add(self, frame: bytes) -> None:
        self._frames.append(frame)
        self._audio_frames += 1

    def follow(self, message: str, *, settle: bool = True) -> None:
        """Queue a message that is sent when all speech before it has left.

        Args:
            message: as `pull` will return it.
            settle: give the speech the time to arrive, too.
        """
        if settle:
            self._fill_up()
            for _ in range(SETTLE_FRAMES):
                self._add(bytes(FRAME_BYTES))
        self._frames.append(message)
        self._messages += 1

    def _fill_up(self) -> None:
        """Make a whole frame of a rest, and begin a new stream."""
        self._rest += self._decoder.flush()
        if self._rest:
            self._rest += bytes(-len(self._rest) % FRAME_BYTES)
            self.push(b"")

    def clear(self) -> None:
        """Throw away the speech that waits; messages stay, in their order."""
        self._decoder.flush()
        self._rest.clear()
        self._frames = deque(entry for entry in self._frames if isinstance(entry, str))
        self._audio_frames = 0

    def pull(self) -> tuple[bytes, Sequence[str]]:
        """Return the next 20 ms, or ``b""``, and the messages that may be sent before them."""
        messages = self._due()
        if self._audio_frames == 0 and self._rest:
            self._waited += 1
            if self._waited > PATIENCE:
                self._fill_up()
        frame = self._take()
        while self._pause_ms > LONGEST_PAUSE_MS and isinstance(self._frames[0], bytes):
            frame = self._take()
        return frame, messages

    def _due(self) -> list[str]:
        due: list[str] = []
        while self._frames and isinstance(self._frames[0], str):
            due.append(str(self._frames.popleft()))
        self._messages -= len(due)
        return due

    def _take(self) -> bytes:
        if not self._frames or isinstance(self._frames[0], str):
            return b""
        frame = self._frames.popleft()
        assert isinstance(frame, bytes)
        self._audio_frames -= 1
        late = self.queued_ms > LATE_MS
        self._pause_ms = self._pause_ms + FRAME_MS if late and is_silent(frame) else 0
        return frame
