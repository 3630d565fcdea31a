"""A session on the virtual clock, its far end played by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.agents import FunctionTool, RealtimeAgent, RunContextWrapper
from vivavoce.conversation.client_history import text_of
from vivavoce.conversation.playback import RealtimePlaybackTracker
from vivavoce.errors import ConfigurationError, ConnectionLostError, RemoteProtocolError, SessionClosedError
from vivavoce.protocol import InputAudioBufferClear, MessageItem
from vivavoce.session import RealtimeRunner, RealtimeSession
from vivavoce.session.driver import START_S
from vivavoce.session.session import CLOSE_S
from vivavoce.testing import run

if TYPE_CHECKING:
    from tests.session.conftest import HandModel, Stage

Perform = Callable[..., None]
ADA = RealtimeAgent[Any]("Ada", "Be kind.", voice="alloy")


def words(session: RealtimeSession) -> list[str]:
    return [
        " ".join(text_of(part) for part in item.content)
        for item in session.history
        if isinstance(item, MessageItem)
    ]


# --- opening ------------------------------------------------------------------------------------------------


def test_a_session_opens_with_what_was_set_and_nothing_else(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        assert stage.model.sent == [
            {
                "type": "session.update",
                "event_id": "vivavoce_session_update",
                "session": {
                    "type": "realtime",
                    "instructions": "Be kind.",
                    "audio": {"input": {"turn_detection": None}, "output": {"voice": "alloy"}},
                },
            }
        ]
        assert stage.model.config == {"initial_model_settings": {"model_name": "m"}, "headers": {"a": "b"}}
        assert stage.kinds()[:2] == ["connection_status", "raw_model_event"]

    config = {"model_settings": {"turn_detection": None, "voice": "echo"}}
    model_config = {"headers": {"a": "b"}, "initial_model_settings": {"model_name": "m"}}
    perform(play, ADA, config=config, model_config=model_config)


def test_instructions_may_depend_on_the_user(perform: Perform) -> None:
    async def instructions(context: RunContextWrapper[str], agent: RealtimeAgent[Any]) -> str:
        return f"{agent.name} helps {context.context}."

    async def play(stage: Stage) -> None:
        assert stage.model.sent[0]["session"]["instructions"] == "Ada helps Kim."
        assert stage.session.context == "Kim"
        assert stage.session.current_agent.name == "Ada"

    perform(play, RealtimeAgent[Any]("Ada", instructions), context="Kim")


async def opening(model: HandModel) -> RealtimeSession:
    session = await RealtimeRunner(ADA, model=model).run()
    await session.enter()
    return session


def test_a_loop_over_a_session_that_was_never_opened_is_refused(hand_model: HandModel) -> None:
    async def main() -> None:
        session = await RealtimeRunner(ADA, model=hand_model).run()
        with pytest.raises(SessionClosedError, match="open it with 'async with session'"):
            async for _ in session:
                pass
        reader, heard = session.events("session.updated"), list[Any]()
        session.on("session.updated", heard.append)
        async with session:
            assert (await anext(reader)).type == "session.updated"
            await asyncio.sleep(0)
            assert len(heard) == 1

    run(main())


def test_a_server_that_says_nothing_is_given_up(hand_model: HandModel) -> None:
    hand_model.opens = False

    async def main() -> None:
        with pytest.raises(ConnectionLostError, match=f"did not open the session within {START_S:g} s"):
            await opening(hand_model)
        assert asyncio.get_running_loop().time() < START_S + 1
        assert not hand_model.connected

    run(main())


def test_a_refused_setting_is_told_in_the_servers_words(hand_model: HandModel) -> None:
    hand_model.opens = False

    async def main() -> None:
        task = asyncio.ensure_future(opening(hand_model))
        await asyncio.sleep(0.1)
        hand_model.say("session.created", session={"type": "realtime"})
        await asyncio.sleep(0.1)
        error = {
            "type": "invalid_request_error",
            "message": "no such voice",
            "event_id": "vivavoce_session_update",
        }
        hand_model.say("error", error=error)
        with pytest.raises(ConfigurationError, match="the server refused the settings: no such voice"):
            await task

    run(main())


@pytest.mark.parametrize(
    ("error", "complaint"), [(None, "closed the connection before"), (ConnectionLostError("cut"), "cut")]
)
def test_a_connection_that_is_lost_while_opening(hand_model: HandModel, error: Any, complaint: str) -> None:
    hand_model.opens = False

    async def main() -> None:
        task = asyncio.ensure_future(opening(hand_model))
        await asyncio.sleep(0.1)
        hand_model.lose(error)
        with pytest.raises(ConnectionLostError, match=complaint):
            await task

    run(main())


def test_a_session_is_opened_once_and_used_only_while_open(hand_model: HandModel) -> None:
    async def main() -> None:
        session = await RealtimeRunner(ADA, model=hand_model).run()
        with pytest.raises(SessionClosedError, match="open it with 'async with session'"):
            await session.send_message("hello")
        async with session:
            with pytest.raises(SessionClosedError, match="a session is opened once"):
                await session.enter()
        for call in (session.send_message("x"), session.send_audio(b""), session.interrupt()):
            with pytest.raises(SessionClosedError, match="it has ended"):
                await call
        await session.close()

    run(main())


def test_a_session_that_was_never_opened_can_be_closed(hand_model: HandModel) -> None:
    async def main() -> None:
        session = await RealtimeRunner(ADA, model=hand_model).run()
        await session.close()
        assert [event async for event in session] == []

    run(main())


# --- saying something ---------------------------------------------------------------------------------------


def test_a_message_is_an_item_and_a_request(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.send_message("hello")
        content = [{"type": "input_text", "text": "hello"}]
        sent = stage.model.sent[1]
        assert sent == {
            "type": "conversation.item.create",
            "event_id": "vivavoce_item_create_1",
            "item": {"type": "message", "id": sent["item"]["id"], "role": "user", "content": content},
        }
        assert len(sent["item"]["id"]) <= 32
        assert stage.model.kinds()[2:] == ["response.create"]
        await stage.session.send_message({"content": [{"type": "input_image", "image_url": "data:,"}]})
        assert stage.model.kinds()[3:] == ["conversation.item.create"]
        stage.model.done("r1")
        await stage.settle()
        assert stage.model.kinds()[4:] == ["response.create"]

    perform(play)


def test_audio_is_appended_and_committed_on_demand(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.send_audio(b"\1\2")
        await stage.session.send_audio(b"\3\4", commit=True)
        assert [event.get("audio", event["type"]) for event in stage.model.sent[1:]] == [
            "AQI=",
            "AwQ=",
            "input_audio_buffer.commit",
        ]

    perform(play)


def test_any_event_of_the_api_can_be_sent(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.send_event(InputAudioBufferClear())
        await stage.session.send_event({"type": "response.create", "event_id": "mine"})
        await stage.session.send_event({"type": "response.create", "event_id": "mine too"})
        assert stage.model.kinds()[1:] == ["input_audio_buffer.clear", "response.create"]
        stage.model.done("r1")
        await stage.settle()
        assert stage.model.sent[-1]["event_id"] == "mine too"
        with pytest.raises(RemoteProtocolError):
            await stage.session.send_event({"type": "nonsense"})

    perform(play)


@pytest.mark.parametrize("named", [{}, {"id": "mine"}])
def test_what_is_put_at_the_beginning_stands_there_in_the_history(
    perform: Perform, named: dict[str, str]
) -> None:
    async def play(stage: Stage) -> None:
        old: dict[str, Any] = {"type": "message", "role": "user", "content": []}
        stage.model.say("conversation.item.added", item=old | {"id": "old"})
        event = {"type": "conversation.item.create", "previous_item_id": "root", "item": old | named}
        await stage.session.send_event(event)
        item = stage.model.sent[-1]["item"]
        assert len(item["id"]) <= 32
        stage.model.say("conversation.item.added", item=item, previous_item_id=None)
        assert [item.id for item in stage.session.history] == [item["id"], "old"]

    perform(play)


def test_a_request_that_is_never_answered_is_an_error_and_blocks_nothing(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        stage.model.accepts = False
        await stage.session.send_message("one")
        await stage.settle(11)
        assert [event.error.code for event in stage.of("error")] == ["response_create_unanswered"]
        await stage.session.send_message("two")
        assert stage.model.kinds().count("response.create") == 2

    perform(play)


# --- interruption -------------------------------------------------------------------------------------------


def test_interrupt_stops_generation_and_playback(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.send_message("hello")
        stage.model.speak("r1", "a", "one two three four five", 1000)
        await stage.settle(0.5)
        await stage.session.interrupt()
        assert stage.model.kinds()[3:] == ["response.cancel", "conversation.item.truncate"]
        assert stage.model.sent[-1]["audio_end_ms"] == 500
        await stage.settle()
        (event,) = stage.of("audio_interrupted")
        assert (event.item_id, event.heard_ms) == ("a", 500)
        count = len(stage.of("audio"))
        stage.model.speak("r1", "a", " six", 200)
        await stage.settle()
        assert len(stage.of("audio")) == count

    perform(play)


def test_interrupt_before_the_first_sound(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.send_message("hello")
        await stage.session.interrupt()
        assert stage.model.kinds()[-1] == "response.cancel"
        assert stage.of("audio_interrupted") == []

    perform(play)


def test_the_application_may_know_better_what_was_played(perform: Perform) -> None:
    tracker = RealtimePlaybackTracker()

    async def play(stage: Stage) -> None:
        await stage.session.send_message("hello")
        stage.model.speak("r1", "a", "one two three", 1000)
        tracker.on_play_ms("a", 0, 120)
        await stage.settle(0.9)
        stage.model.say("input_audio_buffer.speech_started", item_id="u", audio_start_ms=0)
        await stage.settle()
        assert stage.model.sent[-1]["audio_end_ms"] == 120

    perform(play, model_config={"playback_tracker": tracker})


# --- surviving ----------------------------------------------------------------------------------------------


def test_a_bad_frame_is_an_error_and_the_session_goes_on(perform: Perform) -> None:
    from vivavoce.connections import ConnectionFailed

    async def play(stage: Stage) -> None:
        stage.model.emit(ConnectionFailed(RemoteProtocolError("no JSON", code="invalid_json")))
        await stage.settle()
        assert str(stage.of("error")[0].error) == "no JSON"
        await stage.session.send_message("hello")

    perform(play)


def test_a_callback_that_raises_is_an_error_and_the_session_goes_on(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        def broken(_event: object) -> None:
            raise ValueError("mine")

        off = stage.session.on("agent_start", broken)
        stage.session.on("error", broken)
        await stage.session.send_message("hello")
        await stage.settle()
        assert [str(event.error) for event in stage.of("error")] == ["mine"]
        off()

    perform(play)


def test_a_lost_connection_is_an_error_and_ends_the_iteration(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        stage.model.lose(ConnectionLostError("cut"))
        await stage.settle()
        assert stage.kinds()[-2:] == ["error", "connection_status"]
        with pytest.raises(SessionClosedError, match="it has ended"):
            await stage.session.send_message("anybody?")

    perform(play, config={"reconnect": False})


def test_a_connection_that_breaks_under_the_sessions_own_sending(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.send_message("one")
        await stage.session.send_message("two")
        stage.model.connected = False
        stage.model.done("r1")
        await stage.settle()
        assert [str(event.error) for event in stage.of("error")] == ["gone"]

    perform(play, config={"reconnect": False})


def test_closing_takes_less_than_a_second_whatever_a_tool_and_a_callback_do(hand_model: HandModel) -> None:
    async def cling(*_: object) -> None:
        for _attempt in range(2):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(100)

    async def main() -> None:
        hand_model.close_takes = 100
        agent = RealtimeAgent("Ada", tools=[FunctionTool("cling", "", on_invoke_tool=cling)])
        session = await RealtimeRunner(agent, model=hand_model).run()
        await session.enter()
        session.on("tool_start", cling)
        await session.send_message("go")
        hand_model.call("r1", ("c", "cling", "{}"))
        await asyncio.sleep(0.1)
        begin = asyncio.get_running_loop().time()
        await session.close()
        assert asyncio.get_running_loop().time() - begin < 1
        clinging = asyncio.all_tasks() - {asyncio.current_task()}
        for task in clinging:
            task.cancel()
        await asyncio.wait(clinging)

    run(main())


def test_closing_takes_less_than_a_second_whatever_the_connection_does(hand_model: HandModel) -> None:
    hand_model.close_takes = 100

    async def main() -> None:
        session = await opening(hand_model)
        begin = asyncio.get_running_loop().time()
        await session.close()
        assert asyncio.get_running_loop().time() - begin <= CLOSE_S + 0.05
        events = [event async for event in session]
        assert "closing the connection took too long" in str(events[-1].error)  # type: ignore[union-attr]  # the last is an error

    run(main())


def test_each_iterator_and_each_filter_gets_its_own_events(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        starts = stage.session.events("agent_start")
        await stage.session.send_message("hello")
        event = await anext(starts)
        assert event.type == "agent_start"
        assert len(stage.of("agent_start")) <= 1

    perform(play)
