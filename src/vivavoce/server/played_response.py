"""`PlayedResponse`: one response as the ear knows it: what came of each of its parts, and what was heard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from vivavoce.audio.frames import PCM16_BYTES, whole_samples
from vivavoce.audio.polyphase import RatioResampler
from vivavoce.pipeline.formats import pcm_decoder
from vivavoce.protocol import AudioFormat, ConversationItemTruncate

__all__ = ["RATE", "PlayedPart", "PlayedResponse"]

RATE = 24000
"""Samples per second of what is played."""


class PlayedPart:
    """The audio of one content part, on its way to the ear.

    Args:
        item_id: the message.
        content_index: of the part in it.
        number: of the part in its response.
        fmt: of the audio that comes.

    Attributes:
        received: samples that have come, at the rate of the ear.
        heard: samples that were played.
        ended: no more will come.
        cut: the conversation is told, or will be, how much of it was heard.
    """

    def __init__(self, item_id: str, content_index: int, number: int, fmt: AudioFormat) -> None:
        self.item_id = item_id
        self.content_index = content_index
        self.number = number
        self._decode: Callable[[bytes], bytes] | None = pcm_decoder(fmt)
        self._resampler = RatioResampler(fmt.sample_rate, RATE)
        self._carry = b""
        self.received = 0
        self.heard = 0
        self.ended = False
        self.cut = False

    @property
    def heard_ms(self) -> int:
        """Milliseconds that were played, rounded down."""
        return self.heard * 1000 // RATE

    @property
    def whole(self) -> bool:
        """Whether all of it has come and was heard."""
        return self.ended and self.heard >= self.received

    def process(self, audio: bytes) -> bytes:
        """Take audio in its format and return it as PCM16 at the rate of the ear.

        Args:
            audio: bytes; half a sample at the end waits for the next ones.
        """
        pcm = self._carry + audio if self._decode is None else self._decode(audio)
        end = whole_samples(len(pcm), PCM16_BYTES)
        self._carry = pcm[end:]
        pcm = self._resampler.process(pcm[:end])
        self.received += len(pcm) // PCM16_BYTES
        return pcm


@dataclass(slots=True, eq=False)
class PlayedResponse:
    """A response, from its creation until it is done and played, or cut.

    Attributes:
        number: counts the responses of a session.
        id: of the response, as the session calls it.
        in_conversation: its items are in the conversation.
        fmt: of its audio.
        running: its `response.done` is still to come.
        cancelled: a client has asked for its end.
        silenced: nothing of it is played any more.
        started: its first sample was played.
        waiting: samples that are still to be played.
        parts: its audio, in the order in which it began.
        held: what waits until earlier responses have no more to say, with its part.
        cuts_when_done: what the session is to be told once it has said that the response is done.
    """

    number: int
    id: str
    in_conversation: bool
    fmt: AudioFormat
    running: bool = True
    cancelled: bool = False
    silenced: bool = False
    started: bool = False
    waiting: int = 0
    parts: list[PlayedPart] = field(default_factory=list)
    held: list[tuple[PlayedPart, bytes]] = field(default_factory=list)
    cuts_when_done: list[ConversationItemTruncate] = field(default_factory=list)

    def part(self, item_id: str, content_index: int) -> PlayedPart:
        """Return one of its parts; the first time, it begins with that."""
        for part in reversed(self.parts):  # mostly the last one
            if part.item_id == item_id and part.content_index == content_index:
                return part
        part = PlayedPart(item_id, content_index, len(self.parts), self.fmt)
        self.parts.append(part)
        return part

    @property
    def begun(self) -> bool:
        """Whether it speaks in the conversation, or was about to when a client asked for its end."""
        return self.running and self.in_conversation and (self.cancelled or bool(self.parts))

    def cuts(self) -> Iterator[PlayedPart]:
        """Cut what was not heard to its end, where the conversation knows it, and return it part by part."""
        for part in self.parts if self.in_conversation else ():
            if not (part.cut or part.whole):
                part.cut = True
                yield part
