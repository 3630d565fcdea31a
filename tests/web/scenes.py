"""A program that takes calls, and a page that has called: whole calls over loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from tests.web.pages import LOCAL, Page, page

from vivavoce import (
    RealtimeAgent,
    RealtimeRunner,
)
from vivavoce.protocol import MessageItem, OutputAudio
from vivavoce.session.session import RealtimeSession
from vivavoce.testing import (
    Answer,
    local_test_model,
)
from vivavoce.web import BrowserCalls, CallOptions

PATH = "/voice/calls"
WORD_MS = 100
COUNTING = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
TRANSCRIBED = {"input_audio_transcription": {"model": "any"}}
SHORT = "one two three four"


@dataclass
class House:
    """What a scene has: the routes' owner, the browser's way in, and the sessions that were begun."""

    calls: BrowserCalls
    web: httpx.AsyncClient
    sessions: list[RealtimeSession]

    async def gone(self) -> None:
        """Wait until no call is left."""
        if self.calls._carrying:
            await asyncio.wait(self.calls._carrying, timeout=5)
        assert self.calls.calls == []


def of_header(request: Request) -> str | None:
    return request.headers.get("x-user", "ada")


@asynccontextmanager
async def house(
    answers: Sequence[Answer | str] = (SHORT,),
    *,
    agent: RealtimeAgent[Any] | None = None,
    hears: Sequence[str] = (),
    options: CallOptions | None = None,
    model: Any = None,
    **more: Any,
) -> AsyncIterator[House]:
    agent = agent or RealtimeAgent(name="Ada", instructions="Never give discounts.")
    answering = model or (lambda: local_test_model(answers, hears=hears, word_ms=WORD_MS))
    sessions: list[RealtimeSession] = []
    on_session = more.pop("on_session", None)

    def begun(session: RealtimeSession, user: Any) -> Any:
        sessions.append(session)
        return None if on_session is None else on_session(session, user)

    calls = BrowserCalls(
        RealtimeRunner(agent, model=answering, config={"model_settings": TRANSCRIBED}),
        authorize=of_header,
        on_session=begun,
        options=options or CallOptions(rtc=LOCAL),
        **more,
    )
    transport = httpx.ASGITransport(app=Starlette(routes=calls.routes(PATH)))
    async with calls, httpx.AsyncClient(transport=transport, base_url="http://shop.example") as web:
        yield House(calls, web, sessions)


def play(scene: Callable[[House, Page], Awaitable[None]], *answers: Answer | str, **more: Any) -> None:
    """Play a scene of one house and one page that has called."""

    async def story() -> None:
        async with house(answers or (SHORT,), **more) as place, page() as browser:
            answer = await browser.call(place.web, PATH)
            assert answer.status_code == 201, answer.text
            await scene(place, browser)

    asyncio.run(story())


def said(session: RealtimeSession) -> list[str]:
    """What the agent has said, by the session's own account."""
    return [
        str(part.transcript)
        for item in session.history
        if isinstance(item, MessageItem) and item.role == "assistant"
        for part in item.content
        if isinstance(part, OutputAudio)
    ]
