"""How a session outlives its connections, on the virtual clock."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from tests.session.conftest import BACK_S, CUT, HandModel, echoing, lose

from vivavoce.agents import RealtimeAgent, function_tool
from vivavoce.connections import ConnectionFailed
from vivavoce.errors import ConfigurationError, ConnectionLostError, RemoteProtocolError, SessionClosedError
from vivavoce.protocol import InputAudioBufferClear
from vivavoce.session import RealtimeRunner
from vivavoce.session.driver import START_S
from vivavoce.testing import run

if TYPE_CHECKING:
    from tests.session.conftest import Stage

Perform = Callable[..., None]
SPEECH = bytes(960)
APPENDED = "append " + base64.b64encode(SPEECH).decode()


# --- what is told, and what the new server hears ------------------------------------------------------------


def test_a_lost_connection_is_told_step_by_step(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        before = len(stage.events)
        await lose(stage)
        told = [event for event in stage.events[before:] if event.type != "raw_model_event"]
        assert [getattr(event, "status", event.type) for event in told] == [
            "disconnected",
            "connection_lost",
            "reconnecting",
            "connected",
            "session.created",
            "session.updated",
            "reconnected",
        ]
        assert told[1].error is CUT
        assert (told[2].attempt, told[2].error, told[-1].attempt) == (1, CUT, 1)
        assert stage.of("error") == []

    perform(play, model=echoing())


def test_an_answer_that_was_cut_is_given_anew_by_a_server_that_knows_what_was_said(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.send_message("hello")
        stage.model.speak("r1", "a", "Well, that is", 1000)
        await lose(stage)
        assert stage.model.told() == ["user: hello", "assistant: Well, that is", "response.create"]
        await stage.settle()
        assert [(end.response_id, end.status, end.output) for end in stage.of("agent_end")] == [
            ("r1", "incomplete", "Well, that is")
        ]
        assert [start.response_id for start in stage.of("agent_start")] == ["r1", "r2"]
        stage.model.done("r2")
        await stage.settle()
        assert len(stage.model.lives[-1]) == 4

    perform(play, model=echoing())


def test_a_message_that_was_just_sent_is_not_lost_and_not_there_twice(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        stage.model.echoes = stage.model.accepts = False
        await stage.session.send_message("hello")
        stage.model.echoes = stage.model.accepts = True
        await lose(stage)
        assert stage.model.told() == ["user: hello", "response.create"]
        assert [item.type for item in stage.session.history] == ["message"]
        stage.model.done("r1")
        await lose(stage)
        assert stage.model.told() == ["user: hello"]

    perform(play, model=echoing())


def test_what_is_said_meanwhile_waits_for_the_next_connection(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        stage.model.refusals = [ConnectionLostError("no route")] * 4
        stage.model.lose(CUT)
        await stage.session.send_message("anybody?")
        await stage.session.send_event(InputAudioBufferClear())
        await stage.settle(16)
        assert stage.of("error") == []
        assert [event.attempt for event in stage.of("reconnecting")] == [1, 2, 3, 4, 5]
        assert stage.model.told() == ["user: anybody?", "input_audio_buffer.clear", "response.create"]

    perform(play, model=echoing())


def test_an_interruption_while_there_is_no_connection_counts(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.send_message("hello")
        stage.model.lose(CUT)
        await stage.session.interrupt()
        await stage.settle(BACK_S)
        assert stage.model.told() == ["user: hello"]

    perform(play, model=echoing())


def test_the_output_of_a_tool_that_ran_on_reaches_the_next_server(perform: Perform) -> None:
    @function_tool
    async def look() -> str:
        """Look."""
        await asyncio.sleep(5)
        return "a hat"

    async def play(stage: Stage) -> None:
        await stage.session.send_message("look")
        call = {"type": "function_call", "id": "item_c", "call_id": "c", "name": "look", "arguments": "{}"}
        stage.model.say("conversation.item.added", item=call | {"status": "completed"})
        stage.model.call("r1", ("c", "look", "{}"))
        await lose(stage)
        assert stage.model.told() == ["user: look", "function_call"]
        await stage.settle(5)
        assert stage.model.told()[2:] == ["function_call_output", "response.create"]
        assert stage.model.outputs() == {"c": "a hat"}

    perform(play, RealtimeAgent[Any]("Ada", tools=[look]), model=echoing())


# --- connections that do not want to be had -----------------------------------------------------------------


def test_who_cannot_be_reached_is_given_up_and_the_iteration_ends(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        stage.model.refusals = [ConnectionLostError(f"no route {number}") for number in range(9)]
        await lose(stage, 60)
        assert [event.attempt for event in stage.of("reconnecting")] == [1, 2, 3]
        assert [str(event.error) for event in stage.of("error")] == ["no route 2"]
        with pytest.raises(SessionClosedError, match="it has ended"):
            await stage.session.send_message("anybody?")

    perform(play, config={"reconnect": {"attempts": 3}})


def test_whatever_a_model_raises_there_is_another_try(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        stage.model.refusals = [OSError("no socket"), KeyError("key"), TimeoutError()]
        await lose(stage, 10)
        assert [event.attempt for event in stage.of("reconnected")] == [4]
        assert stage.of("error") == []

    perform(play)


def test_who_is_not_welcome_does_not_try_again(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        stage.model.refusals = [ConnectionLostError("HTTP 401", status=401)]
        await lose(stage, 60)
        assert len(stage.of("reconnecting")) == 1
        assert [str(event.error) for event in stage.of("error")] == ["HTTP 401"]

    perform(play)


def test_a_server_that_flaps_is_given_up(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        for _ in range(8):
            stage.model.lose(CUT)
            await stage.settle(12)
        assert len(stage.of("reconnecting")) == 8
        assert stage.of("error") == []
        await lose(stage, 60)
        assert len(stage.of("error")) == 1

    perform(play)


def test_a_connection_that_lasts_gives_the_next_one_all_its_tries(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        for _ in range(12):
            await lose(stage, 40)
        assert [event.attempt for event in stage.of("reconnected")] == [1] * 12

    perform(play)


def test_a_server_that_opens_no_session_again_is_tried_again(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        stage.model.opens = False
        await lose(stage, START_S + 0.7)
        stage.model.opens = True
        await stage.settle(5)
        assert [event.attempt for event in stage.of("reconnected")] == [2]

    perform(play)


def test_a_connection_that_breaks_while_it_is_told_of_the_conversation(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.send_message("one", respond=False)
        await stage.session.send_message("two", respond=False)
        await stage.session.send_audio(SPEECH)
        send, left = stage.model.send_event, [2]

        async def breaking(event: Any) -> None:
            if event.type != "session.update":
                left[0] -= 1
                if left[0] == 0:
                    stage.model.lose(CUT)
            await send(event)

        stage.model.send_event = breaking  # type: ignore[method-assign]  # a server that breaks
        await lose(stage, 5)
        assert stage.model.told() == ["user: one", "user: two", APPENDED]
        assert [event.attempt for event in stage.of("reconnected")] == [2]

    perform(play, model=echoing())


def test_a_peer_that_reads_nothing_is_left_and_what_it_says_later_is_not_heard(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        stage.model.frozen_s = 4.0
        sending = asyncio.ensure_future(stage.session.send_message("hello"))
        await stage.settle(4.1)
        stage.model.begin("late")
        await sending
        stage.model.frozen_s = None
        await stage.settle(BACK_S)
        assert [str(event.error) for event in stage.of("connection_lost")] == ["the server has read nothing"]
        assert stage.model.told() == ["user: hello", "response.create"]
        assert [start.response_id for start in stage.of("agent_start")] == ["r1"]

    perform(play, model=echoing())


def test_audio_that_cannot_be_sent_is_kept(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        stage.model.connected = False
        await stage.session.send_audio(SPEECH)
        await stage.settle(BACK_S)
        assert stage.model.told() == [APPENDED]

    perform(play)


def test_one_event_that_cannot_be_sent_holds_up_no_other(perform: Perform) -> None:
    refused = ["input_audio_buffer.clear"]

    async def play(stage: Stage) -> None:
        send = stage.model.send_event

        async def picky(event: Any) -> None:
            if event.type in refused:
                raise RemoteProtocolError("I do not know that", code="unknown")
            await send(event)

        stage.model.send_event = picky  # type: ignore[method-assign]  # a model that does not know all events
        with pytest.raises(RemoteProtocolError, match="I do not know that"):
            await stage.session.clear()
        await stage.session.send_message("hello")
        await stage.session.send_message("and more")
        assert stage.of("error") == []
        refused.append("response.create")
        stage.model.done("r1")
        await stage.settle()
        assert [str(event.error) for event in stage.of("error")] == ["I do not know that"]
        assert stage.model.told() == ["user: hello", "response.create", "user: and more"]

    perform(play)


def test_a_broken_connection_that_does_not_close_holds_up_nobody(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        stage.model.connected = False
        stage.model.close_takes = 1000.0
        await stage.session.send_message("hello")
        await stage.settle(3)
        assert len(stage.of("reconnected")) == 1
        stage.model.close_takes = 0.0

    perform(play)


# --- opening and closing ------------------------------------------------------------------------------------


def test_a_connection_that_breaks_right_after_its_opening_is_no_session() -> None:
    model = HandModel()

    async def main() -> None:
        model.session = {"type": "realtime"}
        accept = model._update

        def update(sent: dict[str, Any]) -> None:
            accept(sent)
            model.lose(CUT)

        model._update = update  # type: ignore[method-assign]  # a server that leaves at once
        session = await RealtimeRunner(RealtimeAgent[Any]("Ada"), model=model).run()
        with pytest.raises(ConnectionLostError):
            await session.enter()

    run(main())


@pytest.mark.parametrize("moment", ["opening", "open", "answering", "reconnecting", "handshake", "lost"])
def test_closing_takes_no_second_in_any_state(moment: str) -> None:
    model = HandModel()

    async def main() -> None:
        config = {"reconnect": moment != "lost"}
        session = await RealtimeRunner(RealtimeAgent[Any]("Ada"), model=model, config=config).run()
        model.opens = moment != "opening"
        entering = asyncio.ensure_future(session.enter())
        await asyncio.sleep(0.1)
        if moment == "answering":
            await session.send_message("hello")
            model.speak("r1", "a", "Well", 1000)
        if moment in {"reconnecting", "handshake", "lost"}:
            model.opens = False
            model.lose(CUT)
            await asyncio.sleep(2 if moment == "handshake" else 0.01)
        begin = asyncio.get_running_loop().time()
        await session.close()
        assert asyncio.get_running_loop().time() - begin < 1
        assert not model.connected
        assert isinstance(
            (await asyncio.gather(entering, return_exceptions=True))[0],
            (ConnectionLostError, SessionClosedError) if moment == "opening" else type(None),
        )
        await asyncio.sleep(30)
        assert not model.connected

    run(main())


def test_a_session_that_is_closed_while_it_connects_stays_closed() -> None:
    model = HandModel()

    async def main() -> None:
        connect = model.connect

        async def slow(config: Any) -> None:
            await asyncio.sleep(5)
            await connect(config)

        model.connect = slow  # type: ignore[method-assign]  # a network that takes its time
        session = await RealtimeRunner(RealtimeAgent[Any]("Ada"), model=model).run()
        entering = asyncio.ensure_future(session.enter())
        await asyncio.sleep(1)
        await session.close()
        with pytest.raises(SessionClosedError):
            await entering
        assert not model.connected

    run(main())


def test_a_bad_frame_while_reconnecting_is_not_the_end(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        stage.model.emit(ConnectionFailed(RemoteProtocolError("no JSON", code="invalid_json")))
        stage.model.refusals = [ConfigurationError("no key")]
        await lose(stage, 5)
        assert [str(event.error) for event in stage.of("error")] == ["no JSON"]
        assert len(stage.of("reconnected")) == 1

    perform(play)


def test_what_a_server_said_before_it_left_is_passed_on() -> None:
    model = HandModel()

    async def main() -> None:
        model.opens = False
        session = await RealtimeRunner(RealtimeAgent[Any]("Ada"), model=model).run()
        entering = asyncio.ensure_future(session.enter())
        await asyncio.sleep(0.1)
        model.say("session.created", session={"type": "realtime"})
        await asyncio.sleep(0.1)
        model.say("error", error={"type": "server_error", "message": "we are full"})
        model.lose(CUT)
        with pytest.raises(ConnectionLostError, match="cut It said: we are full"):
            await entering

    run(main())
