"""The unmodified SDK in Chromium over a WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from tests.browser.house import house
from tests.browser.tour import Tour

from vivavoce.engines.base import Engines
from vivavoce.engines.scripted import scripted_engines
from vivavoce.testing.words import word_error_rate

pytestmark = pytest.mark.browser

COUNTING = "one two three four five six seven eight nine ten"


@pytest.mark.local
def test_a_spoken_question_and_its_answer(
    loop: asyncio.Runner,
    tour: Tour,
    talking_engines: Callable[[], AbstractAsyncContextManager[Engines]],
) -> None:
    """The page shows its client secret in the list of subprotocols, as a browser must."""

    async def main() -> None:
        async with (
            talking_engines() as engines,
            house(engines) as home,
            tour.visit(home.site) as page,
        ):
            await page.open(transport="websocket", url=home.socket, tools=["weather", "story"])
            await page.do("stage.listen()")
            assert await page.remembers("^user: .+") == "user: what can you do"
            await page.do("stage.deaf()")
            answer = await page.remembers("^assistant: .+")
            assert answer == "assistant: I can get the weather of today and tell a story."
            await page.said("server response.done")
            heard = await (await page.spoken()).heard()
            assert word_error_rate(answer.removeprefix("assistant: "), heard) < 0.35, heard
            await page.do("stage.session.close()")
            await home.empty()

    loop.run(main())


def test_what_was_not_heard_is_forgotten(loop: asyncio.Runner, tour: Tour) -> None:
    engines = scripted_engines(answers=[[COUNTING], ["Fine."]], word_ms=400)

    async def main() -> None:
        async with house(engines) as home, tour.visit(home.site) as page:
            await page.open(transport="websocket", url=home.socket)
            await page.do("stage.session.sendMessage('Count.')")
            await page.do("stage.given(2000)")
            await page.do("stage.session.interrupt()")
            cut = await page.said("server conversation.item.truncated")
            heard = COUNTING.split()[: cut["audio_end_ms"] // 400]
            assert 2 <= len(heard) <= 8
            await page.remembers(f"^assistant: {' '.join(heard)}$")
            assert (await page.names()).count("session audio_interrupted") == 1
            await page.do("stage.session.sendMessage('Go on.')")
            await page.remembers("^assistant: Fine.$")
            await page.do("stage.session.close()")
            await home.empty()

    loop.run(main())
