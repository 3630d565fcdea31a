from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.conversation.client import RETRIEVED_MS, ClientConversation
from vivavoce.conversation.client_history import text_of
from vivavoce.conversation.client_notices import (
    AudioFinished,
    AudioReceived,
    Failed,
    ItemAdded,
    Notice,
    PlaybackInterrupted,
    ResponseBegan,
    ResponseEnded,
    ToolCalled,
)
from vivavoce.conversation.client_requests import ANSWER_S
from vivavoce.protocol import ClientEvent, ItemStatus, MessageItem, ServerEvent, Unknown
from vivavoce.protocol.codec import server_event_from, to_builtins

SECOND = bytes(48_000)
SESSION: dict[str, Any] = {
    "type": "realtime",
    "audio": {"output": {"format": {"type": "audio/pcm", "rate": 24000}}},
}


class Desk:
    """A client's conversation and a clock, fed with events in their JSON form."""

    def __init__(self) -> None:
        self.client = ClientConversation()
        self.now = 0.0
        self.sent: list[dict[str, Any]] = []
        self.notices: list[Notice] = []

    def hear(self, kind: str, **fields: Any) -> None:
        data = fields.pop("audio", None)
        event = server_event_from({"type": kind, "event_id": "e", **fields})
        if data is not None:
            from vivavoce.protocol import replace

            event = replace(event, delta=data)
        self.client.receive(event, self.now)
        self.drain()

    def drain(self) -> None:
        self.sent += [to_builtins(event) for event in self.client.events_to_send()]
        self.notices += self.client.notices()

    def take(self) -> list[str]:
        """Return the types of what was sent, and forget it."""
        sent, self.sent = self.sent, []
        return [event["type"] for event in sent]

    def of(self, kind: type) -> list[Any]:
        return [notice for notice in self.notices if isinstance(notice, kind)]

    def answer(self, response: str = "r", item: str = "a", audio: bytes = b"", words: str = "") -> None:
        """A response begins and says something."""
        self.hear("response.created", response=self.response(response))
        self.message(response, item)
        if words:
            self.hear("response.output_audio_transcript.delta", **self.part(response, item), delta=words)
        if audio:
            self.hear("response.output_audio.delta", **self.part(response, item), delta="", audio=audio)

    def message(self, response: str, item: str) -> None:
        raw = {"type": "message", "id": item, "role": "assistant", "status": "in_progress", "content": []}
        self.hear("response.output_item.added", response_id=response, output_index=0, item=raw)
        self.hear("conversation.item.added", item=raw)

    def part(self, response: str, item: str) -> dict[str, Any]:
        return {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}

    def response(self, response: str, status: str = "in_progress", **fields: Any) -> dict[str, Any]:
        return {
            "object": "realtime.response",
            "id": response,
            "status": status,
            "conversation_id": "conv",
            "output": [],
            **fields,
        }

    def end(self, response: str = "r", status: str = "completed", **fields: Any) -> None:
        self.hear("response.done", response=self.response(response, status, **fields))

    def speech(self) -> None:
        self.hear("input_audio_buffer.speech_started", audio_start_ms=0, item_id="u")

    def words(self, item_id: str) -> str:
        item = self.client.history.get(item_id)
        assert isinstance(item, MessageItem)
        return " ".join(text_of(part) for part in item.content)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def call(call_id: str, status: ItemStatus = "completed", item_id: str = "f") -> dict[str, Any]:
    return {
        "type": "function_call",
        "id": item_id,
        "call_id": call_id,
        "name": "wave",
        "arguments": "{}",
        "status": status,
    }


# --- history ------------------------------------------------------------------------------------------------


def test_a_spoken_turn_grows_word_by_word(desk: Desk) -> None:
    desk.answer(words="Good ", audio=SECOND)
    assert desk.words("a") == "Good "
    part = desk.part("r", "a")
    desk.hear("response.output_audio_transcript.delta", **part, delta="day")
    desk.hear("response.output_audio.done", **part)
    desk.hear("response.output_audio_transcript.done", **part, transcript="Good day.")
    desk.end()
    assert desk.words("a") == "Good day."
    assert desk.of(ItemAdded) == [ItemAdded("a")]
    assert desk.of(AudioReceived) == [AudioReceived("a", 0, "r", SECOND)]
    assert desk.of(AudioFinished) == [AudioFinished("a", 0)]
    assert [len(desk.of(kind)) for kind in (ResponseBegan, ResponseEnded)] == [1, 1]
    assert desk.sent == []


