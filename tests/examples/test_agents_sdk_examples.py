"""The programs of the OpenAI Agents SDK's documentation run with their import line changed."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from vivavoce import RealtimeRunner, RealtimeSession, SessionOpening
from vivavoce.audio.wav import read_wav
from vivavoce.testing import run, tone_clip

EXAMPLES = Path(__file__).parents[2] / "examples" / "agents_sdk"

Play = Callable[..., list[str]]
Load = Callable[[str], ModuleType]
Hearing = Callable[..., None]

AS_DOCUMENTED = {
    "quickstart.py": "3bfef86091d814e03973eeea7cb370f2d6fd7669e486dc81da1f22fe88fdd4d4",
    "complete_example.py": "2bf2f32d0171e69dd0b94b95acb96ad2e030b0301da4aec488ea1493b6796833",
}
"""SHA-256 of each program as the documentation prints it."""


@pytest.mark.parametrize("name", AS_DOCUMENTED)
def test_only_the_import_line_differs_from_the_documentation(name: str) -> None:
    _, program = (EXAMPLES / name).read_text(encoding="utf-8").split("# fmt: off\n\n")
    assert program.count("from vivavoce import ") == 1
    original = program.replace("from vivavoce import ", "from agents.realtime import ")
    assert hashlib.sha256(original.encode()).hexdigest() == AS_DOCUMENTED[name]


def without_keys() -> dict[str, str]:
    """The environment of somebody who has no key."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI", "AZURE"))}


@pytest.mark.local
def test_the_quickstart_prints_the_answer_and_listens_until_ctrl_c() -> None:
    command = [sys.executable, "-u", str(EXAMPLES / "quickstart.py")]
    with subprocess.Popen(
        command, env=without_keys(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "Assistant: I am fine, thank you. What can I do for you?\n"
        assert program.poll() is None
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=10)
    assert errors.splitlines()[-1] == "KeyboardInterrupt", errors


# --- the complete example -----------------------------------------------------------------------------------


async def printed_by(program: ModuleType, speech: bytes) -> list[str]:
    """Run the complete example with somebody who speaks to it, until it is told of an error.

    Args:
        program: the example.
        speech: what is said, as the session takes it.
    """
    sessions: asyncio.Queue[RealtimeSession] = asyncio.Queue()
    lines: asyncio.Queue[str] = asyncio.Queue()

    class Runner(RealtimeRunner[Any]):
        def run(self, **arguments: Any) -> SessionOpening:
            return SessionOpening(noted(super().run(**arguments)))

    async def noted(opening: SessionOpening) -> RealtimeSession:
        session = await opening
        sessions.put_nowait(session)
        return session

    program.__dict__.update(RealtimeRunner=Runner, print=lines.put_nowait)
    async with asyncio.timeout(40), asyncio.TaskGroup() as group:
        group.create_task(program.main())
        session, printed = await sessions.get(), [await lines.get()]
        speech += bytes(48_000)  # a second of silence ends the turn
        for start in range(0, len(speech), 960):
            await session.send_audio(speech[start : start + 960])
        printed += [await lines.get(), await lines.get()]
        await session.send_event({"type": "conversation.item.delete", "item_id": "item_of_nobody"})
        printed.append(await lines.get())
    return printed


STARTED = "Session started! The agent will stream audio responses in real-time."


def test_the_complete_example_prints_both_sides_until_an_error(
    load: Load, hearing: Hearing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    hearing("good evening")
    program = load("agents_sdk/complete_example.py")
    *said, error = run(printed_by(program, tone_clip("good evening").pcm))
    answer = "Assistant: Hello! I am a helpful voice assistant. How can I help you?"
    assert said == [STARTED, "User: good evening", answer]
    assert error.startswith("Error: ErrorDetail(")
    assert "item_of_nobody" in error


@pytest.mark.local
def test_the_complete_example_understands_speech(
    load: Load, speech_clip: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    recording = read_wav(speech_clip("hello, how are you today?"))
    assert recording.rate == 24_000
    program = load("agents_sdk/complete_example.py")
    *said, _ = asyncio.run(printed_by(program, recording.mono()))
    answer = "Assistant: I am fine, thank you. What can I do for you?"
    assert said == [STARTED, "User: hello how are you today", answer]


# --- the guide's snippets -----------------------------------------------------------------------------------


def test_tools(play: Play) -> None:
    assert play("agents_sdk/tools.py") == [
        "You:   What is the weather in Paris?",
        '[calls get_weather with {"city": "Paris"}]',
        "Agent: The weather in Paris is sunny, 72°F.",
        "You:   Book an appointment.",
        "Agent: For which day?",
        "You:   On Friday",
        "Agent: At what time?",
        "You:   At ten",
        "Agent: What is the service?",
        "You:   A haircut",
        '[calls book_appointment with {"date": "Friday", "time": "10:00", "service": "haircut"}]',
        "Agent: Appointment booked for haircut on Friday at 10:00.",
    ]


def test_handoffs_with_a_tool_description(play: Play, load: Load) -> None:
    assert play("agents_sdk/handoffs.py")[2:] == [
        "You: Please transfer me to billing support.",
        "[Customer Service hands off to Billing Support]",
        "Billing Support: You are with Billing Support now. How can I help you?",
    ]
    descriptions = [
        handoff.tool_description for handoff in load("agents_sdk/handoffs.py").main_agent.handoffs
    ]
    assert descriptions == ["Transfer to billing support", "Transfer to technical support"]


def test_a_guardrail_stops_the_answer_and_raises_nothing(play: Play) -> None:
    tripped, cut, stopped, answer = play("agents_sdk/guardrails.py")
    seen = tripped.removeprefix("[stopped by no_codes: ").removesuffix("]")
    # Looked at every 100 characters: at the first word that reaches them.
    assert 100 <= len(seen) < 110
    assert stopped == f"Agent (cancelled): {seen}"
    assert cut.startswith("[playback is cut after ")
    assert answer.startswith("Agent (completed): I am sorry, I cannot help with that.")


def test_a_listener_hears_what_the_model_says(play: Play) -> None:
    answer, *counts = play("agents_sdk/model_access.py")
    assert answer == "Agent: Hello! I am a helpful voice assistant. How can I help you?"
    heard = {name: int(count) for count, name in (line.split() for line in counts)}
    assert heard["session.created"] == heard["response.created"] == heard["response.done"] == 1
    assert heard["response.output_audio.delta"] > 1
    assert heard["connection_status"] == len(["connecting", "connected", "disconnected"])


def test_every_example_is_tested() -> None:
    tested = Path(__file__).read_text(encoding="utf-8")
    assert [path.name for path in EXAMPLES.glob("*.py") if path.name not in tested] == []
