"""What waits to leave the conversation: server events, numbered as they are made, and effects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vivavoce.conversation.effects import Effect
from vivavoce.conversation.ids import IdSource
from vivavoce.protocol import (
    ConversationItemInputAudioTranscriptionDelta,
    ErrorDetail,
    ErrorEvent,
    ResponseFunctionCallArgumentsDelta,
    ResponseMcpCallArgumentsDelta,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputTextDelta,
    ServerEvent,
)

PADDED_TO = 16
"""A text delta and its padding together have a multiple of so many bytes."""

_PADDED = frozenset(
    {
        ConversationItemInputAudioTranscriptionDelta,
        ResponseFunctionCallArgumentsDelta,
        ResponseMcpCallArgumentsDelta,
        ResponseOutputAudioTranscriptDelta,
        ResponseOutputTextDelta,
    }
)


class Outbox:
    """Collects events and effects in the order in which they were decided.

    Args:
        ids: where event ids come from.
        obfuscate: pad text deltas, so that the size of an encrypted frame does not tell how long its words
            are; from sizes alone, words can be guessed.

    Attributes:
        paused: the client reads too slowly; paced audio is held back.
    """

    def __init__(self, ids: IdSource, *, obfuscate: bool = False) -> None:
        self.ids = ids
        self._obfuscate = obfuscate
        self._events: list[ServerEvent] = []
        self._effects: list[Effect] = []
        self.paused = False

    def emit(self, event: Callable[..., ServerEvent], **fields: Any) -> None:
        """Add a server event; its `event_id` and its padding are made here."""
        if self._obfuscate and event in _PADDED:
            fields["obfuscation"] = self.ids.padding(-len(fields["delta"].encode()) % PADDED_TO)
        self._events.append(event(event_id=self.ids.new("event"), **fields))

    def error(
        self,
        message: str,
        *,
        code: str | None,
        param: str | None = None,
        event_id: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        """Add an `error` event; the session goes on."""
        detail = ErrorDetail(type=kind, message=message, code=code, param=param, event_id=event_id)
        self.emit(ErrorEvent, error=detail)

    def effect(self, effect: Effect) -> None:
        """Add something for the driver to carry out."""
        self._effects.append(effect)

    @property
    def waiting(self) -> bool:
        """Whether there is anything to take."""
        return bool(self._events or self._effects)

    def take_events(self) -> list[ServerEvent]:
        """Return the events in order and forget them."""
        events, self._events = self._events, []
        return events

    def take_effects(self) -> list[Effect]:
        """Return the effects in order and forget them."""
        effects, self._effects = self._effects, []
        return effects