def test_a_written_turn_grows_too(desk: Desk) -> None:
    desk.answer()
    part = desk.part("r", "a")
    desk.hear("response.output_text.delta", **part, delta="Good d")
    assert desk.words("a") == "Good d"
    desk.hear("response.output_text.done", **part, text="Good day.")
    item = {
        "type": "message",
        "id": "a",
        "role": "assistant",
        "content": [{"type": "output_text", "text": ""}],
    }
    desk.hear("conversation.item.done", item=item | {"status": "completed"})
    assert desk.words("a") == "Good day."


def test_the_users_words_come_even_before_their_item(desk: Desk) -> None:
    prefix = "conversation.item.input_audio_transcription."
    desk.hear(prefix + "delta", item_id="u", delta="hel")
    desk.hear(prefix + "delta", item_id="u", content_index=0, delta="lo")
    assert desk.words("u") == "hello"
    item = {
        "type": "message",
        "id": "u",
        "role": "user",
        "content": [{"type": "input_audio", "transcript": None}],
    }
    desk.hear("conversation.item.added", item=item, previous_item_id=None)
    desk.hear(prefix + "completed", item_id="u", content_index=0, transcript="Hello.", usage=USAGE)
    assert desk.words("u") == "Hello."
    assert desk.of(ItemAdded) == [ItemAdded("u")]


USAGE = {"type": "duration", "seconds": 1}


def test_items_come_and_go(desk: Desk) -> None:
    desk.hear(
        "conversation.item.created",
        item={
            "type": "message",
            "id": "s",
            "role": "system",
            "content": [{"type": "input_text", "text": "x"}],
        },
    )
    desk.hear("conversation.item.deleted", item_id="s")
    desk.hear("conversation.item.deleted", item_id="s")
    assert len(desk.client.history) == 0


def test_words_about_unknown_items_are_passed_over(desk: Desk) -> None:
    part = desk.part("r", "nowhere")
    desk.hear("response.output_audio_transcript.delta", **part, delta="x")
    desk.hear("response.output_audio_transcript.done", **part, transcript="x")
    desk.hear("response.output_text.delta", **part, delta="x")
    desk.hear("response.output_text.done", **part, text="x")
    desk.hear("conversation.item.truncated", item_id="nowhere", content_index=0, audio_end_ms=10)
    desk.client.receive(Unknown(type="strange", raw={}), 0.0)
    desk.drain()
    assert desk.notices == []
    assert desk.sent == []


# --- interruption -------------------------------------------------------------------------------------------


def test_barge_in_cuts_history_and_server_where_the_ear_was(desk: Desk) -> None:
    desk.hear("session.created", session=SESSION)
    desk.answer(words="one two three four", audio=SECOND * 2)
    desk.hear("response.output_audio.done", **desk.part("r", "a"))
    desk.end()
    desk.now = 1.0
    desk.speech()
    assert desk.of(PlaybackInterrupted) == [PlaybackInterrupted("a", 0, 1000)]
    (truncate,) = desk.sent
    assert (truncate["type"], truncate["item_id"], truncate["audio_end_ms"]) == (
        "conversation.item.truncate",
        "a",
        1000,
    )
    assert desk.words("a") == "one two"


def test_the_exact_words_are_asked_for_and_taken(desk: Desk) -> None:
    desk.answer(words="one two three four", audio=SECOND * 2)
    desk.now = 1.0
    desk.speech()
    desk.take()
    desk.hear("conversation.item.truncated", item_id="a", content_index=0, audio_end_ms=1000)
    assert desk.take() == ["conversation.item.retrieve"]
    item = {
        "type": "message",
        "id": "a",
        "role": "assistant",
        "content": [{"type": "output_audio", "transcript": "one"}],
    }
    desk.hear("conversation.item.retrieved", item=item)
    assert desk.words("a") == "one"


