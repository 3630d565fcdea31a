"""`SessionLog`: what happens in a session, as log records."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from vivavoce.observe.base import SessionObserver
from vivavoce.protocol import (
    ClientEvent,
    ConversationItemInputAudioTranscriptionCompleted,
    ErrorEvent,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    RealtimeSession,
    ResponseCreated,
    ResponseDone,
    ServerEvent,
    SessionCreated,
    Unknown,
    present,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENT_VARIABLE = "VIVAVOCE_LOG_CONTENT"
"""Environment variable: ``1`` logs what is said, and what tools are given and return."""

logger = logging.getLogger(__name__)


def content_is_logged() -> bool:
    """Return whether the environment asks for user content in logs."""
    return os.environ.get(CONTENT_VARIABLE, "").strip().lower() in {"1", "true", "yes", "on"}


class SessionLog(SessionObserver):
    """Logs a session: static messages, the particulars in `extra`.

    Records hold names, ids, numbers and states. What people say, what tools are given and return, and the
    texts of errors are user content: in the field ``content``, and only when asked for.

    Args:
        content: log user content; ``None`` asks the environment variable ``VIVAVOCE_LOG_CONTENT``.
        session: a name of yours for this session, in every record as ``session``.
    """

    def __init__(self, *, content: bool | None = None, session: str = "") -> None:
        self._content = content_is_logged() if content is None else content
        self._session = session
        self._began: float | None = None
        self._responses: dict[str, float] = {}
        self._closed = False

    def on_client_event(self, event: ClientEvent, now: float) -> None:
        """Pass over: what the session sends shows in what the server says."""

    def on_server_event(self, event: ServerEvent | Unknown, now: float) -> None:
        """Log the events that mark the way of a turn."""
        match event:
            case SessionCreated(session=RealtimeSession() as session):
                self._began = now
                self._log(
                    logging.INFO,
                    "Session opened",
                    session_id=present(session.id, ""),
                    model=present(session.model, ""),
                )
            case InputAudioBufferSpeechStarted():
                self._log(logging.DEBUG, "Speech started", item_id=event.item_id)
            case InputAudioBufferSpeechStopped():
                self._log(logging.DEBUG, "Speech stopped", item_id=event.item_id)
            case ConversationItemInputAudioTranscriptionCompleted():
                self._log(logging.DEBUG, "Speech understood", event.transcript, item_id=event.item_id)
            case ResponseCreated():
                self._responses[event.response.id] = now
                self._log(logging.DEBUG, "Response began", response_id=event.response.id)
            case ResponseDone():
                self._response_done(event, now)
            case ErrorEvent(error=error):
                self._log(
                    logging.WARNING,
                    "The server reported an error",
                    error.message,
                    error_type=error.type,
                    error_code=error.code,
                )

    def _response_done(self, event: ResponseDone, now: float) -> None:
        response = event.response
        began = self._responses.pop(response.id, now)
        details = response.status_details
        used = response.usage
        fields: dict[str, Any] = {
            "response_id": response.id,
            "status": response.status,
            "reason": present(details.reason, None) if details is not None else None,
            "seconds": round(now - began, 3),
            "input_tokens": used.input_tokens if used is not None else None,
            "output_tokens": used.output_tokens if used is not None else None,
        }
        level = logging.WARNING if response.status == "failed" else logging.DEBUG
        self._log(level, "Response ended", **fields)

    def on_session_event(self, event: Any, now: float) -> None:  # noqa: ARG002
        """Log tools, handoffs, guardrails, interruptions, errors and the connection."""
        found = _SESSION_EVENTS.get(str(event.type))
        if found is None:
            return
        level, message, names, content = found
        fields = {name: _shown(getattr(event, name, None)) for name in names}
        if event.type == "error":
            if not isinstance(event.error, Exception):
                return  # the server's own was logged when it came
            fields["error_type"] = type(event.error).__name__
        text = getattr(event, content, None) if content else None
        self._log(level, message, None if text is None else str(text), **fields)

    def close(self, now: float) -> None:
        """Log the end."""
        if not self._closed:
            self._closed = True
            seconds = None if self._began is None else round(now - self._began, 3)
            self._log(logging.INFO, "Session closed", seconds=seconds)

    def _log(self, level: int, message: str, content: str | None = None, **fields: Any) -> None:
        if not logger.isEnabledFor(level):
            return
        if self._session:
            fields["session"] = self._session
        if content is not None and self._content:
            fields["content"] = content
        logger.log(level, message, extra={name: value for name, value in fields.items() if value is not None})


_SESSION_EVENTS: Mapping[str, tuple[int, str, tuple[str, ...], str]] = {
    "tool_start": (logging.DEBUG, "Tool began", ("agent", "tool", "call_id"), "arguments"),
    "tool_end": (logging.DEBUG, "Tool ended", ("agent", "tool", "call_id"), "output"),
    "tool_approval_required": (
        logging.INFO,
        "Tool waits for approval",
        ("agent", "tool", "call_id"),
        "arguments",
    ),
    "handoff": (logging.INFO, "Handoff", ("from_agent", "to_agent"), ""),
    "guardrail_tripped": (logging.WARNING, "Output guardrail tripped", ("response_id", "item_id"), "message"),
    "input_guardrail_tripped": (logging.WARNING, "Input guardrail tripped", ("item_id",), "message"),
    "audio_interrupted": (logging.DEBUG, "Playback interrupted", ("item_id", "heard_ms"), ""),
    "error": (logging.WARNING, "Error in the session", (), "error"),
    "connection_status": (logging.DEBUG, "Connection", ("status",), ""),
    "connection_lost": (logging.WARNING, "Connection lost", (), "error"),
    "reconnecting": (logging.INFO, "Reconnecting", ("attempt", "delay_s"), ""),
    "reconnected": (logging.INFO, "Reconnected", ("attempt",), ""),
}
"""Type of a session event -> level, message, fields, and the field with user content."""


def _shown(value: Any) -> Any:
    """Return a value as it is, an agent or a tool by its name."""
    name = getattr(value, "name", None)
    return name if isinstance(name, str) else value
