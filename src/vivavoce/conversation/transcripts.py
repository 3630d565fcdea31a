"""What the user said: transcripts on their way, and the events that tell of them.

The model needs every transcript; the client is told only if it set `session.audio.input.transcription`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vivavoce.conversation.items import Record
from vivavoce.conversation.outbox import Outbox
from vivavoce.protocol import (
    UNSET,
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionDelta,
    ConversationItemInputAudioTranscriptionFailed,
    LogProb,
    TranscriptionDurationUsage,
    TranscriptionError,
    TranscriptionLanguage,
)


@dataclass(frozen=True, slots=True)
class TranscriptDetails:
    """What a transcriber knows beside the words.

    Attributes:
        logprobs: how sure it is of each token.
        language: ISO-639-1 code.
    """

    logprobs: Sequence[LogProb] = ()
    language: str | None = None


NO_DETAILS = TranscriptDetails()
"""Nothing but the words."""


class _Pending:
    """One utterance whose transcript is not known yet."""

    __slots__ = ("announced", "last", "record", "told")

    def __init__(self, *, announced: bool) -> None:
        self.record: Record | None = None
        self.announced = announced
        self.told = ""
        self.last: list[str] = []


class Transcripts:
    """The transcripts that are being made.

    Args:
        outbox: where events go.
        early: whether words are told before the transcript is complete. Clients join `.delta` events, so they
            must be the beginning of what `.completed` says.
    """

    def __init__(self, outbox: Outbox, *, early: bool = True) -> None:
        self._outbox = outbox
        self._early = early
        self._pending: dict[str, _Pending] = {}

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._pending

    def begin(self, item_id: str, *, announced: bool) -> None:
        """Expect a transcript; `announced` says whether the client wants to hear of it."""
        self._pending[item_id] = _Pending(announced=announced)

    def attach(self, item_id: str, record: Record) -> None:
        """Name the item that the transcript will go into."""
        self._pending[item_id].record = record

    def drop(self, item_id: str) -> bool:
        """Expect this transcript no longer; return whether it was expected."""
        return self._pending.pop(item_id, None) is not None

    def partial(self, item_id: str, text: str) -> None:
        """Take a guess at the whole text so far.

        Deltas cannot be taken back, so only words on which two guesses in a row agree are told.
        """
        pending = self._pending.get(item_id)
        if pending is None or not pending.announced or not self._early:
            return
        words = text.split(" ")
        agreed = 0
        for old, new in zip(pending.last, words, strict=False):
            if old != new:
                break
            agreed += 1
        pending.last = words
        self._tell(item_id, pending, " ".join(words[:agreed]))

    def complete(
        self, item_id: str, text: str, seconds: float, details: TranscriptDetails = NO_DETAILS
    ) -> bool:
        """Take the final transcript; return whether it was expected."""
        pending, record = self._settle(item_id)
        if pending is None or record is None:
            return False
        record.set_transcript(text)
        if pending.announced:
            self._tell(item_id, pending, text)
            self._outbox.emit(
                ConversationItemInputAudioTranscriptionCompleted,
                item_id=item_id,
                content_index=0,
                transcript=text,
                usage=TranscriptionDurationUsage(seconds=seconds),
                logprobs=list(details.logprobs) or UNSET,
                languages=[TranscriptionLanguage(code=details.language)] if details.language else UNSET,
            )
        return True

    def fail(self, item_id: str, message: str) -> bool:
        """Take the news that there will be none; return whether it was expected."""
        pending, _ = self._settle(item_id)
        if pending is None:
            return False
        if pending.announced:
            error = TranscriptionError(type="server_error", code="transcription_failed", message=message)
            self._outbox.emit(
                ConversationItemInputAudioTranscriptionFailed, item_id=item_id, content_index=0, error=error
            )
        return True

    def _settle(self, item_id: str) -> tuple[_Pending, Record] | tuple[None, None]:
        """Expect this transcript no longer. Nothing is final while the utterance is still open."""
        pending = self._pending.get(item_id)
        if pending is None or pending.record is None:
            return None, None
        del self._pending[item_id]
        return pending, pending.record

    def _tell(self, item_id: str, pending: _Pending, text: str) -> None:
        if len(text) > len(pending.told) and text.startswith(pending.told):
            self._outbox.emit(
                ConversationItemInputAudioTranscriptionDelta,
                item_id=item_id,
                content_index=0,
                delta=text[len(pending.told) :],
            )
            pending.told = text
