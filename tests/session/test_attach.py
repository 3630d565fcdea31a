"""Sessions that attach to one that runs already (`call_id`): to this project's server, and by hand."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import pytest
from tests.session.conftest import BACK_S, HandModel, lose
from tests.session.test_session_wire import read, serving
from websockets.asyncio.client import ClientConnection, connect

from vivavoce.agents import RealtimeAgent, function_tool
from vivavoce.agents.tool import HostedMCPTool
from vivavoce.conversation.client_history import text_of
from vivavoce.engines.base import Engines, FunctionCallDelta
from vivavoce.engines.scripted import scripted_engines
from vivavoce.errors import ConfigurationError, ConnectionLostError
from vivavoce.protocol import MessageItem
from vivavoce.session import RealtimeRunner, RealtimeSession
from vivavoce.testing import run

if TYPE_CHECKING:
    from tests.session.conftest import Stage

Perform = Callable[..., None]
CALL: Any = {"call_id": "sess_1"}
SILENT = RealtimeAgent[Any]("Watcher")
OWN = {"type": "realtime", "instructions": "Sell tea.", "tools": [{"type": "function", "name": "price"}]}


@function_tool
def look_up(name: str) -> str:
    """Look something up."""
    return f"{name}: known"


# --- on this project's server -------------------------------------------------------------------------------


class Caller:
    """The client that a session belongs to."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.session_id = ""

    async def send(self, **event: Any) -> None:
        await self._socket.send(json.dumps(event))

    async def until(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(10):
            while True:
                event: dict[str, Any] = json.loads(await self._socket.recv())
                assert event["type"] != "error", event
                if event["type"] == kind:
                    return event


@contextlib.asynccontextmanager
async def calling(engines: Engines) -> AsyncIterator[tuple[str, Caller]]:
    """A server, and a caller with settings of its own."""
    async with serving(engines) as url, connect(url) as socket:
        caller = Caller(socket)
        caller.session_id = (await caller.until("session.created"))["session"]["id"]
        await caller.send(type="session.update", session=OWN)
        await caller.until("session.updated")
        yield url, caller


async def beside(url: str, caller: Caller, agent: RealtimeAgent[Any]) -> RealtimeSession:
    return await RealtimeRunner(agent, model=url).run(model_config={"call_id": caller.session_id})


def texts(session: RealtimeSession) -> list[str]:
    return [
        " ".join(text_of(part) for part in item.content).strip()
        for item in session.history
        if isinstance(item, MessageItem)
    ]


def test_a_supervisor_without_settings_changes_nothing_and_can_speak() -> None:
    async def main() -> None:
        engines = scripted_engines(answers=[["Good day."]], word_ms=20)
        async with calling(engines) as (url, caller), await beside(url, caller, SILENT) as session:
            updated = await caller.until("session.updated")
            assert updated["session"]["instructions"] == "Sell tea."
            assert [tool["name"] for tool in updated["session"]["tools"]] == ["price"]
            await session.send_message("Greet them.")
            (*_, end) = await read(session, "agent_end")
            assert end.output.strip() == "Good day."
            await caller.until("response.done")
            assert texts(session) == ["Greet them.", "Good day."]

    run(main())


def test_an_agent_that_attaches_brings_its_instructions_and_runs_its_tools() -> None:
    call = FunctionCallDelta(0, "look_up", '{"name": "tea"}')
    agent = RealtimeAgent[Any]("Ada", "Sell coffee.", tools=[look_up])

    async def main() -> None:
        engines = scripted_engines(answers=[[call], ["We have it."]], word_ms=20)
        async with calling(engines) as (url, caller), await beside(url, caller, agent) as session:
            updated = await caller.until("session.updated")
            assert updated["session"]["instructions"] == "Sell coffee."
            await caller.send(type="response.create")
            events = await read(session, "agent_end", 2)
            assert [event.output for event in events if event.type == "tool_end"] == ["tea: known"]
            assert [event for event in events if event.type == "error"] == []

    run(main())


def test_a_tool_of_the_caller_is_left_to_the_caller() -> None:
    call = FunctionCallDelta(0, "price", "{}")

    async def main() -> None:
        engines = scripted_engines(answers=[[call], ["Two francs."]], word_ms=20)
        async with calling(engines) as (url, caller), await beside(url, caller, SILENT) as session:
            await caller.send(type="response.create")
            (item,) = (await caller.until("response.done"))["response"]["output"]
            output = {"type": "function_call_output", "call_id": item["call_id"], "output": "2"}
            await caller.send(type="conversation.item.create", item=output)
            await caller.send(type="response.create")
            events = await read(session, "agent_end", 2)
            assert [event for event in events if event.type in {"error", "tool_start", "tool_end"}] == []
            kinds = [item.type for item in session.history]
            assert kinds == ["function_call", "function_call_output", "message"]

    run(main())


def test_a_refused_setting_and_an_unknown_call_are_told() -> None:
    agent = RealtimeAgent[Any]("Ada", voice="no such voice")

    async def main() -> None:
        async with calling(scripted_engines()) as (url, caller):
            with pytest.raises(ConfigurationError, match="refused the settings"):
                await (await beside(url, caller, agent)).enter()
            caller.session_id = "sess_unknown"
            with pytest.raises(ConnectionLostError) as caught:
                await (await beside(url, caller, SILENT)).enter()
            assert caught.value.status == 404

    run(main())


def test_a_session_ends_with_the_call() -> None:
    async def main() -> None:
        async with serving(scripted_engines()) as url:
            async with connect(url) as socket:
                caller = Caller(socket)
                caller.session_id = (await caller.until("session.created"))["session"]["id"]
                session = await beside(url, caller, SILENT)
                await session.enter()
            async with asyncio.timeout(10):
                kinds = [event.type async for event in session]
            assert kinds.count("reconnected") == 0
            await session.close()

    run(main())


# --- by hand: a server that says no session.created ---------------------------------------------------------


class Attachable(HandModel):
    """A session that runs already, with a conversation of its own."""

    def say(self, kind: str, **fields: Any) -> None:
        if kind != "session.created":
            super().say(kind, **fields)


def attachable() -> Attachable:
    model = Attachable()
    model.echoes = True
    return model


def settings(stage: Stage) -> list[dict[str, Any]]:
    """The settings that each connection was told."""
    return [life[0]["session"] for life in stage.model.lives]


def test_a_connection_that_is_made_again_repeats_neither_items_nor_settings(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.send_message("hello")
        stage.model.done("r1")
        await stage.session.send_audio(bytes(960))
        await lose(stage)
        assert stage.of("reconnected") != []
        assert stage.model.told() == []
        assert [said.get("instructions") for said in settings(stage)] == ["Be kind.", None]
        await stage.session.send_message("again")
        assert stage.model.told() == ["user: again", "response.create"]

    perform(play, RealtimeAgent[Any]("Ada", "Be kind."), model=attachable(), model_config=CALL)


def test_what_was_said_meanwhile_is_told_and_an_answer_that_runs_is_not_asked_for(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.send_message("hello")
        stage.model.speak("r1", "a", "Well", 100)
        await stage.session.send_audio(b"\1\0" * 480)
        await lose(stage, 0)
        await stage.session.send_message("more", respond=False)
        await stage.session.send_audio(b"\2\0" * 480)
        await stage.settle(BACK_S)
        kinds = [said.partition(" ")[0] for said in stage.model.told()]
        assert kinds == ["user:", "append"]
        assert stage.model.told()[0] == "user: more"
        assert stage.model.lives[-1][-1]["audio"].startswith("AgAC")

    perform(play, model=attachable(), model_config=CALL)


def test_an_approval_is_still_waited_for_on_the_next_connection(perform: Perform) -> None:
    request = {"type": "mcp_approval_request", "id": "m", "server_label": "s", "name": "n", "arguments": "{}"}

    async def play(stage: Stage) -> None:
        stage.model.say("conversation.item.done", item=request)
        await lose(stage)
        assert stage.model.told() == []
        await stage.session.approve_tool_call("m")
        assert stage.model.told() == ["mcp_approval_response"]

    perform(play, model=attachable(), model_config=CALL)


@pytest.mark.parametrize(("label", "asked"), [("ours", ["response.create"]), ("theirs", [])])
def test_only_calls_of_own_mcp_servers_are_spoken_of(perform: Perform, label: str, asked: list[str]) -> None:
    made = {"type": "mcp_call", "id": "c", "server_label": label, "name": "n", "arguments": "{}"}
    agent = RealtimeAgent[Any]("Ada", tools=[HostedMCPTool("ours", "https://ours.example")])

    async def play(stage: Stage) -> None:
        stage.model.say("conversation.item.done", item=made | {"output": "found"})
        await stage.settle()
        assert len(stage.of("mcp_tool_call_completed")) == 1
        assert stage.model.told() == asked

    perform(play, agent, model=attachable(), model_config=CALL)


def test_a_history_of_ones_own_is_told_once(perform: Perform) -> None:
    told = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "I like tea."}]}

    async def play(stage: Stage) -> None:
        assert stage.model.told() == ["user: I like tea."]
        await lose(stage)
        assert stage.model.told() == []

    perform(play, model=attachable(), model_config=CALL, config={"history": [told]})
