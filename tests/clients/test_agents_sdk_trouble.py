"""The same program on both Agents SDKs: interruptions, history, trouble (see `conftest`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vivavoce.testing import Pause, failed, one_response, spoken, user_says

pytestmark = pytest.mark.clients

Kit = Any
Stage = Any
Compare = Callable[..., list[str]]


async def ask(stage: Stage) -> None:
    await stage.session.send_message("Hello?")
    await stage.wait(3)


def hear(stage: Stage, ms: float) -> None:
    audio = stage.first("audio")
    stage.tracker.on_play_ms(audio.item_id, audio.content_index, ms)


async def interrupt_mid_audio(stage: Stage) -> None:
    await stage.session.send_message("Hello?")
    await stage.wait(0.7)
    hear(stage, 450)
    await stage.session.interrupt()
    await stage.wait(3)


async def interrupt_before_audio(stage: Stage) -> None:
    await stage.session.send_message("Hello?")
    await stage.wait(0.2)
    await stage.session.interrupt()
    await stage.wait(3)


async def barge_in_with_two_replies_queued(stage: Stage) -> None:
    stage.model.emit(spoken("One two three four."), spoken("Five six seven eight."))
    await stage.wait(0.2)
    hear(stage, 650)
    stage.model.emit(user_says("Stop"))
    await stage.wait()


async def speak_after_all_was_heard(stage: Stage) -> None:
    stage.model.emit(spoken("Good day."))
    await stage.wait(0.2)
    hear(stage, 600)
    await stage.wait(0.4)
    stage.model.emit(user_says("And now?"))
    await stage.wait()


async def hear_of_an_item_in_between(stage: Stage) -> None:
    for item_id, before in (("a", None), ("c", "a"), ("b", "a")):
        content = [{"type": "input_text", "text": item_id}]
        item = {"id": item_id, "type": "message", "role": "user", "status": "completed", "content": content}
        stage.model.emit({"type": "conversation.item.added", "previous_item_id": before, "item": item})
    await stage.wait()


async def ask_while_the_server_is_in_error(stage: Stage) -> None:
    await stage.session.send_message("One?")
    await stage.wait(0.1)
    error = {"type": "server_error", "code": None, "message": "Something went wrong.", "param": None}
    stage.model.emit({"type": "error", "error": error})
    await stage.wait(15)
    await stage.session.send_message("Two?")
    await stage.wait(15)


async def ask_while_a_turn_is_answered(stage: Stage) -> None:
    refusal = {
        "type": "invalid_request_error",
        "code": "conversation_already_has_active_response",
        "message": "Conversation already has an active response in progress.",
        "param": None,
    }
    await stage.session.send_message("One?")
    await stage.wait(0.1)
    request = next(event for event in stage.server.received if event["type"] == "response.create")
    stage.model.emit({"type": "error", "error": {**refusal, "event_id": request["event_id"]}})
    await stage.wait(3)


async def ask_after_nonsense(stage: Stage) -> None:
    await stage.server.send_frame("{no json")
    await stage.wait(0.1)
    await ask(stage)


async def ask_with_a_listener_that_raises(stage: Stage) -> None:
    class Listener:
        async def on_event(self, event: Any) -> None:
            raise ValueError("a bug of the program")

    stage.session.model.add_listener(Listener())
    await ask(stage)


async def learn_what_was_heard(stage: Stage) -> None:
    """Interrupt, and be told by the server that nothing of the answer was heard."""
    stage.model.emit(spoken("One two three."))
    await stage.wait(0.2)
    hear(stage, 100)
    stage.model.emit(user_says("Stop"))
    await stage.wait()
    item_id = stage.first("audio").item_id
    content = [{"type": "output_audio", "transcript": ""}]
    item = {"id": item_id, "type": "message", "role": "assistant", "status": "incomplete", "content": content}
    stage.model.emit({"type": "conversation.item.retrieved", "item": item})
    await stage.wait()


def answer(sign: str, words: int) -> tuple[str, ...]:
    """The events of an answer that only one of them gets."""
    return (
        f"{sign} event agent_start",
        *(f"{sign} event audio" for _ in range(words)),
        f"{sign} event audio_end",
        f"{sign} event agent_end",
    )


OLD_AUDIO = ["- event audio", "- event audio", "- event audio", "- event audio_end"]


def test_interrupt_in_mid_audio(compare: Compare) -> None:
    """Finding 3: interrupt() does not stop the answer, its audio keeps coming; 9: unheard words are kept."""
    assert compare(play=interrupt_mid_audio, steps=(spoken("One two three four five six.", pace=1.0),)) == [
        "+ sends response.cancel",
        *OLD_AUDIO,
        "- keeps assistant: One two three four five six",
        "+ keeps assistant: One",
    ]


def test_interrupt_before_the_first_audio(compare: Compare) -> None:
    """Finding 3: interrupt() does nothing before the first audio."""
    assert compare(play=interrupt_before_audio, steps=(one_response(Pause(0.5), "One two three."),)) == [
        "+ sends response.cancel",
        *OLD_AUDIO,
        "- event history_added",
        "- keeps assistant: One two three",
    ]


def test_barge_in_with_two_replies_queued(compare: Compare) -> None:
    """Finding 10: only one of two queued replies is cut; 9: unheard words are kept."""
    assert compare(play=barge_in_with_two_replies_queued) == [
        "- sends conversation.item.retrieve answer2",
        "- sends conversation.item.retrieve answer2",
        "+ sends conversation.item.truncate answer2 at 0",
        "+ sends conversation.item.retrieve answer1",
        "- keeps assistant: One two three four",
        "- keeps assistant: Five six seven eight",
        "+ keeps assistant: One two",
        "+ keeps assistant: ",
    ]


def test_speech_after_all_was_heard(compare: Compare) -> None:
    """Finding 2: audio_interrupted although nothing was playing; 9: the answer is asked for again."""
    assert compare(play=speak_after_all_was_heard) == [
        "- sends conversation.item.retrieve answer1",
        "- event audio_interrupted",
    ]


def test_listener_that_raises(compare: Compare) -> None:
    """Finding 11: a bug in a listener ends the session."""
    assert compare(play=ask_with_a_listener_that_raises, steps=("Good day.",)) == [
        *answer("+", 2),
        "+ event history_added",
        "+ event history_added",
        "+ keeps user: Hello?",
        "+ keeps assistant: Good day",
        "- ends ValueError",
        "+ ends open",
    ]


def test_answer_of_which_nothing_was_heard(compare: Compare) -> None:
    """Finding 9: unheard words are kept although the server says so."""
    assert compare(play=learn_what_was_heard) == [
        "- sends conversation.item.retrieve answer1",
        "- keeps assistant: One two three",
        "+ keeps assistant: ",
    ]


def test_response_that_fails(compare: Compare) -> None:
    """Nobody learns that a response failed."""
    assert compare(steps=(failed("on fire"),)) == [
        "+ event error",
    ]


def test_item_put_between_two_others(compare: Compare) -> None:
    """Finding 8: an item is put at the end, wherever it belongs."""
    assert compare(play=hear_of_an_item_in_between) == ["+ keeps user: b", "- keeps user: b"]


def test_error_that_names_no_event(compare: Compare) -> None:
    """Finding 4: an error without event_id stops every later response; here what is lost is told."""
    assert compare(play=ask_while_the_server_is_in_error) == [
        "+ sends response.create",
        "+ event error",
        "+ event error",
    ]


def test_request_refused_while_another_response_runs(compare: Compare) -> None:
    """Finding 4: a request that came too early is dropped, and nobody answers."""
    assert compare(play=ask_while_a_turn_is_answered) == ["+ sends response.create", "- event error"]


def test_frame_that_is_no_json(compare: Compare) -> None:
    """Finding 11: one bad frame ends the session."""
    assert compare(play=ask_after_nonsense, steps=("Good day.",)) == [
        "+ sends conversation.item.create user: Hello?",
        "+ sends response.create",
        *answer("+", 2),
        "- event raises AssertionError",
        "+ event error",
        "+ event history_added",
        "+ event history_added",
        "+ keeps user: Hello?",
        "+ keeps assistant: Good day",
        "- ends JSONDecodeError",
        "+ ends open",
    ]
