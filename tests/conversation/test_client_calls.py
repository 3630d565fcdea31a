"""Tools, and whatever else a server may say in whatever order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.conversation.client import RUNNING, ClientConversation
from vivavoce.conversation.client_notices import ResponseEnded, ToolCalled
from vivavoce.protocol import ClientEvent, ItemStatus, ServerEvent, Unknown
from vivavoce.protocol.codec import server_event_from

if TYPE_CHECKING:
    from tests.conversation.conftest import Desk

SECOND = bytes(48_000)
OUTPUT = {"type": "function_call_output", "id": "o", "call_id": "1", "output": "one"}
SESSION: dict[str, Any] = {
    "type": "realtime",
    "audio": {"output": {"format": {"type": "audio/pcm", "rate": 24000}}},
}


def call(call_id: str, status: ItemStatus = "completed", item_id: str = "f") -> dict[str, Any]:
    return {
        "type": "function_call",
        "id": item_id,
        "call_id": call_id,
        "name": "wave",
        "arguments": "{}",
        "status": status,
    }


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
    assert desk.of(ToolCalled) == [ToolCalled("1", "wave", "{}", "f", "r")]
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


def server_error(event_id: str | None, code: str = "x") -> dict[str, Any]:
    return {"type": "invalid_request_error", "message": "no", "code": code, "event_id": event_id}


# --- tools while the user speaks ----------------------------------------------------------------------------


def speaking_over_a_tool(desk: Desk) -> None:
    """The user begins to speak while a tool runs, and its output comes meanwhile."""
    desk.hear("response.created", response=desk.response("r"))
    desk.end(output=[call("1")])
    desk.speech()
    desk.client.tool_output("1", "one", 0.0)
    desk.drain()
    assert desk.take() == ["conversation.item.create"]


def stop_speaking(desk: Desk) -> None:
    desk.hear("input_audio_buffer.speech_stopped", audio_end_ms=900, item_id="u")
    desk.hear("input_audio_buffer.committed", item_id="u", previous_item_id=None)


def test_the_output_of_a_tool_does_not_talk_over_the_user(desk: Desk) -> None:
    speaking_over_a_tool(desk)
    desk.hear("conversation.item.added", item=OUTPUT)
    stop_speaking(desk)
    assert desk.take() == []
    desk.hear("response.created", response=desk.response("own"))
    desk.end("own")
    assert desk.take() == []


def test_an_output_that_missed_the_answer_to_the_turn_gets_one_of_its_own(desk: Desk) -> None:
    speaking_over_a_tool(desk)
    stop_speaking(desk)
    desk.hear("response.created", response=desk.response("own"))
    desk.hear("conversation.item.added", item=OUTPUT)
    desk.end("own")
    assert desk.take() == ["response.create"]


def test_an_output_waits_no_longer_than_the_turn_where_the_application_answers_it(desk: Desk) -> None:
    listening = {"turn_detection": {"type": "server_vad", "create_response": False}}
    desk.hear("session.updated", session={"type": "realtime", "audio": {"input": listening}})
    speaking_over_a_tool(desk)
    stop_speaking(desk)
    assert desk.take() == ["response.create"]


def test_an_output_waits_no_longer_for_a_turn_that_is_dropped(desk: Desk) -> None:
    speaking_over_a_tool(desk)
    desk.hear("input_audio_buffer.cleared")
    assert desk.take() == ["response.create"]


# --- tools of an agent that was stopped ---------------------------------------------------------------------


def give(desk: Desk, call_id: str) -> list[str]:
    """A tool is done."""
    desk.client.tool_output(call_id, "done", desk.now)
    desk.drain()
    return desk.take()


def stop(desk: Desk) -> list[str]:
    desk.client.interrupt(desk.now)
    desk.drain()
    return desk.take()


def test_tools_that_run_when_the_agent_is_stopped_lead_to_nothing_more(desk: Desk) -> None:
    desk.hear("response.created", response=desk.response("r"))
    desk.end(output=[call("1", item_id="f1"), call("2", item_id="f2")])
    assert give(desk, "1") == ["conversation.item.create"]
    assert stop(desk) == []
    assert give(desk, "2") == ["conversation.item.create"]
    assert desk.client.next_deadline() is None


def test_a_response_that_is_stopped_between_its_calls(desk: Desk) -> None:
    desk.hear("response.created", response=desk.response("r"))
    desk.hear("response.output_item.done", response_id="r", output_index=0, item=call("1", item_id="f1"))
    assert give(desk, "1") == ["conversation.item.create"]
    assert stop(desk) == ["response.cancel"]
    desk.hear("response.output_item.done", response_id="r", output_index=1, item=call("2", item_id="f2"))
    assert [notice.call_id for notice in desk.of(ToolCalled)] == ["1", "2"]
    assert give(desk, "2") == ["conversation.item.create"]
    desk.end(status="cancelled")
    assert desk.take() == []


def test_a_response_that_was_stopped_before_it_began(desk: Desk) -> None:
    desk.client.request_response(0.0)
    assert stop(desk) == ["response.create", "response.cancel"]
    desk.hear("response.created", response=desk.response("r"))
    assert desk.take() == ["response.cancel"]  # the first one may have come too early
    desk.end(output=[call("1")])
    assert [notice.call_id for notice in desk.of(ToolCalled)] == ["1"]
    assert give(desk, "1") == ["conversation.item.create"]


def test_responses_whose_ends_never_come_are_given_up_one_by_one(desk: Desk) -> None:
    for number in range(RUNNING + 3):
        desk.hear("response.created", response=desk.response(f"r{number}"))
    ended = [notice.response for notice in desk.of(ResponseEnded)]
    assert [(response.id, response.status) for response in ended] == [
        (f"r{number}", "incomplete") for number in range(3)
    ]


def test_a_turn_after_the_agent_was_stopped_is_like_any_other(desk: Desk) -> None:
    desk.hear("response.created", response=desk.response("r"))
    desk.hear("response.output_item.done", response_id="r", output_index=0, item=call("1", item_id="f1"))
    assert stop(desk) == ["response.cancel"]
    desk.client.request_response(0.0)
    desk.drain()
    assert desk.take() == []
    desk.end(status="cancelled")
    assert desk.take() == ["response.create"]
    desk.hear("response.created", response=desk.response("next"))
    desk.end("next", output=[call("2", item_id="f2")])
    assert give(desk, "1") == ["conversation.item.create"]
    assert give(desk, "2") == ["conversation.item.create", "response.create"]


def test_speech_over_a_call_does_not_keep_the_model_from_going_on(desk: Desk) -> None:
    desk.hear("response.created", response=desk.response("early"))
    desk.end("early", output=[call("1", item_id="f1")])
    desk.answer(audio=SECOND)
    desk.speech()
    desk.hear("response.output_item.done", response_id="r", output_index=1, item=call("2", item_id="f2"))
    desk.end(status="cancelled")
    stop_speaking(desk)
    desk.hear("response.created", response=desk.response("own"))
    desk.end("own")
    desk.take()
    assert give(desk, "2") == ["conversation.item.create", "response.create"]
    desk.hear("response.created", response=desk.response("more"))
    desk.end("more")
    assert give(desk, "1") == ["conversation.item.create", "response.create"]


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
    raw("input_audio_buffer.speech_stopped", audio_end_ms=st.just(0), item_id=IDS),
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
    # A response that began after it was cancelled is cancelled again, by its name and under the same id.
    once = [event for event in sent if event.type not in ("conversation.item.create", "response.cancel")]
    assert len({event.event_id for event in once}) == len(once)
