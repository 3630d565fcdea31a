"""What a session makes of guardrails, of speech that is held back, and of those who look on."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from tests.session.conftest import echoing

from vivavoce.agents.guardrails import GuardrailFunctionOutput, input_guardrail, output_guardrail
from vivavoce.conversation.held_audio import MAX_HELD_BYTES
from vivavoce.errors import ConfigurationError, ConnectionLostError

if TYPE_CHECKING:
    from tests.session.conftest import Stage

Perform = Callable[..., None]
SECRET = "This is not for the user."


# --- guardrails and what is held back -----------------------------------------------------------------------


@output_guardrail
async def no_secrets(_context: Any, _agent: Any, text: str) -> GuardrailFunctionOutput:
    return GuardrailFunctionOutput(None, tripwire_triggered="not for" in text)


@input_guardrail
async def no_insults(_context: Any, _agent: Any, text: str) -> GuardrailFunctionOutput:
    return GuardrailFunctionOutput(None, tripwire_triggered="not for" in text)


def test_speech_is_held_back_until_it_has_passed(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.send_message("hello")
        stage.model.speak("r1", "a", "Good day.", 200)
        assert stage.of("audio") == []
        part = {"response_id": "r1", "item_id": "a", "output_index": 0, "content_index": 0}
        stage.model.say("response.output_audio_transcript.done", **part, transcript="Good day.")
        stage.model.done("r1")
        await stage.settle()
        assert len(stage.of("audio")) == 10

    config = {"output_guardrails": [no_secrets], "guardrails_settings": {"hold_back": True}}
    perform(play, config=config)


def test_an_answer_that_trips_is_stopped_and_told_of(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.send_message("hello")
        stage.model.speak("r1", "a", SECRET, 2000)
        part = {"response_id": "r1", "item_id": "a", "output_index": 0, "content_index": 0}
        stage.model.say("response.output_audio_transcript.done", **part, transcript=SECRET)
        await stage.settle()
        (event,) = stage.of("guardrail_tripped")
        assert (event.item_id, event.message) == ("a", SECRET)
        assert stage.model.kinds()[3:6] == [
            "response.cancel",
            "conversation.item.truncate",
            "conversation.item.create",
        ]
        assert len(stage.of("audio_interrupted")) == 1

    perform(play, config={"output_guardrails": [no_secrets]})


def test_speech_that_cannot_be_checked_is_reported(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.send_message("hello")
        stage.model.speak("r1", "a", "", 200)
        stage.model.done("r1")
        await stage.settle()
        (event,) = stage.of("error")
        assert "no transcript of it came" in str(event.error)
        assert stage.of("audio") == []

    perform(play, config={"guardrails_settings": {"hold_back": True}, "output_guardrails": [no_secrets]})


def test_too_much_speech_that_waits_stops_the_answer(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.send_message("hello")
        stage.model.speak("r1", "a", "Well", 0)
        part = {"response_id": "r1", "item_id": "a", "output_index": 0, "content_index": 0}
        size = 4 * 1024 * 1024
        for _ in range(MAX_HELD_BYTES // size + 1):
            stage.model.say(
                "response.output_audio.delta", **part, delta=base64.b64encode(bytes(size)).decode()
            )
        await stage.settle()
        (event,) = stage.of("error")
        assert "too much of it waited" in str(event.error)
        assert stage.model.kinds()[-2:] == ["response.cancel", "conversation.item.truncate"]
        assert stage.model.sent[-1]["audio_end_ms"] == 0
        assert stage.of("audio") == []

    perform(play, config={"guardrails_settings": {"hold_back": True}, "output_guardrails": [no_secrets]})


@pytest.mark.parametrize("end", ["passes", "trips", "fails", "cleared", "deleted"])
def test_what_the_user_says_is_checked_before_it_is_answered(perform: Perform, end: str) -> None:
    async def play(stage: Stage) -> None:
        say = stage.model.say
        say("input_audio_buffer.speech_started", item_id="u", audio_start_ms=0)
        if end == "cleared":
            say("input_audio_buffer.cleared")
            await stage.settle()
            assert stage.model.told() == []
            return
        say("input_audio_buffer.speech_stopped", item_id="u", audio_end_ms=500)
        say("input_audio_buffer.committed", item_id="u")
        await stage.settle()
        assert stage.model.told() == []
        if end == "deleted":
            say("conversation.item.deleted", item_id="u")
        elif end == "fails":
            error = {"type": "transcription_error", "message": "mumbled"}
            place = {"item_id": "u", "content_index": 0}
            say("conversation.item.input_audio_transcription.failed", **place, error=error)
        else:
            words = {"transcript": "not for you" if end == "trips" else "good day", "content_index": 0}
            usage = {"type": "duration", "seconds": 1}
            say("conversation.item.input_audio_transcription.completed", item_id="u", **words, usage=usage)
        await stage.settle()
        assert len(stage.of("input_guardrail_tripped")) == (1 if end == "trips" else 0)
        assert stage.model.kinds()[-1] == ("session.update" if end == "deleted" else "response.create")
        deletes = stage.model.kinds().count("conversation.item.delete")
        assert deletes == (1 if end == "trips" else 0)

    config = {"input_guardrails": [no_insults], "input_guardrails_settings": {"delete_item": True}}
    perform(play, config=config)


def test_a_lost_answer_is_checked_no_more(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.send_message("hello")
        stage.model.speak("r1", "a", "This is not", 200)
        stage.model.lose(ConnectionLostError("cut"))
        await stage.settle(2)
        assert stage.of("guardrail_tripped") == []
        assert [start.response_id for start in stage.of("agent_start")] == ["r1", "r2"]
        stage.model.speak("r2", "b", SECRET, 200)
        part = {"response_id": "r2", "item_id": "b", "output_index": 0, "content_index": 0}
        stage.model.say("response.output_audio_transcript.done", **part, transcript=SECRET)
        await stage.settle()
        assert [event.response_id for event in stage.of("guardrail_tripped")] == ["r2"]

    perform(play, model=echoing(), config={"output_guardrails": [no_secrets]})


# --- who looks on -------------------------------------------------------------------------------------------


class Watcher:
    def __init__(self) -> None:
        self.seen: list[str] = []
        self.closed = 0

    def on_client_event(self, event: Any, _now: float) -> None:
        self.seen.append(f"> {event.type}")

    def on_server_event(self, event: Any, _now: float) -> None:
        self.seen.append(f"< {event.type}")

    def on_session_event(self, event: Any, _now: float) -> None:
        if event.type in {"agent_start", "agent_end"}:
            self.seen.append(event.type)

    def close(self, _now: float) -> None:
        self.closed += 1


class Broken(Watcher):
    def on_client_event(self, event: Any, _now: float) -> None:
        super().on_client_event(event, _now)
        raise ValueError("not me")


def test_observers_see_all_traffic_in_order_and_harm_nobody(perform: Perform) -> None:
    watcher, broken = Watcher(), Broken()

    async def play(stage: Stage) -> None:
        await stage.session.send_message("hello")
        stage.model.done("r1")
        await stage.settle()
        assert broken.seen == ["< session.created", "> session.update"]

    perform(play, config={"observers": [broken, watcher]})
    assert watcher.seen == [
        "< session.created",
        "> session.update",
        "< session.updated",
        "> conversation.item.create",
        "> response.create",
        "< response.created",
        "agent_start",
        "< response.done",
        "agent_end",
    ]
    assert watcher.closed == 1


def test_callbacks_get_their_events_in_order(perform: Perform) -> None:
    got: list[str] = []

    async def slowly(event: Any) -> None:
        for _ in range(20):
            await asyncio.sleep(0)
        got.append(event.response_id)

    async def play(stage: Stage) -> None:
        off = stage.session.on("agent_start", slowly)
        for number in range(3):
            await stage.session.send_message("hello")
            stage.model.done(f"r{number + 1}")
        await stage.settle()
        off()
        await stage.session.send_message("hello")
        await stage.settle()
        assert got == ["r1", "r2", "r3"]
        with pytest.raises(ConfigurationError, match="there is no event 'agent_begin'"):
            stage.session.on("agent_begin", slowly)

    perform(play)
