"""One response from `response.created` to `response.done`: how it ends, and what it cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.conversation.effects import CancelResponse
from vivavoce.conversation.response import TRANSITIONS, ResponseState
from vivavoce.conversation.tokens import CountedTokens
from vivavoce.protocol import ResponseDone, ResponseOutputAudioDelta, to_builtins

if TYPE_CHECKING:
    from tests.conversation.conftest import Talk


def done(talk: Talk) -> dict[str, Any]:
    response: dict[str, Any] = to_builtins(talk.last(ResponseDone))["response"]
    return response


def ending(talk: Talk) -> tuple[Any, ...]:
    response = done(talk)
    details = response["status_details"]
    return response["status"], details and details.get("reason"), [i["status"] for i in response["output"]]


def test_completed(talk: Talk) -> None:
    talk.ask()
    talk.text("Hi")
    talk.finish()
    assert ending(talk) == ("completed", None, ["completed"])


@pytest.mark.parametrize("reason", ["max_output_tokens", "content_filter"])
def test_incomplete(talk: Talk, reason: Any) -> None:
    talk.ask()
    talk.call()
    talk.clause("Hi", 100)
    talk.finish(reason)
    assert ending(talk) == ("incomplete", reason, ["completed", "incomplete"])


def test_cancelled_while_generating(talk: Talk) -> None:
    talk.ask()
    talk.clause("Hello there.", 1000)
    assert talk.send("response.cancel") == [*talk.SPOKEN, "response.done"]
    assert ending(talk) == ("cancelled", "client_cancelled", ["incomplete"])
    assert talk.of(CancelResponse) == [CancelResponse("resp_1")]
    assert (
        talk.clause("More.", 100, response="resp_1") == talk.finish(response="resp_1") == talk.tick(5) == []
    )


def test_cancelled_while_the_audio_leaves(talk: Talk) -> None:
    talk.ask()
    talk.clause("Hello there.", 2000)
    talk.finish()
    sent = len(talk.all(ResponseOutputAudioDelta))
    assert talk.send("response.cancel") == [*talk.SPOKEN, "response.done"]
    assert talk.of(CancelResponse) == []  # there is nothing left to stop
    assert talk.tick(5) == []
    assert len(talk.all(ResponseOutputAudioDelta)) == sent


def test_everything_that_is_open_is_closed(talk: Talk) -> None:
    talk.ask()
    talk.clause("Hello.", 5000)
    talk.text("Hi")
    talk.call()
    talk.clause("More.", 100)
    said = talk.send("response.cancel")
    assert said == [*talk.SPOKEN, *talk.SPOKEN, "response.done"]
    assert ending(talk)[2] == ["incomplete", "completed", "completed", "incomplete"]


def test_cancelled_before_any_output_costs_nothing(talk: Talk) -> None:
    talk.write("A long question")
    talk.ask()
    assert talk.send("response.cancel") == ["response.done"]
    assert ending(talk) == ("cancelled", "client_cancelled", [])
    assert done(talk)["usage"]["total_tokens"] == 0


def test_cancelled_while_it_waits_for_a_transcript(talk: Talk) -> None:
    talk.speak()
    assert talk.send("response.cancel") == ["response.done"]
    assert talk.of(CancelResponse) == []
    assert talk.transcript("item_1") == []


def test_an_engine_that_fails(talk: Talk) -> None:
    talk.ask()
    talk.text("Hi")
    assert talk.fail("No model.") == [*talk.TEXT_DONE, "response.done"]
    assert ending(talk) == ("failed", None, ["incomplete"])
    assert done(talk)["status_details"]["error"] == {
        "type": "server_error",
        "code": "engine_failed",
        "message": "No model.",
    }
    assert talk.ask() == ["response.created"]


def test_what_was_synthesised_before_a_failure_is_still_said(talk: Talk) -> None:
    talk.ask()
    talk.text("Beside")
    talk.clause("One two.", 2000)
    talk.server.receive_clause("resp_1", "Never made.", talk.now)
    assert talk.fail() == [*talk.TEXT_DONE]
    assert talk.ask() == ["error"]
    said = talk.tick(3)
    assert said[-6:] == [*talk.SPOKEN, "response.done"]
    assert ending(talk) == ("failed", None, ["incomplete", "incomplete"])
    assert done(talk)["output"][1]["content"][0]["transcript"] == "One two."
    assert talk.fail(response="resp_1") == []


def test_a_message_that_was_complete_before_a_failure_stays_so(talk: Talk) -> None:
    talk.ask()
    talk.clause("Let me look.", 3000)
    talk.call()
    talk.fail()
    events = talk.tick(5)
    assert events[-1] == "response.done"
    message, call = talk.json["response"]["output"]
    assert message["content"][0]["transcript"] == "Let me look."
    assert (talk.json["response"]["status"], call["type"]) == ("failed", "function_call")


def test_a_failed_answer_that_still_speaks_can_be_interrupted(talk: Talk) -> None:
    talk.ask()
    talk.clause("One two.", 5000)
    talk.fail()
    assert talk.send("response.cancel") == [*talk.SPOKEN, "response.done"]
    assert ending(talk) == ("cancelled", "client_cancelled", ["incomplete"])


def test_usage_adds_up(talk: Talk) -> None:
    talk.update(instructions="12345678")
    talk.write("1234")
    talk.append(1000)
    talk.send("input_audio_buffer.commit")
    talk.transcript("item_2")
    talk.ask()
    talk.clause("12345678", 1000)
    talk.call("look", "{}12345678")
    talk.tick(1)
    talk.finish()
    assert done(talk)["usage"] == {
        "total_tokens": 13 + 26,
        "input_tokens": 2 + 1 + 10,
        "output_tokens": 2 + 20 + 1 + 3,
        "input_token_details": {
            "text_tokens": 3,
            "audio_tokens": 10,
            "image_tokens": 0,
            "cached_tokens": 0,
            "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": 6, "audio_tokens": 20},
    }


def test_a_model_counts_its_own_text(talk: Talk) -> None:
    talk.append(1000)
    talk.hear(1.0, 320)
    talk.hear(0.0, 640)
    talk.transcript("item_1")
    talk.clause("12345678", 1000)
    talk.tick(1)
    talk.finish(counted=CountedTokens(read=321, written=54, cached=300))
    usage = done(talk)["usage"]
    read, written = usage["input_token_details"], usage["output_token_details"]
    assert (read["text_tokens"], read["cached_tokens"], written["text_tokens"]) == (321, 300, 54)
    assert read["audio_tokens"] > 0
    assert written["audio_tokens"] == 20
    assert usage["input_tokens"] == 321 + read["audio_tokens"]
    assert usage["output_tokens"] == 54 + 20


def test_an_answer_of_nothing_was_read_all_the_same(talk: Talk) -> None:
    talk.update(instructions="")
    talk.write("1234")
    talk.ask()
    assert talk.finish() == ["response.done"]
    assert (done(talk)["usage"]["input_tokens"], done(talk)["usage"]["output_tokens"]) == (1, 0)


def test_truncating_does_not_make_it_cheaper(talk: Talk) -> None:
    talk.ask()
    talk.clause("Hello.", 400)
    talk.send("conversation.item.truncate", item_id="item_1", content_index=0, audio_end_ms=0)
    talk.finish()
    assert done(talk)["usage"]["output_token_details"]["audio_tokens"] == 8


def test_the_stages_of_a_turn(talk: Talk) -> None:
    talk.speak()
    talk.tick(0.1)
    talk.transcript("item_1")
    talk.tick(0.2)
    talk.clause("Hi.", 100)
    talk.tick(0.3)
    talk.clause("There.", 100)
    talk.finish()
    times = talk.json["stage_times"]
    assert list(times) == ["end_of_speech", "end_of_turn", "transcript", "first_token", "first_audio"]
    assert times["end_of_speech"] == 0
    assert times["first_audio"] == times["first_token"] == times["transcript"] + 200
    assert times["end_of_turn"] == 512


def test_results_for_a_response_that_is_not_being_made_are_ignored(talk: Talk) -> None:
    talk.speak()
    assert talk.take() == []
    waiting = "resp_1"
    server, now = talk.server, talk.now
    for response in (waiting, "resp_unknown"):
        server.receive_first_token(response, now)
        server.receive_text(response, "Hi", now)
        server.receive_clause(response, "Hi", now)
        server.receive_speech(response, b"11", (), now)
        server.receive_clause_end(response, now)
        server.receive_function_call(response, 0, "look", "{}", None, now)
        server.receive_finish(response, "stop", None, now)
        server.receive_failure(response, "code", "words", now)
    assert talk.take() == []
    assert server.backlog_ms("resp_unknown") == 0


def test_audio_without_a_clause_is_ignored(talk: Talk) -> None:
    talk.ask()
    talk.server.receive_speech("resp_1", b"11", (), talk.now)
    talk.server.receive_clause_end("resp_1", talk.now)
    assert talk.take() == []


def test_a_slow_reader_gets_its_audio_later(talk: Talk) -> None:
    talk.ask()
    talk.server.pause_output()
    assert talk.clause("Hello.", 700) == [*talk.PART_OPEN]
    assert talk.server.backlog_ms("resp_1") == 700
    assert talk.finish() == talk.tick(3) == []
    talk.server.resume_output()
    said = talk.tick(3)
    assert said.count(talk.SOUND) == 8
    assert said[-6:] == [*talk.SPOKEN, "response.done"]


def test_a_paused_answer_can_be_cancelled(talk: Talk) -> None:
    talk.ask()
    talk.clause("Hello.", 700)
    talk.server.pause_output()
    assert talk.send("response.cancel") == [*talk.SPOKEN, "response.done"]


def test_audio_leaves_a_little_ahead_of_its_playback(talk_with: type[Talk]) -> None:
    talk = talk_with(output_lead_ms=200)
    talk.ask()
    talk.clause("Hello.", 3000)
    talk.finish()
    sent = [event.delta for event in talk.all(ResponseOutputAudioDelta)]
    assert sum(map(len, sent)) == 240 * 48
    for second in (1, 2):
        talk.tick(1)
        sent = [event.delta for event in talk.all(ResponseOutputAudioDelta)]
        ahead = sum(map(len, sent)) / 48 - second * 1000
        assert 200 < ahead <= 300


def test_no_state_leads_back() -> None:
    order = list(ResponseState)
    for state, following in TRANSITIONS.items():
        assert all(order.index(after) > order.index(state) for after in following)
    assert TRANSITIONS[ResponseState.ENDED] == frozenset()


def test_a_written_answer_ends_at_its_bound(talk: Talk) -> None:
    talk.ask(output_modalities=["text"], max_output_tokens=3)
    assert talk.text("12345678") == [*talk.PART_OPEN, talk.TEXT]
    assert talk.text("90123") == [talk.TEXT, *talk.TEXT_DONE, "response.done"]
    assert ending(talk) == ("incomplete", "max_output_tokens", ["incomplete"])
    assert done(talk)["output"][0]["content"][0]["text"] == "123456789012"
    assert done(talk)["usage"]["output_tokens"] == 3
    assert talk.of(CancelResponse) == [CancelResponse("resp_1")]
    assert talk.text("more", response="resp_1") == []


def test_a_bound_with_no_room_for_a_word_of_the_next_message(talk: Talk) -> None:
    talk.ask(output_modalities=["text"], max_output_tokens=3)
    talk.call("lookups", "{}123")
    assert talk.text("more") == [*talk.CALLED, "response.done"]
    assert ending(talk) == ("incomplete", "max_output_tokens", ["incomplete"])


def test_a_spoken_answer_ends_at_its_bound(talk: Talk) -> None:
    talk.ask(max_output_tokens=22)
    talk.clause("One two three four.", 2000, [(4, 300), (8, 900), (14, 1400), (19, 2000)])
    said = talk.tick(3)
    assert said[-6:] == [*talk.SPOKEN, "response.done"]
    assert ending(talk) == ("incomplete", "max_output_tokens", ["incomplete"])
    assert done(talk)["output"][0]["content"][0]["transcript"] == "One two"
    details = done(talk)["usage"]["output_token_details"]
    assert details == {"text_tokens": 2, "audio_tokens": 18}
    sent = sum(len(event.delta) for event in talk.all(ResponseOutputAudioDelta))
    assert sent == 48 * 900  # the next word would have been too much
    assert talk.of(CancelResponse) == [CancelResponse("resp_1")]


def test_words_without_times_end_about_where_the_audio_does(talk: Talk) -> None:
    talk.ask(max_output_tokens=25)
    talk.clause("One two three four five six seven.", 4000)
    talk.tick(3)
    transcript = done(talk)["output"][0]["content"][0]["transcript"]
    assert transcript == "One two three"
    assert done(talk)["usage"]["output_tokens"] <= 25


@pytest.mark.parametrize(
    ("name", "arguments"), [("a_function_with_a_long_name", ""), ("look", '{"a": 123456}')]
)
def test_a_call_ends_at_the_bound_and_is_not_made(talk: Talk, name: str, arguments: str) -> None:
    talk.ask(max_output_tokens=2)
    assert talk.call(name, arguments)[-1] == "response.done"
    status, reason, items = ending(talk)
    assert (status, reason, set(items)) == (
        "incomplete",
        "max_output_tokens",
        {"incomplete"} if arguments else set(),
    )
    assert done(talk)["usage"]["output_tokens"] <= 2


def test_nothing_of_a_name_that_does_not_fit_is_shown(talk: Talk) -> None:
    talk.ask(max_output_tokens=1)
    assert talk.call("looks") == ["response.done"]
    talk.ask(max_output_tokens=1)
    assert talk.call("look") == [*talk.ITEM_OPEN, *talk.CALLED, "response.done"]


def test_one_call_where_calls_side_by_side_are_not_wanted(talk: Talk) -> None:
    talk.ask(parallel_tool_calls=False)
    talk.call("look")
    assert talk.call("listen", index=1) == talk.call("listen", '{"a":1}', index=1) == []
    talk.finish()
    assert [item["name"] for item in done(talk)["output"]] == ["look"]


def test_no_call_where_none_is_wanted(talk: Talk) -> None:
    talk.ask(tool_choice="none")
    assert talk.call() == []
    assert talk.finish() == ["response.done"]
    assert ending(talk) == ("completed", None, [])


def test_a_call_leaves_while_what_was_said_before_it_is_still_being_made(talk: Talk) -> None:
    talk.ask()
    server, response = talk.server, talk.started.response_id
    server.receive_message(response, 0)
    assert talk.take() == [*talk.PART_OPEN]
    assert talk.call(beside=True) == [*talk.ITEM_OPEN, talk.ARGUMENTS]
    server.receive_calls_end(response)
    assert talk.take() == [*talk.CALLED]
    said = talk.clause("Let me look.", 40, [(12, 40)])
    assert said == [talk.WORDS, talk.SOUND]
    server.receive_message_end(response, 0, talk.now)
    assert talk.finish() == [*talk.SPOKEN, "response.done"]
    assert [item["type"] for item in done(talk)["output"]] == ["message", "function_call"]
    assert ending(talk) == ("completed", None, ["completed", "completed"])


def test_results_that_come_after_the_end_are_dropped(talk: Talk) -> None:
    talk.ask()
    response = talk.started.response_id
    talk.send("response.cancel")
    talk.server.receive_message(response, 0)
    talk.server.receive_message_end(response, 0, talk.now)
    talk.server.receive_calls_end(response)
    assert talk.take() == []


def test_words_that_were_known_before_they_could_be_said_are_not_said(talk: Talk) -> None:
    talk.ask(max_output_tokens=30)
    server, response = talk.server, talk.started.response_id
    server.receive_clause(response, "One two three four five.", talk.now)
    words = [(4, 300), (8, 900), (14, 1400), (19, 2000), (24, 2500)]
    server.receive_speech(response, b"\1" * 48 * 400, words, talk.now)
    talk.take()
    talk.tick(0.1)
    for _ in range(5):
        server.receive_speech(response, b"\1" * 48 * 400, [], talk.now)
    talk.tick(3)
    assert ending(talk)[:2] == ("incomplete", "max_output_tokens")
    assert done(talk)["output"][0]["content"][0]["transcript"] == "One two"
    assert 27 <= done(talk)["usage"]["output_tokens"] <= 30
