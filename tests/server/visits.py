"""Connections to the endpoint as an ASGI server would offer them, on the clock of the test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from vivavoce.engines.registry import EngineChoice, build_engines
from vivavoce.server import ServerConfig
from vivavoce.server.auth import Caller, Guard
from vivavoce.server.envelope import Refusal
from vivavoce.server.realtime import RealtimeEndpoint
from vivavoce.server.sessions import Sessions


class Handshake:
    """One connection to an endpoint as its ASGI server would offer it, on the clock of the test."""

    def __init__(self, query: str = "", **headers: str) -> None:
        self.scope: dict[str, Any] = {
            "type": "websocket",
            "path": "/v1/realtime",
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 5),
            "extensions": {"websocket.http.response": {}},
        }
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: list[Any] = []
        self.say({"type": "websocket.connect"})

    def say(self, message: dict[str, Any]) -> None:
        self.inbox.put_nowait(message)

    def say_event(self, event: dict[str, Any]) -> None:
        self.say({"type": "websocket.receive", "text": json.dumps(event)})

    def leave(self) -> None:
        self.say({"type": "websocket.disconnect", "code": 1000})

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def visit(self, endpoint: RealtimeEndpoint) -> None:
        await endpoint(self.scope, self.inbox.get, self.send)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(message["text"]) for message in self.sent if message["type"] == "websocket.send"]

    @property
    def close(self) -> tuple[int, str]:
        (message,) = [message for message in self.sent if message["type"] == "websocket.close"]
        return message["code"], message["reason"]

    @property
    def status(self) -> int | None:
        return next((message["status"] for message in self.sent if "status" in message), None)


class Keyring(Guard):
    """Lets everybody in as the caller that the test wants."""

    def __init__(self, caller: Caller) -> None:
        super().__init__()
        self._caller = caller

    def admit(self, scope: Any, *, secrets: bool = True) -> Caller | Refusal:
        return self._caller


def endpoint_for(caller: Caller | None = None, engines: Any = None, **options: Any) -> RealtimeEndpoint:
    config = options.pop("config", ServerConfig())
    guard = Keyring(caller or Caller(None))
    engines = engines or build_engines(EngineChoice(preset="bench"))
    sessions = Sessions(engines, config, guard.keys, cpus=1, **options)
    return RealtimeEndpoint(sessions, guard, config.limits)


class Reluctant(Handshake):
    """Accepts the connection and then reads nothing, or has its way in delayed by `on_accept`."""

    on_accept: Callable[[], Awaitable[None]] | None = None

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.send" and self.on_accept is None:
            await asyncio.Event().wait()
        if message["type"] == "websocket.accept" and self.on_accept is not None:
            await self.on_accept()
        await super().send(message)
