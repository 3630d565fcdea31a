"""Whole sessions: turns with voice, barge-in, the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.conversation.effects import CancelResponse, EndSession, StartResponse
from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import ResponseDone, ResponseOutputAudioDelta, to_builtins

if TYPE_CHECKING:
    from tests.conversation.conftest import Talk

STARTED, STOPPED = "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"
TRANSCRIPTION = "conversation.item.input_audio_transcription."
VAD = {"type": "server_vad"}


def test_a_voice_turn_with_transcription(talk: Talk) -> None:
    talk.listen_with(transcription={"model": "w"})
    assert talk.hear(1.0, 320) == [STARTED]
    for guess in ("hi", "hi there"):
        talk.server.receive_partial_transcript("item_1", guess)
    assert talk.take() == [TRANSCRIPTION + "delta"]
    assert talk.hear(0.0, 640) == [STOPPED, *talk.COMMIT, "response.created"]
    assert talk.transcript("item_1", "hi there") == [TRANSCRIPTION + "delta", TRANSCRIPTION + "completed"]
    assert talk.clause("Hi.", 40, [(3, 40)]) == [*talk.PART_OPEN, talk.WORDS, talk.SOUND]
    assert talk.finish() == [*talk.SPOKEN, "response.done"]


def test_a_failed_transcript_and_the_turn_goes_on(talk: Talk) -> None:
    talk.listen_with(transcription={"model": "w"})
    talk.speak()
    talk.server.receive_transcript_failure("item_1", "No ears.", talk.now)
    assert talk.take() == [TRANSCRIPTION + "failed"]
    assert talk.of(StartResponse)


def test_without_create_response_the_client_drives(talk: Talk) -> None:
    talk.listen_with(turn_detection={**VAD, "create_response": False})
    assert talk.speak() == [STARTED, STOPPED, *talk.COMMIT]


def test_a_line_that_is_never_silent_is_answered_turn_by_turn(talk_with: type[Talk]) -> None:
    talk = talk_with(max_input_buffer_s=2.0)
    said = talk.hear(1.0, 20_480)
    turn = [STARTED, STOPPED, *talk.COMMIT, "response.created"]
    again = [STARTED, "response.done", *turn[1:]]
    assert said == turn + again * 9 + [STARTED, "response.done"]


def test_barge_in_while_generating(talk: Talk) -> None:
    talk.ask()
    talk.clause("One two three.", 3000)
    talk.hear(0.0, 320)
    said = talk.hear(1.0, 320)
    cut = said.index(STARTED)
    assert said[cut:] == [STARTED, *talk.SPOKEN, "response.done"]
    done = to_builtins(talk.last(ResponseDone))["response"]
    assert done["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert talk.of(CancelResponse) == [CancelResponse("resp_1")]
    assert talk.hear(0.0, 640) == [STOPPED, *talk.COMMIT, "response.created"]


def test_barge_in_while_the_audio_leaves(talk: Talk) -> None:
    talk.ask()
    talk.clause("One two three.", 3000)
    talk.finish()
    said = talk.hear(1.0, 320)
    assert said[said.index(STARTED) :] == [STARTED, *talk.SPOKEN, "response.done"]
    sent = len(talk.all(ResponseOutputAudioDelta))
    talk.tick(5)
    assert len(talk.all(ResponseOutputAudioDelta)) == sent


def test_barge_in_before_any_output(talk: Talk) -> None:
    talk.ask()
    assert talk.hear(1.0, 320) == [STARTED, "response.done"]
    assert talk.last(ResponseDone).response.output == []


def test_barge_in_after_the_end_is_the_clients_business(talk: Talk) -> None:
    talk.ask()
    talk.clause("Hi.", 100)
    talk.finish()
    assert talk.hear(1.0, 320) == [STARTED]


def test_barge_in_leaves_responses_beside_the_conversation(talk: Talk) -> None:
    talk.ask(conversation="none")
    assert talk.hear(1.0, 320) == [STARTED]
    assert talk.text("Hi")[-1] == talk.TEXT


def test_who_spoke_over_an_answer_gets_theirs_afterwards(talk: Talk) -> None:
    talk.listen_with(turn_detection={**VAD, "interrupt_response": False})
    talk.ask()
    talk.text("Hello")
    for _ in range(2):
        assert talk.speak() == [STARTED, STOPPED, *talk.COMMIT]
    assert talk.finish() == [*talk.TEXT_DONE, "response.done", "response.created"]
    assert talk.of(StartResponse)[-1].response_id == "resp_1"  # the second waits for the transcripts
    for item_id in ("item_2", "item_3"):
        talk.transcript(item_id)
    assert talk.finish() == ["response.done"]


@pytest.mark.parametrize("how", ["cancel", "fail", "deadline"])
def test_the_owed_answer_comes_however_the_first_one_ended(talk: Talk, how: str) -> None:
    talk.listen_with(turn_detection={**VAD, "interrupt_response": False})
    talk.ask()
    if how == "deadline":
        talk.clause("Hello.", 4000)
        talk.finish()
    talk.speak()
    match how:
        case "cancel":
            said = talk.send("response.cancel")
        case "fail":
            said = talk.fail()
        case _:
            said = talk.tick(4)
    assert said[-2:] == ["response.done", "response.created"]


def test_barge_in_forgets_the_owed_answer(talk: Talk) -> None:
    talk.listen_with(turn_detection={**VAD, "interrupt_response": False})
    talk.ask()
    talk.speak()
    talk.listen_with(turn_detection={**VAD, "interrupt_response": True})
    assert talk.hear(1.0, 320) == [STARTED, "response.done"]
    assert talk.hear(0.0, 640) == [STOPPED, *talk.COMMIT, "response.created"]
    for item_id in ("item_1", "item_2"):
        talk.transcript(item_id)
    assert talk.finish() == ["response.done"]


def test_push_to_talk(button_talk: Talk) -> None:
    talk = button_talk
    assert talk.send("input_audio_buffer.clear") == ["input_audio_buffer.cleared"]
    assert talk.append(300) == []
    assert talk.send("input_audio_buffer.commit") == [*talk.COMMIT]
    assert talk.ask() == ["response.created"]
    talk.transcript("item_1")
    assert talk.text("Hi") == [*talk.PART_OPEN, talk.TEXT]


def test_a_function_call_turn(talk: Talk) -> None:
    talk.write("Weather?")
    talk.ask()
    talk.call("weather", '{"city":"Oslo"}')
    output = {"type": "function_call_output", "call_id": "call_weather", "output": "Sun."}
    assert talk.send("conversation.item.create", item=output) == [*talk.ITEM]  # before response.done
    assert talk.json["item"]["output"] == "Sun."
    assert talk.finish() == [*talk.CALLED, "response.done"]
    assert talk.ask() == ["response.created"]


def test_a_transcription_session_never_answers(talk_with: type[Talk]) -> None:
    talk = talk_with(transcription_only=True)
    talk.send(
        "session.update",
        session={"type": "transcription", "audio": {"input": {"transcription": {"model": "w"}}}},
    )
    assert talk.speak() == [STARTED, STOPPED, *talk.COMMIT]
    assert talk.transcript("item_1") == [TRANSCRIPTION + "delta", TRANSCRIPTION + "completed"]
    assert talk.ask() == ["error"]
    assert talk.complaint[0] == "invalid_event"


def test_a_plain_connection_has_no_output_buffer(talk: Talk) -> None:
    assert talk.send("output_audio_buffer.clear", event_id="mine") == ["error"]
    assert talk.complaint[:2] == ("invalid_value", "type")


def test_a_frame_that_could_not_be_read(talk: Talk) -> None:
    error = RemoteProtocolError("Bad.", code="invalid_json", event_id="mine")
    talk.server.receive_error(error)
    assert talk.take() == ["error"]
    assert talk.json["error"]["event_id"] == "mine"


def test_the_session_expires(talk_with: type[Talk]) -> None:
    talk = talk_with(max_session_s=120.0)
    talk.ask()
    talk.clause("Hi.", 9000)
    talk.ask(conversation="none")
    talk.tick(119)
    said = talk.tick(1)
    assert said[-2:] == ["response.done", "error"]
    assert talk.complaint == ("session_expired", None, "Your session hit the maximum duration of 2 minutes.")
    assert talk.of(EndSession) == [EndSession(talk.complaint[2])]
    assert talk.server.ended
    assert talk.server.next_deadline() is None


def test_after_the_end_nothing_is_said(talk_with: type[Talk]) -> None:
    talk = talk_with(max_session_s=10.0)
    talk.listen_with(transcription={"model": "w"})
    talk.hear(1.0, 320)
    talk.tick(10)
    talk.effects.clear()
    talk.server.handle_deadline(talk.now)
    talk.server.receive_error(RemoteProtocolError("Bad.", code="invalid_json"))
    talk.server.receive_partial_transcript("item_1", "Hi")
    talk.server.receive_partial_transcript("item_1", "Hi")
    talk.server.receive_transcript_failure("item_1", "No.", talk.now)
    assert talk.transcript("item_1") == talk.hear(0.0, 960) == talk.ask() == talk.take() == []
    assert talk.effects == []
    assert not talk.server.takes_audio


def test_a_context_that_does_not_fit_starts_the_idle_period(talk_with: type[Talk]) -> None:
    talk = talk_with(context_tokens=20)
    detection: dict[str, Any] = {**VAD, "idle_timeout_ms": 5000}
    talk.update(truncation="disabled", instructions="", audio={"input": {"turn_detection": detection}})
    talk.write("x" * 400)
    talk.speak()
    assert talk.transcript("item_2") == ["response.done"]
    assert talk.tick(6)[0] == "input_audio_buffer.timeout_triggered"


def test_a_session_tells_of_its_end_beforehand(talk_with: type[Talk]) -> None:
    talk = talk_with(max_session_s=100.0, session_warning_s=30.0, created_at=1000)
    before = talk.json["session"]
    assert talk.tick(69.9) == []
    assert talk.tick(0.2) == ["session.updated"]
    assert (talk.json["session"], talk.json["expires_in_s"]) == (before, 30.0)
    assert before["expires_at"] == 1100
    assert talk.update() == ["session.updated"]
    assert "expires_in_s" not in talk.json
    assert talk.tick(29) == []
    assert talk.tick(1) == ["error"]
    assert talk.complaint[0] == "session_expired"


@pytest.mark.parametrize("warning", [0.0, 100.0])
def test_a_session_may_end_without_a_warning(talk_with: type[Talk], warning: float) -> None:
    talk = talk_with(max_session_s=100.0, session_warning_s=warning)
    assert talk.tick(101) == ["error"]


def test_whether_somebody_asks_how_sure_the_transcriber_is(talk_with: type[Talk]) -> None:
    talk = talk_with(transcription_honours=frozenset({"logprobs"}))
    assert not talk.server.wants_logprobs
    talk.update(include=["item.input_audio_transcription.logprobs"])
    assert talk.server.wants_logprobs
