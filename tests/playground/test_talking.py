"""Talking and typing to the page, over both transports."""

from __future__ import annotations

import asyncio
import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.playground.visit import home

from vivavoce.engines.scripted import scripted_engines
from vivavoce.observe.recording import read_recording

if TYPE_CHECKING:
    from pathlib import Path

    from tests.playground.conftest import Visit

pytestmark = pytest.mark.browser

BOTH = pytest.mark.parametrize("transport", ["WebRTC", "WebSocket"])
COUNTING = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen."


def loudness(path: Path) -> list[float]:
    """The level of each channel of a recording, 0 to 1."""
    with wave.open(str(path)) as recording:
        assert (recording.getframerate(), recording.getsampwidth()) == (24_000, 2)
        samples = np.frombuffer(recording.readframes(recording.getnframes()), "<i2").reshape(
            -1, recording.getnchannels()
        )
    return [float(np.sqrt(np.mean((side / 32768.0) ** 2))) for side in samples.T]


@BOTH
def test_a_person_talks_and_interrupts(
    playground_loop: asyncio.Runner, person_at: Visit, transport: str
) -> None:
    """What was not heard is struck through, and the times, both levels and the recording are there."""
    engines = scripted_engines(
        hears=["Hello, how are you?", "Stop."], answers=[[COUNTING], ["All right."]], word_ms=500
    )

    async def main() -> None:
        async with home(engines) as house, person_at(house.url) as person:
            await person.start(transport)
            await person.sees(".entry.user .said", "Hello, how are you?")
            await person.sees("#activity", "Speaking")
            await person.page.wait_for_selector("#level-agent:not([aria-valuenow='0'])")
            await person.picture("talking")
            await person.page.wait_for_selector("#level-you:not([aria-valuenow='0'])")
            await person.sees(".chip.cut", "Interrupted after")
            await person.sees(".entry.assistant .said", "All right.")
            await person.picture("interrupted")
            said = person.see(".entry.assistant .said").first
            lost = await said.locator("del").inner_text()
            heard = (await said.inner_text()).replace("Not heard:", "").split()
            heard = heard[: len(heard) - len(lost.split())]
            assert heard == COUNTING.split()[: len(heard)]
            assert heard
            assert lost.split() == COUNTING.split()[len(heard) : len(heard) + len(lost.split())]
            cut = await person.event("conversation.item.truncated")
            assert abs(cut["audio_end_ms"] // 500 - len(heard)) <= 1
            await person.tab("Timeline")
            for stage in ("Turn over", "Transcript", "First word", "First sound", "Heard here"):
                await person.sees(".turn dt", stage)
            assert await person.page.locator("#lanes .span-cut").count() == 1
            assert await person.see("#lanes .span-you").count() == 2
            left, right = loudness(await person.saves("#download-wav"))
            assert left > 0.001
            assert right > 0.001
            recording = read_recording(await person.saves("#download-events"))
            assert {event.sender for event in recording.events} == {"client", "server"}
            await person.press("End")
            await person.phase("idle")
            await house.empty()

    playground_loop.run(main())


@BOTH
def test_a_person_types_and_needs_no_microphone(
    playground_loop: asyncio.Runner, person_at: Visit, transport: str
) -> None:
    engines = scripted_engines(answers=[["Good day."], ["Two lines."]])

    async def main() -> None:
        async with home(engines) as house, person_at(house.url) as person:
            await person.choose(transport)
            await person.type("Hello.")
            await person.phase("live")
            await person.sees(".entry.user .said", "Hello.")
            await person.sees(".entry.assistant .said", "Good day.")
            await person.sees("#activity", "Waiting for a message")
            await person.page.fill("#message", "One")
            await person.page.press("#message", "Shift+Enter")
            await person.page.keyboard.type("two")
            await person.page.click("#send")
            await person.sees(".entry.assistant .said", "Two lines.")
            assert await person.see(".entry.user .said").nth(1).inner_text() == "One\ntwo"
            await person.press("Use the microphone")
            await person.page.wait_for_selector("#level-you:not([aria-valuenow='0'])")

    playground_loop.run(main())


@BOTH
def test_the_space_bar_talks(playground_loop: asyncio.Runner, person_at: Visit, transport: str) -> None:
    engines = scripted_engines(hears=["Hello."], answers=[["Good day."]])

    async def main() -> None:
        async with home(engines) as house, person_at(house.url) as person:
            await person.page.select_option("#turns", "none")
            await person.start(transport)
            await person.sees("#activity", "Hold to talk")
            await person.page.keyboard.down("Space")
            await person.sees("#activity", "Hearing you")
            await person.sees("#hold", "Let go to send")
            await person.page.wait_for_selector("#level-you:not([aria-valuenow='0'])")
            await person.page.keyboard.up("Space")
            await person.sees(".entry.user .said", "Hello.")
            await person.sees(".entry.assistant .said", "Good day.")
            await person.page.focus("#message")
            await person.page.keyboard.type("a b")
            assert await person.page.input_value("#message") == "a b"
            # Nobody is heard before they press, and a touch of the button says nothing.
            await person.page.click("#hold")
            await person.sees("#activity", "Hold while you speak")
            assert (await person.event("input_audio_buffer.clear", sent=True))["type"]
            assert len(engines.llm.requests) == 1  # type: ignore[attr-defined]

    playground_loop.run(main())


@BOTH
def test_who_is_muted_is_not_heard(playground_loop: asyncio.Runner, person_at: Visit, transport: str) -> None:
    engines = scripted_engines(hears=["Stop."], answers=[["Yes."]])

    async def main() -> None:
        async with home(engines) as house, person_at(house.url) as person:
            await person.start(transport)
            await person.press("Mute")
            assert await person.page.get_attribute("#mute", "aria-pressed") == "true"
            await person.sees("#activity", "You are muted")
            await person.type("Are you there?")
            await person.sees(".entry.assistant .said", "Yes.")
            assert await person.see(".entry.user").count() == 1
            await person.press("Muted")
            assert await person.page.get_attribute("#mute", "aria-pressed") == "false"

    playground_loop.run(main())


@BOTH
def test_a_button_interrupts(playground_loop: asyncio.Runner, person_at: Visit, transport: str) -> None:
    engines = scripted_engines(answers=[[COUNTING], [COUNTING]], word_ms=500)

    async def main() -> None:
        async with home(engines) as house, person_at(house.url) as person:
            await person.choose(transport)
            await person.type("Count.")
            await person.sees("#activity", "Speaking")
            await person.sees(".entry.assistant .said", "two")
            await person.press("Interrupt")
            await person.sees(".chip.cut")
            assert await person.page.is_disabled("#interrupt")
            await person.type("Again.")
            await person.sees("#activity", "Speaking")
            await person.page.keyboard.press("Escape")
            await person.sees("#activity", "Waiting for a message")

    playground_loop.run(main())


def test_a_new_conversation_begins_where_the_old_one_was_ended(
    playground_loop: asyncio.Runner, person_at: Visit
) -> None:
    engines = scripted_engines(answers=[["First."], ["Second."]])

    async def main() -> None:
        async with home(engines) as house, person_at(house.url) as person:
            await person.choose("WebSocket")
            await person.type("One.")
            await person.sees(".entry.assistant .said", "First.")
            await person.press("End")
            await person.phase("idle")
            assert await person.see(".entry").count() == 2
            await person.type("Two.")
            await person.sees(".entry.assistant .said", "Second.")
            assert await person.see(".entry").count() == 2

    playground_loop.run(main())
