"""The quickstart of the SDK's documentation in Chromium, as written, with our server for the hosted one.

`page/quickstart.mjs` is the snippet, character by character; the site puts a client secret into the place
that it leaves for one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.browser.house import PAGES, PLACEHOLDER, House, house
from tests.browser.script import QUESTION
from tests.browser.tour import Tour

from vivavoce.engines.base import Engines
from vivavoce.engines.scripted import ScriptedModel
from vivavoce.testing.words import word_error_rate

if TYPE_CHECKING:
    from playwright.async_api import Route

pytestmark = pytest.mark.browser

HOSTED = "https://api.openai.com"
ANSWER = "I am fine, thank you. What can I do for you?"
SNIPPET = """\
import { RealtimeAgent, RealtimeSession } from "@openai/agents/realtime";

const agent = new RealtimeAgent({
    name: "Assistant",
    instructions: "You are a helpful assistant.",
});

const session = new RealtimeSession(agent);

// Automatically connects your microphone and audio output
await session.connect({
    apiKey: "<client-api-key>",
});
"""


@pytest.mark.timeout(120)
@pytest.mark.local
def test_the_quickstart_runs_as_it_is_written(
    loop: asyncio.Runner,
    tour: Tour,
    talking_engines: Callable[[], AbstractAsyncContextManager[Engines]],
) -> None:
    async def main() -> None:
        async with (
            talking_engines() as talking,
            house(replace(talking, llm=ScriptedModel([[ANSWER]]))) as home,
            tour.visit(f"{home.site}/empty.html") as page,
        ):
            asked: list[str] = []
            await page.page.route(f"{HOSTED}/**", lambda route: _reroute(route, home, asked))
            await page.page.goto(f"{home.site}/quickstart.html")
            await page.do("tape.audible('agent')")
            await page.do("tape.quiet('agent', 1200)")
            tape = await page.tape()
            received = {each["type"]: each for each in await page.do("received")}
            understood = received["conversation.item.input_audio_transcription.completed"]["transcript"]
            assert word_error_rate(QUESTION, understood) <= 0.5, understood
            heard = await tape.agent.heard()
            assert word_error_rate(ANSWER, heard) < 0.35, heard
            assert asked == [f"POST {HOSTED}/v1/realtime/calls"]

    assert (PAGES / "quickstart.mjs").read_text(encoding="utf-8") == SNIPPET
    assert SNIPPET.count(PLACEHOLDER) == 1
    loop.run(main())


async def _reroute(route: Route, home: House, asked: list[str]) -> None:
    """Let our server answer for the hosted one."""
    request = route.request
    asked.append(f"{request.method} {request.url}")
    answer = await route.fetch(url=request.url.replace(HOSTED, home.http))
    await route.fulfill(response=answer)
