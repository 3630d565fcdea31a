"""Every example of the README and of `examples/` runs, as a user would run it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vivavoce.audio.wav import read_wav

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"

pytestmark = pytest.mark.local


def run(example: str, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / example), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_quickstart_calls_its_tool_and_answers() -> None:
    said = run("quickstart.py")
    assert "calls get_weather" in said
    assert "Agent: It is sunny in Oslo." in said


def test_a_recorded_question_gets_a_spoken_answer(speech_clip: Callable[..., Path], tmp_path: Path) -> None:
    question = speech_clip("what is the weather in london", voice="slt")
    said = run("talk_to_wav.py", str(question), str(tmp_path / "answer.wav"))
    assert "Agent: It is sunny in London." in said
    assert read_wav(tmp_path / "answer.wav").duration_ms > 1000


def test_a_call_is_recorded_and_replayed(tmp_path: Path) -> None:
    said = run("recording.py", str(tmp_path / "call"))
    assert "Turn 1: " in said
    assert "Replayed 4 items, 0 differences" in said
    assert read_wav(tmp_path / "call.wav").duration_ms > 1000


def test_a_refund_waits_for_its_approval() -> None:
    said = run("approvals.py")
    assert said.count("[asks for refund_order") == 2
    assert "Agent: 30 euros are on their way back to you." in said
    assert "Agent: Not approved: refunds above 100 euros need a letter." in said


def test_the_conversation_goes_on_while_a_tool_works_in_the_background() -> None:
    said = run("background_tool.py").splitlines()
    assert said[1:] == [
        "You:   What are the opening hours?",
        "Agent: The archive is open from nine to five.",
        "Agent: The archive has twelve letters about bees.",
    ]


@pytest.fixture
def server_url() -> Iterator[str]:
    serve = [sys.executable, "-m", "vivavoce", "serve", "--port", "0"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = next(line for line in process.stdout if "ws://" in line)
        url = next(word for word in ready.split() if word.startswith("ws://"))
        yield url.replace("ws://", "http://").split("/realtime")[0]
        process.terminate()


@pytest.mark.clients
def test_the_official_client_talks_to_our_server(server_url: str) -> None:
    assert run("openai_client.py", OPENAI_BASE_URL=server_url).strip()


def test_every_example_is_tested() -> None:
    tests = Path(__file__).parents[1].rglob("test_*.py")
    tested = "".join(test.read_text(encoding="utf-8") for test in tests)
    assert [path.name for path in EXAMPLES.glob("*.py") if path.name not in tested] == []


def test_the_readme_shows_what_the_examples_hold() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = [block.split("```")[0].strip() for block in readme.split("```python\n")[1:]]
    assert blocks
    sources = [path.read_text(encoding="utf-8") for path in EXAMPLES.glob("*.py")]
    for block in blocks:
        assert any(block in source for source in sources), block
