from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from vivavoce.agents import RealtimeAgent, function_tool
from vivavoce.connections import ConnectionStatus, ModelEvent
from vivavoce.errors import ConfigurationError, ConnectionLostError, RemoteProtocolError, StalledError
from vivavoce.protocol import (
    ClientEvent,
    FunctionCallOutputItem,
    InputAudioBufferAppend,
    MessageItem,
    OutputAudio,
    ResponseCreate,
    Unknown,
)
from vivavoce.session import RealtimeRunner, RealtimeSession
from vivavoce.testing import (
    ConnectCall,
    Pause,
    RealtimeStep,
    ScriptedRealtimeModel,
    UnconsumedRealtimeSteps,
    UnexpectedRealtimeSend,
    failed,
    one_response,
    run,
    spoken,
    tool_call,
    user_says,
)


@function_tool
def get_weather(city: str) -> str:
    """Get the weather."""
    return f"It is sunny in {city}."


AGENT = RealtimeAgent[Any]("Ada", "Be kind.", tools=[get_weather])


async def open_session(model: ScriptedRealtimeModel, **run: Any) -> RealtimeSession:
    return await RealtimeRunner(AGENT, model=model).run(**run)


def words(session: RealtimeSession) -> list[str]:
    return [
        str(part.transcript)
        for item in session.history
        if isinstance(item, MessageItem)
        for part in item.content
        if isinstance(part, OutputAudio)
    ]


def test_a_question_two_calls_and_an_answer() -> None:
    calls = one_response(
        tool_call("get_weather", {"city": "Oslo"}), tool_call("get_weather", {"city": "Rome"})
    )
    model = ScriptedRealtimeModel([calls, "It is sunny in both."])

    async def main() -> None:
        async with await open_session(model) as session:
            await session.send_message("How is the weather in Oslo and Rome?")
            await asyncio.sleep(1)
            assert words(session) == ["It is sunny in both."]
            outputs = [item.output for item in session.history if isinstance(item, FunctionCallOutputItem)]
            assert outputs == ["It is sunny in Oslo.", "It is sunny in Rome."]
        model.assert_complete()
        assert model.sent_types == [
            "session.update",
            "conversation.item.create",
            "response.create",
            "conversation.item.create",
            "conversation.item.create",
            "response.create",
        ]

    run(main())


def test_a_user_speaks_and_interrupts() -> None:
    model = ScriptedRealtimeModel()

    async def main() -> None:
        async with await open_session(model) as session:
            events: list[Any] = []
            session.on("agent_end", lambda event: events.append((event.status, event.output)))
            session.on("audio_interrupted", lambda event: events.append(event.heard_ms))
            model.emit(user_says("Tell me everything"), spoken("one two three four five", pace=1.0))
            await asyncio.sleep(0.95)
            model.emit(user_says("Stop"), Pause(0.5), spoken("Fine."))
            assert words(session) == ["one two three"]
            await asyncio.sleep(2)
            assert words(session) == ["one two three", "Fine."]
            assert events == [950, ("cancelled", "one two three four"), ("completed", "Fine.")]

    run(main())


@pytest.mark.parametrize(
    "expect",
    [
        "response.create",
        ResponseCreate,
        ResponseCreate(),
        {"type": "response.create"},
        lambda event: event.type == "response.create",
    ],
    ids=["name", "struct", "event", "form", "function"],
)
def test_what_a_step_may_wait_for(expect: Any) -> None:
    model = ScriptedRealtimeModel([RealtimeStep(expect, [spoken("Yes.")])])

    async def main() -> None:
        async with await open_session(model) as session:
            await session.send_message("Are you there?")
            assert words(session) == ["Yes."]

    run(main())
    model.assert_complete()


