"""How it looks and who can use it: axe-core, the keyboard, every width, light and dark."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.frames import js_home
from tests.playground.visit import REFUSE, Person, home

from vivavoce.engines.base import FunctionCallDelta
from vivavoce.engines.scripted import scripted_engines

if TYPE_CHECKING:
    from tests.playground.conftest import Visit

pytestmark = pytest.mark.browser

VIEWS = ("timeline", "events", "usage", "settings", "talk")
CALL = FunctionCallDelta(0, "book_table", '{"people": 2, "day": "Friday"}')
WORDS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen."


OVERFLOW = """
[...document.querySelectorAll("body *")]
  .filter((one) => one.checkVisibility({visibilityProperty: true}))
  .filter((one) => !one.closest("svg, #lanes, .visually-hidden, .settings"))
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
  .map((one) => one.className || one.tagName)
"""


def axe() -> str:
    """The source of axe-core; skips where it is not installed."""
    found = js_home()
    source = found and found[1] / "node_modules" / "axe-core" / "axe.min.js"
    if not source or not source.is_file():
        pytest.skip("needs axe-core: make .venv/.js")
    return source.read_text(encoding="utf-8")


async def findings(person: Person) -> list[str]:
    """What axe-core has against the page as it is now, of the grave kind."""
    if await person.page.evaluate("typeof axe") == "undefined":
        await person.page.evaluate(axe())
    found: list[dict[str, Any]] = (await person.page.evaluate("axe.run()"))["violations"]
    return [
        f"{one['id']}: {[node['target'] for node in one['nodes']]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


async def overflow(person: Person) -> list[str]:
    """What is wider than the window."""
    wide: list[str] = await person.page.evaluate(OVERFLOW)
    return wide


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 768, 1440])
def test_everybody_can_use_it(
    playground_loop: asyncio.Runner, person_at: Visit, width: int, scheme: str
) -> None:
    """Idle, in a conversation that was interrupted and waits for an approval, and in error."""
    engines = scripted_engines(answers=[[WORDS], [CALL]], word_ms=400)

    async def sound(person: Person, state: str) -> None:
        await person.picture(f"{state}-{width}-{scheme}")
        assert await findings(person) == []
        assert await overflow(person) == []

    async def main() -> None:
        async with home(engines) as house, person_at(house.url, width=width, scheme=scheme) as person:
            page = person.page
            narrow = width < 1024
            await sound(person, "idle")
            if narrow:
                await page.click(".views [data-view=settings]")
            await person.choose("WebSocket")
            await person.press("Book a table")
            await sound(person, "settings")
            if narrow:
                await page.click(".views [data-view=talk]")
            await person.type("Count.")
            await person.sees("#activity", "Speaking")
            await person.sees(".entry.assistant .said", "three")
            await person.picture(f"talking-{width}-{scheme}")
            await person.press("Interrupt")
            await person.sees(".entry del")
            await sound(person, "interrupted")
            await person.type("Book a table.")
            await person.sees(".card.asks")
            await sound(person, "approval")
            for name in VIEWS:
                if narrow:
                    await page.click(f".views [data-view={name}]")
                elif name in {"timeline", "events", "usage"}:
                    await page.click(f"#tab-{name}")
                if name == "events":
                    await page.locator(".row-event").first.click()
                await sound(person, name)
            await page.evaluate("() => {" + REFUSE % '"NotAllowedError"' + "}")
            await person.press("End")
            await person.phase("idle")
            await page.click("#start")
            await person.notice("The microphone is blocked")
            await sound(person, "error")

    playground_loop.run(main())


@pytest.mark.parametrize("width", [1024, 1280, 1360])
def test_open_settings_lie_on_nothing(playground_loop: asyncio.Runner, person_at: Visit, width: int) -> None:
    engines = scripted_engines(answers=[[WORDS]])

    async def main() -> None:
        async with home(engines) as house, person_at(house.url, width=width) as person:
            page = person.page
            if await page.get_attribute("#settings-toggle", "aria-expanded") == "false":
                assert await person.see("#settings").count() == 0
                await page.click("#settings-toggle")
            await person.choose("WebSocket")
            await person.type("Count.")
            await person.sees(".entry.assistant .chip")
            await person.picture(f"settings-{width}")
            settings, talk = (
                await page.locator("#settings").bounding_box(),
                await page.locator("#talk").bounding_box(),
            )
            assert settings
            assert talk
            assert settings["x"] == 0
            assert talk["x"] >= settings["x"] + settings["width"]
            assert talk["width"] >= 500
            assert await overflow(person) == []
            await page.click("#settings-close")
            await person.sees(".turn dt", "First sound")

    playground_loop.run(main())


def test_the_keyboard_is_enough(playground_loop: asyncio.Runner, person_at: Visit) -> None:
    engines = scripted_engines(answers=[[CALL], ["Booked."]])

    async def main() -> None:
        async with home(engines) as house, person_at(house.url, width=1100) as person:
            page = person.page
            focused = "document.activeElement.id || document.activeElement.textContent.trim()"
            visited = []

            async def go(name: str, key: str = "Tab") -> None:
                for _ in range(80):
                    await page.keyboard.press(key)
                    visited.append(await page.evaluate(focused))
                    if visited[-1] == name:
                        return
                raise AssertionError(f"no way to {name}: {visited}")

            await page.keyboard.press("Tab")
            await page.keyboard.press("Enter")  # skips to the message field
            assert await page.evaluate(focused) == "message"
            await go("settings-toggle", "Shift+Tab")
            assert "instructions" not in visited  # what is put away is not walked through
            await page.keyboard.press("Enter")
            await go("Book a table")
            await page.keyboard.press("Space")
            await go("settings-close", "Shift+Tab")
            await page.keyboard.press("Enter")
            assert await page.evaluate(focused) == "settings-toggle"
            await go("message")
            await page.keyboard.type("Book a table.")
            await page.keyboard.press("Enter")
            await person.sees(".card.asks")
            await go("Approve", "Shift+Tab")
            await page.keyboard.press("Space")
            await person.sees(".entry.assistant .said", "Booked.")
            await go("tab-timeline")
            await page.keyboard.press("ArrowRight")
            await page.keyboard.press("ArrowRight")
            assert await page.get_attribute("#tab-usage", "aria-selected") == "true"
            await go("end", "Shift+Tab")
            await page.keyboard.press("Space")
            await person.phase("idle")

    playground_loop.run(main())
