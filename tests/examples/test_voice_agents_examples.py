"""The steps of the voice agents guide, each a program that is run unchanged (see `conftest`)."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from vivavoce.cli.demo import clips
from vivavoce.testing import ScriptedRealtimeModel, ScriptedServer, run

EXAMPLES = Path(__file__).parents[2] / "examples" / "voice_agents"
QUESTION = clips.CLIPS["weather"]

Play = Callable[..., list[str]]
Load = Callable[[str], ModuleType]


def test_a_first_agent_speaks_first(play: Play) -> None:
    assert play("voice_agents/first_agent.py") == ["Connected.", "Assistant: Hello! I am listening."]


def test_recorded_audio_goes_in_and_audio_to_play_comes_out(play: Play) -> None:
    answer, seconds = play("voice_agents/audio.py", clips.load("weather"), hears=(QUESTION,))
    assert answer == "Agent: It is sunny in London."
    assert seconds == "1.0 seconds of audio to play"  # five words of the voice of tones


def test_settings_in_either_spelling(play: Play) -> None:
    assert play("voice_agents/session_settings.py") == [
        "model: gpt-realtime",
        "output_modalities: ['audio']",
        "max_output_tokens: 200",
        (
            "input: {'type': 'audio/pcm', 'rate': 24000}, "
            "{'model': 'gpt-4o-mini-transcribe', 'language': None, 'prompt': None}"
        ),
        "output: {'type': 'audio/pcm', 'rate': 24000}",
        "In JavaScript's spelling: 0 differences",
    ]


def test_a_handoff_by_description(play: Play, load: Load) -> None:
    assert play("voice_agents/handoffs.py")[2:] == [
        "You: I have a math question.",
        "[Greeter -> Math Tutor]",
        "Math Tutor: You are with Math Tutor now. How can I help you?",
        "The history has 6 items.",
    ]
    assert load("voice_agents/handoffs.py").math_tutor_agent.handoff_description.startswith(
        "Specialist agent"
    )


def test_a_tool_with_a_name_of_its_own(play: Play) -> None:
    assert play("voice_agents/tools.py") == [
        '[get_weather {"city": "Lisbon"}]',
        "Agent: The weather in Lisbon is sunny.",
    ]


def test_a_tool_that_reads_the_history(play: Play) -> None:
    assert play("voice_agents/tool_history.py") == [
        '[Refund_Expert {"request": "shoes"}]',
        "Agent: The refund of shoes is granted, after 2 messages from you.",
    ]


def test_a_callback_approves_and_rejects(play: Play) -> None:
    assert play("voice_agents/approval.py") == [
        "You:   Send an email to Ada.",
        '[Secretary asks for send_email {"recipient": "Ada"}]',
        "Agent: The email to Ada is on its way.",
        "You:   Send an email to Bob.",
        '[Secretary asks for send_email {"recipient": "Bob"}]',
        "Agent: Emails go to Ada only.",
    ]


def test_guardrails_look_as_often_as_they_are_told_to(play: Play) -> None:
    lines = play("voice_agents/guardrails.py")
    begin = lines.index("{'debounce_text_length': 500, 'hold_back': True}")
    tripped, cut, stopped, answer = lines[1:begin]
    assert re.fullmatch(r"\[No mention of Dom: {'dom_in_output': True}, seen in item item_\w+\]", tripped)
    assert cut.startswith("[playback cut after ")
    assert stopped == "Agent (cancelled): Ada is at the front desk, Dom is in the workshop,"
    assert answer.startswith("Agent (completed): I am sorry, I cannot help with that.")
    whole, tripped, answer = lines[begin + 1 :]
    assert whole.endswith("until three o'clock.")  # complete, yet nobody heard it: no playback was cut
    assert tripped.startswith("[No mention of Dom: ")
    assert answer.startswith("Agent (completed): I am sorry, I cannot help with that.")


def test_turn_detection_finds_the_turn_and_answers(play: Play, load: Load) -> None:
    assert play("voice_agents/turn_detection.py", hears=(QUESTION,)) == [
        "[you begin to speak]",
        "[you have finished]",
        f"You:   {QUESTION}",
        "Agent: It is sunny in London.",
    ]
    detection = load("voice_agents/turn_detection.py").config["model_settings"]["turn_detection"]
    assert detection == {
        "type": "semantic_vad",
        "eagerness": "medium",
        "createResponse": True,
        "interruptResponse": True,
    }


def test_either_interruption_stops_playback_and_keeps_what_was_heard(play: Play, load: Load) -> None:
    lines = play("voice_agents/interruptions.py", hears=("stop",))
    heard = [float(match[1]) for line in lines if (match := re.search(r"([\d.]+) s were heard", line))]
    spoken_over, stopped = (line.split(":", 1)[1].strip() for line in lines[1::2])
    assert heard == [1.6, 1.0]
    story: str = load("voice_agents/interruptions.py").STORY
    for kept, seconds in zip((spoken_over, stopped), heard, strict=True):
        assert story.startswith(kept)
        assert len(kept.split()) == round(seconds * 5)  # the voice of tones says five words a second


def test_text_input(play: Play) -> None:
    assert play("voice_agents/text_input.py") == [
        "Agent: I am fine, thank you. What can I do for you?",
        "Agent: I have no tools here, so I can only exchange a few words.",
    ]


def test_the_history_grows_word_by_word_and_is_changed_in_both_ways(play: Play) -> None:
    lines = play("voice_agents/history.py")
    assert "['user: Hello!', 'assistant: Hello! I am a helpful,']" in lines
    assert lines[-3:] == [
        "['user: Hello!', 'assistant: Hello! I am a helpful, friendly voice agent. How can I help you?']",
        (
            "['user: Hello!', 'assistant: Hello! I am a helpful, friendly voice agent. How can I help you?', "
            "'user: I am Ada.']"
        ),
        "['user: Hello!', 'user: I am Ada.']",
    ]


def test_a_websocket_connection(load: Load, capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> list[str]:
        async with ScriptedServer(ScriptedRealtimeModel(["Good day to you."])) as server:
            await load("voice_agents/websocket.py").main(server.url)
            return [event["type"] for event in server.received]

    sent = run(main())
    assert sent.index("input_audio_buffer.append") < sent.index("response.create")
    assert capsys.readouterr().out.splitlines() == ["Agent: Good day to you.", "1.2 seconds of audio"]


def test_raw_events_both_ways(play: Play) -> None:
    lines = [line.strip() for line in play("voice_agents/raw_events.py")]
    assert (lines[0], lines[-2:]) == ("response.created", ["response.done", "connection_status"])
    assert lines.count("response.output_audio_transcript.done") == 1
    assert "session.created" not in lines  # it came before there was a listener


def test_only_the_connection(play: Play) -> None:
    assert play("voice_agents/thin_client.py") == [
        "Model: Hello! How can I help you?",
        "1.2 seconds of audio",
    ]


def test_a_connection_of_ones_own(play: Play) -> None:
    assert play("voice_agents/own_connection.py") == [
        "Parrot: Who is a pretty bird?",
        "The history has 2 items.",
    ]


@pytest.mark.local
def test_an_example_runs_as_a_program_with_the_embedded_engines() -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "audio.py")], capture_output=True, text=True, timeout=40, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "Agent: It is sunny in London."


def test_every_example_is_tested_and_can_be_run() -> None:
    tested = Path(__file__).read_text(encoding="utf-8")
    for path in EXAMPLES.glob("*.py"):
        assert path.name in tested
        assert f"python examples/voice_agents/{path.name}" in path.read_text(encoding="utf-8")
