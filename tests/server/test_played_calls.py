"""Whole conversations on a line that the server plays, on local sessions and a virtual clock."""

from __future__ import annotations

import pytest
from tests.server.played_line import Line, play

from vivavoce.engines.base import FunctionCallDelta
from vivavoce.engines.scripted import Pause, ScriptedModel, scripted_engines
from vivavoce.server.guardrails import WordGuardrail

LONG = "One two three four five six seven eight nine ten."
"""Two seconds: a word lasts 200 ms."""
CALL = FunctionCallDelta(0, "look", "{}", "call_1")

TURN_ENDS = ["input_audio_buffer.speech_stopped", "input_audio_buffer.committed", "item.added", "item.done"]
ANSWER_BEGINS = ["created", "output_item.added", "item.added", "content_part.added"]
SPEECH = ["output_audio_transcript.delta", "output_audio.delta"]
ANSWER_ENDS = [
    "output_audio.done",
    "output_audio_transcript.done",
    "content_part.done",
    "item.done",
    "output_item.done",
    "done",
]


async def first_words(line: Line, ms: int = 500) -> None:
    """Somebody asks, and hears so much of the answer."""
    line.ask()
    await line.wait("output_audio_buffer.started")
    await line.listen(ms)


# --- a whole conversation -----------------------------------------------------------------------------------


