"""What the query string of `/v1/realtime` asks for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from vivavoce.protocol import RealtimeSession, TranscriptionSession, present
from vivavoce.server.envelope import Refusal

if TYPE_CHECKING:
    from vivavoce.pipeline import SessionOptions
    from vivavoce.protocol import Session

__all__ = ["MAX_MODEL_CHARS", "session_options"]

MAX_MODEL_CHARS = 256
"""Longest model name that is taken."""


def session_options(
    query_string: bytes, defaults: SessionOptions, settings: Session | None = None
) -> SessionOptions | Refusal:
    """Return the options of the session that a connection asks for, or why it cannot have one.

    Any `model` is taken and shown back, because clients name the hosted models by default; Azure's spelling
    `deployment` means the same, and parameters the server has no use for (`api-version`) are ignored. What
    the session of a client secret is and which model it begins with was decided when the secret was made;
    stock clients name a model of their own in their first `session.update`, and may.

    Args:
        query_string: as it stands in the ASGI scope.
        defaults: the server's own options.
        settings: what the session of the connection's client secret begins with.
    """
    values = {name: last for name, (*_, last) in parse_qs(query_string.decode("latin-1")).items()}
    intent = values.get("intent", "realtime")
    if intent not in {"realtime", "transcription"}:
        return Refusal(
            400,
            f"Invalid intent {intent[:64]!r}. Supported values are: 'realtime', 'transcription'.",
            code="invalid_intent",
            param="intent",
        )
    of_secret = present(settings.model, None) if isinstance(settings, RealtimeSession) else None
    named = of_secret or values.get("model") or values.get("deployment")
    model = named or defaults.model
    if len(model) > MAX_MODEL_CHARS:
        return Refusal(
            400,
            f"The model name has {len(model)} characters; at most {MAX_MODEL_CHARS} are taken.",
            code="invalid_model",
            param="model",
        )
    transcribes = intent == "transcription"
    if settings is not None:
        transcribes = isinstance(settings, TranscriptionSession)
    return replace(
        defaults,
        model=model,
        model_named=bool(named) and of_secret is None,
        transcription_only=transcribes,
    )
