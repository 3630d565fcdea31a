"""The page of `examples/web/` in Chromium, with ears that know what they will hear."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.web.visits import microphone_for, visit

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = pytest.mark.browser


def test_the_page_works(load: Any, hearing: Any, speech_clip: Callable[..., Path], tmp_path: Path) -> None:
    async def scene(page: Page) -> None:
        await page.get_by_role("button", name="Talk").click()
        log = page.get_by_label("Conversation")
        await log.get_by_text("It is sunny in London.").wait_for(timeout=15_000)
        await log.get_by_text("what is the weather in london").wait_for()
        assert await log.get_by_text("looks up: get_weather").count() == 1
        await page.get_by_label("Write instead").fill("What is the weather in Oslo?")
        await page.keyboard.press("Enter")
        await log.get_by_text("It is sunny in Oslo.").wait_for(timeout=10_000)
        mute = page.get_by_role("button", name="Mute")
        await mute.click()
        assert await mute.get_attribute("aria-pressed") == "true"
        await page.get_by_role("button", name="Hang up").click()
        await page.get_by_role("button", name="Talk").wait_for()
        assert await page.get_by_role("status").text_content() == "The call has ended."

    hearing("what is the weather in london")
    question = speech_clip("what is the weather in london")
    visit(microphone_for(question, tmp_path), load("web/app.py").app, scene)
