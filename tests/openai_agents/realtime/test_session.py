"""A session: exactly the events of `openai-agents`, and its words for a model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, get_args

import pytest

from vivavoce.errors import SessionClosedError
from vivavoce.openai_agents import function_tool
from vivavoce.openai_agents.realtime import (
    RealtimeAgent,
    RealtimeModel,
    RealtimeModelEvent,
    RealtimeModelListener,
    RealtimeModelSendAudio,
    RealtimeModelSendEvent,
    RealtimeModelSendInterrupt,
    RealtimeModelSendRawMessage,
    RealtimeModelSendSessionUpdate,
    RealtimeModelSendToolOutput,
    RealtimeModelSendUserInput,
    RealtimeModelToolCallEvent,
    RealtimeRawModelEvent,
    RealtimeRunner,
    RealtimeSession,
    RealtimeSessionEvent,
    UserMessageItem,
)
from vivavoce.protocol import to_builtins
from vivavoce.testing import ScriptedRealtimeModel, failed, local_test_model, run, tool_call

KINDS = {event.__dataclass_fields__["type"].default for event in get_args(RealtimeSessionEvent)}
CALL = RealtimeModelToolCallEvent("look", "call_9", "{}")


async def opened(model: RealtimeModel, **options: Any) -> RealtimeSession:
    agent: RealtimeAgent[Any] = RealtimeAgent("Ada", **options)
    return await RealtimeRunner(agent, model=model).run(context="mine")


def converse(model: RealtimeModel) -> tuple[list[Any], RealtimeSession]:
    """Ask a question in writing, and return all events and the session."""

    async def main() -> tuple[list[Any], RealtimeSession]:
        session = await opened(model)
        async with session:
            await session.send_message("Hello?")
            await asyncio.sleep(3)
        return [event async for event in session], session

    return run(main())


def test_only_events_of_the_other_sdk_are_told() -> None:
    events, session = converse(local_test_model(["Good day."]))
    assert {type(event) for event in events} - {*get_args(RealtimeSessionEvent)} <= {
        type(last_history(events))
    }
    kinds = [event.type for event in events]
    assert set(kinds) <= KINDS
    assert kinds.count("agent_start") == kinds.count("agent_end") == kinds.count("audio_end") == 1
    assert {event.info.context.context for event in events} == {"mine"}
    assert session.current_agent.name == "Ada"
    assert [(item.role, item.content[0].type) for item in last_history(events).history] == [
        ("user", "input_text"),
        ("assistant", "audio"),
    ]


def last_history(events: Sequence[Any]) -> Any:
    return [event for event in events if event.type == "history_updated"][-1]


def test_usage_is_told_and_added_up() -> None:
    events, _ = converse(local_test_model(["Good day."]))
    [used] = [event for event in events if event.type == "raw_model_event" and event.data.type == "usage"]
    assert used.data.usage.requests == used.info.context.usage.requests == 1
    assert used.data.usage.total_tokens == used.info.context.usage.total_tokens > 0


def test_raw_events_are_json_and_begin_with_the_session() -> None:
    events, _ = converse(local_test_model(["Good day."]))
    raw = [event.data for event in events if isinstance(event, RealtimeRawModelEvent)]
    told = [data.data for data in raw if data.type == "raw_server_event"]
    assert told[0]["type"] == "session.created"
    assert {"turn_started", "transcript_delta", "audio", "item_updated", "turn_ended"} <= {
        data.type for data in raw
    }


def test_failure_is_an_event() -> None:
    events, _ = converse(ScriptedRealtimeModel([failed("out of order")]))
    assert [event.error.message for event in events if event.type == "error"] == ["out of order"]


def test_a_second_loop_goes_on_where_the_first_stopped() -> None:
    async def main() -> list[str]:
        session = await opened(local_test_model(["Good day."]))
        async with session:
            await session.send_message("Hello?")
            await asyncio.sleep(3)
        async for event in session:
            if isinstance(event, RealtimeRawModelEvent) and event.data.type == "audio":
                break
        return [str(event.type) async for event in session]

    assert run(main())[0] == "audio"


def test_loops_side_by_side_get_every_event() -> None:
    async def kinds(session: RealtimeSession) -> list[str]:
        return [event.type async for event in session]

    async def main() -> tuple[list[str], list[str]]:
        session = await opened(local_test_model(["Good day."]))
        async with session, asyncio.TaskGroup() as tasks:
            one = tasks.create_task(kinds(session))
            other = tasks.create_task(kinds(session))
            await session.send_message("Hello?")
            await asyncio.sleep(3)
            await session.close()
        return one.result(), other.result()

    one, other = run(main())
    assert one == other
    assert "audio" in one


def sent_by(event: RealtimeModelSendEvent | dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the server is sent after the session has opened."""
    server = ScriptedRealtimeModel(["Good day."])

    async def main() -> list[dict[str, Any]]:
        session = await opened(server)
        async with session:
            before = len(server.sent_events)
            await session.model.send_event(event)
            await asyncio.sleep(3)
            return [to_builtins(one) for one in server.sent_events[before:]]

    return run(main())