@pytest.mark.parametrize("audio_end_ms", [0, RETRIEVED_MS + 1])
def test_nothing_and_very_much_is_not_asked_for(desk: Desk, audio_end_ms: int) -> None:
    desk.answer()
    desk.hear("conversation.item.truncated", item_id="a", content_index=0, audio_end_ms=audio_end_ms)
    assert desk.sent == []


def test_speech_after_the_reply_was_heard_interrupts_nothing(desk: Desk) -> None:
    desk.answer(audio=SECOND)
    desk.hear("response.output_audio.done", **desk.part("r", "a"))
    desk.end()
    desk.now = 2.0
    desk.speech()
    assert desk.of(PlaybackInterrupted) == []
    assert desk.sent == []


@pytest.mark.parametrize(
    ("turn_detection", "interrupted"),
    [
        (None, True),
        ({"type": "server_vad"}, True),
        ({"type": "server_vad", "interrupt_response": True}, True),
        ({"type": "semantic_vad", "interrupt_response": False}, False),
    ],
)
def test_the_session_says_whether_speech_interrupts(
    desk: Desk, turn_detection: Any, interrupted: bool
) -> None:
    desk.hear(
        "session.updated",
        session={"type": "realtime", "audio": {"input": {"turn_detection": turn_detection}}},
    )
    desk.answer(audio=SECOND)
    desk.speech()
    assert bool(desk.of(PlaybackInterrupted)) is interrupted


@pytest.mark.parametrize(
    "session", [{"type": "realtime"}, {"type": "realtime", "audio": {}}, {"type": "transcription"}]
)
def test_sessions_that_say_little_interrupt(desk: Desk, session: dict[str, Any]) -> None:
    desk.hear("session.created", session=session)
    desk.answer(audio=SECOND)
    desk.speech()
    assert desk.of(PlaybackInterrupted)


def test_late_speech_of_a_cancelled_response_is_dropped(desk: Desk) -> None:
    desk.answer(words="one two", audio=SECOND)
    desk.speech()
    before = len(desk.of(AudioReceived))
    part = desk.part("r", "a")
    desk.hear("response.output_audio.delta", **part, delta="", audio=SECOND)
    desk.hear("response.output_audio_transcript.delta", **part, delta=" three")
    desk.hear("response.output_audio.done", **part)
    assert len(desk.of(AudioReceived)) == before
    assert desk.of(AudioFinished) == []
    assert desk.words("a") == ""


def test_words_that_were_never_sounded_are_not_history(desk: Desk) -> None:
    desk.answer(words="never heard")
    desk.speech()
    assert desk.words("a") == ""
    desk.message("r", "b")
    desk.hear("response.output_audio_transcript.delta", **desk.part("r", "b"), delta="nor this")
    assert desk.words("b") == ""
    assert desk.of(PlaybackInterrupted) == []


def test_a_message_heard_to_its_end_keeps_its_words(desk: Desk) -> None:
    desk.answer(words="heard", audio=SECOND)
    desk.hear("response.output_audio.done", **desk.part("r", "a"))
    desk.message("r", "b")
    desk.hear("response.output_audio_transcript.delta", **desk.part("r", "b"), delta="not heard")
    desk.now = 5.0
    desk.speech()
    assert (desk.words("a"), desk.words("b")) == ("heard", "")
    assert desk.sent == []


def test_audio_of_an_item_that_is_no_history_is_interrupted_all_the_same(desk: Desk) -> None:
    desk.hear("response.output_audio.delta", **desk.part("r", "aside"), delta="", audio=SECOND)
    desk.speech()
    assert desk.take() == ["conversation.item.truncate"]


def test_interrupt_stops_generation_and_playback(desk: Desk) -> None:
    desk.answer(words="one two", audio=SECOND)
    desk.client.interrupt(0.5)
    desk.drain()
    assert desk.take() == ["response.cancel", "conversation.item.truncate"]
    assert desk.of(PlaybackInterrupted) == [PlaybackInterrupted("a", 0, 500)]
    desk.hear("response.output_audio.delta", **desk.part("r", "a"), delta="", audio=SECOND)
    assert len(desk.of(AudioReceived)) == 1
    desk.end(status="cancelled")
    desk.answer("r2", "b", audio=SECOND)
    assert len(desk.of(AudioReceived)) == 2


