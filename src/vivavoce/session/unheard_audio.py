"""The user's latest speech, kept for a server that has to hear it again."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from vivavoce.protocol import (
    AudioFormat,
    ClientEvent,
    ConversationItemDelete,
    ConversationItemDeleted,
    ConversationItemInputAudioTranscriptionCompleted,
    ErrorEvent,
    InputAudioBufferAppend,
    InputAudioBufferClear,
    InputAudioBufferCleared,
    InputAudioBufferCommit,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    PcmFormat,
    ResponseCancel,
    ResponseCreated,
    ResponseDone,
    ServerEvent,
    Unknown,
)
from vivavoce.session.messages import audio_pieces

QUIET_MS = 1000
"""Audio kept while the user is silent: a word may begin in it before the server has noticed."""
SPEAKING_MS = 15_000
"""Audio kept while the user speaks, or while there is no connection; older audio is dropped."""
NOTHING_COMMITTED = "input_audio_buffer_commit_empty"
"""Code of the error that a commit without audio gets."""


@dataclass(slots=True)
class _Turn:
    """A turn that is an item on the server, but in words nowhere, and not answered."""

    item_id: str
    pieces: Sequence[bytes]
    ended_here: bool
    answer_id: str | None = None


class UnheardAudio:
    """Audio that would be lost with the connection, so it is kept here, too.

    That is what belongs to no item yet, and the last turn until its transcript or the end of its answer has
    come: until then nobody but the server knows what was said in it.
    """

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._end = 0
        self._commits: list[int] = []
        self._turn: _Turn | None = None
        self._speaking = False
        self._format: AudioFormat = PcmFormat()
        self.repeats_turn = False
        """Whether a turn is in what is kept that only the server's turn detection will end."""

    def set_format(self, audio_format: AudioFormat | None) -> None:
        """Set what the bytes are; ``None`` where the server does not say."""
        self._format = audio_format or PcmFormat()

    def add(self, audio: bytes, *, keep_all: bool = False) -> None:
        """Keep a piece of audio.

        Args:
            audio: as it is sent.
            keep_all: nobody tells when the user speaks, so all of it may be speech.
        """
        self._pieces.append(audio)
        self._size += len(audio)
        self._end += len(audio)
        bound = self._format.bytes_of(SPEAKING_MS if keep_all or self._speaking else QUIET_MS)
        while self._size > bound and len(self._pieces) > 1:
            self._size -= len(self._pieces.popleft())
        self._commits = [mark for mark in self._commits if mark > self._start]

    @property
    def _start(self) -> int:
        return self._end - self._size

    @property
    def end(self) -> int:
        """The position of the end, for `events_since`."""
        return self._end

    def hear(self, event: ServerEvent | Unknown) -> None:
        """Note what the server says of the user's speech, and of its answer."""
        match event:
            case InputAudioBufferSpeechStarted():
                self._speaking = True
            case InputAudioBufferCommitted():
                self._committed(event.item_id)
            case InputAudioBufferCleared():
                self._take()
            case ErrorEvent() if event.error.code == NOTHING_COMMITTED:
                del self._commits[:1]
            case ResponseCreated():
                if self._turn is not None and event.response.conversation_id is not None:
                    self._turn.answer_id = event.response.id
            case ResponseDone():
                if self._turn is not None and self._turn.answer_id == event.response.id:
                    self._turn = None
            case ConversationItemInputAudioTranscriptionCompleted() | ConversationItemDeleted():
                self._forget(event.item_id)

    def _committed(self, item_id: str) -> None:
        """Note that the audio up to the first commit is an item; without a commit all of it is."""
        mark = self._commits[0] if self._commits else None
        self._turn = _Turn(item_id, self._take(mark), ended_here=mark is not None)

    def _take(self, mark: int | None = None) -> list[bytes]:
        """Take out the audio up to a position, or all of it."""
        taken: list[bytes] = []
        while self._pieces and (mark is None or self._start < mark):
            taken.append(self._pieces.popleft())
            self._size -= len(taken[-1])
        self._speaking = self.repeats_turn = False
        self._commits = [] if mark is None else self._commits[1:]
        return taken

    def _forget(self, item_id: str) -> None:
        if self._turn is not None and self._turn.item_id == item_id:
            self._turn = None

    def sent(self, event: ClientEvent) -> None:
        """Note what was sent: the end of a turn is said again if the connection breaks before its answer."""
        match event:
            case InputAudioBufferCommit():
                if self._pieces and self._end not in self._commits:
                    self._commits.append(self._end)
            case InputAudioBufferClear():
                self._commits = []
            case ResponseCancel():
                self._turn = None  # who stops the answer wants none on another connection, either
            case ConversationItemDelete():
                self._forget(event.item_id)

    def take_back(self, finds_turns: bool) -> str | None:
        """Take the last turn, which was lost with its server, for unheard again.

        Args:
            finds_turns: the new server finds turns by itself.

        Returns:
            Id of the item that it was; ``None`` where no turn was lost.
        """
        turn, self._turn = self._turn, None
        if turn is None:
            return None
        end = self._start
        self._pieces.extendleft(reversed(turn.pieces))
        self._size += sum(map(len, turn.pieces))
        if turn.ended_here or not finds_turns:
            self._commits.insert(0, end)
        else:
            self.repeats_turn = True
        self._speaking = True
        return turn.item_id

    def events_since(self, position: int) -> tuple[int, list[ClientEvent]]:
        """Return the position of the end, and what tells a server of what is kept from a position on.

        The first position is 0; another one is an end that was returned before.
        """
        events: list[ClientEvent] = []
        audio, begin = b"".join(self._pieces), self._start
        at = max(position, begin) if position else begin
        for mark in (mark for mark in self._commits if mark > at):
            events += [*_appends(audio[at - begin : mark - begin]), InputAudioBufferCommit()]
            at = mark
        return self._end, [*events, *_appends(audio[at - begin :])]


def _appends(audio: bytes) -> list[InputAudioBufferAppend]:
    return [InputAudioBufferAppend(audio=piece) for piece in audio_pieces(audio)]
