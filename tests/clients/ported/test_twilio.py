"""`examples/realtime/twilio` of `openai-agents`, ported: a call over Twilio's media streams.

Twilio is played by `Line`: it sends µ-law every 20 ms, plays what it is sent, and sends each mark back when
the speech before it was played. On `clear` it throws away what is queued, and sends its marks back as well.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from types import ModuleType
from typing import Any

import pytest
from starlette.websockets import WebSocket

from vivavoce.protocol import MessageItem, OutputAudio
from vivavoce.testing import Answer, local_test_model, run
from vivavoce.testing.tones import WORD_MS, tone_in

pytestmark = pytest.mark.clients
pytest.importorskip("fastapi", reason="the example is a FastAPI application")

FRAME_MS = 20
BYTES_PER_MS = 8
SILENCE = b"\xff" * FRAME_MS * BYTES_PER_MS
SPEECH = tone_in("audio/pcmu", FRAME_MS)
LONG = "One two three four five six seven eight nine ten eleven twelve."


class Line:
    """Twilio's end of the WebSocket.

    Attributes:
        played_ms: how much speech the caller has heard.
        cleared: how often queued speech was thrown away.
    """

    def __init__(self) -> None:
        self.played_ms = 0
        self.cleared = 0
        self._queue: deque[bytes | str] = deque()
        self._sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._sent.put_nowait({"type": "websocket.connect"})
        self._send(event="connected")
        self._send(event="start", start={"streamSid": "MZ1"})
        self.socket = WebSocket({"type": "websocket", "headers": []}, self._sent.get, self._take)

    def _send(self, **message: Any) -> None:
        self._sent.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    async def _take(self, message: Any) -> None:
        if message["type"] != "websocket.send":
            return
        event = json.loads(message["text"])
        assert event["streamSid"] == "MZ1"
        match event["event"]:
            case "media":
                self._queue.append(base64.b64decode(event["media"]["payload"]))
            case "mark":
                self._queue.append(event["mark"]["name"])
            case "clear":
                self.cleared += 1
                marks = [one for one in self._queue if isinstance(one, str)]
                self._queue.clear()
                for mark in marks:
                    self._send(event="mark", mark={"name": mark})

    async def talk(self, ms: int, *, loud: bool = True) -> None:
        """Let time pass in which the caller speaks or is silent."""
        for _ in range(ms // FRAME_MS):
            payload = base64.b64encode(SPEECH if loud else SILENCE).decode()
            self._send(event="media", media={"payload": payload})
            self._play(FRAME_MS * BYTES_PER_MS)
            await asyncio.sleep(FRAME_MS / 1000)

    def _play(self, size: int) -> None:
        while self._queue:
            match self._queue[0]:
                case str(mark):
                    self._send(event="mark", mark={"name": mark})
                    self._queue.popleft()
                case bytes(sound) if size:
                    self.played_ms += min(size, len(sound)) // BYTES_PER_MS
                    self._queue[0] = sound[size:]
                    size -= min(size, len(sound))
                    if not self._queue[0]:
                        self._queue.popleft()
                case _:
                    return

    def hang_up(self) -> None:
        self._send(event="stop")


Call = Callable[..., str]


@pytest.fixture
def call(
    programs: Callable[[str, str, str], ModuleType],
    way: str,
    default_model: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Call:
    """``call(talk, answers, hears=…)`` calls the example, hangs up, and returns what it printed."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    example = programs("twilio", "twilio_handler", way)

    def start(
        talk: Callable[[Line, Any], Awaitable[None]],
        answers: Sequence[Answer | str],
        *,
        hears: Sequence[str],
    ) -> str:
        default_model(lambda: local_test_model(answers, hears=hears))

        async def main() -> None:
            line = Line()
            handler = example.TwilioHandler(line.socket)
            await handler.start()
            await talk(line, handler.session)
            line.hang_up()
            await asyncio.wait_for(handler.wait_until_done(), timeout=1)
            await asyncio.wait_for(handler.close(), timeout=1)

        run(main())
        return capsys.readouterr().out

    return start


def answers_in(session: Any) -> list[str]:
    return [
        str(part.transcript)
        for item in session.history
        if isinstance(item, MessageItem) and item.role == "assistant"
        for part in item.content
        if isinstance(part, OutputAudio)
    ]


def test_call(call: Call) -> None:
    async def talk(line: Line, session: Any) -> None:
        await line.talk(800)
        await line.talk(4000, loud=False)
        assert line.played_ms == 2 * WORD_MS
        assert answers_in(session) == ["Good day."]
        assert line.cleared == 0

    printed = call(talk, ["Good day."], hears=["Hello"])
    assert "Audio end\n" in printed
    assert "rror" not in printed


def test_caller_who_speaks_up_is_listened_to(call: Call) -> None:
    """Marks that come back because of the `clear` are no speech that was heard."""

    async def talk(line: Line, session: Any) -> None:
        await line.talk(800)
        await line.talk(2400, loud=False)
        await line.talk(800)
        heard_ms = line.played_ms
        assert line.cleared == 1
        await line.talk(3000, loud=False)
        first, second = answers_in(session)
        assert LONG.startswith(first)
        assert len(first.split()) == pytest.approx(heard_ms / WORD_MS, abs=1)
        assert second == "As you like."

    printed = call(talk, [LONG, "As you like."], hears=["Count, please.", "Stop!"])
    assert printed.count("Sending audio interrupted to Twilio\n") == 1
    assert "rror" not in printed
