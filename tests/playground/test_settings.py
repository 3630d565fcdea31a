"""What is set, where it goes, and what is kept of it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from tests.playground.visit import home

from vivavoce.engines.scripted import scripted_engines
from vivavoce.server import ServerConfig

if TYPE_CHECKING:
    from tests.playground.conftest import Visit

pytestmark = pytest.mark.browser


def test_settings_reach_the_server_and_are_kept(playground_loop: asyncio.Runner, person_at: Visit) -> None:
    async def main() -> None:
        async with (
            home(scripted_engines(answers=[["Yes."]])) as house,
            person_at(house.url) as person,
        ):
            page = person.page
            await page.fill("#instructions", "Be brief.")
            await page.select_option("#voice", "echo")
            await page.fill("#speed", "1.25")
            await page.select_option("#modality", "text")
            await page.fill("#silence", "700")
            await page.fill("#threshold", "0.6")
            await page.fill("#idle", "9000")
            await page.uncheck("[name=interrupt]")
            await page.uncheck("[name=transcribe]")
            await page.reload()
            await page.wait_for_selector("html[data-ready]")
            await person.choose("WebSocket")
            await person.type("Hello.")
            await person.sees(".entry.assistant .said", "Yes.")
            session = (await person.event("session.update", sent=True))["session"]
            assert (session["instructions"], session["output_modalities"]) == ("Be brief.", ["text"])
            assert session["audio"]["output"] == {"voice": "echo", "speed": 1.25}
            assert session["audio"]["input"] == {
                "transcription": None,
                "turn_detection": {
                    "type": "server_vad",
                    "silence_duration_ms": 700,
                    "threshold": 0.6,
                    "idle_timeout_ms": 9000,
                    "create_response": True,
                    "interrupt_response": False,
                },
            }
            await page.select_option("#turns", "semantic_vad")
            await page.select_option("#eagerness", "low")
            await person.press("Apply now")
            await person.sees("#events-count")
            await page.wait_for_selector("#apply", state="hidden")
            turns = (await person.event("session.updated"))["session"]["audio"]["input"]["turn_detection"]
            assert (turns["type"], turns["eagerness"]) == ("semantic_vad", "low")
            await person.press("Back to the server’s settings")
            assert await page.input_value("#instructions") == ""

    playground_loop.run(main())


def test_tools_that_are_none_are_refused_where_they_are_written(
    playground_loop: asyncio.Runner, person_at: Visit
) -> None:
    async def main() -> None:
        async with home(scripted_engines()) as house, person_at(house.url) as person:
            for text, words in (
                ("[{", "not JSON"),
                ('{"type": "function"}', 'needs a "name"'),
                ('[{"name": "a"}, {"name": "a"}]', "two tools"),
                ('{"type": "mcp"}', "server_label"),
            ):
                await person.page.fill("#tools", text)
                await person.sees("#tools-error", words)
            await person.page.click("#start")
            await person.notice("A setting needs your attention")
            chat = {"type": "function", "function": {"name": "a", "strict": True, "parameters": {}}}
            await person.page.fill("#tools", json.dumps(chat))
            await person.sees("#replies code", "a")
            await person.page.fill("#prices", '{"models": {"m": {"words": 1}}}')
            await person.sees("#prices-error", "no price called")

    playground_loop.run(main())


def test_credentials_of_tools_are_not_kept(playground_loop: asyncio.Runner, person_at: Visit) -> None:
    mcp = {"type": "mcp", "server_label": "shop", "server_url": "https://shop.example/mcp"}
    function = {"type": "function", "name": "send", "parameters": {"properties": {"headers": {}}}}
    given = [{**mcp, "authorization": "secret-1", "headers": {"X-Key": "secret-2"}}, function]

    async def main() -> None:
        async with home(scripted_engines()) as house, person_at(house.url) as person:
            page = person.page
            for typed, kept in (
                (json.dumps(given), [mcp, function]),
                ('[{"type": "mcp", "authorization": "secret-1"', None),
            ):
                await page.fill("#tools", typed)
                await page.dispatch_event("#tools", "change")
                stored = json.loads(await page.evaluate("localStorage.getItem('vivavoce.playground')"))
                assert "secret" not in json.dumps(stored)
                assert (json.loads(stored["tools"]) if stored["tools"] else None) == kept

    playground_loop.run(main())


def test_a_key_opens_and_stays_where_it_was_typed(playground_loop: asyncio.Runner, person_at: Visit) -> None:
    sockets: list[str] = []

    async def main() -> None:
        config = ServerConfig(api_keys=("sk-right",))
        engines = scripted_engines(answers=[["Yes."]])
        async with home(engines, config) as house, person_at(house.url) as person:
            page = person.page
            page.on("request", lambda request: sockets.append(str(request.headers)))
            await page.click("#start")
            await person.notice("This server asks for a key")
            await person.press("Enter a key")
            assert await page.evaluate("document.activeElement.id") == "key"
            await page.keyboard.type("sk-wrong")
            await page.click("#start")
            await person.notice("The key is not accepted")
            await page.fill("#key", "sk-right")
            await person.choose("WebSocket")
            await person.type("Hello.")
            await person.sees(".entry.assistant .said", "Yes.")
            kept = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
            assert "sk-right" not in kept
            await page.check("#keep-key")
            assert "sk-right" in await page.evaluate("JSON.stringify({...sessionStorage})")
            assert "sk-right" not in await page.evaluate("JSON.stringify({...localStorage})")
            assert "sk-right" not in (await person.saves("#download-events")).read_text()
            await page.reload()
            await page.wait_for_selector("html[data-ready]")
            assert await page.input_value("#key") == "sk-right"

    playground_loop.run(main())


def test_light_and_dark_are_chosen_and_remembered(playground_loop: asyncio.Runner, person_at: Visit) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"

    async def main() -> None:
        async with home(scripted_engines()) as house, person_at(house.url, scheme="dark") as person:
            dark = await person.page.evaluate(paper)
            await person.press("Theme: as the system")
            assert await person.page.evaluate(paper) != dark
            await person.page.reload()
            await person.page.wait_for_selector("html[data-theme=light]")
            await person.press("Theme: light")
            assert await person.page.evaluate(paper) == dark
            await person.press("Theme: dark")
            await person.sees("[aria-label='Theme: as the system']")

    playground_loop.run(main())