def test_a_turn_an_interruption_and_the_next_answer_in_their_whole_order() -> None:
    async def scenario(line: Line) -> None:
        await line.speak(600)
        await line.be_silent(1100)
        await line.speak(300)
        await line.be_silent(700)
        await line.wait("output_audio_buffer.stopped")

    engines = scripted_engines(hears=["Hello", "Stop"], answers=[[LONG], ["Yes."]])
    line = play(scenario, engines)
    assert line.order == [
        "session.created",
        "input_audio_buffer.speech_started",
        *TURN_ENDS,
        *ANSWER_BEGINS,
        *SPEECH,
        "output_audio_buffer.started",
        *SPEECH,
        "input_audio_buffer.speech_started",
        "output_audio_buffer.cleared",
        *ANSWER_ENDS,
        "item.truncated",
        *TURN_ENDS,
        *ANSWER_BEGINS,
        *SPEECH,
        *ANSWER_ENDS,
        "output_audio_buffer.started",
        "output_audio_buffer.stopped",
    ]
    (truncated,) = line.of("conversation.item.truncated")
    first = line.of("response.done")[0]["response"]
    assert first["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert truncated["item_id"] == first["output"][0]["id"]
    assert line.heard_ms == truncated["audio_end_ms"] + 200
    # It was silent from the very frame on, and the model knows the words that were heard to their end.
    silence = line.at("output_audio_buffer.cleared"), line.at("output_audio_buffer.started")
    assert not [at for at, _ in line.heard if silence[0] <= at < silence[1]]
    words = len(LONG.split()[: truncated["audio_end_ms"] // 200])
    assert isinstance(engines.llm, ScriptedModel)
    said = engines.llm.requests[1].items[-2]
    assert said.content[0].transcript == " ".join(LONG.split()[:words])  # type: ignore[union-attr]


def test_speech_after_the_response_is_done_while_its_tail_is_played() -> None:
    async def scenario(line: Line) -> None:
        line.ask()
        await line.wait("response.done")
        await line.speak(300)
        await line.wait("conversation.item.truncated")

    line = play(scenario, scripted_engines(answers=[[LONG]]))
    assert line.since("done") == [
        "done",
        "input_audio_buffer.speech_started",
        "output_audio_buffer.cleared",
        "item.truncated",
    ]
    assert line.of("response.done")[0]["response"]["status"] == "completed"
    assert line.of("conversation.item.truncated")[0]["audio_end_ms"] == line.heard_ms < 2000


def test_speech_that_may_not_interrupt() -> None:
    async def scenario(line: Line) -> None:
        line.update(input={"turn_detection": {"type": "server_vad", "interrupt_response": False}})
        await first_words(line)
        await line.speak(300)
        await line.be_silent(700)
        await line.wait("output_audio_buffer.stopped", 2)

    line = play(scenario, scripted_engines(hears=["Hm"], answers=[[LONG], ["Yes."]]))
    assert not line.of("output_audio_buffer.cleared")
    assert not line.of("conversation.item.truncated")
    assert line.heard_ms == 2200


def test_a_slow_voice_is_started_and_stopped_once() -> None:
    async def scenario(line: Line) -> None:
        line.ask()
        await line.wait("output_audio_buffer.stopped")

    line = play(scenario, scripted_engines(answers=[["One two. ", Pause(2.0), "Three."]], speaking_delay=0.5))
    assert len(line.of("output_audio_buffer.started")) == 1
    assert line.heard_ms == 600
    assert line.heard[-1][0] - line.heard[0][0] > 2.0


def test_a_follow_up_is_played_after_what_was_said_before() -> None:
    async def scenario(line: Line) -> None:
        line.ask()
        call = (await line.wait("response.done"))["response"]["output"][-1]
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "1"}
        line.do("conversation.item.create", item=output)
        line.do("response.create")
        await line.wait("output_audio_buffer.stopped", 2)

    line = play(scenario, scripted_engines(answers=[["Let me look. ", CALL], ["It is one."]]))
    played = [
        (event["type"].removeprefix("output_audio_buffer."), event["response_id"])
        for _, event in line.events
        if event["type"].startswith("output_audio_buffer.")
    ]
    assert played == [
        ("started", "resp_1"),
        ("stopped", "resp_1"),
        ("started", "resp_2"),
        ("stopped", "resp_2"),
    ]
    assert line.heard_ms == 1200


def test_what_is_written_is_not_played() -> None:
    async def scenario(line: Line) -> None:
        line.ask(output_modalities=["text"])
        await line.wait("response.done")
        await line.listen(1000)

    line = play(scenario, scripted_engines(answers=[[LONG]]))
    assert not [kind for kind in line.order if kind.startswith("output_audio_buffer.")]


def test_what_is_blocked_is_heard_as_far_as_it_had_passed() -> None:
    async def scenario(line: Line) -> None:
        line.ask()
        await line.wait("output_audio_buffer.stopped")

    guardrails = [WordGuardrail(["six"], of="agent")]
    line = play(scenario, scripted_engines(answers=[[LONG]]), guardrails=guardrails)
    done = line.of("response.done")[0]["response"]
    assert done["status_details"] == {"type": "incomplete", "reason": "content_filter"}
    assert 800 <= line.heard_ms <= 1000
    assert line.order[-1] == "output_audio_buffer.stopped"


# --- what clients do ----------------------------------------------------------------------------------------


def test_a_client_that_cancels_and_clears() -> None:
    async def scenario(line: Line) -> None:
        await first_words(line)
        line.do("response.cancel")
        line.do("output_audio_buffer.clear")
        assert line.since("done") == ["done", "output_audio_buffer.cleared", "item.truncated"]
        await line.listen(1000)

    line = play(scenario, scripted_engines(answers=[[LONG]]))
    assert line.heard_ms == line.of("conversation.item.truncated")[0]["audio_end_ms"] == 500


def test_a_client_that_clears_only_hears_no_more_of_the_response_that_goes_on() -> None:
    async def scenario(line: Line) -> None:
        await first_words(line)
        line.do("output_audio_buffer.clear")
        await line.wait("response.done")
        line.do("output_audio_buffer.clear")
        line.do("conversation.item.retrieve", item_id=line.of("conversation.item.truncated")[0]["item_id"])
        await line.listen(1000)

    line = play(scenario, scripted_engines(answers=[[LONG]]))
    assert line.of("response.done")[0]["response"]["status"] == "completed"
    assert len(line.of("output_audio_buffer.cleared")) == len(line.of("conversation.item.truncated")) == 1
    assert line.heard_ms == 500
    assert line.of("conversation.item.retrieved")[0]["item"]["content"][0]["transcript"] == "One two"
    assert not line.of("error")


def test_a_client_that_clears_silence_is_told_nothing() -> None:
    async def scenario(line: Line) -> None:
        line.do("output_audio_buffer.clear", event_id="mine")

    assert play(scenario, scripted_engines()).order == ["session.created"]


def test_a_client_that_is_written_for_websocket_truncates_itself() -> None:
    async def scenario(line: Line) -> None:
        await first_words(line)
        item_id = line.of("response.output_item.added")[0]["item"]["id"]
        truncate = {"item_id": item_id, "content_index": 0, "audio_end_ms": 60_000}
        line.do("conversation.item.truncate", **truncate)
        assert line.of("conversation.item.truncated")[0]["audio_end_ms"] == 500
        await line.wait("response.done")
        line.do("conversation.item.truncate", **truncate)
        line.do("conversation.item.truncate", **{**truncate, "item_id": "nobodys"})

    line = play(scenario, scripted_engines(answers=[[LONG]]))
    assert line.heard_ms == 500
    assert len(line.of("conversation.item.truncated")) == 1
    assert [event["error"]["code"] for event in line.of("error")] == ["item_truncate_invalid_item_id"]


def test_errors_of_its_own_truncations_reach_nobody() -> None:
    async def scenario(line: Line) -> None:
        await first_words(line)
        line.do("conversation.item.delete", item_id=line.of("response.output_item.added")[0]["item"]["id"])
        line.do("output_audio_buffer.clear")
        await line.wait("response.done")

    line = play(scenario, scripted_engines(answers=[[LONG]]))
    assert not line.of("error")
    assert not line.of("conversation.item.truncated")


def test_a_response_beside_the_conversation_is_played_and_not_truncated() -> None:
    async def scenario(line: Line) -> None:
        line.do("response.create", response={"conversation": "none", "input": []})
        await line.wait("output_audio_buffer.started")
        line.do("output_audio_buffer.clear")
        await line.wait("response.done")

    line = play(scenario, scripted_engines(answers=[[LONG]]))
    assert len(line.of("output_audio_buffer.cleared")) == 1
    assert not line.of("conversation.item.truncated")
    assert not line.of("error")


# --- formats ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fmt", ["audio/pcmu", "audio/pcma"])
def test_a_session_may_hear_and_speak_as_on_the_telephone(fmt: str) -> None:
    async def scenario(line: Line) -> None:
        await line.speak(100)
        line.update(input={"format": {"type": fmt}}, output={"format": {"type": fmt}})
        await line.speak(500)
        await line.be_silent(900)
        await line.speak(300)
        await line.wait("conversation.item.truncated")
        await line.be_silent(700)
        await line.wait("output_audio_buffer.stopped")

    line = play(scenario, scripted_engines(hears=["Hello", "Stop"], answers=[[LONG], ["Yes."]]))
    assert [len(audio) for audio in line.appended[:5]] == [960] * 5
    assert sum(len(audio) for audio in line.appended[5:30]) == pytest.approx(500 * 8, abs=16)
    truncated = line.of("conversation.item.truncated")[0]["audio_end_ms"]
    assert line.heard_ms == pytest.approx(truncated + 200, abs=4)
    assert not line.of("error")
