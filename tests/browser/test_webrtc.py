"""The unmodified SDK in Chromium over WebRTC: a whole conversation, spoken and written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from tests.browser.house import house
from tests.browser.tour import Tour, Visit

from vivavoce.engines.base import Engines
from vivavoce.engines.registry import EngineChoice, build_local_engines
from vivavoce.engines.scripted import scripted_engines
from vivavoce.testing.words import word_error_rate, words_of

pytestmark = pytest.mark.browser

ANSWER = "I can get the weather of today and tell a story."
COUNTING = "one two three four five six seven eight nine ten"
WER = 0.35
"""How much pocketsphinx may misunderstand of flite after Opus."""
CUT_MS = 1500
"""How long an answer may be heard on after somebody began to interrupt it, on a machine under load."""


@pytest.mark.timeout(240)
@pytest.mark.local
def test_a_conversation(
    loop: asyncio.Runner,
    tour: Tour,
    talking_engines: Callable[[], AbstractAsyncContextManager[Engines]],
) -> None:
    """A spoken question, its answer, an interrupted one, tools in the page, a written message, the end."""

    async def main() -> None:
        async with (
            talking_engines() as engines,
            house(engines) as home,
            tour.visit(home.site) as page,
        ):
            await page.open(url=home.calls, tools=["weather", "story"])
            await page.remembers("^user: what can you do")
            assert await page.remembers("^assistant: .+") == f"assistant: {ANSWER}"
            await page.said("server output_audio_buffer.stopped")
            await page.said("tool tell_story")
            await page.said("server output_audio_buffer.cleared")
            await page.said("tool get_weather")
            await page.said("server output_audio_buffer.stopped", 2)
            await page.do("tape.quiet('agent', 1200)")  # or both answers are one on the tape
            await page.do("stage.session.sendMessage('How are you?')")
            await page.said("server output_audio_buffer.stopped", 3)
            await _judge(page)
            await page.do("stage.session.close()")
            await page.said("connection disconnected")
            await home.empty()

    loop.run(main())


async def _judge(page: Visit) -> None:
    """What was heard, and what is remembered of it."""
    history = await page.history()
    assert [line.split(":")[0] for line in history] == [
        *("user", "assistant", "user", "function_call tell_story", "assistant"),
        *("user", "function_call get_weather", "assistant", "user", "assistant"),
    ]
    tape = await page.tape()
    answer, story, weather, mood = [line.removeprefix("assistant: ") for line in history if line[0] == "a"]
    spans = tape.agent.spans(join_ms=900)
    assert len(spans) == 4, spans
    words, heard = f"{answer} {story} {weather} {mood}", await tape.agent.heard()
    assert word_error_rate(words, heard) < WER, (words, heard)
    # The last word of the story may be cut in the middle.
    assert abs(len(words_of(heard)) - len(words_of(words))) <= 5, (words, heard)
    began = tape.microphone.spans()[2][0]
    # Below zero if she began in a pause of the story.
    assert -1000 < spans[1][1] - began < CUT_MS, (tape.microphone.spans(), spans)


def test_who_is_muted_is_not_heard(loop: asyncio.Runner, tour: Tour) -> None:
    async def main() -> None:
        engines = build_local_engines(EngineChoice(preset="bench"))
        async with house(engines) as home, tour.visit(home.site) as page:
            await page.open(url=home.calls)
            await page.do("stage.session.mute(true)")
            await page.do("tape.audible('mic')")
            await page.do("tape.quiet('mic', 2000)")
            assert "server input_audio_buffer.speech_started" not in await page.names()
            await page.do("stage.session.mute(false)")
            await page.do("tape.audible('mic')")
            await page.said("server input_audio_buffer.speech_started")
            await page.said("server output_audio_buffer.stopped")
            await page.do("stage.session.close()")
            await home.empty()

    loop.run(main())


def test_a_page_that_is_closed_without_goodbye_leaves_nothing(loop: asyncio.Runner, tour: Tour) -> None:
    async def main() -> None:
        engines = build_local_engines(EngineChoice(preset="bench"))
        async with house(engines) as home:
            async with tour.visit(home.site) as page:
                await page.open(url=home.calls)
                assert home.app.sessions == 1
            await home.empty()

    loop.run(main())


def test_an_answer_is_interrupted_by_the_page(loop: asyncio.Runner, tour: Tour) -> None:
    engines = scripted_engines(answers=[[COUNTING], ["Fine."]], word_ms=400)

    async def main() -> None:
        async with house(engines) as home, tour.visit(home.site) as page:
            await page.open(url=home.calls)
            await page.do("stage.session.sendMessage('Count.')")
            await page.do("tape.audible('agent')")
            await page.do("tape.after(1500)")
            asked_ms = await page.do("stage.session.interrupt(), tape.ms")
            await page.said("server output_audio_buffer.cleared")
            cut = await page.said("server conversation.item.truncated")
            quiet_ms = await page.do("tape.quiet('agent', 500)") - 500
            assert quiet_ms - asked_ms < CUT_MS
            (start_ms, end_ms), *_ = (await page.tape()).agent.spans()
            assert abs((end_ms - start_ms) - cut["audio_end_ms"]) < 200
            heard = COUNTING.split()[: cut["audio_end_ms"] // 400]
            await page.remembers(f"^assistant: {' '.join(heard)}$")
            await page.do("stage.session.sendMessage('Go on.')")
            await page.remembers("^assistant: Fine.$")
            await page.said("server output_audio_buffer.stopped")
            await page.do("stage.session.close()")
            await home.empty()

    loop.run(main())


def test_a_picture_goes_through_the_data_channel(loop: asyncio.Runner, tour: Tour) -> None:
    engines = scripted_engines(answers=[["A dot."]])

    async def main() -> None:
        async with house(engines) as home, tour.visit(home.site) as page:
            await page.open(url=home.calls, config={"outputModalities": ["text"]})
            await page.do("stage.session.addImage(picture(200))")
            await page.remembers("^assistant: A dot.$")
            assert not [name for name in await page.names() if "output_audio_buffer" in name]
            await page.do("stage.session.close()")
            await home.empty()

    loop.run(main())
    (item,) = engines.llm.requests[0].items  # type: ignore[attr-defined]
    assert len(item.content[0].image_url) > 150_000  # far more than one SCTP packet takes


def test_who_hung_up_may_call_again(loop: asyncio.Runner, tour: Tour) -> None:
    async def main() -> None:
        engines = build_local_engines(EngineChoice(preset="bench"))
        async with house(engines) as home, tour.visit(home.site) as page:
            await page.open(url=home.calls)
            await page.do("stage.session.close()")
            await page.do("url => stage.again(url)", home.calls)
            await page.do("stage.session.sendMessage('Hello?')")
            await page.said("server output_audio_buffer.stopped")
            await page.do("stage.session.close()")
            await home.empty()

    loop.run(main())
