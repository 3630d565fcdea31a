"""`examples/web/`: the application runs as a process of its own; a page calls it over loopback."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.web.pages import page
from tests.web.test_client_secrets import KEY, serving

from vivavoce.audio.wav import read_wav

APP = Path(__file__).parents[2] / "examples" / "web" / "app.py"
CLOSING_S = 3.0
"""How soon the program has ended after Ctrl-C: a second, where the machine has nothing else to do."""
HEARING_S = 25.0
"""How long pocketsphinx may take on a machine with other work."""

pytestmark = pytest.mark.local


@asynccontextmanager
async def running() -> AsyncIterator[tuple[httpx.AsyncClient, asyncio.subprocess.Process]]:
    """The application, and a browser's way to it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(APP), env={**os.environ, "PORT": "0"}, stderr=subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        async with asyncio.timeout(20):
            while not (found := re.search(rb"http://\S+", await process.stderr.readline())):
                pass
        async with httpx.AsyncClient(base_url=found[0].decode(), timeout=20) as web:
            yield web, process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def interrupt(process: asyncio.subprocess.Process) -> float:
    """Press Ctrl-C; returns how many seconds the program then took to end."""
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    await asyncio.wait_for(process.wait(), 10)
    return time.monotonic() - began


def test_a_page_says_its_question_aloud_and_is_answered(speech_clip: Callable[..., Path]) -> None:
    question = read_wav(speech_clip("what is the weather in london", voice="slt")).pcm

    async def story() -> None:
        async with running() as (web, process), page() as browser:
            html = await web.get("/")
            assert "<h1>Talk to the front desk</h1>" in html.text
            answer = await browser.call(web, "/voice/calls", origin=str(web.base_url).rstrip("/"))
            assert answer.status_code == 201, answer.text
            await browser.until("output_audio_buffer.stopped")
            browser.speak(question)
            completed = "conversation.item.input_audio_transcription.completed"
            asked = await browser.until(completed, within_s=HEARING_S)
            assert "weather in london" in asked["transcript"].lower()
            await browser.until(lambda: len(browser.all("output_audio_buffer.stopped")) == 2)
            said = [event["transcript"] for event in browser.all("response.output_audio_transcript.done")]
            assert said == ["Hello! Ask me about the weather.", "It is sunny in London."]
            assert browser.loud_frames > 50
            # With the call still there.
            assert await interrupt(process) < CLOSING_S
            await browser.until(lambda: browser.ended)

    asyncio.run(story())


def test_under_another_name_it_is_not_served() -> None:
    async def story() -> None:
        async with running() as (web, process):
            stranger: dict[str, Any] = {"headers": {"host": "rebound.example"}}
            assert (await web.get("/", **stranger)).status_code == 400
            assert await interrupt(process) < CLOSING_S

    asyncio.run(story())


# --- members ------------------------------------------------------------------------------------------------


ADA = {"cookie": "session=cookie-of-ada"}


def test_a_member_calls_once_and_tools_know_them(load: Any, hearing: Any) -> None:
    async def story() -> None:
        shop = load("web/members.py")
        transport = httpx.ASGITransport(app=shop.app)
        async with (
            shop.calls,
            httpx.AsyncClient(transport=transport, base_url="http://shop.example") as web,
            page() as browser,
            page() as other,
            page() as stranger,
        ):
            assert (await stranger.call(web, "/voice/calls")).status_code == 401
            answer = await browser.call(web, "/voice/calls", **ADA)
            ports = {int(port) for port in re.findall(r"a=candidate:\S+ 1 udp \d+ \S+ (\d+)", answer.text)}
            assert ports
            assert all(40_000 <= port <= 40_499 for port in ports)
            browser.type("What is my order?")
            said = await browser.until("response.output_audio_transcript.done")
            assert said["transcript"] == "You have ordered a blue chair."
            assert (await other.call(web, "/voice/calls", **ADA)).status_code == 429

    asyncio.run(story())


def test_a_member_gets_a_key_from_the_server_in_the_environment(
    load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        shop = load("web/members.py")
        async with serving() as url:
            monkeypatch.setenv("OPENAI_BASE_URL", url.replace("ws://", "http://").replace("/realtime", ""))
            monkeypatch.setenv("OPENAI_API_KEY", KEY)
            transport = httpx.ASGITransport(app=shop.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as web:
                assert (await web.post("/voice/client_secret")).status_code == 401
                answer = await web.post("/voice/client_secret", headers=ADA)
                assert answer.json()["value"].startswith("ek_")

    asyncio.run(story())
