"""What the query string asks for."""

from __future__ import annotations

import pytest

from vivavoce.pipeline import SessionOptions
from vivavoce.protocol import RealtimeSession, Session, TranscriptionSession
from vivavoce.server.envelope import Refusal
from vivavoce.server.query import MAX_MODEL_CHARS, session_options

DEFAULTS = SessionOptions(model="house-model", max_session_s=60.0)


@pytest.mark.parametrize(
    ("query", "model"),
    [
        (b"", "house-model"),
        (b"model=gpt-realtime", "gpt-realtime"),
        (b"model=", "house-model"),
        (b"api-version=2025-04-01-preview&deployment=mine", "mine"),
        (b"model=first&deployment=second", "first"),
        (b"intent=realtime&model=a%20b", "a b"),
    ],
)
def test_the_model_is_taken_from_the_query(query: bytes, model: str) -> None:
    options = session_options(query, DEFAULTS)
    assert isinstance(options, SessionOptions)
    assert options.model == model
    assert options.max_session_s == 60.0
    assert not options.transcription_only


@pytest.mark.parametrize(("query", "named"), [(b"", False), (b"model=m", True), (b"deployment=d", True)])
def test_who_names_no_model_may_do_so_later(query: bytes, named: bool) -> None:
    options = session_options(query, DEFAULTS)
    assert isinstance(options, SessionOptions)
    assert options.model_named is named


def test_the_intent_chooses_transcription() -> None:
    options = session_options(b"intent=transcription", DEFAULTS)
    assert isinstance(options, SessionOptions)
    assert options.transcription_only


@pytest.mark.parametrize(
    ("query", "status", "code", "param"),
    [
        (b"intent=translation", 400, "invalid_intent", "intent"),
        (b"model=" + b"x" * (MAX_MODEL_CHARS + 1), 400, "invalid_model", "model"),
    ],
)
def test_what_the_server_cannot_do_is_refused(query: bytes, status: int, code: str, param: str) -> None:
    refusal = session_options(query, DEFAULTS)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code, refusal.param) == (status, code, param)


@pytest.mark.parametrize(
    ("settings", "model", "transcribes"),
    [
        (RealtimeSession(model="of-secret"), "of-secret", False),
        (RealtimeSession(), "gpt-realtime", False),
        (TranscriptionSession(), "gpt-realtime", True),
    ],
)
def test_a_client_secret_has_decided_before_the_query(
    settings: Session, model: str, transcribes: bool
) -> None:
    options = session_options(b"model=gpt-realtime&intent=transcription", DEFAULTS, settings)
    assert isinstance(options, SessionOptions)
    assert (options.model, options.transcription_only) == (model, transcribes)
    assert options.model_named is (model == "gpt-realtime")
