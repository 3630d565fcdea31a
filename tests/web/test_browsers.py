"""Chromium with the example's page, and with the unmodified `@openai/agents-realtime`: calls of a program."""

from __future__ import annotations

import asyncio
import importlib.util
import socket
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from tests.browser.chromium import chromium, chromium_path
from tests.browser.house import sdk_folder
from tests.web.pages import LOCAL

from vivavoce import RealtimeAgent, RealtimeRunner, function_tool
from vivavoce.testing import Answer, local_test_model, tool_call
from vivavoce.web import BrowserCalls, CallOptions, everybody

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

pytestmark = pytest.mark.browser

EXAMPLE = Path(__file__).parents[2] / "examples" / "web" / "app.py"
PATH = "/voice/calls"
SHORT = "It is on its way."
COUNTING = " ".join(["one two three four five six seven eight nine ten"] * 5)
SDK_PAGE = """<!doctype html><title>Shop</title><link rel="icon" href="data:,"><script type="module">
import { RealtimeAgent, RealtimeSession } from '/sdk/openai-realtime-agents.mjs';
window.seen = []; window.errors = [];
const agent = new RealtimeAgent({ name: 'Page', instructions: 'mine' });
const session = window.session = new RealtimeSession(agent);
session.on('error', (error) => errors.push(String(error.error?.message ?? JSON.stringify(error))));
session.transport.on('*', (event) => seen.push(event));
window.ready = session.connect({ apiKey: 'ek_none', url: location.origin + '/voice/calls' });
window.count = (type) => seen.filter((event) => event.type === type).length;
</script>"""


async def sdk_page(_request: Request) -> HTMLResponse:
    return HTMLResponse(SDK_PAGE)


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """Serve an application on a port of this machine."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve(sockets=[listening]))
            try:
                yield f"http://127.0.0.1:{listening.getsockname()[1]}"
            finally:
                server.should_exit = True


@pytest.fixture
def microphone(speech_clip: Callable[..., Path], tmp_path: Path) -> Path:
    """A second of silence, and a question."""
    path = tmp_path / "microphone.wav"
    with (
        wave.open(str(speech_clip("what is the weather in london"))) as said,
        wave.open(str(path), "wb") as file,
    ):
        file.setparams(said.getparams())
        file.writeframes(bytes(said.getframerate() * 2))
        file.writeframes(said.readframes(said.getnframes()))
    return path


def visit(microphone: Path, app: Any, scene: Callable[[Page], Any], path: str = "/") -> None:
    """Open a page of an application, play a scene on it, and see that its console stayed clean."""

    async def story() -> None:
        async with served(app) as url, chromium(chromium_path(), microphone) as browser:
            await looked_at(browser, url)

    async def looked_at(browser: Browser, url: str) -> None:
        page = await browser.new_page()
        console: list[str] = []
        page.on("console", lambda message: console.append(message.text))
        page.on("pageerror", lambda error: console.append(str(error)))
        await page.goto(url + path)
        async with asyncio.timeout(30):
            await scene(page)
        assert console == []

    asyncio.run(story())


async def meets(page: Page, condition: str) -> None:
    await page.wait_for_function(condition, timeout=10_000)


def calls_for(*answers: Answer | str, hears: tuple[str, ...], **agent: Any) -> BrowserCalls:
    runner = RealtimeRunner(
        RealtimeAgent[Any](name="Shop", instructions="Never give discounts.", **agent),
        model=lambda: local_test_model(answers, hears=hears, word_ms=100),
        config={"model_settings": {"input_audio_transcription": {"model": "any"}}},
    )
    return BrowserCalls(runner, authorize=everybody, options=CallOptions(rtc=LOCAL))


def test_the_unmodified_sdk_talks_to_the_agent_of_a_program(microphone: Path) -> None:
    ran: list[int] = []

    @function_tool
    def find_order(number: int) -> str:
        """Find an order."""
        ran.append(number)
        return "It is on its way."

    calls = calls_for(
        tool_call("find_order", {"number": 7}),
        SHORT,
        COUNTING,
        hears=("where is order seven",),
        tools=[find_order],
    )
    app = Starlette(
        routes=[
            Route("/", sdk_page),
            Mount("/sdk", StaticFiles(directory=sdk_folder())),
            *calls.routes(PATH),
        ],
        lifespan=calls.lifespan,
    )

    async def scene(page: Page) -> None:
        await page.evaluate("ready")
        await meets(page, "count('output_audio_buffer.stopped') === 1")
        assert ran == [7]
        await page.evaluate("session.sendMessage('Count, please.')")
        await meets(page, "count('output_audio_buffer.started') === 2")
        await meets(
            page, "seen.filter((e) => e.type === 'response.output_audio_transcript.delta').length > 12"
        )
        await page.evaluate("session.interrupt()")
        await meets(
            page, "count('conversation.item.truncated') === 1 && count('output_audio_buffer.cleared') === 1"
        )
        await meets(page, "count('conversation.item.retrieved') >= 2")
        history = await page.evaluate("session.history.filter((item) => item.type === 'message')")
        words = [item["content"][0].get("transcript") or item["content"][0].get("text") for item in history]
        assert words[:3] == ["where is order seven", SHORT, "Count, please."]
        assert 0 < len(words[3].split()) < 50
        assert await page.evaluate("errors") == []
        shown = await page.evaluate("seen.find((event) => event.type === 'session.created').session")
        assert "instructions" not in shown
        (call,) = calls.calls
        await page.evaluate("session.close()")
        await asyncio.wait(calls._carrying, timeout=10)
        assert calls.calls == []
        assert call.ended == "the peer hung up"

    visit(microphone, app, scene)


def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("web_app", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.local
def test_the_page_of_the_example_works(microphone: Path) -> None:
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

    visit(microphone, example().app, scene)
