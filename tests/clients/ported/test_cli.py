"""`examples/realtime/cli` of `openai-agents`, ported: a conversation at the console.

The hardware is played by `SoundCard`, which stands for the package `sounddevice`: it feeds a microphone and
keeps what the loudspeaker is given, by the clock of the event loop.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from vivavoce.protocol import MessageItem, OutputAudio
from vivavoce.testing import Answer, local_test_model, run, tool_call
from vivavoce.testing.tones import WORD_MS, tone

pytestmark = pytest.mark.clients

LONG = "One two three four five six seven eight nine ten eleven twelve."
BLOCK_S = 0.04


class Microphone:
    """An input stream: silence, but for what the test says."""

    def __init__(self, card: SoundCard, *, channels: int, samplerate: int, dtype: Any) -> None:
        assert (channels, samplerate, dtype) == (1, 24_000, np.int16)
        self.active = False
        self._card = card
        self._taken = 0
        self._began = 0.0

    def start(self) -> None:
        self.active = True
        self._began = asyncio.get_running_loop().time()
        self._card.microphone = self

    @property
    def read_available(self) -> int:
        return round((asyncio.get_running_loop().time() - self._began) * 24_000) - self._taken

    def read(self, frames: int) -> tuple[npt.NDArray[np.int16], bool]:
        self._taken += frames
        said, self._card.said = self._card.said[: 2 * frames], self._card.said[2 * frames :]
        return np.frombuffer(said.ljust(2 * frames, b"\0"), "<i2").reshape(-1, 1), False

    def stop(self) -> None:
        self.active = False

    def close(self) -> None:
        self._card.closed.append("microphone")


class Loudspeaker:
    """An output stream: asks for a block whenever the last one has been played."""

    def __init__(
        self, card: SoundCard, *, channels: int, samplerate: int, dtype: Any, callback: Any, blocksize: int
    ) -> None:
        assert (channels, samplerate, dtype) == (1, 24_000, np.int16)
        self.active = False
        self._card = card
        self._callback = callback
        self._blocksize = blocksize

    def start(self) -> None:
        self.active = True
        self._play()

    def _play(self) -> None:
        if self.active:
            block = np.empty((self._blocksize, 1), np.int16)
            self._callback(block, self._blocksize, None, None)
            self._card.heard += block.tobytes()
            asyncio.get_running_loop().call_later(self._blocksize / 24_000, self._play)

    def stop(self) -> None:
        self.active = False

    def close(self) -> None:
        self._card.closed.append("loudspeaker")


class SoundCard(ModuleType):
    """The module `sounddevice`, with one microphone and one loudspeaker.

    Attributes:
        said: what the microphone is going to hear.
        heard: what came out of the loudspeaker.
        closed: which of the two were closed.
    """

    def __init__(self) -> None:
        super().__init__("sounddevice")
        self.said = b""
        self.heard = b""
        self.closed: list[str] = []
        self.microphone: Microphone | None = None
        self.InputStream = lambda **options: Microphone(self, **options)
        self.OutputStream = lambda **options: Loudspeaker(self, **options)

    def say(self, ms: int) -> None:
        self.said = tone(ms)

    @property
    def heard_ms(self) -> int:
        """From the first sound that came out to the last."""
        sound = np.flatnonzero(np.frombuffer(self.heard, "<i2"))
        return int(sound[-1] - sound[0]) // 24 if sound.size else 0


Talk = Callable[[SoundCard, Any], Awaitable[None]]
Console = Callable[..., str]


@pytest.fixture
def console(
    programs: Callable[[str, str, str], ModuleType],
    way: str,
    default_model: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Console:
    """``console(talk, answers, hears=…)`` runs the demo, and returns what it printed."""
    card = SoundCard()
    monkeypatch.setitem(sys.modules, "sounddevice", card)
    demo = programs("cli", "demo", way)
    monkeypatch.setattr(demo, "sd", card)

    def start(talk: Talk, answers: Sequence[Answer | str] = (), *, hears: Sequence[str] = ()) -> str:
        default_model(lambda: local_test_model(answers, hears=hears))

        async def main() -> None:
            program = demo.NoUIDemo()
            running = asyncio.create_task(program.run())
            await asyncio.sleep(0.5)
            await talk(card, program)
            await program.session.close()
            await asyncio.wait_for(running, timeout=1)

        run(main())
        assert sorted(card.closed) == ["loudspeaker", "microphone"]
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


def test_conversation(console: Console) -> None:
    async def talk(card: SoundCard, program: Any) -> None:
        card.say(600)
        await asyncio.sleep(5)
        assert card.heard_ms == pytest.approx(6 * WORD_MS, abs=10)
        assert answers_in(program.session) == ["Top of the morning to you."]

    printed = console(talk, ["Top of the morning to you."], hears=["Hello"])
    assert printed.startswith(
        "Connecting, may take a few seconds...\nConnected. Starting audio recording...\n"
    )
    assert "Agent started: Assistant\n" in printed
    assert "Audio ended\n" in printed
    assert "Agent ended: Assistant\n" in printed
    assert printed.endswith("Session ended\n")
    assert "rror" not in printed


def test_tool(console: Console) -> None:
    async def talk(card: SoundCard, program: Any) -> None:
        card.say(600)
        await asyncio.sleep(4)

    printed = console(
        talk, [tool_call("get_weather", {"city": "Oslo"}), "It is sunny."], hears=["How is it?"]
    )
    assert "Tool started: get_weather\n" in printed
    assert "Tool ended: get_weather; output: The weather in Oslo is sunny.\n" in printed


def test_user_who_speaks_up_silences_the_agent(console: Console) -> None:
    """The demo tells what was played with a `RealtimePlaybackTracker`; so much of the answer is kept."""

    async def talk(card: SoundCard, program: Any) -> None:
        card.say(600)
        await asyncio.sleep(3)
        before = card.heard_ms
        card.say(600)
        await asyncio.sleep(1)
        assert before < card.heard_ms < before + 500
        kept = answers_in(program.session)[0]
        assert LONG.startswith(kept)
        assert len(kept.split()) == pytest.approx(card.heard_ms / WORD_MS, abs=1)

    printed = console(talk, [LONG, "As you like."], hears=["Count, please.", "Stop!"])
    assert "Audio interrupted\n" in printed
