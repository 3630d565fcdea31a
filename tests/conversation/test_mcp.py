"""MCP tools in responses: which are offered, which are waited for, and who asks for the next response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.conversation.mcp_sessions import (
    CALLED,
    COMPLETED,
    FAILED,
    LISTED,
    LISTING,
    OPENED,
    UNLISTED,
    WRITTEN,
    Bench,
    free,
    server,
)

from vivavoce.conversation.effects import BeginUtterance, StartResponse
from vivavoce.conversation.mcp import MAX_FOLLOW_UPS
from vivavoce.protocol import ResponseDone, ToolChoiceFunction, to_builtins

if TYPE_CHECKING:
    from tests.conversation.conftest import Talk

LOOK = {"type": "function", "name": "look"}


@pytest.fixture
def bench(button_talk: Talk) -> Bench:
    return Bench(button_talk)


def offered(bench: Bench) -> list[str]:
    return [tool.name for tool in bench.talk.started.tools]


# --- which tools a response has -----------------------------------------------------------------------------


def test_functions_of_the_client_stand_beside_them(bench: Bench) -> None:
    bench.use(free(), tools=("look", "hear"))
    bench.talk.update(tools=[LOOK, free()])
    bench.talk.ask()
    assert offered(bench) == ["look", "s_look", "hear"]
    said = bench.talk.call("look", "{}") + bench.talk.call("s_look", "{}", 1)
    assert said == [*OPENED, bench.talk.ARGUMENTS, *bench.talk.CALLED, *OPENED, WRITTEN[0]]
    assert bench.talk.finish() == [WRITTEN[1], *CALLED, "response.done"]
    assert [call.name for call in bench.called] == ["look"]


def test_a_response_uses_what_is_listed_when_it_begins(bench: Bench) -> None:
    bench.use(free())
    bench.talk.update(tools=[free(), server("t")])
    bench.talk.ask()
    assert offered(bench) == ["look"]
    assert bench.lists("hear") == LISTED
    assert offered(bench) == ["look"]


def test_a_response_waits_for_a_server_of_its_own(bench: Bench) -> None:
    assert bench.talk.ask(tools=[free(), free("t")]) == ["response.created", *LISTING, *LISTING]
    assert bench.talk.of(StartResponse) == []
    first, second = bench.asked_for_tools
    assert bench.lists("look", item_id=first.item_id) == LISTED
    assert bench.fails(second.item_id) == UNLISTED
    assert offered(bench) == ["look"]
    bench.talk.call("look", "{}")
    bench.talk.finish()
    # Its label is known from now on, also to the session.
    assert bench.talk.ask(tools=[{"type": "mcp", "server_label": "s"}]) == ["response.created"]
    assert offered(bench) == ["look"]


def test_a_response_does_not_wait_for_ever(bench: Bench) -> None:
    bench.talk.ask(tools=[free()])
    assert bench.talk.of(StartResponse) == []
    bench.talk.tick(20)
    assert offered(bench) == []
    bench.talk.finish()
    assert bench.lists("look") == LISTED


def test_a_response_waits_for_the_server_that_it_must_choose(bench: Bench) -> None:
    choice = {"type": "mcp", "server_label": "s", "name": "look"}
    bench.talk.update(tools=[free(), server("t")], tool_choice=choice)
    bench.talk.ask()
    first, second = bench.asked_for_tools
    bench.lists("hear", item_id=second.item_id)
    bench.lists("look", item_id=first.item_id)
    assert bench.talk.started.tool_choice == ToolChoiceFunction(name="look")
    assert offered(bench) == ["look", "hear"]


def test_a_choice_of_any_tool_of_a_server(bench: Bench) -> None:
    bench.use(free(), free("t"), tools=("look", "hear"))
    bench.talk.ask(tool_choice={"type": "mcp", "server_label": "t"})
    assert (offered(bench), bench.talk.started.tool_choice) == (["t_look", "t_hear"], "required")


def test_a_choice_that_cannot_be_had_fails_the_response(bench: Bench) -> None:
    bench.use(free())
    said = bench.talk.ask(tool_choice={"type": "mcp", "server_label": "s", "name": "hear"})
    assert said == ["response.created", "response.done"]
    response = to_builtins(bench.talk.last(ResponseDone))["response"]
    assert response["status"] == "failed"
    error = response["status_details"]["error"]
    assert (error["code"], error["message"]) == (
        "tool_not_found",
        "The MCP server 's' offers no tool named 'hear'.",
    )
    assert bench.talk.ask(tool_choice={"type": "mcp", "server_label": "t"}) == ["error"]
    assert bench.talk.complaint[1] == "response.tool_choice.server_label"


def test_beside_the_conversation_there_are_no_mcp_tools(bench: Bench) -> None:
    bench.use(free(), tool_choice={"type": "mcp", "server_label": "s"})
    assert bench.talk.ask(conversation="none") == ["response.created"]
    assert (offered(bench), bench.talk.started.tool_choice) == ([], "auto")
    for wish in ({"tools": [free()]}, {"tool_choice": {"type": "mcp", "server_label": "s"}}):
        assert bench.talk.ask(conversation="none", **wish) == ["error"]
        assert "conversation 'none'" in bench.talk.complaint[2]
    bench.talk.ask(conversation="none", tools=[LOOK], tool_choice="required")
    assert (offered(bench), bench.talk.started.tool_choice) == (["look"], "required")


@pytest.mark.parametrize(
    "item",
    [
        {"type": "mcp_list_tools", "server_label": "s", "tools": []},
        {"type": "mcp_approval_request", "id": "r", "server_label": "s", "name": "look", "arguments": "{}"},
    ],
)
def test_what_only_a_server_makes(bench: Bench, item: dict[str, object]) -> None:
    assert bench.talk.send("conversation.item.create", item=item) == ["error"]
    assert bench.talk.complaint[:2] == ("invalid_value", "item.type")


def test_a_call_that_a_client_remembers_is_read(bench: Bench) -> None:
    item = {
        "type": "mcp_call",
        "id": "m",
        "server_label": "s",
        "name": "look",
        "arguments": "{}",
        "output": "a tree",
    }
    assert bench.talk.send("conversation.item.create", item=item) == [*bench.talk.ITEM]
    bench.talk.ask()
    assert bench.read() == [("function_call", "{}"), ("function_call_output", "a tree")]


def test_a_call_without_arguments_means_nothing(bench: Bench) -> None:
    item = {"type": "mcp_call", "id": "m", "server_label": "s", "name": "look", "arguments": ""}
    assert bench.talk.send("conversation.item.create", item=item) == ["error"]
    assert bench.talk.complaint[:2] == ("invalid_value", "item.arguments")


def test_what_a_response_wishes_of_a_server_is_for_that_response(bench: Bench) -> None:
    bench.use(free(), tools=("look", "hear"))
    assert bench.talk.ask(tools=[server(allowed_tools=["hear"])]) == ["response.created"]
    assert offered(bench) == ["hear"]
    said = bench.talk.call("hear", "{}") + bench.talk.finish()
    assert "conversation.item.added" in said  # the approval request
    assert bench.called == []
    bench.talk.ask()
    assert offered(bench) == ["look", "hear"]
    bench.talk.call("look", "{}")
    bench.talk.finish()
    assert len(bench.called) == 1


@pytest.mark.parametrize(
    "other", [{"server_url": "https://other.example"}, {"authorization": "x"}, {"headers": {"K": "1"}}]
)
def test_a_label_of_the_session_is_not_another_server_in_a_response(
    bench: Bench, other: dict[str, Any]
) -> None:
    bench.use(free())
    assert bench.talk.ask(tools=[free("t"), free(**other)]) == ["error"]
    assert bench.talk.complaint[1] == "response.tools[1].server_label"
    bench.talk.update(tools=[])
    assert bench.talk.ask(tools=[free("t"), free(**other)]) == ["response.created", *LISTING, *LISTING]


def test_calls_of_the_past_read_the_same_under_another_name(bench: Bench) -> None:
    bench.use(free())
    bench.talk.ask()
    bench.talk.call("look", "{}")
    bench.talk.finish()
    bench.answers("a tree")
    bench.talk.update(tools=[LOOK, free()])
    bench.talk.ask()
    assert to_builtins(bench.talk.started.items[0])["name"] == "s_look"


# --- who asks for the next response -------------------------------------------------------------------------


@pytest.fixture
def eager(talk_with: type[Talk]) -> Bench:
    """The operator has the server answer by itself."""
    bench = Bench(talk_with(mcp_follow_up=True))
    bench.use(free())
    return bench


def call(bench: Bench, *more: str) -> None:
    """In the newest response the model calls the tool, and these functions, and is done."""
    for index, name in enumerate(("look", *more)):
        bench.talk.call(name, "{}", index)
    bench.talk.finish()


def test_nothing_follows_by_itself(bench: Bench) -> None:
    bench.use(free())
    bench.talk.ask()
    call(bench)
    assert bench.answers() == COMPLETED


def test_an_answer_follows_once_all_calls_are_settled(eager: Bench) -> None:
    eager.talk.ask()
    call(eager, "look")
    first, second = (each.item_id for each in eager.called)
    assert eager.answers(item_id=second) == COMPLETED
    assert eager.fails(first) == [*FAILED, "response.created"]
    assert [kind for kind, _ in eager.read()] == ["function_call", "function_call_output"] * 2


def test_an_answer_follows_a_call_that_was_over_before_its_response(eager: Bench) -> None:
    eager.talk.ask()
    eager.talk.call("look", "{}")
    eager.talk.clause("Let me see.", 40)
    eager.answers()
    assert eager.talk.finish()[-4:] == ["response.done", *COMPLETED, "response.created"]


def test_an_answer_follows_a_refusal(talk_with: type[Talk]) -> None:
    eager = Bench(talk_with(mcp_follow_up=True))
    eager.use(server())
    eager.talk.ask()
    call(eager)
    said = eager.approve(eager.item("mcp_approval_request")["id"], approve=False)
    assert said[-3:] == [*FAILED, "response.created"]


def test_who_calls_a_function_of_the_client_is_continued_by_the_client(eager: Bench) -> None:
    eager.talk.update(tools=[{"type": "function", "name": "see"}, free()])
    eager.talk.ask()
    call(eager, "see")
    assert eager.answers() == COMPLETED


def test_nothing_follows_a_cancelled_response(eager: Bench) -> None:
    eager.talk.ask()
    eager.talk.call("look", "{}")
    eager.talk.clause("Let me see.", 40)
    eager.talk.send("response.cancel")
    assert eager.answers() == COMPLETED


def test_nothing_follows_where_another_response_has_the_output(eager: Bench) -> None:
    eager.talk.ask()
    call(eager)
    eager.talk.ask()
    assert eager.answers() == COMPLETED
    # That one began without it: so there is something to say after it.
    assert eager.talk.finish() == ["response.done", "response.created"]
    assert eager.talk.finish() == ["response.done"]


def test_nothing_follows_while_the_person_speaks(eager: Bench) -> None:
    eager.talk.ask()
    call(eager)
    eager.talk.hear(1.0, 320)
    assert eager.answers() == COMPLETED
    said = eager.talk.hear(0.0, 1000)
    assert said.count("response.created") == 1
    eager.talk.transcript(eager.talk.of(BeginUtterance)[-1].item_id)
    assert eager.talk.finish() == ["response.done"]


def test_the_server_does_not_call_for_ever(eager: Bench) -> None:
    eager.talk.update(tool_choice="required")
    eager.talk.ask()
    choices = []
    for _ in range(MAX_FOLLOW_UPS):
        call(eager)
        assert eager.answers()[-1] == "response.created"
        choices.append(eager.talk.started.tool_choice)
    assert choices == ["auto"] * (MAX_FOLLOW_UPS - 1) + ["none"]
    eager.talk.finish()
    eager.talk.ask()
    call(eager)
    eager.answers()
    assert eager.talk.started.tool_choice == "auto"


def test_nothing_follows_the_end_of_the_session(talk_with: type[Talk]) -> None:
    eager = Bench(talk_with(mcp_follow_up=True, max_session_s=60.0, session_warning_s=0.0))
    eager.use(free())
    eager.talk.ask()
    call(eager)
    assert eager.talk.tick(60) == [*FAILED, "error"]
    assert eager.answers() == []
