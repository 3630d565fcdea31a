"""Sessions with a connection of the test's own, and what may stand between the two."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from vivavoce.engines.registry import EngineChoice, build_engines
from vivavoce.pipeline import SessionOptions
from vivavoce.protocol import ServerEvent
from vivavoce.server import Limits, ServerConfig
from vivavoce.server.auth import Caller
from vivavoce.server.carrier import Guest
from vivavoce.server.keys import ApiKeys
from vivavoce.server.sessions import HostedSession, Sessions

LAB = Guest(caller=Caller("lab"), request_id="req_1")


class Wire:
    """A connection that takes everything and is open until somebody closes it."""

    def __init__(self) -> None:
        self.events: list[ServerEvent] = []
        self.on_writable: Callable[[], None] = lambda: None
        self.close_code: int | None = None
        self.closing: tuple[int, str] | None = None
        self.writable = True
        self._over = asyncio.Event()

    @property
    def types(self) -> list[str]:
        return [str(event.type) for event in self.events]

    def send(self, events: Sequence[ServerEvent]) -> None:
        self.events.extend(events)

    def close(self, code: int, reason: str = "") -> None:
        if self.closing is None:
            self.closing, self.close_code = (code, reason), code
            self._over.set()

    def peer_gone(self, code: int) -> None:
        self.close_code = code
        self._over.set()

    async def run(self) -> None:
        await self._over.wait()


class Between:
    """Stands between a session and its hub and writes down what passes."""

    def __init__(self, sink: Any) -> None:
        self.sink = sink
        self.passed: list[str] = []
        self.closed = 0

    def attach(self, session: Any) -> None:
        self.session = session
        self.id = session.id

    @property
    def on_end(self) -> Any:
        return self.session.on_end

    @on_end.setter
    def on_end(self, told: Any) -> None:
        self.session.on_end = told

    @property
    def writable(self) -> bool:
        return bool(self.sink.writable)

    def send(self, events: Sequence[Any]) -> None:
        self.passed += [f"S {event.type}" for event in events]
        self.sink.send(events)

    def start(self) -> None:
        self.session.start()

    def receive(self, event: Any) -> None:
        self.passed.append(f"C {event.type}")
        self.session.receive(event)

    def receive_error(self, error: Any) -> None:
        self.session.receive_error(error)

    def resume(self) -> None:
        self.session.resume()

    async def aclose(self) -> None:
        self.closed += 1
        await self.session.aclose()


def sessions(engines: Any = None, **options: Any) -> Sessions:
    """Sessions of a server on bench engines, unless others are given; nobody is asked for a key."""
    config = ServerConfig(limits=options.pop("limits", Limits()))
    engines = engines or build_engines(EngineChoice(preset="bench"))
    return Sessions(engines, config, ApiKeys(), cpus=1, **options)


def entered(house: Sessions, caller: Caller = LAB.caller) -> SessionOptions:
    options = house.enter(caller, b"model=m")
    assert isinstance(options, SessionOptions)
    return options


def opened(house: Sessions, wire: Wire, **options: Any) -> HostedSession:
    return house.open(wire, LAB, entered(house), **options)