def test_a_step_may_wait_for_a_part_of_what_is_sent() -> None:
    content = [{"type": "input_text", "text": "Hi"}]
    message = {"type": "conversation.item.create", "item": {"role": "user", "content": content}}
    model = ScriptedRealtimeModel([RealtimeStep(message), "Hello."])

    async def main() -> None:
        async with await open_session(model) as session:
            for form in (
                {**message, "item": {"type": "message", "role": "system", "content": content}},
                {**message, "item": {"type": "message", "role": "user", "content": []}},
            ):
                await session.send_event(form)
            assert model.remaining_steps == 2
            await session.send_message("Hi")
            assert model.remaining_steps == 0

    run(main())


def test_an_event_with_an_id_is_expected_with_that_id() -> None:
    model = ScriptedRealtimeModel([RealtimeStep(ResponseCreate(event_id="mine"))], strict=False)

    async def main() -> None:
        async with await open_session(model) as session:
            await session.send_message("Hi")
            assert model.remaining_steps == 1

    run(main())


def test_a_request_that_is_not_in_the_script_is_an_error_wherever_one_looks() -> None:
    model = ScriptedRealtimeModel([RealtimeStep("response.cancel")])

    async def main() -> None:
        async with await open_session(model) as session:
            errors: list[Any] = []
            session.on("error", lambda event: errors.append(event.error))
            with pytest.raises(UnexpectedRealtimeSend, match=r"next step waits for response\.cancel"):
                await session.send_message("Hi")
            await asyncio.sleep(0)
            assert [type(error) for error in errors] == [UnexpectedRealtimeSend]

    run(main())
    with pytest.raises(UnexpectedRealtimeSend) as caught:
        model.assert_complete()
    assert (caught.value.actual.type, caught.value.expected) == ("response.create", "response.cancel")


def test_a_program_that_waits_for_a_missing_answer_is_told_of_it() -> None:
    async def main() -> None:
        async with await open_session(ScriptedRealtimeModel()) as session:
            with pytest.raises(UnexpectedRealtimeSend):
                await session.send_message("Hello")
            async for _ in session:
                pass

    with pytest.raises(
        StalledError, match=r"went wrong last: the session sent response\.create, but no step"
    ):
        run(main())


def test_after_the_last_step_nothing_is_expected() -> None:
    model = ScriptedRealtimeModel()

    async def main() -> None:
        async with await open_session(model) as session:
            with pytest.raises(UnexpectedRealtimeSend, match="no step is left"):
                await session.send_message("Hi")

    run(main())


def never(event: ClientEvent) -> bool:
    return event is None


@pytest.mark.parametrize(
    ("expect", "name"),
    [("response.cancel", "response.cancel"), (ResponseCreate, "response.create"), (never, "never")],
)
def test_steps_that_were_not_reached_are_named(expect: Any, name: str) -> None:
    model = ScriptedRealtimeModel([RealtimeStep(expect), "more"])
    with pytest.raises(UnconsumedRealtimeSteps, match=f"2 step.*waits for {name}") as caught:
        model.assert_complete()
    assert caught.value.remaining_steps == 2


def test_a_step_can_break_the_connection() -> None:
    model = ScriptedRealtimeModel([RealtimeStep("response.create", error=ConnectionLostError("gone"))])

    async def main() -> None:
        await model.connect({})
        with pytest.raises(ConnectionLostError, match="gone"):
            await model.send_event(ResponseCreate())

    run(main())


def test_a_response_fails() -> None:
    model = ScriptedRealtimeModel([failed("on fire")])

    async def main() -> None:
        async with await open_session(model) as session:
            errors: list[str] = []
            session.on("error", lambda event: errors.append(event.error.message))
            await session.send_message("Hi")
            await asyncio.sleep(0)
            assert errors == ["on fire"]

    run(main())


def hear(model: ScriptedRealtimeModel) -> list[ModelEvent]:
    heard: list[ModelEvent] = []
    model.add_listener(heard.append)
    return heard


