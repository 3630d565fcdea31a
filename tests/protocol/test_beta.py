"""The tables of the beta dialect, and how its clients are told apart."""

from __future__ import annotations

from typing import Any

import pytest
from openai.types.beta.realtime import session_update_event, transcription_session_update
from openai.types.beta.realtime.response_create_event import Response

from vivavoce.protocol.beta import (
    RESPONSE_FIELDS,
    SESSION_FIELDS,
    TRANSCRIPTION_SESSION_FIELDS,
    asks_for_beta,
    place,
)

SAME_AS_GA = {"instructions", "tools", "tool_choice", "tracing", "model", "conversation", "input", "metadata"}


@pytest.mark.parametrize(
    ("oracle", "fields", "elsewhere"),
    [
        (session_update_event.Session, SESSION_FIELDS, {"temperature", "client_secret"}),
        (
            transcription_session_update.Session,
            TRANSCRIPTION_SESSION_FIELDS,
            {"include", "modalities", "client_secret"},
        ),
        (Response, RESPONSE_FIELDS, {"temperature"}),
    ],
)
def test_every_field_of_the_beta_has_its_place(oracle: Any, fields: Any, elsewhere: set[str]) -> None:
    assert set(oracle.model_fields) - set(fields) - SAME_AS_GA == elsewhere


def test_a_member_is_placed_beside_those_that_are_there() -> None:
    form: dict[str, Any] = {"audio": {"output": {"voice": "ash"}}}
    place(form, ("audio", "output", "speed"), 1.5)
    place(form, ("audio", "input", "format"), "f")
    place(form, ("tools",), [])
    assert form == {
        "audio": {"output": {"voice": "ash", "speed": 1.5}, "input": {"format": "f"}},
        "tools": [],
    }


@pytest.mark.parametrize(
    ("raw", "beta"),
    [
        ({"type": "session.update", "session": {"modalities": ["text"]}}, True),
        ({"type": "session.update", "session": {"temperature": 0.8, "instructions": "x"}}, True),
        ({"type": "session.update", "session": {"turn_detection": None}}, True),
        ({"type": "transcription_session.update", "session": {}}, True),
        ({"type": "response.create", "response": {"modalities": ["text"]}}, True),
        ({"type": "session.update", "session": {"type": "realtime", "modalities": ["text"]}}, False),
        ({"type": "session.update", "session": {"instructions": "x"}}, False),
        ({"type": "session.update", "session": {"max_output_tokens": 1}}, False),
        ({"type": "session.update", "session": []}, False),
        ({"type": "session.update"}, False),
        ({"type": "response.create"}, False),
        ({"type": "response.create", "response": {"max_output_tokens": 1}}, False),
        ({"type": "input_audio_buffer.commit", "session": {"modalities": []}}, False),
        ([], False),
    ],
)
def test_only_the_beta_would_say_that(raw: object, beta: bool) -> None:
    assert asks_for_beta(raw) is beta
