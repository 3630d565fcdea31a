"""`examples/realtime/app` of `openai-agents`, ported: what its page sends, and what it is given to show.

The page is played by `Browser`: it sends what `static/app.js` sends, and reads of what comes what that reads.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from vivavoce.testing import Answer, local_test_model, run, tool_call
from vivavoce.testing.tones import tone

pytestmark = pytest.mark.clients
pytest.importorskip("fastapi", reason="the example is a FastAPI application")

HOST = b"localhost:8000"
SCOPE: dict[str, Any] = {
    "type": "websocket",
    "asgi": {"version": "3.0", "spec_version": "2.3"},
    "http_version": "1.1",
    "scheme": "ws",
    "path": "/ws/session_1",
    "raw_path": b"/ws/session_1",
    "query_string": b"",
    "root_path": "",
    "headers": [(b"host", HOST), (b"origin", b"http://" + HOST)],
    "client": ("127.0.0.1", 50_000),
    "server": ("127.0.0.1", 8000),
    "subprotocols": [],
}
FRAME_MS = 20
TEXTS = {"text": "text", "input_text": "text", "input_audio": "transcript", "audio": "transcript"}
"""Which field of a part of a message the page shows."""
SEAT = {"confirmation_number": "A1", "new_seat": "12C"}
LONG = "One two three four five six seven eight nine ten eleven twelve."
CHUNK = 60_000
"""Characters of a picture in one message of the page."""
HEAD_OF_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x08\0\0\0\x08\x08\2\0\0\0"
PICTURE = "data:image/png;base64," + base64.b64encode(HEAD_OF_PNG + bytes(97_500)).decode()


class Browser:
    """The page: its end of the WebSocket, and what it shows.

    Attributes:
        events: everything that came.
        bubbles: what the page shows of the conversation: by item, who said it and what.
        played: the speech that is played; an interruption throws away what is there.
    """

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.bubbles: dict[str, tuple[str, str]] = {}
        self.played = b""
        self.closed: int | None = None
        self._sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._sent.put_nowait({"type": "websocket.connect"})

    async def receive(self) -> dict[str, Any]:
        return await self._sent.get()

    async def take(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.close":
            self.closed = message["code"]
        elif message["type"] == "websocket.send":
            event = json.loads(message["text"])
            self.events.append(event)
            self._show(event)

    def send(self, **message: Any) -> None:
        self._sent.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    def leave(self) -> None:
        self._sent.put_nowait({"type": "websocket.disconnect", "code": 1001})

    async def speak(self, ms: int, *, loud: bool = True) -> None:
        """Let the microphone hear something, as fast as it happens."""
        sound = np.frombuffer(tone(FRAME_MS) if loud else bytes(48 * FRAME_MS), "<i2").tolist()
        for _ in range(ms // FRAME_MS):
            self.send(type="audio", data=sound)
            await asyncio.sleep(FRAME_MS / 1000)

    def kinds(self, *wanted: str) -> list[str]:
        return [event["type"] for event in self.events if event["type"] in wanted]

    def first(self, kind: str) -> dict[str, Any]:
        return next(event for event in self.events if event["type"] == kind)

    def _show(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "audio":
                self.played += base64.b64decode(event["audio"])
            case "audio_interrupted":
                self.played = b""
            case "history_added":
                self._bubble(event["item"])
            case "history_updated":
                for item in event["history"]:
                    self._bubble(item)

    def _bubble(self, item: dict[str, Any] | None) -> None:
        if item is None or item["type"] != "message":
            return
        parts = item["content"]
        words = "".join(part.get(TEXTS.get(part["type"], ""), "") or "" for part in parts)
        pictures = "".join(
            "[picture]" for part in parts if part["type"] == "input_image" and part["image_url"]
        )
        if words or pictures:
            self.bubbles[item["item_id"]] = (item["role"], pictures + words)

    @property
    def thread(self) -> list[tuple[str, str]]:
        return list(self.bubbles.values())


Visit = Callable[..., None]


@pytest.fixture
def server(programs: Callable[[str, str], ModuleType]) -> ModuleType:
    return programs("app", "server")


@pytest.fixture
def visit(server: ModuleType, default_model: Callable[..., None]) -> Visit:
    """``visit(play, answers, hears=…)`` opens the page, lets it do something, and closes it."""

    def start(
        play: Callable[[Browser], Awaitable[None]],
        answers: Sequence[Answer | str] = (),
        *,
        hears: Sequence[str] = (),
    ) -> None:
        default_model(lambda: local_test_model(answers, hears=hears))

        async def main() -> None:
            async with open_page(server) as browser:
                await play(browser)
            assert server.manager.active_sessions == {}
            assert server.manager.event_tasks == {}

        run(main())

    return start


@asynccontextmanager
async def open_page(server: ModuleType) -> AsyncIterator[Browser]:
    browser = Browser()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.app(dict(SCOPE), browser.receive, browser.take))
        await asyncio.sleep(0.2)
        yield browser
        browser.leave()


def test_spoken_question_is_answered(visit: Visit) -> None:
    async def play(browser: Browser) -> None:
        await browser.speak(800)
        await browser.speak(3000, loud=False)
        assert browser.thread == [("user", "Is there wifi?"), ("assistant", "Yes there is.")]
        assert browser.kinds("agent_start", "audio_end", "agent_end") == [
            "agent_start",
            "audio_end",
            "agent_end",
        ]
        assert len(browser.played) == 3 * 48 * 300
        assert browser.kinds("error") == []

    visit(play, ["Yes there is."], hears=["Is there wifi?"])


def test_user_who_speaks_up_is_listened_to(visit: Visit) -> None:
    async def play(browser: Browser) -> None:
        await browser.speak(600)
        await browser.speak(2400, loud=False)
        assert browser.played
        await browser.speak(600)
        assert browser.kinds("audio_interrupted") == ["audio_interrupted"]
        assert browser.played == b""
        await browser.speak(2000, loud=False)
        said = [words for role, words in browser.thread if role == "assistant"]
        assert said[0].startswith("One two")
        assert not said[0].endswith("twelve.")
        assert said[1] == "As you like."

    visit(play, [LONG, "As you like."], hears=["Count, please.", "Stop!"])


def test_button_that_interrupts(visit: Visit) -> None:
    """The page asks for it before it sends a picture."""

    async def play(browser: Browser) -> None:
        await browser.speak(600)
        await browser.speak(2400, loud=False)
        browser.send(type="interrupt")
        await asyncio.sleep(0.5)
        assert browser.kinds("audio_interrupted") == ["audio_interrupted"]
        assert browser.played == b""

    visit(play, [LONG], hears=["Count, please."])


@pytest.mark.parametrize(
    ("approve", "output"),
    [(True, "Updated seat to 12C for confirmation number A1"), (False, "")],
    ids=["approved", "rejected"],
)
def test_handoff_and_a_tool_that_needs_approval(visit: Visit, approve: bool, output: str) -> None:
    async def play(browser: Browser) -> None:
        await browser.speak(600)
        await browser.speak(2000, loud=False)
        handoff = browser.first("handoff")
        assert (handoff["from"], handoff["to"]) == ("Triage Agent", "Seat Booking Agent")
        waiting = browser.first("tool_approval_required")
        assert (waiting["tool"], waiting["agent"]) == ("update_seat", "Seat Booking Agent")
        assert json.loads(waiting["arguments"]) == SEAT
        assert browser.kinds("tool_start", "tool_end") == []
        browser.send(type="tool_approval_decision", call_id=waiting["call_id"], approve=approve)
        await asyncio.sleep(2)
        assert browser.thread[-1] == ("assistant", "Anything else?")
        if approve:
            assert browser.first("tool_start")["tool"] == "update_seat"
            assert (browser.first("tool_end")["tool"], browser.first("tool_end")["output"]) == (
                "update_seat",
                output,
            )
        assert browser.kinds("error") == []

    answers = [tool_call("transfer_to_seat_booking_agent"), tool_call("update_seat", SEAT), "Anything else?"]
    visit(play, answers, hears=["Update my seat, please."])


def test_slow_tool(visit: Visit) -> None:
    async def play(browser: Browser) -> None:
        await browser.speak(600)
        await browser.speak(6000, loud=False)
        assert browser.first("tool_end")["output"].startswith("We have free wifi")
        assert browser.thread[-1] == ("assistant", "It is free.")

    answers = [
        tool_call("transfer_to_faq_agent"),
        tool_call("faq_lookup_tool", {"question": "wifi?"}),
        "It is free.",
    ]
    visit(play, answers, hears=["Is there wifi?"])


def test_picture(visit: Visit) -> None:
    async def play(browser: Browser) -> None:
        browser.send(type="interrupt")
        browser.send(type="image_start", id="img_1", text="What is this?")
        for start in range(0, len(PICTURE), CHUNK):
            browser.send(type="image_chunk", id="img_1", chunk=PICTURE[start : start + CHUNK])
        browser.send(type="image_end", id="img_1")
        await asyncio.sleep(3)
        assert browser.thread == [("user", "[picture]What is this?"), ("assistant", "A picture.")]
        told = [event["info"] for event in browser.events if event["type"] == "client_info"]
        assert told == ["image_start_ack", "image_enqueued"]
        assert browser.kinds("error") == []

    visit(play, ["A picture."])


def test_committed_audio(visit: Visit) -> None:
    """What the page does when it is told that the user has been silent for long: an event in its raw form."""

    async def play(browser: Browser) -> None:
        await browser.speak(600)
        browser.send(type="commit_audio")
        await asyncio.sleep(1)
        assert ("user", "Hello") in browser.thread
        assert browser.kinds("error") == []

    visit(play, ["Good day."], hears=["Hello"])


def test_everything_is_logged_when_it_is_asked_for(
    visit: Visit, server: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    """With ``LOG_LEVEL=DEBUG`` the server reads usage, items and raw events by their names."""

    async def play(browser: Browser) -> None:
        await browser.speak(600)
        await browser.speak(3000, loud=False)
        assert browser.thread[-1] == ("assistant", "It is sunny.")

    with caplog.at_level(logging.DEBUG, logger=server.logger.name):
        visit(
            play, [tool_call("get_weather", {"city": "Oslo"}), "It is sunny."], hears=["How is the weather?"]
        )
    logged = [record.getMessage() for record in caplog.records if record.name == server.logger.name]
    text = "\n".join(logged)
    assert "Error processing events" not in text
    assert "'tool': 'get_weather'" in text
    assert "'item_type': 'function_call'" in text
    assert "'type': 'item_updated'" in text
    assert "Realtime raw response completed" in text
    [last] = [line for line in logged if "cumulative" in line][-1:]
    assert "'requests': 2" in last


def test_pages_side_by_side(server: ModuleType, default_model: Callable[..., None]) -> None:
    default_model(lambda: local_test_model(["Good day."], hears=["Hello"]))

    async def talk(browser: Browser) -> None:
        await browser.speak(600)
        await browser.speak(2000, loud=False)

    async def main() -> None:
        async with open_page(server) as one, open_page(server) as other:
            await asyncio.gather(talk(one), talk(other))
            assert one.thread == other.thread == [("user", "Hello"), ("assistant", "Good day.")]

    run(main())


def test_page_that_sends_nonsense_is_shown_out(visit: Visit) -> None:
    async def play(browser: Browser) -> None:
        browser.send(type="dance")
        await asyncio.sleep(0.5)
        assert browser.closed == 1008

    visit(play)
