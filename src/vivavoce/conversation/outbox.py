"""What waits to leave the conversation: server events, numbered as they are made, and effects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vivavoce.conversation.effects import Effect
from vivavoce.conversation.ids import IdSource
from vivavoce.protocol import ErrorDetail, ErrorEvent, ServerEvent


class Outbox:
    """Collects events and effects in the order in which they were decided.

    Args:
        ids: where event ids come from.

    Attributes:
        paused: the client reads too slowly; paced audio is held back.
    """

    def __init__(self, ids: IdSource) -> None:
        self.ids = ids
        self._events: list[ServerEvent] = []
        self._effects: list[Effect] = []
        self.paused = False

    def emit(self, event: Callable[..., ServerEvent], **fields: Any) -> None:
        """Add a server event; its `event_id` is made here."""
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
