"""What a session would be that began with given settings."""

from __future__ import annotations

from typing import cast

import pytest

from vivavoce.engines.registry import EngineChoice, build_local_engines
from vivavoce.engines.speech_model import SpeechModel
from vivavoce.errors import RemoteProtocolError
from vivavoce.pipeline import SessionOptions
from vivavoce.protocol import (
    AudioOutput,
    McpTool,
    Prompt,
    RealtimeSession,
    SessionAudio,
    TranscriptionSession,
)
from vivavoce.server.envelope import RefusedError
from vivavoce.server.rest.opening import opening_session

ENGINES = build_local_engines(EngineChoice(preset="bench"))
DEFAULTS = SessionOptions(model="house-model", instructions="Be kind.")


class Upstream:
    """A model of which nothing is known before a session is opened."""


def test_settings_stand_over_the_defaults() -> None:
    session = opening_session(ENGINES, DEFAULTS, RealtimeSession(instructions="Be brief."))
    assert isinstance(session, RealtimeSession)
    assert (session.model, session.instructions, session.expires_at) == ("house-model", "Be brief.", 0)
    assert isinstance(opening_session(ENGINES, DEFAULTS, TranscriptionSession()), TranscriptionSession)


def test_what_cannot_be_met_is_refused() -> None:
    prompt = RealtimeSession(prompt=Prompt(id="pmpt_1"))
    with pytest.raises(RemoteProtocolError, match="prompt") as caught:
        opening_session(ENGINES, DEFAULTS, prompt)
    assert caught.value.param == "session.prompt.id"
    with pytest.raises(RefusedError, match="300 characters"):
        opening_session(ENGINES, DEFAULTS, RealtimeSession(model="x" * 300))


def test_of_a_speech_model_nothing_is_checked_ahead() -> None:
    upstream: SpeechModel = Upstream()  # type: ignore[assignment]
    voice = RealtimeSession(audio=SessionAudio(output=AudioOutput(voice="nobody")))
    session = opening_session(upstream, DEFAULTS, voice)
    assert isinstance(session, RealtimeSession)
    assert isinstance(session.audio, SessionAudio)
    assert isinstance(session.audio.output, AudioOutput)
    assert session.audio.output.voice == "nobody"
    assert session.expires_at == 0


def test_no_keys_of_mcp_servers_are_shown() -> None:
    tool = McpTool(server_label="shop", server_url="https://shop.example/mcp", authorization="sk")
    for engines in (ENGINES, cast(SpeechModel, Upstream())):
        session = opening_session(engines, DEFAULTS, RealtimeSession(tools=[tool]))
        assert isinstance(session, RealtimeSession)
        assert session.tools == [McpTool(server_label="shop", server_url="https://shop.example/mcp")]