def test_interrupt_before_the_first_sound_cancels(desk: Desk) -> None:
    desk.client.request_response(0.0)
    desk.client.interrupt(0.0)
    desk.drain()
    assert desk.take() == ["response.create", "response.cancel"]
    desk.answer(audio=SECOND)
    assert desk.of(AudioReceived) == []


def test_interrupting_silence_does_nothing(desk: Desk) -> None:
    desk.client.interrupt(0.0)
    desk.drain()
    assert desk.sent == []
    assert desk.notices == []


# --- tools --------------------------------------------------------------------------------------------------


def test_two_calls_lead_to_one_follow_up(desk: Desk) -> None:
    desk.hear("response.created", response=desk.response("r"))
    for number in ("1", "2"):
        item = call(number, item_id=f"f{number}")
        desk.hear("response.output_item.done", response_id="r", output_index=0, item=item)
    assert [notice.call_id for notice in desk.of(ToolCalled)] == ["1", "2"]
    desk.client.tool_output("1", "one", 0.0)
    desk.drain()
    desk.end(output=[call("1", item_id="f1"), call("2", item_id="f2")])
    assert desk.take() == ["conversation.item.create"]
    desk.client.tool_output("2", "two", 0.0)
    desk.drain()
    assert desk.take() == ["conversation.item.create", "response.create"]
    assert len(desk.of(ToolCalled)) == 2


def test_a_call_known_only_from_the_end_of_the_response_is_not_lost(desk: Desk) -> None:
    desk.hear("response.created", response=desk.response("r"))
    desk.end(output=[call("1"), call("2", "incomplete")])
    assert desk.of(ToolCalled) == [ToolCalled("1", "wave", "{}", "f")]
    desk.client.tool_output("1", "one", 0.0)
    desk.drain()
    assert desk.take() == ["conversation.item.create", "response.create"]


def test_a_fast_tool_waits_for_the_end_of_the_response(desk: Desk) -> None:
    desk.hear("response.created", response=desk.response("r"))
    desk.hear("response.output_item.done", response_id="r", output_index=0, item=call("1"))
    desk.client.tool_output("1", "one", 0.0)
    desk.drain()
    assert desk.take() == ["conversation.item.create"]
    desk.end(output=[call("1")])
    assert desk.take() == ["response.create"]


def test_calls_outside_the_conversation_are_the_users_own(desk: Desk) -> None:
    from vivavoce.protocol import ResponseCreate, ResponseCreateParams

    desk.client.request_response(0.0, ResponseCreate(response=ResponseCreateParams(conversation="none")))
    desk.hear("response.created", response=desk.response("r", conversation_id=None))
    desk.hear("response.output_item.done", response_id="r", output_index=0, item=call("1"))
    desk.end(output=[call("1")], conversation_id=None)
    assert desk.of(ToolCalled) == []


# --- errors and deadlines -----------------------------------------------------------------------------------


def server_error(event_id: str | None, code: str = "x") -> dict[str, Any]:
    return {"type": "invalid_request_error", "message": "no", "code": code, "event_id": event_id}


def test_an_error_is_reported(desk: Desk) -> None:
    desk.hear("error", error=server_error(None))
    assert [notice.error.code for notice in desk.of(Failed)] == ["x"]


def test_an_error_about_what_came_too_late_is_not(desk: Desk) -> None:
    desk.answer(audio=SECOND)
    desk.client.interrupt(0.1)
    desk.drain()
    for event in desk.sent:
        desk.hear("error", error=server_error(event["event_id"]))
    assert desk.of(Failed) == []


def test_a_repeated_request_is_not_reported(desk: Desk) -> None:
    desk.client.request_response(0.0)
    desk.drain()
    (event,) = desk.sent
    desk.hear("error", error=server_error(event["event_id"], "conversation_already_has_active_response"))
    assert desk.of(Failed) == []
    assert desk.client.next_deadline() == 0.5


