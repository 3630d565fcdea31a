"""A speech model of somebody else's, who has not imported a word of vivavoce, behind this server."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from vivavoce.connections.upstream import UpstreamRealtime
from vivavoce.engines.base import EngineCost, Engines
from vivavoce.engines.scripted import scripted_engines
from vivavoce.engines.speech_model import SpeechModel
from vivavoce.pipeline import LocalSession, SessionOptions
from vivavoce.protocol import decode_client_event, encode_text, server_event_from
from vivavoce.server.hub import open_session


class Parrot:
    """Says back what it is sent."""

    id: str = "sess_parrot"
    on_end: Any = None

    def __init__(self, sink: Any, options: Any, settings: Any) -> None:
        self.sink = sink
        self.begins_with = (options.model, settings)
        self.closed = 0

    def start(self) -> None:
        session = {"type": "realtime", "id": self.id, "model": "parrot"}
        self.say({"type": "session.created", "session": session})

    def receive(self, event: Any) -> None:
        self.say({"type": "heard." + event.type})

    def receive_error(self, error: Any) -> None:
        self.say({"type": "error", "error": {"type": "invalid_request_error", "message": error.message}})

    def resume(self) -> None:
        self.say({"type": "resumed"})

    async def aclose(self) -> None:
        self.closed += 1

    def say(self, form: dict[str, Any]) -> None:
        self.sink.send([server_event_from({"event_id": "e", **form})])


class Aviary:
    cost = EngineCost(cores=0.1)
    names: dict[str, Any] = {"speech_model": "parrot"}  # noqa: RUF012

    async def prewarm(self) -> None:
        """Nothing to load."""

    def open(self, sink: Any, options: Any, settings: Any = None) -> Parrot:
        return Parrot(sink, options, settings)

    async def aclose(self) -> None:
        """Nothing is held."""


class Told:
    writable = True

    def __init__(self) -> None:
        self.kinds: list[str] = []

    def send(self, events: Any) -> None:
        self.kinds += [json.loads(encode_text(event))["type"] for event in events]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (Aviary(), True),
        (UpstreamRealtime("ws://127.0.0.1:1"), True),
        (scripted_engines(), False),
        (object(), False),
    ],
)
def test_a_speech_model_is_known_by_what_it_can_do(model: object, expected: bool) -> None:
    assert isinstance(model, SpeechModel) is expected


def test_a_model_of_anybodys_gives_the_sessions_of_a_server() -> None:
    async def main() -> None:
        sink = Told()
        session: Any = open_session(Aviary(), sink, SessionOptions(model="asked"), None)
        assert session.begins_with == ("asked", None)
        session.start()
        session.receive(decode_client_event('{"type":"response.create"}'))
        session.resume()
        await session.aclose()
        assert sink.kinds == ["session.created", "heard.response.create", "resumed"]
        assert session.closed == 1

    asyncio.run(main())


def test_engines_give_sessions_of_our_own() -> None:
    async def main() -> None:
        engines: Engines | SpeechModel = scripted_engines()
        session = open_session(engines, Told(), SessionOptions(), None)
        assert isinstance(session, LocalSession)
        await session.aclose()

    asyncio.run(main())