@pytest.mark.parametrize(
    ("event", "kinds"),
    [
        (
            RealtimeModelSendRawMessage(
                {"type": "input_audio_buffer.append", "other_data": {"audio": "AAAA"}}
            ),
            ["input_audio_buffer.append"],
        ),
        (RealtimeModelSendRawMessage({"type": "input_audio_buffer.clear"}), ["input_audio_buffer.clear"]),
        ({"type": "input_audio_buffer.clear"}, ["input_audio_buffer.clear"]),
        (RealtimeModelSendUserInput("Hello?"), ["conversation.item.create", "response.create"]),
        (RealtimeModelSendAudio(bytes(960)), ["input_audio_buffer.append"]),
        (
            RealtimeModelSendAudio(bytes(960), commit=True),
            ["input_audio_buffer.append", "input_audio_buffer.commit"],
        ),
        (
            RealtimeModelSendToolOutput(CALL, "Nothing.", start_response=True),
            ["conversation.item.create", "response.create"],
        ),
        (RealtimeModelSendToolOutput(CALL, "Nothing.", start_response=False), ["conversation.item.create"]),
        (RealtimeModelSendSessionUpdate({"max_output_tokens": 100}), ["session.update"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_program_sends_to_the_model_reaches_the_server(
    event: RealtimeModelSendEvent | dict[str, Any], kinds: list[str]
) -> None:
    assert [one["type"] for one in sent_by(event)] == kinds


def test_values_are_sent_along() -> None:
    [made] = sent_by(RealtimeModelSendToolOutput(CALL, "Nothing.", start_response=False))
    [update] = sent_by(RealtimeModelSendSessionUpdate({"max_output_tokens": 100}))
    assert (made["item"]["call_id"], made["item"]["output"]) == ("call_9", "Nothing.")
    assert update["session"]["max_output_tokens"] == 100


@pytest.mark.parametrize(
    ("wanted", "silenced"),
    [
        (RealtimeModelSendInterrupt(), True),
        (RealtimeModelSendInterrupt(cancel_response_only=True), False),
        (None, True),
    ],
)
def test_an_agent_that_is_stopped(wanted: RealtimeModelSendInterrupt | None, silenced: bool) -> None:
    async def main() -> list[str]:
        session = await opened(local_test_model(["One two three four five six seven eight nine ten."]))
        async with session:
            await session.send_message("Count.")
            await asyncio.sleep(1)
            await (session.interrupt() if wanted is None else session.model.send_event(wanted))
            await asyncio.sleep(0.5)
            await session.close()
            return [event.type async for event in session]

    assert ("audio_interrupted" in run(main())) is silenced


class Listening(RealtimeModelListener):
    def __init__(self) -> None:
        self.heard: list[RealtimeModelEvent] = []

    async def on_event(self, event: RealtimeModelEvent) -> None:
        self.heard.append(event)


def test_a_listener_hears_the_model_in_its_own_words() -> None:
    async def main() -> None:
        session = await opened(local_test_model(["Good day.", "Good day."]))
        listener = Listening()
        session.model.add_listener(listener)
        async with session:
            await session.send_message("Hello?")
            await asyncio.sleep(3)
            kinds = {event.type for event in listener.heard}
            assert {"connection_status", "raw_server_event", "audio", "usage", "turn_ended"} <= kinds
            session.model.remove_listener(listener)
            listener.heard.clear()
            await session.send_message("Hello?")
            await asyncio.sleep(3)
        assert listener.heard == []

    run(main())


def test_the_rest_of_the_model_is_that_of_the_session() -> None:
    async def main() -> None:
        server = ScriptedRealtimeModel([])
        session = await opened(server)
        assert session.model.connect.__self__ is server
        with pytest.raises(AttributeError):
            _ = session.model.nothing

    run(main())


@pytest.mark.parametrize("approve", [True, False])
def test_a_call_is_decided_by_its_id(approve: bool) -> None:
    ran: list[str] = []

    @function_tool(needs_approval=True)
    def look() -> str:
        ran.append("look")
        return "Nothing."

    async def main() -> list[Any]:
        session = await opened(local_test_model([tool_call("look"), "Fine."]), tools=[look])
        async with session:
            await session.send_message("Look!")
            async for event in session:
                if event.type == "tool_approval_required":
                    if approve:
                        await session.approve_tool_call(call_id=event.call_id)
                    else:
                        await session.reject_tool_call(call_id=event.call_id, rejection_message="Not now.")
                    break
            await asyncio.sleep(3)
        return [event async for event in session]

    outputs = [item.output for item in last_history(run(main())).history if item.type == "function_call"]
    assert (ran, outputs) == ((["look"], ["Nothing."]) if approve else ([], ["Not now."]))


def test_another_agent_takes_over() -> None:
    async def main() -> None:
        session = await opened(ScriptedRealtimeModel([]))
        async with session:
            await session.update_agent(RealtimeAgent("Bea"))
            assert session.current_agent.name == "Bea"

    run(main())


def test_audio_and_its_end() -> None:
    server = ScriptedRealtimeModel([])

    async def main() -> list[str]:
        session = await opened(server)
        async with session:
            before = len(server.sent_events)
            await session.send_audio(bytes(960), commit=True)
            return [event.type for event in server.sent_events[before:]]

    assert run(main()) == ["input_audio_buffer.append", "input_audio_buffer.commit"]


def test_a_message_that_is_new_is_of_a_class_that_can_be_asked_for() -> None:
    events, _ = converse(local_test_model(["Good day."]))
    added = [event.item for event in events if event.type == "history_added"]
    assert isinstance(added[0], UserMessageItem)


def test_a_session_is_opened_by_hand_and_closed_twice() -> None:
    async def main() -> None:
        session = await opened(ScriptedRealtimeModel([]))
        assert await session.enter() is session
        await session.close()
        await session.close()
        with pytest.raises(SessionClosedError):
            await session.send_message("Hello?")

    run(main())
