"""Server processes that are killed, frozen and started again, on real sockets and the real clock."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from vivavoce.agents import RealtimeAgent, function_tool
from vivavoce.conversation.client_history import text_of
from vivavoce.errors import ConnectionLostError
from vivavoce.protocol import FunctionCallOutputItem, Item, MessageItem
from vivavoce.session import RealtimeRunner, RealtimeSession

ClosedSoon = Callable[[RealtimeSession], Coroutine[Any, Any, None]]

SERVER = """
import asyncio, json, sys
from dataclasses import replace
from vivavoce.engines.base import FunctionCallDelta
from vivavoce.engines.scripted import Pause, scripted_engines
from vivavoce.server import ServerConfig, serve

def piece(form):
    kind, value = form
    return {"say": str, "pause": Pause, "call": lambda name: FunctionCallDelta(0, name, "{}")}[kind](value)

answers = [[piece(form) for form in answer] for answer in json.loads(sys.argv[2])]
config = replace(ServerConfig(), port=int(sys.argv[1]))
engines = scripted_engines(answers=answers, word_ms=int(sys.argv[3]))
asyncio.run(serve(config, engines=engines, on_ready=lambda url: print(url, flush=True)))
"""
WORD_MS = 400
QUICK = {"first_delay_s": 0.05, "longest_delay_s": 0.2, "attempts": 200}
IMPATIENT = {"ping_interval": 0.1, "ping_timeout": 0.2, "handshake_timeout": 0.5, "send_timeout": 0.5}


@contextmanager
def server(*answers: list[tuple[str, Any]], port: int = 0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a server with a script of its own; yields its process and its URL."""
    command = [sys.executable, "-c", SERVER, str(port), json.dumps(answers), str(WORD_MS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


async def open_session(
    agent: RealtimeAgent[Any], url: str, reconnect: Mapping[str, Any] = QUICK
) -> RealtimeSession:
    runner = RealtimeRunner(agent, model=url, config={"reconnect": dict(reconnect)})
    session = await runner.run(model_config={"transport": IMPATIENT})
    await session.enter()
    return session


async def until(session: RealtimeSession, kind: str, count: int = 1) -> list[Any]:
    """Read events up to the last of so many of a kind."""
    events: list[Any] = []
    async with asyncio.timeout(15):
        async for event in session:
            events.append(event)
            if sum(seen.type == kind for seen in events) == count:
                break
    return events


def said(items: list[Item]) -> list[str]:
    messages = [item for item in items if isinstance(item, MessageItem)]
    return [" ".join(map(text_of, item.content)).strip() for item in messages]


def test_a_server_killed_amid_an_answer_is_followed_by_the_next(closed_soon: ClosedSoon) -> None:
    async def main() -> None:
        cut_off: list[tuple[str, Any]] = [
            ("say", "Oslo is the capital. "),
            ("pause", 60),
            ("say", "It rains."),
        ]
        with server(cut_off) as (process, url):
            session = await open_session(RealtimeAgent[Any]("Ada"), url)
            await session.send_message("Tell me about Oslo.")
            heard = 0
            while heard < 4 * WORD_MS * 48:
                heard += len((await until(session, "audio"))[-1].audio.data)
            process.kill()
            lost = [event.type for event in await until(session, "reconnecting")]
            assert lost.count("connection_lost") == 1
        with server([("say", "Where was I?")], [("say", "Yes.")], port=port_of(url)):
            await until(session, "reconnected")
            await until(session, "agent_end")  # of the answer that was owed
            await session.send_message("Are you there?")
            await until(session, "agent_end")
            assert said(session.history) == [
                "Tell me about Oslo.",
                "Oslo is the capital.",
                "Where was I?",
                "Are you there?",
                "Yes.",
            ]
            await closed_soon(session)

    asyncio.run(main())


def test_a_call_outlives_the_server_that_made_it(closed_soon: ClosedSoon) -> None:
    async def main() -> None:
        go = asyncio.Event()
        ran: list[str] = []

        @function_tool
        async def look_up() -> str:
            """Look it up."""
            ran.append("once")
            await go.wait()
            return "forty-two"

        with server([("call", "look_up")]) as (process, url):
            session = await open_session(RealtimeAgent[Any]("Ada", tools=[look_up]), url)
            await session.send_message("Look it up.")
            await until(session, "tool_start")
            process.kill()
            await until(session, "connection_lost")
        go.set()
        with server([("say", "It is forty-two.")], port=port_of(url)):
            await until(session, "reconnected")
            await until(session, "agent_end")
            assert said(session.history) == ["Look it up.", "It is forty-two."]
            outputs = [item.output for item in session.history if isinstance(item, FunctionCallOutputItem)]
            assert (outputs, ran) == (["forty-two"], ["once"])
            await closed_soon(session)

    asyncio.run(main())


def test_a_frozen_server_that_thaws_is_found_again(closed_soon: ClosedSoon) -> None:
    async def main() -> None:
        with server([("say", "Good day.")], [("say", "Good day again.")]) as (process, url):
            session = await open_session(RealtimeAgent[Any]("Ada"), url)
            await session.send_message("Hello?")
            await until(session, "agent_end")
            process.send_signal(signal.SIGSTOP)
            await session.send_message("Still there?")
            await until(session, "connection_lost")
            await until(session, "reconnecting", 2)  # the kernel still takes connections for it
            process.send_signal(signal.SIGCONT)
            await until(session, "reconnected")
            await until(session, "agent_end")
            assert said(session.history)[:3] == ["Hello?", "Good day.", "Still there?"]
            assert len(session.history) == 4
            await closed_soon(session)

    asyncio.run(main())


@pytest.mark.parametrize("waits", [True, False], ids=["gives up", "closed before"])
def test_a_server_that_stays_frozen_is_given_up(closed_soon: ClosedSoon, waits: bool) -> None:
    async def main() -> None:
        with server() as (process, url):
            session = await open_session(RealtimeAgent[Any]("Ada"), url, {**QUICK, "attempts": 2})
            process.send_signal(signal.SIGSTOP)
            await session.send_audio(bytes(4800))
            if waits:
                async with asyncio.timeout(15):
                    events = [event async for event in session]
                assert [event.type for event in events].count("reconnecting") == 2
                (error,) = [event.error for event in events if event.type == "error"]
                assert isinstance(error, ConnectionLostError)
            await closed_soon(session)
            process.send_signal(signal.SIGCONT)

    asyncio.run(main())
