"""Whose server it is, which model is asked for, and a differential test against the server itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from vivavoce.connections.transport import TransportOptions
from vivavoce.connections.upstream import UpstreamRealtime
from vivavoce.conversation.options import SessionOptions
from vivavoce.engines.configured import configured
from vivavoce.engines.speech_model import ServedSession, SpeechModel
from vivavoce.errors import ConfigurationError
from vivavoce.protocol import (
    RealtimeSession,
    Session,
    TranscriptionSession,
    decode_client_event,
    encode_text,
)
from vivavoce.testing import ScriptedRealtimeModel, ScriptedServer

OPTIONS = SessionOptions(model="asked")


class Client:
    """A sink that says when something came."""

    writable = True

    def __init__(self) -> None:
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def send(self, events: Sequence[Any]) -> None:
        for event in events:
            self.events.put_nowait(json.loads(encode_text(event)))

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(5):
            return await self.events.get()


def asked_for(model: Any, options: SessionOptions = OPTIONS, settings: Session | None = None) -> Any:
    """Return path, headers and first frames of the connection that a session makes."""
    seen: list[Any] = []

    async def handler(socket: ServerConnection) -> None:
        assert socket.request is not None
        seen.append(socket.request.path)
        seen.append(socket.request.headers)
        form = {"type": "transcription" if "intent=" in socket.request.path else "realtime"}
        created = {"type": "session.created", "event_id": "e", "session": {**form, "model": "theirs"}}
        await socket.send(json.dumps(created))
        async for frame in socket:
            seen.append(json.loads(frame))
            await socket.send(json.dumps(created | {"type": "session.updated"}))

    async def main() -> None:
        async with serve(handler, "127.0.0.1", 0, close_timeout=0.1) as server:
            port = server.sockets[0].getsockname()[1]
            client = Client()
            session = model(f"ws://127.0.0.1:{port}").open(client, options, settings)
            session.start()
            event = await client.next()
            assert event["type"] == "session.created", event
            seen.append(event["session"].get("model"))
            await session.aclose()

    asyncio.run(main())
    return seen


@pytest.mark.parametrize(
    ("fields", "options", "path", "shown"),
    [
        ({}, OPTIONS, "/v1/realtime?model=asked", "asked"),
        ({"model": "fixed"}, OPTIONS, "/v1/realtime?model=fixed", "asked"),
        ({"model": "fixed", "models": {"asked": "its"}}, OPTIONS, "/v1/realtime?model=its", "asked"),
        ({}, SessionOptions(model_named=False), "/v1/realtime?model=gpt-realtime", "theirs"),
        ({"model": "fixed"}, SessionOptions(model_named=False), "/v1/realtime?model=fixed", "theirs"),
        ({}, SessionOptions(model="mine", model_named=False), "/v1/realtime?model=mine", "theirs"),
        ({}, replace(OPTIONS, transcription_only=True), "/v1/realtime?intent=transcription", "asked"),
    ],
)
def test_which_model_is_asked_for_and_which_is_shown(
    fields: Any, options: SessionOptions, path: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    seen = asked_for(lambda url: UpstreamRealtime(url, **fields), options)
    assert seen[0] == path
    assert seen[-1] == shown


def test_a_key_may_name_the_model_and_bring_settings() -> None:
    options = replace(OPTIONS, model_named=False)
    settings = RealtimeSession(model="of-key", output_modalities=["text"])
    seen = asked_for(UpstreamRealtime, options, settings)
    assert seen[0] == "/v1/realtime?model=of-key"
    assert seen[2]["session"] == {"type": "realtime", "output_modalities": ["text"]}
    seen = asked_for(UpstreamRealtime, OPTIONS, TranscriptionSession(include=None))
    assert seen[0] == "/v1/realtime?intent=transcription"


def test_the_key_and_the_headers_are_the_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-others")
    headers = asked_for(lambda url: UpstreamRealtime(url, headers={"X-Own": "1"}))[1]
    assert "Authorization" not in headers
    assert headers["X-Own"] == "1"
    headers = asked_for(lambda url: UpstreamRealtime(url, api_key="sk-theirs"))[1]
    assert headers["Authorization"] == "Bearer sk-theirs"


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("", "/openai/v1/realtime?model=asked"),
        ("/openai/v1", "/openai/v1/realtime?model=asked"),
        (
            "/openai/realtime?api-version=2025-04-01-preview",
            "/openai/realtime?api-version=2025-04-01-preview&deployment=asked",
        ),
    ],
)
def test_azure_has_two_forms(path: str, asked: str) -> None:
    seen = asked_for(lambda url: UpstreamRealtime(url + path, provider="azure", api_key="k"))
    assert seen[0] == asked
    assert seen[1]["api-key"] == "k"
    assert "Authorization" not in seen[1]


def test_it_is_a_speech_model_that_needs_no_closing() -> None:
    model = UpstreamRealtime("ws://u:secret@127.0.0.1:1", model="m")
    assert isinstance(model, SpeechModel)
    assert model.cost.cores > 0
    assert model.names == {"speech_model": "upstream ws://127.0.0.1:1"}
    assert UpstreamRealtime(provider="azure").names == {"speech_model": "upstream azure"}

    async def main() -> None:
        await model.prewarm()
        session = model.open(Client(), OPTIONS)
        assert session.id.startswith("sess_")
        await session.aclose()
        await model.aclose()

    asyncio.run(main())


def test_what_cannot_work_is_said_before_the_first_session(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError, match=r"speech model 'upstream' .*api_key_env.*OPENAI_API_KEY"):
        asyncio.run(UpstreamRealtime().prewarm())


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"url": "ftp://x"}, "no URL of a realtime server"),
        ({"provider": "nobody"}, "provider must be 'openai' or 'azure'"),
        ({"connect_s": 0}, "must be above 0"),
    ],
)
def test_what_is_no_option_is_refused(fields: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        UpstreamRealtime(**fields)


def test_an_operator_may_write_it_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THEIR_KEY", "sk-theirs")
    options = {
        "url": "ws://127.0.0.1:1",
        "models": {"gpt-realtime": "theirs"},
        "api_key_env": "THEIR_KEY",
        "connect_s": 3,
        "transport": {"send_s": 2.0},
    }
    model = configured(UpstreamRealtime, options, "speech_model 'upstream'")
    assert model.upstream_name("gpt-realtime") == "theirs"
    assert model.upstream_name("other") == "other"
    with pytest.raises(ConfigurationError, match="has no option 'modell'"):
        configured(UpstreamRealtime, {"modell": "x"}, "speech_model 'upstream'")


def test_the_limits_of_the_socket_may_be_given() -> None:
    own = UpstreamRealtime("ws://127.0.0.1:1", transport=TransportOptions(send_s=3.0), connect_s=2.0)
    assert own._transport == TransportOptions(send_s=3.0, connect_s=2.0)


PROGRAM: list[dict[str, Any]] = [
    {"type": "session.update", "session": {"type": "realtime", "instructions": "Be brief."}},
    {
        "type": "conversation.item.create",
        "event_id": "one",
        "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi."}]},
    },
    {"type": "response.create"},
]


def test_a_model_behind_it_says_what_it_says_itself() -> None:
    async def talk(session_of: Any) -> list[Any]:
        client = Client()
        session: ServedSession = session_of(client)
        session.start()
        told = [await client.next()]
        for form in PROGRAM:
            session.receive(decode_client_event(json.dumps(form)))
        while told[-1]["type"] != "response.done":
            told.append(await client.next())
        await session.aclose()
        return told

    async def main() -> list[Any]:
        async with ScriptedServer(ScriptedRealtimeModel(["Good day."])) as server:
            model = UpstreamRealtime(server.url)
            told = await talk(lambda client: model.open(client, OPTIONS))
            assert [frame["type"] for frame in server.received] == [form["type"] for form in PROGRAM]
            return told

    told = [event["type"] for event in asyncio.run(main())]
    assert told[:2] == ["session.created", "session.updated"]
    assert told[-1] == "response.done"
    assert "response.output_audio.delta" in told
