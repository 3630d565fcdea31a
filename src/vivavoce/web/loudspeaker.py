"""What a browser is told of the loudspeaker: which response it plays, has played, or stopped playing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from vivavoce.audio.frames import PCM16_BYTES
from vivavoce.protocol import OutputAudioBufferCleared, OutputAudioBufferStarted, OutputAudioBufferStopped

if TYPE_CHECKING:
    from vivavoce.conversation.ids import IdSource
    from vivavoce.lines import PlayedPiece

LoudspeakerEvent: TypeAlias = OutputAudioBufferStarted | OutputAudioBufferStopped | OutputAudioBufferCleared

RESPONSES = 64
"""Responses that may be known at the same time; beyond them the end of the oldest must have been missed."""


@dataclass(slots=True)
class _Output:
    unplayed: int = 0  # bytes
    started: bool = False
    done: bool = False


class Loudspeaker:
    """Follows the speech of responses from the queue to the ear.

    Args:
        ids: for the events.
    """

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids
        self._outputs: dict[str, _Output] = {}
        self._response_of: dict[str, str] = {}

    def queued(self, response_id: str, item_id: str, size: int) -> None:
        """Note that so many bytes of a message were queued."""
        self._response_of[item_id] = response_id
        output = self._outputs.get(response_id)
        if output is None:
            output = self._outputs[response_id] = _Output()
            if len(self._outputs) > RESPONSES:
                self._forget(next(iter(self._outputs)))
        output.unplayed += size

    def done(self, response_id: str) -> None:
        """Note that nothing more of a response will be queued."""
        if (output := self._outputs.get(response_id)) is not None:
            output.done = True

    def frame(self, pieces: Sequence[PlayedPiece]) -> list[LoudspeakerEvent]:
        """Take what was played in the last 20 ms; returns what the browser is told."""
        events: list[LoudspeakerEvent] = []
        for piece in pieces:
            response_id = self._response_of.get(piece.item_id, "")
            output = self._outputs.get(response_id)
            if output is None:
                continue
            output.unplayed -= piece.samples * PCM16_BYTES
            if not output.started:
                output.started = True
                events.append(OutputAudioBufferStarted(event_id=self._event_id(), response_id=response_id))
        for response_id, output in list(self._outputs.items()):
            # Half a sample may be left over.
            if output.done and output.unplayed < PCM16_BYTES:
                self._forget(response_id)
                if output.started:
                    events.append(
                        OutputAudioBufferStopped(event_id=self._event_id(), response_id=response_id)
                    )
        return events

    def cleared(self) -> list[LoudspeakerEvent]:
        """Note that the queue was emptied; returns what the browser is told."""
        started = [response_id for response_id, output in self._outputs.items() if output.started]
        self._outputs.clear()
        self._response_of.clear()
        return [
            OutputAudioBufferCleared(event_id=self._event_id(), response_id=response_id)
            for response_id in started
        ]

    def _forget(self, response_id: str) -> None:
        self._outputs.pop(response_id, None)
        for item_id in [item for item, response in self._response_of.items() if response == response_id]:
            del self._response_of[item_id]

    def _event_id(self) -> str:
        return self._ids.new("event")
