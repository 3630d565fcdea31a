"""Making client secrets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from openai.types.beta.realtime import SessionCreateResponse, TranscriptionSession
from openai.types.realtime import ClientSecretCreateResponse

from vivavoce.pipeline import SessionOptions
from vivavoce.protocol import FunctionTool, RealtimeSession, present
from vivavoce.server.rest.client_secrets import ClientSecretRoutes
from vivavoce.server.secrets import ClientSecrets
from vivavoce.testing import run

OPERATOR = "a key of the operator"
PATH = "/v1/realtime/client_secrets"
NOW = 1_700_000_000.5


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    original = ClientSecretRoutes.__init__

    def init(self: ClientSecretRoutes, desk: Any) -> None:
        original(self, desk, clock=lambda: NOW)

    monkeypatch.setattr(ClientSecretRoutes, "__init__", init)


@pytest.fixture
def home(house: Callable[..., Any]) -> Any:
    return house(
        api_keys=("shop=sk-1",), secret_keys=(OPERATOR,), session=SessionOptions(model="house-model")
    )


@pytest.mark.parametrize("body", [{}, None, {"session": None}, {"session": {"type": "realtime"}}])
def test_a_secret_without_wishes_is_for_the_servers_own_session(home: Any, body: Any) -> None:
    async def scenario() -> None:
        reply = (await home.ask("POST", PATH, "sk-1", json=body)).json()
        ClientSecretCreateResponse.model_validate(reply, strict=True)
        assert reply["expires_at"] == 1_700_000_600
        assert reply["client_secret"] == {"value": reply["value"], "expires_at": reply["expires_at"]}
        session = reply["session"]
        assert (session["type"], session["object"], session["model"]) == (
            "realtime",
            "realtime.session",
            "house-model",
        )
        assert session["id"].startswith("sess_")
        assert session["expires_at"] == 0
        secret = ClientSecrets([OPERATOR]).read(reply["value"])
        assert secret is not None
        assert (secret.key, secret.expires_at, secret.settings) == (
            "shop",
            1_700_000_600,
            RealtimeSession(),
        )

    run(scenario())


def test_the_secret_keeps_the_settings_and_the_reply_shows_their_effect(home: Any) -> None:
    async def scenario() -> None:
        tool = {"type": "function", "name": "weather", "description": "", "parameters": {"type": "object"}}
        settings = {
            "type": "realtime",
            "model": "gpt-realtime",
            "instructions": "Be brief.",
            "audio": {"output": {"voice": "cedar"}},
            "tools": [tool],
        }
        body = {"session": settings, "expires_after": {"anchor": "created_at", "seconds": 7200}}
        reply = (await home.ask("POST", PATH, "sk-1", json=body)).json()
        shown = ClientSecretCreateResponse.model_validate(reply, strict=True).session
        assert shown.type == "realtime"
        assert reply["expires_at"] == 1_700_007_200
        assert (shown.model, shown.instructions) == ("gpt-realtime", "Be brief.")
        assert reply["session"]["audio"]["output"] == {
            "format": {"type": "audio/pcm", "rate": 24000},
            "voice": "cedar",
            "speed": 1.0,
        }
        secret = ClientSecrets([OPERATOR]).read(reply["value"])
        assert secret is not None
        assert isinstance(secret.settings, RealtimeSession)
        assert present(secret.settings.tools, None) == [
            FunctionTool(name="weather", description="", parameters={"type": "object"})
        ]

    run(scenario())


def test_a_transcription_session_may_be_meant(home: Any) -> None:
    async def scenario() -> None:
        body = {"session": {"type": "transcription"}}
        reply = (await home.ask("POST", PATH, "sk-1", json=body)).json()
        ClientSecretCreateResponse.model_validate(reply, strict=True)
        assert reply["session"]["object"] == "realtime.transcription_session"

    run(scenario())


@pytest.mark.parametrize(
    ("session", "instructions"),
    [({"modalities": ["text"], "instructions": "Hi."}, "Hi."), ({"instructions": "Hi."}, "Hi.")],
)
def test_a_session_without_a_type_is_taken(home: Any, session: Any, instructions: str) -> None:
    async def scenario() -> None:
        reply = (await home.ask("POST", PATH, "sk-1", json={"session": session})).json()
        assert reply["session"]["instructions"] == instructions

    run(scenario())


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"sesion": {}}, "unknown_parameter", "sesion"),
        ({"session": {"type": "realtime", "voice": "x"}}, "unknown_parameter", "session.voice"),
        (
            {"session": {"type": "realtime", "prompt": {"id": "pmpt_1"}}},
            "prompt_not_found",
            "session.prompt.id",
        ),
        ({"session": {"type": "realtime", "model": "x" * 300}}, "invalid_model", "model"),
        ({"session": {"type": "other"}}, "invalid_value", "session.type"),
        ({"session": {"type": "translation"}}, "translation_not_supported", "session.type"),
        ({"session": []}, "invalid_type", "session"),
        ({"expires_after": 600}, "invalid_value", "expires_after"),
        ({"expires_after": {"anchor": "now"}}, "invalid_value", "expires_after.anchor"),
        ({"expires_after": {"seconds": 9}}, "invalid_value", "expires_after.seconds"),
        ({"expires_after": {"seconds": 7201}}, "invalid_value", "expires_after.seconds"),
        ({"expires_after": {"seconds": 60.0}}, "invalid_value", "expires_after.seconds"),
        ({"expires_after": {"seconds": True}}, "invalid_value", "expires_after.seconds"),
        ({"expires_after": {"minutes": 1}}, "unknown_parameter", "expires_after.minutes"),
    ],
)
def test_what_cannot_be_met_is_refused(home: Any, body: Any, code: str, param: str) -> None:
    async def scenario() -> None:
        assert await home.refused("POST", PATH, "sk-1", json=body) == (400, code, param)

    run(scenario())


def test_settings_too_long_for_a_token_are_refused(home: Any) -> None:
    async def scenario() -> None:
        instructions = "".join(chr(0x4E00 + (index * 7919) % 20_000) for index in range(8000))
        body = {"session": {"type": "realtime", "instructions": instructions}}
        assert await home.refused("POST", PATH, "sk-1", json=body) == (400, "invalid_value", "session")

    run(scenario())


def test_only_a_key_makes_secrets(home: Any) -> None:
    async def scenario() -> None:
        assert await home.refused("POST", PATH) == (401, "invalid_api_key", None)
        token = (await home.ask("POST", PATH, "sk-1")).json()["value"]
        assert await home.refused("POST", PATH, token) == (403, "client_secret_not_allowed", None)

    run(scenario())


def test_the_beta_makes_flat_sessions(home: Any) -> None:
    async def scenario() -> None:
        body = {
            "model": "gpt-4o-realtime-preview",
            "voice": "alloy",
            "temperature": 0.7,
            "modalities": ["text", "audio"],
            "client_secret": {"expires_after": {"anchor": "created_at", "seconds": 60}},
        }
        reply = (await home.ask("POST", "/v1/realtime/sessions", "sk-1", json=body)).json()
        SessionCreateResponse.model_validate(reply, strict=True)
        assert reply["client_secret"]["expires_at"] == 1_700_000_060
        assert (reply["voice"], reply["input_audio_format"]) == ("alloy", "pcm16")
        assert (reply["model"], reply["object"]) == ("gpt-4o-realtime-preview", "realtime.session")
        secret = ClientSecrets([OPERATOR]).read(reply["client_secret"]["value"])
        assert secret is not None
        assert isinstance(secret.settings, RealtimeSession)
        assert secret.settings.temperature == 0.7

    run(scenario())


def test_the_beta_makes_transcription_sessions(home: Any) -> None:
    async def scenario() -> None:
        body = {
            "input_audio_format": "g711_ulaw",
            "client_secret": {"expires_at": {"anchor": "created_at", "seconds": 30}},
        }
        path = "/v1/realtime/transcription_sessions"
        reply = (await home.ask("POST", path, "sk-1", json=body)).json()
        TranscriptionSession.model_validate(reply, strict=True)
        assert reply["client_secret"]["expires_at"] == 1_700_000_030
        assert reply["input_audio_format"] == "g711_ulaw"

    run(scenario())


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"client_secret": 5}, "client_secret"),
        ({"client_secret": {"expires_at": {}}}, "client_secret.expires_at"),
        ({"client_secret": {"expires_after": {"seconds": 1}}}, "client_secret.expires_after.seconds"),
    ],
)
def test_the_beta_is_told_what_is_wrong(home: Any, body: Any, param: str) -> None:
    async def scenario() -> None:
        answer = await home.refused("POST", "/v1/realtime/sessions", "sk-1", json=body)
        assert (answer[0], answer[2]) == (400, param)

    run(scenario())


def test_translations_are_not_supported(home: Any) -> None:
    async def scenario() -> None:
        path = "/v1/realtime/translations/client_secrets"
        assert await home.refused("POST", path, "sk-1", json={}) == (400, "translation_not_supported", None)

    run(scenario())
