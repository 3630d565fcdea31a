"""`Tally`: one session in numbers, for the line in the log, and whoever else is told of its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vivavoce.observe.base import SessionObserver
from vivavoce.protocol import ErrorEvent, InputAudioBufferCommitted, ResponseDone

if TYPE_CHECKING:
    from vivavoce.protocol import ServerEvent, Unknown

__all__ = ["Tally"]


class Tally(SessionObserver):
    """Counts in one session what is worth a line at its end; nothing of what was said.

    Args:
        now: the event loop's time when the session began.
    """

    server_events = frozenset({ResponseDone, InputAudioBufferCommitted, ErrorEvent})

    def __init__(self, now: float) -> None:
        self._began = now
        self._turns = self._responses = self._errors = 0
        self._input_tokens = self._output_tokens = 0

    def on_server_event(self, event: ServerEvent | Unknown, now: float) -> None:
        """Count what counts."""
        del now
        if isinstance(event, ResponseDone):
            self._responses += 1
            if (usage := event.response.usage) is not None:
                self._input_tokens += usage.input_tokens
                self._output_tokens += usage.output_tokens
        elif isinstance(event, InputAudioBufferCommitted):
            self._turns += 1
        elif isinstance(event, ErrorEvent):
            self._errors += 1

    def summary(self, now: float) -> dict[str, Any]:
        """Return the session in numbers.

        Args:
            now: the event loop's time.

        Returns:
            `seconds`, `turns` (pieces of speech that were committed), `responses`, `errors`, `input_tokens`
            and `output_tokens`.
        """
        return {
            "seconds": round(now - self._began, 1),
            "turns": self._turns,
            "responses": self._responses,
            "errors": self._errors,
            "input_tokens": self._input_tokens,
            "output_tokens": self._output_tokens,
        }
