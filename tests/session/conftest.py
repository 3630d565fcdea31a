"""A model that a test plays by hand, on the virtual clock: it hears what is sent and says what it likes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from vivavoce.agents import RealtimeAgent
from vivavoce.connections import ConnectionFailed, ConnectionStatus, RealtimeModel, RealtimeModelConfig
from vivavoce.errors import ConnectionLostError, VivavoceError
from vivavoce.protocol import ClientEvent
from vivavoce.protocol.codec import encode_text, server_event_from
from vivavoce.session import RealtimeRunner, RealtimeSession
from vivavoce.testing import run

CUT = ConnectionLostError("cut")
BACK_S = 1.0
"""Seconds after which a connection that can be had is there again."""


class HandModel(RealtimeModel):
    """The far end of a session, in the hands of a test.

    It can be connected again and again, one connection after the other.

    Attributes:
        sent: what the session sent on all connections, in its JSON form.
        lives: the same, for each connection.
        opens: answers like a server when a session opens.
        session: what it says of a session that it opens.
        accepts: answers `response.create` with `response.created`.
        echoes: shows items that were created or deleted like a server.
        refusals: what the next tries to connect raise.
        refuses_updates: what it says to settings that are changed later.
        frozen_s: takes nothing in, so that sending fails after so many seconds.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[dict[str, Any]] = []
        self.config: RealtimeModelConfig = {}
        self.lives: list[list[dict[str, Any]]] = []
        self.opens = True
        self.session: dict[str, Any] = {"type": "realtime"}
        self.accepts = True
        self.echoes = False
        self.refusals: list[Exception] = []
        self.refuses_updates: str | None = None
        self.frozen_s: float | None = None
        self.connected = False
        self.close_takes = 0.0
        self._responses = 0

    async def connect(self, config: RealtimeModelConfig) -> None:
        assert not self.connected, "connected twice"
        self.config = config
        if self.refusals:
            raise self.refusals.pop(0)
        self.connected = True
        self.lives.append([])
        self.emit(ConnectionStatus("connected"))
        if self.opens:
            self.say("session.created", session=self.session)

    async def send_event(self, event: ClientEvent) -> None:
        if self.frozen_s is not None:
            await asyncio.sleep(self.frozen_s)
            raise ConnectionLostError("the server has read nothing")
        if not self.connected:
            raise ConnectionLostError("gone")
        sent = json.loads(encode_text(event))
        self.sent.append(sent)
        self.lives[-1].append(sent)
        if event.type == "session.update" and self.opens:
            self._update(sent)
        if self.echoes and event.type == "conversation.item.create":
            self.say("conversation.item.added", item=sent["item"])
        if self.echoes and event.type == "conversation.item.delete":
            self.say("conversation.item.deleted", item_id=sent["item_id"])
        if event.type == "response.create" and self.accepts:
            self._responses += 1
            self.begin(f"r{self._responses}")

    def _update(self, sent: dict[str, Any]) -> None:
        if self.refuses_updates is not None and len(self.lives[-1]) > 1:
            error = {"type": "invalid_request_error", "message": self.refuses_updates}
            self.say("error", error=error | {"event_id": sent["event_id"]})
        else:
            self.say("session.updated", session=self.session | sent["session"])

    async def close(self) -> None:
        await asyncio.sleep(self.close_takes)
        if self.connected:
            self.connected = False
            self.emit(ConnectionStatus("disconnected"))

    def lose(self, error: VivavoceError | None = None) -> None:
        if error is not None:
            self.emit(ConnectionFailed(error))
        self.connected = False
        self.emit(ConnectionStatus("disconnected"))

    def say(self, kind: str, **fields: Any) -> None:
        self.emit(server_event_from({"type": kind, "event_id": "e", **fields}))

    def response(self, response_id: str, status: str, output: list[Any], **fields: Any) -> dict[str, Any]:
        return {
            "object": "realtime.response",
            "id": response_id,
            "status": status,
            "output": output,
            "conversation_id": "conv",
            **fields,
        }

    def begin(self, response_id: str) -> None:
        self.say("response.created", response=self.response(response_id, "in_progress", []))

    def done(
        self, response_id: str, output: list[Any] | None = None, status: str = "completed", **fields: Any
    ) -> None:
        self.say("response.done", response=self.response(response_id, status, output or [], **fields))

    def speak(self, response_id: str, item_id: str, words: str, ms: int) -> None:
        """Begin a spoken message and send `ms` of it."""
        item = {"type": "message", "id": item_id, "role": "assistant", "status": "in_progress", "content": []}
        part = {"response_id": response_id, "item_id": item_id, "output_index": 0, "content_index": 0}
        self.say("response.output_item.added", response_id=response_id, output_index=0, item=item)
        self.say("conversation.item.added", item=item)
        self.say("response.output_audio_transcript.delta", **part, delta=words)
        for _ in range(ms // 20):
            self.say("response.output_audio.delta", **part, delta="AAAA" * 320)

    def call(self, response_id: str, *calls: tuple[str, str, str]) -> None:
        """Call tools, each ``(call_id, name, arguments)``, and end the response."""
        items = [
            {
                "type": "function_call",
                "id": f"item_{call_id}",
                "call_id": call_id,
                "name": name,
                "arguments": arguments,
                "status": "completed",
            }
            for call_id, name, arguments in calls
        ]
        for item in items:
            self.say("response.output_item.done", response_id=response_id, output_index=0, item=item)
        self.done(response_id, items)

    def kinds(self) -> list[str]:
        return [event["type"] for event in self.sent]

    def told(self) -> list[str]:
        """Types of what the newest connection was told after its settings, items with what they say."""
        return [
            _short(event) for event in self.lives[-1] if event.get("event_id") != "vivavoce_session_update"
        ]

    def outputs(self) -> dict[str, str]:
        items = [event["item"] for event in self.sent if event["type"] == "conversation.item.create"]
        return {item["call_id"]: item["output"] for item in items if item["type"] == "function_call_output"}


def _short(event: dict[str, Any]) -> str:
    kind = str(event["type"]).rpartition(".")[2]
    if event["type"] != "conversation.item.create":
        return "append " + event["audio"] if kind == "append" else str(event["type"])
    item = event["item"]
    if item["type"] != "message":
        return str(item["type"])
    return f"{item['role']}: " + " ".join(part.get("text", part["type"]) for part in item["content"])


class Stage:
    """A session with a hand-played model, and every event it published."""

    def __init__(self, session: RealtimeSession, model: HandModel) -> None:
        self.session = session
        self.model = model
        self.events: list[Any] = []

    async def read(self) -> None:
        async for event in self.session:
            self.events.append(event)

    async def settle(self, seconds: float = 0.1) -> None:
        await asyncio.sleep(seconds)

    def of(self, kind: str) -> list[Any]:
        return [event for event in self.events if event.type == kind]

    def kinds(self) -> list[str]:
        return [str(event.type) for event in self.events]


def echoing(**session: Any) -> HandModel:
    model = HandModel()
    model.echoes = True
    model.session = {"type": "realtime", **session}
    return model


async def lose(stage: Stage, seconds: float = BACK_S) -> None:
    stage.model.lose(CUT)
    await stage.settle(seconds)


Play = Callable[[Stage], Coroutine[Any, Any, None]]


@pytest.fixture
def perform() -> Callable[..., None]:
    """Run a test's play on a fresh stage: ``perform(play, agent=…, config=…, context=…)``."""

    def stage(
        play: Play,
        agent: RealtimeAgent[Any] | None = None,
        *,
        config: Any = None,
        context: Any = None,
        model_config: Any = None,
        model: HandModel | None = None,
    ) -> None:
        async def main() -> None:
            far_end = model or HandModel()
            runner = RealtimeRunner(agent or RealtimeAgent[Any]("Ada"), model=far_end, config=config)
            session = await runner.run(context=context, model_config=model_config)
            here = Stage(session, far_end)
            async with session:
                reader = asyncio.ensure_future(here.read())
                await here.settle(0)
                await play(here)
                await here.settle()
            await reader

        run(main())

    return stage


@pytest.fixture
def hand_model() -> HandModel:
    return HandModel()
