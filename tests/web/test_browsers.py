"""Chromium with the unmodified `@openai/agents-realtime`: calls of a program."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from tests.browser.house import sdk_folder
from tests.web.pages import LOCAL
from tests.web.visits import microphone_for, visit

from vivavoce import RealtimeAgent, RealtimeRunner, function_tool
from vivavoce.testing import Answer, local_test_model, tool_call
from vivavoce.web import BrowserCalls, CallOptions, everybody

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = pytest.mark.browser

PATH = "/voice/calls"
# A busy machine feeds a microphone in fits and starts: that is no end of a turn.
SETTINGS = {
    "input_audio_transcription": {"model": "any"},
    "turn_detection": {"type": "server_vad", "silence_duration_ms": 1500},
}
SHORT = "It is on its way."
COUNTING = " ".join(["one two three four five six seven eight nine ten"] * 5)
SDK_PAGE = """<!doctype html><title>Shop</title><link rel="icon" href="data:,"><script type="module">
import { OpenAIRealtimeWebRTC, RealtimeAgent, RealtimeSession } from '/sdk/openai-realtime-agents.mjs';
window.seen = []; window.errors = [];
const agent = new RealtimeAgent({ name: 'Page', instructions: 'mine' });
// A microphone that speaks when it is asked to: a busy machine may connect when a file is over.
const studio = new AudioContext({ sampleRate: 48000 });
const microphone = studio.createMediaStreamDestination();
const transport = new OpenAIRealtimeWebRTC({ mediaStream: microphone.stream });
const session = window.session = new RealtimeSession(agent, { transport });
window.speak = async () => {
  const question = studio.createBufferSource();
  question.buffer = await studio.decodeAudioData(await (await fetch('/question.wav')).arrayBuffer());
  question.connect(microphone);
  question.start();
};
session.on('error', (error) => errors.push(String(error.error?.message ?? JSON.stringify(error))));
session.transport.on('*', (event) => seen.push(event));
window.ready = session.connect({ apiKey: 'ek_none', url: location.origin + '/voice/calls' });
window.count = (type) => seen.filter((event) => event.type === type).length;
</script>"""


async def sdk_page(_request: Request) -> HTMLResponse:
    return HTMLResponse(SDK_PAGE)


async def meets(page: Page, condition: str) -> None:
    await page.wait_for_function(condition, timeout=25_000)


def calls_for(*answers: Answer | str, hears: tuple[str, ...], **agent: Any) -> BrowserCalls:
    runner = RealtimeRunner(
        RealtimeAgent[Any](name="Shop", instructions="Never give discounts.", **agent),
        model=lambda: local_test_model(answers, hears=hears, word_ms=100),
        config={"model_settings": SETTINGS},
    )
    return BrowserCalls(runner, authorize=everybody, options=CallOptions(rtc=LOCAL))


def test_the_unmodified_sdk_talks_to_the_agent_of_a_program(
    speech_clip: Callable[..., Path], tmp_path: Path
) -> None:
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
    question = speech_clip("where is order seven")
    app = Starlette(
        routes=[
            Route("/", sdk_page),
            Route("/question.wav", lambda _request: FileResponse(question)),
            Mount("/sdk", StaticFiles(directory=sdk_folder())),
            *calls.routes(PATH),
        ],
        lifespan=calls.lifespan,
    )

    async def scene(page: Page) -> None:
        await page.evaluate("ready")
        await page.evaluate("speak()")
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
        if calls._carrying:
            await asyncio.wait(calls._carrying, timeout=10)
        assert calls.calls == []
        assert call.ended == "the peer hung up"

    visit(microphone_for(question, tmp_path), app, scene)
