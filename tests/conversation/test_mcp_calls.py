"""MCP calls from the model's wish to the tool's output: approval, failure, deletion, the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.conversation.mcp_sessions import (
    ASKED,
    CALLED,
    COMPLETED,
    FAILED,
    OPENED,
    WRITTEN,
    Bench,
    free,
    server,
)

from vivavoce.conversation.effects import CancelMcpCall
from vivavoce.conversation.mcp_calls import MAX_CALLS
from vivavoce.protocol import McpHttpError, ResponseDone, to_builtins

if TYPE_CHECKING:
    from tests.conversation.conftest import Talk


@pytest.fixture
def bench(button_talk: Talk) -> Bench:
    return Bench(button_talk)


def call(bench: Bench, arguments: str = '{"at": 1}', index: int = 0) -> list[str]:
    """The model calls the tool in a response of its own, which ends."""
    bench.talk.ask()
    return bench.talk.call("look", arguments, index) + bench.talk.finish()


def test_a_call_that_nobody_has_to_approve(bench: Bench) -> None:
    bench.use(free())
    assert call(bench) == [*OPENED, *WRITTEN, *CALLED, "response.done"]
    (called,) = bench.called
    assert (called.name, called.arguments, called.server.server_label) == ("look", {"at": 1}, "s")
    (item,) = to_builtins(bench.talk.last(ResponseDone))["response"]["output"]
    assert item == {
        "type": "mcp_call",
        "id": called.item_id,
        "server_label": "s",
        "name": "look",
        "arguments": '{"at": 1}',
        "output": None,
    }
    assert bench.answers("a tree") == COMPLETED
    assert bench.item("mcp_call") == {**item, "output": "a tree"}
    bench.talk.ask()
    assert bench.read() == [("function_call", '{"at": 1}'), ("function_call_output", "a tree")]


def test_arguments_come_in_pieces_and_are_asked_for_by_their_index(bench: Bench) -> None:
    bench.use(free())
    bench.talk.ask()
    assert bench.talk.call("look", '{"at"') == [*OPENED, WRITTEN[0]]
    assert bench.talk.call("", ":1}") == [WRITTEN[0]]
    assert bench.talk.call("look", "{}", 1) == [WRITTEN[1], *CALLED, *OPENED, WRITTEN[0]]
    bench.talk.finish()
    assert [each.arguments for each in bench.called] == [{"at": 1}, {}]


def test_a_call_without_arguments_has_an_empty_object(bench: Bench) -> None:
    bench.use(free())
    assert call(bench, "") == [*OPENED, *WRITTEN, *CALLED, "response.done"]
    assert bench.called[0].arguments == {}
    assert bench.item("mcp_call")["arguments"] == "{}"


def test_what_comes_of_a_call_is_told_after_its_response(bench: Bench) -> None:
    bench.use(free())
    bench.talk.ask()
    bench.talk.call("look", "{}")
    bench.talk.call("look", "{}", 1)
    early = bench.called[0].item_id
    assert bench.answers("one", early) == []
    assert bench.fails(early) == []  # it has been settled
    assert bench.talk.finish() == [WRITTEN[1], *CALLED, "response.done", *COMPLETED]
    assert bench.answers("two") == COMPLETED
    assert bench.item("mcp_call")["output"] == "two"


def test_a_failed_call(bench: Bench) -> None:
    bench.use(free())
    call(bench)
    assert bench.fails(error=McpHttpError(code=502, message="Bad gateway.")) == FAILED
    item = bench.item("mcp_call")
    assert item["error"] == {"type": "http_error", "code": 502, "message": "Bad gateway."}
    assert item["output"] is None
    bench.talk.ask()
    assert bench.read()[1] == ("function_call_output", "Error: Bad gateway.")


@pytest.mark.parametrize("arguments", ["{", "[1]", "nothing", '"{}"', "[" * 100_000])
def test_arguments_that_are_no_object(bench: Bench, arguments: str) -> None:
    bench.use(server())
    said = call(bench, arguments)
    assert said == [*OPENED, *WRITTEN, "response.output_item.done", "response.done", *FAILED]
    assert bench.item("mcp_call")["error"] == {
        "type": "tool_execution_error",
        "message": "The arguments are not a JSON object.",
    }
    assert bench.called == []


def test_a_call_is_approved(bench: Bench) -> None:
    bench.use(server())
    said = call(bench)
    assert said == [*OPENED, *WRITTEN, *ASKED, "response.output_item.done", "response.done"]
    request = bench.item("mcp_approval_request")
    call_id = bench.item("mcp_call")["id"]
    assert request == {
        "type": "mcp_approval_request",
        "id": request["id"],
        "server_label": "s",
        "name": "look",
        "arguments": '{"at": 1}',
    }
    assert bench.item("mcp_call")["approval_request_id"] == request["id"]
    assert bench.called == []
    assert bench.approve(request["id"]) == [*ASKED, "response.mcp_call.in_progress"]
    assert bench.called[0].item_id == call_id
    assert bench.answers() == COMPLETED
    assert bench.item("mcp_call")["approval_request_id"] == request["id"]


def test_an_answer_takes_its_place_behind_the_request(bench: Bench) -> None:
    bench.use(server())
    call(bench)
    request_id = bench.item("mcp_approval_request")["id"]
    item = {"type": "mcp_approval_response", "approval_request_id": request_id, "approve": True}
    said = bench.talk.send("conversation.item.create", item=item, previous_item_id=request_id)
    assert said == [*ASKED, "response.mcp_call.in_progress"]
    assert to_builtins(bench.talk.events[-2])["previous_item_id"] == request_id


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "The call was not approved."),
        ({"reason": None}, "The call was not approved."),
        ({"reason": "Too dear"}, "The call was not approved: Too dear"),
    ],
)
def test_a_call_is_not_approved(bench: Bench, more: dict[str, object], words: str) -> None:
    bench.use(server())
    call(bench)
    assert bench.approve(bench.item("mcp_approval_request")["id"], approve=False, **more) == ASKED + FAILED
    assert bench.called == []
    assert bench.item("mcp_call")["error"]["message"] == words
    bench.talk.ask()
    assert bench.read() == [("function_call", '{"at": 1}'), ("function_call_output", f"Error: {words}")]


def test_an_answer_before_the_response_is_done(bench: Bench) -> None:
    bench.use(server())
    bench.talk.ask()
    bench.talk.call("look", "{}")
    bench.talk.call("look", "{}", 1)
    request_id = bench.item("mcp_approval_request")["id"]
    assert bench.approve(request_id, approve=False) == ASKED
    said = bench.talk.finish()
    assert said == [WRITTEN[1], *ASKED, "response.output_item.done", "response.done", *FAILED]


def test_an_answer_to_what_was_not_asked(bench: Bench) -> None:
    bench.use(server())
    call(bench)
    request_id = bench.item("mcp_approval_request")["id"]
    assert bench.approve("nobody") == ["error"]
    code, param, message = bench.talk.complaint
    assert (code, param) == ("invalid_value", "item.approval_request_id")
    assert "'nobody'" in message
    bench.approve(request_id)
    assert bench.approve(request_id) == ["error"]
    assert len(bench.called) == 1


def test_an_answer_that_finds_no_place_is_no_answer(bench: Bench) -> None:
    bench.use(server())
    call(bench)
    request_id = bench.item("mcp_approval_request")["id"]
    item = {"type": "mcp_approval_response", "approval_request_id": request_id, "approve": True}
    assert bench.talk.send("conversation.item.create", item=item, previous_item_id="nobody") == ["error"]
    assert bench.approve(request_id) == [*ASKED, "response.mcp_call.in_progress"]


def test_more_calls_than_there_may_be(bench: Bench) -> None:
    bench.use(server())
    for _ in range(MAX_CALLS):
        call(bench)
    said = call(bench)
    assert said == [*OPENED, *WRITTEN, "response.output_item.done", "response.done", *FAILED]
    assert bench.item("mcp_call")["error"]["message"] == "Too many calls at once: at most 64 may run or wait."


def test_a_half_written_call_is_never_made(bench: Bench) -> None:
    bench.use(free())
    bench.talk.ask()
    bench.talk.call("look", '{"at": ')
    said = bench.talk.send("response.cancel")
    assert said == [WRITTEN[1], "conversation.item.done", "response.output_item.done", "response.done"]
    assert bench.called == []
    assert bench.item("mcp_call")["error"]["message"] == "The call was given up before it was made."


def test_a_call_is_deleted_while_it_is_written(bench: Bench) -> None:
    bench.use(free())
    bench.talk.ask()
    bench.talk.call("look", "{")
    item_id = bench.item("mcp_call")["id"]
    said = bench.talk.send("conversation.item.delete", item_id=item_id)
    assert said == ["conversation.item.done", "conversation.item.deleted"]
    assert bench.talk.call("look", "}") == WRITTEN[:1]
    assert bench.talk.finish() == [WRITTEN[1], "response.output_item.done", "response.done"]
    assert bench.called == []
    assert bench.item("mcp_call")["error"]["message"] == "The call was given up before it was made."


def test_a_call_that_runs_goes_on_when_its_response_is_cancelled(bench: Bench) -> None:
    bench.use(free())
    bench.talk.ask()
    bench.talk.call("look", "{}")
    bench.talk.call("look", "{", 1)
    bench.talk.send("response.cancel")
    assert bench.talk.of(CancelMcpCall) == []
    assert bench.answers() == COMPLETED


def test_a_running_call_is_deleted(bench: Bench) -> None:
    bench.use(free())
    call(bench)
    item_id = bench.called[0].item_id
    said = bench.talk.send("conversation.item.delete", item_id=item_id)
    assert said == [*FAILED, "conversation.item.deleted"]
    assert bench.talk.of(CancelMcpCall) == [CancelMcpCall(item_id)]
    assert bench.answers() == []


def test_a_call_that_waits_for_its_response_is_deleted(bench: Bench) -> None:
    bench.use(free())
    bench.talk.ask()
    bench.talk.call("look", "{}")
    bench.talk.call("look", "{", 1)
    bench.answers("early")
    said = bench.talk.send("conversation.item.delete", item_id=bench.called[0].item_id)
    assert said == [*COMPLETED, "conversation.item.deleted"]
    assert bench.talk.of(CancelMcpCall) == []


def test_a_call_that_waits_for_an_approval_is_deleted(bench: Bench) -> None:
    bench.use(server())
    call(bench)
    request_id = bench.item("mcp_approval_request")["id"]
    said = bench.talk.send("conversation.item.delete", item_id=bench.item("mcp_call")["id"])
    assert said == [*FAILED, "conversation.item.deleted"]
    assert bench.approve(request_id) == ["error"]
    assert bench.talk.of(CancelMcpCall) == []


def test_a_request_is_deleted(bench: Bench) -> None:
    bench.use(server())
    call(bench)
    said = bench.talk.send("conversation.item.delete", item_id=bench.item("mcp_approval_request")["id"])
    assert said == [*FAILED, "conversation.item.deleted"]
    assert bench.item("mcp_call")["error"]["message"] == "The approval request was deleted."


def test_a_call_can_be_retrieved_while_it_runs(bench: Bench) -> None:
    bench.use(free())
    call(bench)
    item_id = bench.called[0].item_id
    bench.talk.send("conversation.item.retrieve", item_id=item_id)
    assert bench.talk.json["item"]["output"] is None
    bench.answers("a tree")
    bench.talk.send("conversation.item.retrieve", item_id=item_id)
    assert bench.talk.json["item"]["output"] == "a tree"


def test_outputs_count_as_what_a_conversation_holds(talk_with: type[Talk]) -> None:
    talk = talk_with(max_items_chars=1000)
    bench = Bench(talk)
    bench.use(free())
    talk.write("Hello")
    call(bench)
    assert bench.answers("x" * 1000)[-2:] == ["conversation.item.deleted"] * 2
    assert talk.server._items.size <= 1002 + len("{}")


def test_the_end_of_the_session_ends_the_calls(talk_with: type[Talk]) -> None:
    talk = talk_with(max_session_s=60.0, session_warning_s=0.0)
    bench = Bench(talk)
    bench.use(free(), server("t"))
    talk.ask()
    talk.call("s_look", "{}")
    talk.call("t_look", "{}", 1)
    talk.finish()
    assert talk.tick(60) == [*FAILED, *FAILED, "error"]
    assert bench.answers() == bench.fails() == []


def test_news_of_an_unknown_call(bench: Bench) -> None:
    assert bench.answers("x", "nobody") == bench.fails("nobody") == []