def test_single_events_are_structs_or_json() -> None:
    model = ScriptedRealtimeModel(connect_events=[{"type": "rate_limits.updated", "rate_limits": []}])
    heard = hear(model)

    async def main() -> None:
        await model.connect({})
        assert [str(event.type) for event in heard[2:]] == ["session.created", "rate_limits.updated"]
        model.emit(heard[-1], {"type": "something.new", "event_id": "mine", "x": 1})
        assert heard[-2] is heard[-3]
        assert isinstance(heard[-1], Unknown)
        with pytest.raises(RemoteProtocolError, match="does not have its shape"):
            model.emit({"type": "response.done"})

    run(main())


def test_a_second_request_while_an_answer_arrives_is_refused_and_takes_no_step() -> None:
    model = ScriptedRealtimeModel([spoken("one two", pace=1.0), "three"])
    heard = hear(model)

    async def main() -> None:
        await model.connect({})
        await model.send_event(ResponseCreate())
        await model.send_event(ResponseCreate())
        assert heard[-1].type == "error"
        assert model.remaining_steps == 1
        await asyncio.sleep(1)
        await model.send_event(ResponseCreate())

    run(main())
    model.assert_complete()


def test_how_it_was_connected_is_told_without_secrets() -> None:
    model = ScriptedRealtimeModel()
    config: Any = {
        "api_key": "sk-secret",
        "url": "wss://example.org",
        "initial_model_settings": {"model_name": "gpt-realtime"},
    }

    async def main() -> None:
        await model.connect(config)
        await model.close()
        await model.connect({"headers": {"X-Secret": "yes"}})
        with pytest.raises(ConfigurationError, match="connected already"):
            await model.connect({})

    run(main())
    assert model.connect_calls == (
        ConnectCall(
            api_key_provided=True,
            headers_provided=False,
            url="wss://example.org",
            model_name="gpt-realtime",
        ),
        ConnectCall(api_key_provided=False, headers_provided=True, url=None, model_name=None),
    )
    assert "secret" not in repr(model.connect_calls)


def test_connecting_and_closing_can_fail() -> None:
    refused = ScriptedRealtimeModel(connect_error=ConnectionLostError("refused"))
    stuck = ScriptedRealtimeModel(close_error=ConnectionLostError("stuck"))

    async def main() -> None:
        with pytest.raises(ConnectionLostError, match="refused"):
            await refused.connect({})
        await stuck.connect({})
        with pytest.raises(ConnectionLostError, match="stuck"):
            await stuck.close()
        await stuck.close()
        assert (stuck.close_calls, stuck.connected, len(refused.connect_calls)) == (2, False, 1)

    run(main())


def test_what_is_not_connected_takes_nothing() -> None:
    async def main() -> None:
        model = ScriptedRealtimeModel()
        with pytest.raises(ConnectionLostError, match="not connected"):
            await model.send_event(ResponseCreate())
        heard = hear(model)
        model.emit(spoken("Hi"))
        assert heard == []

    run(main())


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (None, ["disconnected"]),
        (OSError("cable"), ["cable", "disconnected"]),
        (ConnectionLostError("x"), ["x", "disconnected"]),
    ],
)
def test_the_connection_can_be_lost_in_mid_answer(error: Exception | None, told: list[str]) -> None:
    model = ScriptedRealtimeModel([spoken("one two three", pace=1.0)])

    async def main() -> None:
        await model.connect({})
        await model.send_event(ResponseCreate())
        heard = hear(model)
        model.lose(error)
        await asyncio.sleep(2)
        assert [
            event.status if isinstance(event, ConnectionStatus) else str(getattr(event, "error", event))
            for event in heard
        ] == told

    run(main())


def test_audio_is_kept_and_not_named_among_the_types() -> None:
    model = ScriptedRealtimeModel()

    async def main() -> None:
        async with await open_session(model) as session:
            await session.send_audio(bytes(960))

    run(main())
    assert model.sent_events[-1] == InputAudioBufferAppend(audio=bytes(960))
    assert model.sent_types == ["session.update"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RealtimeStep("x", [spoken("a")], OSError()), "either emit or error"),
        (
            lambda: ScriptedRealtimeModel(connect_events=[spoken("a")], connect_error=OSError()),
            "either connect_events or connect_error",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make()
