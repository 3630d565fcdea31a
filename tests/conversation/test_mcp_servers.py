"""Which MCP servers are asked for their tools, when, and what is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.conversation.mcp_sessions import LISTED, LISTING, UNLISTED, URL, Bench, free, listed, server

from vivavoce.conversation.effects import LeaveMcpServer
from vivavoce.conversation.mcp_servers import MAX_KNOWN
from vivavoce.protocol import SessionCreated, SessionUpdated, to_builtins
from vivavoce.protocol.codec import client_event_from

if TYPE_CHECKING:
    from tests.conversation.conftest import Talk


@pytest.fixture
def bench(button_talk: Talk) -> Bench:
    return Bench(button_talk)


def names(bench: Bench) -> list[str]:
    """What the model may call in a response that begins now."""
    bench.talk.ask()
    offered = [tool.name for tool in bench.talk.started.tools]
    bench.talk.finish()
    return offered


def test_a_server_is_asked_when_it_is_declared(bench: Bench) -> None:
    assert bench.talk.update(tools=[server()]) == ["session.updated", *LISTING]
    (asked,) = bench.asked_for_tools
    assert asked.server.server_url == f"{URL}/s"
    assert bench.item("mcp_list_tools") == {
        "type": "mcp_list_tools",
        "id": asked.item_id,
        "server_label": "s",
        "tools": [],
    }
    assert bench.lists("look", "hear") == LISTED
    tools = bench.item("mcp_list_tools")["tools"]
    assert [(tool["name"], tool["description"], tool["input_schema"]) for tool in tools] == [
        ("look", "", {"type": "object"}),
        ("hear", "", {"type": "object"}),
    ]
    assert names(bench) == ["look", "hear"]


def test_an_item_can_be_retrieved_while_its_server_is_asked(bench: Bench) -> None:
    bench.talk.update(tools=[server()])
    item_id = bench.asked_for_tools[0].item_id
    assert bench.talk.send("conversation.item.retrieve", item_id=item_id) == ["conversation.item.retrieved"]
    assert bench.talk.json["item"]["tools"] == []


def test_only_allowed_tools(bench: Bench) -> None:
    bench.use(server(allowed_tools=["hear"]), tools=("look", "hear"))
    assert [tool["name"] for tool in bench.item("mcp_list_tools")["tools"]] == ["hear"]
    assert names(bench) == ["hear"]


def test_a_server_that_does_not_say(bench: Bench) -> None:
    bench.talk.update(tools=[server()])
    assert bench.fails(bench.asked_for_tools[0].item_id) == UNLISTED
    assert names(bench) == []
    # Declared again, it is asked again; not for each response, and not for any other change.
    assert bench.talk.update(instructions="Be kind.") == ["session.updated"]
    assert bench.talk.update(tools=[server()]) == ["session.updated", *LISTING]


def test_a_session_begins_with_servers(talk_with: type[Talk]) -> None:
    from vivavoce.conversation.ids import CountingIds
    from vivavoce.conversation.options import SessionOptions
    from vivavoce.conversation.server import ServerConversation
    from vivavoce.protocol import SessionUpdate

    update = client_event_from(
        {"type": "session.update", "session": {"type": "realtime", "tools": [server(authorization="secret")]}}
    )
    assert isinstance(update, SessionUpdate)
    talk = talk_with()
    talk.server = ServerConversation(SessionOptions(), CountingIds(), 0.0, update.session)
    assert talk.take() == ["session.created", *LISTING]
    assert "secret" not in str(to_builtins(talk.last(SessionCreated)))
    assert Bench(talk).asked_for_tools[0].server.authorization == "secret"


def test_what_is_the_same_is_not_asked_again(bench: Bench) -> None:
    bench.use(server())
    assert bench.talk.update(tools=[server(require_approval="never")]) == ["session.updated"]
    assert bench.talk.update(tools=[{"type": "mcp", "server_label": "s"}]) == ["session.updated"]
    assert bench.talk.update(instructions="Be kind.") == ["session.updated"]
    assert names(bench) == ["look"]
    assert bench.talk.of(LeaveMcpServer) == []


def test_what_is_shown_can_be_sent_back(bench: Bench) -> None:
    bench.use(server(server_url=f"{URL}?key=1", authorization="secret"))
    shown = to_builtins(bench.talk.last(SessionUpdated))["session"]["tools"]
    assert shown == [server(server_url=URL)]
    assert bench.talk.update(tools=shown) == ["session.updated"]
    bench.use(*shown, server("t"))
    assert bench.asked_for_tools[0].server.authorization == "secret"


@pytest.mark.parametrize(
    "changed",
    [{"allowed_tools": ["look"]}, {"server_url": "https://elsewhere.example"}, {"headers": {"K": "1"}}],
)
def test_what_has_changed_is_asked_again(bench: Bench, changed: dict[str, Any]) -> None:
    bench.use(server())
    assert bench.talk.update(tools=[server(**changed)]) == ["session.updated", *LISTING]
    assert names(bench) == []
    bench.lists("see")
    assert names(bench) == (["see"] if "allowed_tools" not in changed else [])


def test_a_change_while_a_server_is_asked_ends_the_first_list(bench: Bench) -> None:
    bench.talk.update(tools=[server()])
    late = bench.asked_for_tools[0].item_id
    said = bench.talk.update(tools=[server(headers={"K": "1"})])
    assert said == ["session.updated", *UNLISTED, *LISTING]
    assert bench.lists("late", item_id=late) == []
    bench.lists("look")
    assert names(bench) == ["look"]


def test_a_server_that_is_not_declared_any_more_is_left(bench: Bench) -> None:
    bench.use(server(authorization="secret"), server("t"))
    assert bench.talk.update(tools=[server("t")]) == ["session.updated"]
    assert bench.talk.of(LeaveMcpServer) == [LeaveMcpServer("s")]
    assert names(bench) == ["look"]
    bench.talk.update(tools=[])
    assert bench.talk.of(LeaveMcpServer) == [LeaveMcpServer("s"), LeaveMcpServer("t")]
    assert names(bench) == []
    # Its label is still known, and it is asked again.
    assert bench.talk.update(tools=[{"type": "mcp", "server_label": "s"}]) == ["session.updated", *LISTING]
    assert bench.asked_for_tools[-1].server.authorization == "secret"


def test_a_server_is_left_while_it_is_asked(bench: Bench) -> None:
    bench.talk.update(tools=[server()])
    assert bench.talk.update(tools=[]) == ["session.updated", *UNLISTED]
    assert bench.lists("look", item_id=bench.asked_for_tools[0].item_id) == []


def test_a_label_alone_that_nobody_knows(bench: Bench) -> None:
    assert bench.talk.update(tools=[{"type": "mcp", "server_label": "s"}]) == ["error"]
    code, param, message = bench.talk.complaint
    assert (code, param) == ("missing_required_parameter", "session.tools[0].server_url")
    assert "'s'" in message


def test_a_list_that_is_deleted_while_it_is_made(bench: Bench) -> None:
    bench.talk.update(tools=[server()])
    item_id = bench.asked_for_tools[0].item_id
    said = bench.talk.send("conversation.item.delete", item_id=item_id)
    assert said == ["conversation.item.done", "conversation.item.deleted"]
    assert bench.lists("look") == ["mcp_list_tools.completed"]
    assert names(bench) == ["look"]


def test_a_list_that_is_deleted_afterwards_does_not_matter(bench: Bench) -> None:
    bench.use(server())
    item_id = bench.asked_for_tools[0].item_id
    assert bench.talk.send("conversation.item.delete", item_id=item_id) == ["conversation.item.deleted"]
    assert names(bench) == ["look"]


def test_long_lists_count_as_what_a_conversation_holds(talk_with: type[Talk]) -> None:
    talk = talk_with(max_items_chars=1000)
    talk.write("Hello")
    talk.update(tools=[server()])
    tools = listed("look")
    item_id = Bench(talk).asked_for_tools[0].item_id
    long = [type(tools[0])(name="look", description="x" * 1000, input_schema={})]
    talk.server.mcp.receive_tools(item_id, long, talk.now)
    assert talk.take() == [*LISTED, "conversation.item.deleted"]


def test_labels_are_remembered_up_to_a_bound(bench: Bench) -> None:
    for number in range(MAX_KNOWN):
        bench.talk.ask(tools=[free(f"s{number}")])
        bench.talk.send("response.cancel")
    assert bench.talk.of(LeaveMcpServer) == []
    said = bench.talk.ask(tools=[free("one more")])
    assert said == ["response.created", *UNLISTED, *LISTING]
    assert bench.talk.of(LeaveMcpServer) == [LeaveMcpServer("s0")]


def test_a_transcription_session_has_no_tools(talk_with: type[Talk]) -> None:
    talk = talk_with(transcription_only=True)
    said = talk.send("session.update", session={"type": "transcription", "audio": {}})
    assert said == ["session.updated"]


def test_the_end_of_the_session_ends_a_list(talk_with: type[Talk]) -> None:
    talk = talk_with(max_session_s=60.0, session_warning_s=0.0)
    talk.update(tools=[server()])
    assert talk.tick(60) == [*UNLISTED, "error"]
    item_id = Bench(talk).asked_for_tools[0].item_id
    talk.server.mcp.receive_tools(item_id, listed("look"), talk.now)
    assert talk.take() == []
