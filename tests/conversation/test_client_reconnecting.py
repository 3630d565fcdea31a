"""What a client's conversation makes of a connection that is lost, and of what is checked or held back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.conversation.client_notices import (
    AudioReceived,
    ItemChanged,
    PlaybackEnded,
    PlaybackInterrupted,
    ResponseEnded,
)
from vivavoce.protocol import (
    ConversationItemCreate,
    ConversationItemDelete,
    InputAudioBufferCommit,
    InputText,
    MessageItem,
    ResponseCancel,
    ResponseCreate,
    present,
)

if TYPE_CHECKING:
    from tests.conversation.conftest import Desk

SECOND = bytes(48_000)
VAD = {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}
CALL: dict[str, Any] = {
    "type": "function_call",
    "id": "f",
    "call_id": "c",
    "name": "look",
    "arguments": "{}",
    "status": "completed",
}


def message(text: str = "hello", **fields: Any) -> MessageItem:
    return MessageItem(role="user", content=(InputText(text=text),), **fields)


def again(desk: Desk) -> list[str]:
    """Connect again; returns what the new server is told, one word each."""
    restored = [str(event.item.type) for event in desk.client.restore()]
    desk.client.connected(desk.now)
    desk.drain()
    return [*restored, *desk.take()]


def test_an_answer_that_was_cut_off_is_given_anew(desk: Desk) -> None:
    desk.answer(words="Well", audio=SECOND)
    (cut,) = desk.client.lose_connection(desk.now)
    assert (cut.id, cut.status, [present(item.id, "") for item in cut.output]) == ("r", "incomplete", ["a"])
    desk.drain()
    assert desk.of(ResponseEnded) == [ResponseEnded(cut)]
    assert again(desk) == ["message", "response.create"]
    assert desk.client.lose_connection(desk.now) == []


def test_an_answer_that_was_stopped_is_not_given_anew(desk: Desk) -> None:
    desk.answer(words="Well", audio=SECOND)
    desk.client.interrupt(desk.now)
    desk.client.lose_connection(desk.now)
    desk.take()
    assert again(desk) == []


def test_what_was_begun_without_a_word_is_forgotten(desk: Desk) -> None:
    desk.answer()
    desk.hear(
        "response.output_item.added", response_id="r", output_index=1, item=CALL | {"status": "in_progress"}
    )
    desk.hear("conversation.item.added", item=CALL | {"status": "in_progress", "arguments": ""})
    desk.client.lose_connection(desk.now)
    assert again(desk) == ["response.create"]
    assert len(desk.client.history) == 0


def test_a_tool_that_runs_on_is_answered_on_the_next_connection(desk: Desk) -> None:
    desk.hear("response.created", response=desk.response("r"))
    desk.hear("conversation.item.added", item=CALL)
    desk.hear("response.output_item.done", response_id="r", output_index=0, item=CALL)
    desk.client.lose_connection(desk.now)
    desk.client.tool_output("c", "seen", desk.now)
    assert again(desk) == ["function_call", "function_call_output", "response.create"]


def test_what_could_not_be_sent_is_sent_once(desk: Desk) -> None:
    desk.client.send(InputAudioBufferCommit(), desk.now)
    desk.client.edit([message(id="a")], desk.now)
    desk.client.request_response(desk.now)
    events = desk.client.events_to_send()
    desk.client.take_back(events)
    desk.client.send(ResponseCancel(), desk.now)
    assert desk.client.has_output
    desk.client.lose_connection(desk.now)
    assert again(desk) == ["message", "input_audio_buffer.commit", "response.create"]


def test_what_the_user_deleted_is_not_brought_back(desk: Desk) -> None:
    desk.client.begin_with([message(id="a"), message(id="b")])
    desk.client.restore()
    desk.client.send(ConversationItemDelete(item_id="a"), desk.now)
    desk.client.lose_connection(desk.now)
    assert [event.item.id for event in desk.client.restore()] == ["b"]
    desk.drain()
    assert desk.of(ItemChanged) == [ItemChanged("a")]
    assert [item.id for item in desk.client.history.items] == ["b"]


def test_a_turn_that_is_being_checked_is_left_to_who_checks_it(desk: Desk) -> None:
    desk.client.gated = True
    desk.speech()
    desk.hear("input_audio_buffer.speech_stopped", audio_end_ms=100, item_id="u")
    desk.client.lose_connection(desk.now)
    assert again(desk) == []
    desk.client.answer_turn(desk.now)
    desk.drain()
    assert desk.take() == ["response.create"]


@pytest.mark.parametrize("shown", [True, False])
def test_a_message_that_the_servers_own_answer_did_not_see_is_answered(desk: Desk, shown: bool) -> None:
    desk.speech()
    desk.hear("input_audio_buffer.speech_stopped", audio_end_ms=100, item_id="u")
    desk.client.edit([message("and this", id="m")], desk.now)
    desk.client.request_response(desk.now)
    desk.drain()
    assert desk.take() == ["conversation.item.create"]
    if shown:
        item = {"type": "message", "id": "m", "role": "user", "content": []}
        desk.hear("conversation.item.added", item=item)
    desk.answer()
    desk.end()
    assert desk.take() == ([] if shown else ["response.create"])


def test_quiet_is_when_nobody_speaks_and_nothing_is_under_way(desk: Desk) -> None:
    assert desk.client.is_quiet(desk.now)
    desk.answer(audio=SECOND)
    assert not desk.client.is_quiet(desk.now)
    desk.end()
    assert not desk.client.is_quiet(desk.now)
    deadline = desk.client.next_deadline()
    assert deadline == 1.0
    desk.now = deadline
    desk.client.handle_deadline(desk.now)
    desk.drain()
    assert desk.of(PlaybackEnded) == [PlaybackEnded("a", 0)]
    assert desk.client.is_quiet(desk.now)
    desk.hear("response.output_item.done", response_id="r", output_index=0, item=CALL)
    assert not desk.client.is_quiet(desk.now)
    desk.client.call_waits("c", desk.now)
    assert desk.client.is_quiet(desk.now)


# --- held back, and refused ---------------------------------------------------------------------------------


def test_speech_is_let_out_when_its_words_have_passed(desk: Desk) -> None:
    desk.hear("response.created", response=desk.response("r"))
    desk.client.hold_back("r")
    desk.message("r", "a")
    desk.hear("response.output_audio.delta", **desk.part("r", "a"), delta="", audio=SECOND)
    desk.hear("response.output_audio_transcript.delta", **desk.part("r", "a"), delta="Hi")
    assert desk.of(AudioReceived) == []
    desk.client.pass_words("a", 0, 2, desk.now)
    desk.drain()
    assert desk.of(AudioReceived) == [AudioReceived("a", 0, "r", SECOND)]
    assert desk.client.is_playing("a", desk.now)


def test_an_answer_is_stopped_wherever_it_is(desk: Desk) -> None:
    desk.answer(words="secret", audio=SECOND)
    assert desk.client.reject("r", "a", desk.now)
    desk.drain()
    assert desk.take() == ["response.cancel", "conversation.item.truncate"]
    desk.end()
    desk.answer("r2", "b", audio=SECOND)
    desk.end("r2")
    assert desk.client.reject("r2", "b", desk.now)
    desk.drain()
    assert desk.take() == ["conversation.item.truncate"]
    assert not desk.client.reject("r2", "b", desk.now)


def held_answer(desk: Desk, words: str, *, passed: int = 0, done: bool = True) -> None:
    """An answer whose second half second waits for its last words."""
    desk.hear("response.created", response=desk.response("r"))
    desk.client.hold_back("r")
    desk.message("r", "a")
    part = desk.part("r", "a")
    half = len(SECOND) // 2
    desk.hear("response.output_audio.delta", **part, delta="", audio=SECOND[:half])
    first, second = words[: len(words) // 2], words[len(words) // 2 :]
    desk.hear("response.output_audio_transcript.delta", **part, delta=first)
    desk.hear("response.output_audio.delta", **part, delta="", audio=SECOND[half:])
    desk.hear("response.output_audio_transcript.delta", **part, delta=second)
    if done:
        desk.hear("response.output_audio.done", **part)
        desk.hear("response.output_audio_transcript.done", **part, transcript=words)
        desk.end()
    desk.client.pass_words("a", 0, passed, desk.now)
    desk.drain()


def cuts(desk: Desk) -> list[tuple[str, int, int]]:
    return [
        (event["item_id"], event["content_index"], event["audio_end_ms"])
        for event in desk.sent
        if event["type"] == "conversation.item.truncate"
    ]


@pytest.mark.parametrize("done", [True, False])
def test_a_held_answer_that_was_refused_is_cut_here_and_on_the_server(desk: Desk, *, done: bool) -> None:
    held_answer(desk, "Sure. It is hunter2.", done=done)
    assert desk.client.reject("r", "a", desk.now)
    desk.drain()
    assert (cuts(desk), desk.words("a")) == ([("a", 0, 0)], "")
    assert desk.of(PlaybackInterrupted) == []
    # What the server says of it later brings no word back.
    part = {"type": "output_audio", "transcript": "Sure. It is hunter2."}
    item = {"type": "message", "id": "a", "role": "assistant", "status": "completed", "content": [part]}
    desk.hear("conversation.item.done", item=item)
    assert desk.words("a") == ""
    desk.client.reject("r", "a", desk.now)
    desk.client.interrupt(desk.now)
    desk.drain()
    assert len(cuts(desk)) == 1


@pytest.mark.parametrize(("now", "heard_ms", "words"), [(0.25, 250, "Well"), (2.0, 500, "Well I")])
def test_a_held_answer_is_cut_where_it_was_heard(desk: Desk, now: float, heard_ms: int, words: str) -> None:
    held_answer(desk, "Well I say hunter two", passed=10)
    desk.now = now
    desk.client.handle_deadline(now)
    assert desk.client.reject("r", "a", desk.now)
    desk.drain()
    assert (cuts(desk), desk.words("a")) == ([("a", 0, heard_ms)], words)


def test_an_interruption_cuts_what_was_held_back_too(desk: Desk) -> None:
    held_answer(desk, "Well I say hunter two")
    desk.answer("r2", "b", audio=SECOND, words="More.")
    desk.take()
    desk.now = 0.5
    desk.speech()
    assert cuts(desk) == [("b", 0, 500), ("a", 0, 0)]
    assert desk.words("a") == ""


def test_speech_that_could_not_be_checked_is_cut_on_the_server(desk: Desk) -> None:
    desk.hear("response.created", response=desk.response("r"))
    desk.client.hold_back("r")
    desk.message("r", "a")
    desk.hear("response.output_audio.delta", **desk.part("r", "a"), delta="", audio=SECOND)
    desk.end()
    assert cuts(desk) == [("a", 0, 0)]


# --- a turn that is said again ------------------------------------------------------------------------------


@pytest.mark.parametrize("found", [True, False])
def test_an_owed_answer_waits_for_the_turn_that_is_said_again(desk: Desk, *, found: bool) -> None:
    desk.hear("session.created", session=VAD)
    desk.hear("conversation.item.added", item={"type": "message", "id": "u", "role": "user", "content": []})
    desk.hear("response.created", response=desk.response("r"))
    desk.client.lose_connection(desk.now)
    desk.client.forget_turn(None)
    assert len(desk.client.history) == 1
    desk.client.forget_turn("u")
    assert desk.client.restore() == []
    assert desk.client.history.items == []
    desk.client.connected(desk.now, hears_turn=True)
    desk.drain()
    assert desk.take() == []
    if found:
        desk.speech()
        desk.hear("input_audio_buffer.committed", item_id="u")
        desk.hear("response.created", response=desk.response("r2"))
        desk.end("r2")
    deadline = desk.client.next_deadline()
    if found:
        assert deadline is None
    else:
        assert deadline is not None
        desk.now = deadline
        desk.client.handle_deadline(desk.now)
        desk.drain()
    assert desk.take() == ([] if found else ["response.create"])


def test_a_call_that_waits_holds_up_nobody(desk: Desk) -> None:
    desk.hear("response.created", response=desk.response("r"))
    for call_id in "cd":
        desk.hear(
            "response.output_item.done", response_id="r", output_index=0, item=CALL | {"call_id": call_id}
        )
    desk.end()
    desk.client.tool_output("d", "seen", desk.now)
    desk.client.call_waits("c", desk.now)
    desk.drain()
    assert desk.take() == ["conversation.item.create", "response.create"]
    desk.client.call_decided("c")


def test_what_is_told_to_the_server_waits_in_the_outbox_in_order(desk: Desk) -> None:
    desk.client.send(ResponseCreate(event_id="mine"), desk.now)
    desk.client.send(InputAudioBufferCommit(), desk.now)
    desk.drain()
    assert desk.take() == ["response.create", "input_audio_buffer.commit"]


def test_what_is_decided_here_is_told_from_what_the_user_asked_for(desk: Desk) -> None:
    desk.client.request_response(desk.now)
    desk.client.interrupt(desk.now)
    assert [desk.client.decided(event) for event in desk.client.events_to_send()] == [False, True]


# --- a session of somebody else's, which goes on meanwhile --------------------------------------------------


def on(desk: Desk) -> list[str]:
    """Connect again to the session that went on; returns what it is told, one word each."""
    told = [event.type for event in desk.client.resume()]
    desk.client.connected(desk.now)
    desk.drain()
    return [*told, *desk.take()]


def test_a_server_that_goes_on_is_not_told_what_it_knows(desk: Desk) -> None:
    desk.client.send(ConversationItemCreate(item=message(id="u")), desk.now)
    desk.hear("conversation.item.added", item={"type": "message", "id": "u", "role": "user", "content": []})
    desk.answer(words="Well", audio=SECOND)
    desk.take()
    (cut,) = desk.client.lose_connection(desk.now, attached=True)
    assert cut.id == "r"
    assert on(desk) == []


def test_a_server_that_goes_on_is_told_what_it_may_not_have(desk: Desk) -> None:
    desk.client.lose_connection(desk.now, attached=True)
    desk.client.send(ConversationItemCreate(item=message(id="u")), desk.now)
    desk.client.send(InputAudioBufferCommit(), desk.now)
    desk.client.send(ResponseCancel(), desk.now)
    desk.client.send(ConversationItemDelete(item_id="x"), desk.now)
    desk.client.request_response(desk.now)
    assert on(desk) == [
        "conversation.item.create",
        "conversation.item.delete",
        "input_audio_buffer.commit",
        "response.cancel",
        "response.create",
    ]


def test_what_follows_a_call_that_was_answered_here_is_asked_for_all_the_same(desk: Desk) -> None:
    desk.hear("response.created", response=desk.response("r"))
    desk.hear("response.output_item.done", response_id="r", output_index=0, item=CALL)
    desk.client.tool_output("c", "found", desk.now)
    desk.hear("conversation.item.added", item={"type": "function_call_output", "call_id": "c", "output": "f"})
    desk.take()
    desk.client.lose_connection(desk.now, attached=True)
    assert on(desk) == ["response.create"]


def test_the_output_of_another_client_completes_those_from_here(desk: Desk) -> None:
    desk.hear("response.created", response=desk.response("r"))
    for call in (CALL, {**CALL, "id": "g", "call_id": "d"}):
        desk.hear("response.output_item.done", response_id="r", output_index=0, item=call)
    desk.client.tool_output("c", "found", desk.now)
    desk.end("r")
    assert desk.take() == ["conversation.item.create"]
    desk.hear("conversation.item.added", item={"type": "function_call_output", "call_id": "d", "output": "x"})
    assert desk.take() == ["response.create"]