def test_an_unanswered_request_is_reported(desk: Desk) -> None:
    desk.client.request_response(0.0)
    desk.client.handle_deadline(ANSWER_S)
    desk.drain()
    assert [notice.error.code for notice in desk.of(Failed)] == ["response_create_unanswered"]


def test_the_memory_of_housekeeping_is_bounded(desk: Desk) -> None:
    desk.answer(audio=SECOND)
    desk.client.interrupt(0.0)
    first = next(event for event in desk.client.events_to_send() if event.type == "response.cancel")
    for _ in range(64):
        desk.client.interrupt(0.0)
    desk.hear("error", error=server_error(str(first.event_id)))
    assert len(desk.of(Failed)) == 1


# --- whatever a server says ---------------------------------------------------------------------------------

IDS = st.sampled_from(["x", "y"])
PART = {"output_index": st.just(0), "content_index": st.integers(0, 2)}


def raw(kind: str, **fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(kind), "event_id": st.just("e"), **fields})


ITEM = st.one_of(
    st.builds(
        lambda item_id, parts: {"type": "message", "id": item_id, "role": "assistant", "content": parts},
        IDS,
        st.lists(
            st.sampled_from(
                [{"type": "output_audio", "transcript": "a b"}, {"type": "output_text", "text": "c"}]
            )
        ),
    ),
    st.builds(call, IDS, st.sampled_from(["completed", "incomplete"]), IDS),
)
RESPONSE = st.builds(
    lambda response_id, output: {
        "object": "realtime.response",
        "id": response_id,
        "status": "completed",
        "output": output,
    },
    IDS,
    st.lists(ITEM, max_size=2),
)
EVENTS = st.one_of(
    raw("conversation.item.added", item=ITEM, previous_item_id=st.none() | IDS),
    raw("conversation.item.done", item=ITEM),
    raw("conversation.item.retrieved", item=ITEM),
    raw("conversation.item.deleted", item_id=IDS),
    raw(
        "conversation.item.truncated", item_id=IDS, content_index=st.just(0), audio_end_ms=st.integers(0, 500)
    ),
    raw("input_audio_buffer.speech_started", audio_start_ms=st.just(0), item_id=IDS),
    raw("response.created", response=RESPONSE),
    raw("response.done", response=RESPONSE),
    raw("response.output_item.added", response_id=IDS, output_index=st.just(0), item=ITEM),
    raw("response.output_item.done", response_id=IDS, output_index=st.just(0), item=ITEM),
    raw("response.output_audio.delta", response_id=IDS, item_id=IDS, delta=st.just("AAAA"), **PART),
    raw("response.output_audio.done", response_id=IDS, item_id=IDS, **PART),
    raw("response.output_audio_transcript.delta", response_id=IDS, item_id=IDS, delta=st.just("w "), **PART),
    raw(
        "response.output_audio_transcript.done", response_id=IDS, item_id=IDS, transcript=st.just("w"), **PART
    ),
    raw("response.output_text.delta", response_id=IDS, item_id=IDS, delta=st.just("w"), **PART),
    raw("error", error=st.builds(server_error, st.none() | st.just("vivavoce_response_create_1"))),
)


@given(st.lists(EVENTS, max_size=30), st.lists(st.integers(0, 29), max_size=5))
def test_no_order_of_events_breaks_the_mirror(events: list[dict[str, Any]], stops: list[int]) -> None:
    client, calls, sent = ClientConversation(), list[str](), list[ClientEvent]()
    for number, event in enumerate(events):
        decoded: ServerEvent | Unknown = server_event_from(event)
        client.receive(decoded, float(number))
        if number in stops:
            client.interrupt(float(number))
        for notice in client.notices():
            if isinstance(notice, ToolCalled):
                calls.append(notice.call_id)
                client.tool_output(notice.call_id, "done", float(number))
        client.handle_deadline(float(number))
        sent += client.events_to_send()
        ids = [item.id for item in client.history.items]
        assert len(ids) == len(set(ids)) == len(client.history)
    assert len(calls) == len(set(calls))
    outputs = [event for event in sent if event.type == "conversation.item.create"]
    assert len(outputs) == len(calls)
    event_ids = [event.event_id for event in sent if event.type != "conversation.item.create"]
    assert len(event_ids) == len(set(event_ids))
