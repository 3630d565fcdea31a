from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.agents import function_tool
from vivavoce.engines.base import FunctionCallDelta
from vivavoce.engines.scripted import Pause, ScriptedModel
from vivavoce.errors import ConfigurationError, EngineError
from vivavoce.testing import run
from vivavoce.text import Agent, RunConfig, Runner, RunResultStreaming
from vivavoce.text.stream_events import (
    AgentUpdatedStreamEvent,
    RawResponsesStreamEvent,
    ResponseCreatedEvent,
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseTextDeltaEvent,
    StreamEvent,
)
from vivavoce.text.streaming import UNREAD, EventQueue


@function_tool(needs_approval=lambda context, arguments, call_id: arguments["place"] == "vault")
async def look(place: str) -> str:
    """Look somewhere."""
    return f"{place} is quiet"


def call(name: str, **arguments: Any) -> FunctionCallDelta:
    return FunctionCallDelta(0, name, json.dumps(arguments), name)


def stream(agent: Agent[Any, Any], *answers: Any) -> RunResultStreaming[Any]:
    """Start a run on a model of these answers."""
    return Runner.run_streamed(agent, "Hello", run_config=RunConfig(model=ScriptedModel(answers)))


def short(event: StreamEvent) -> str:
    """An event in a word."""
    if isinstance(event, RawResponsesStreamEvent):
        data = event.data
        return repr(data.delta) if isinstance(data, ResponseTextDeltaEvent) else data.type.split(".")[-1]
    return event.new_agent.name if isinstance(event, AgentUpdatedStreamEvent) else event.name


def test_everything_is_told_in_order() -> None:
    agent = Agent("Desk", tools=[look], handoffs=[Agent("Billing", tools=[look])])

    async def main() -> Any:
        result = stream(
            agent,
            [call("look", place="sea")],
            ["Bye", ".", call("transfer_to_billing")],
            [call("look", place="vault")],
        )
        assert not result.is_complete
        assert (result.current_agent, result.max_turns) == (agent, 10)
        events = [short(event) async for event in result.stream_events()]
        return result, events

    result, events = run(main())
    assert events == [
        *("Desk", "created", "delta", "completed", "tool_called", "tool_output"),
        *("created", "'Bye'", "'.'", "delta", "completed", "message_output_created", "handoff_requested"),
        *("handoff_occured", "Billing"),
        *("created", "delta", "completed", "tool_called", "tool_approval_requested"),
    ]
    assert result.is_complete
    assert result.current_turn == 3
    assert result.current_agent.name == "Billing"
    assert result.interruptions[0].name == "look"


def test_words_come_while_the_model_speaks() -> None:
    async def main() -> Any:
        result = stream(Agent("A"), ["One ", Pause(5), "two."])
        clock = asyncio.get_running_loop().time
        heard = [(clock(), short(event)) async for event in result.stream_events()]
        return [word for word in heard if word[1].startswith("'")], result.final_output

    assert run(main()) == ([(0.0, "'One '"), (5.0, "'two.'")], "One two.")


def test_an_error_comes_after_the_last_event() -> None:
    async def main() -> Any:
        result = stream(Agent("A"), ["One ", EngineError("out of memory")])
        events = result.stream_events()
        told = [short(await anext(events)) for _ in range(3)]
        with pytest.raises(EngineError, match="out of memory"):
            await anext(events)
        return told, result.is_complete

    assert run(main()) == (["A", "created", "'One '"], True)


def test_the_run_does_not_wait_for_its_reader_and_nothing_is_lost() -> None:
    words = [f"{number} " for number in range(1000)]

    async def main() -> Any:
        result = stream(Agent("A"), words)
        await asyncio.sleep(60)
        assert result.is_complete
        return [event async for event in result.stream_events()], result.final_output

    events, output = run(main())
    assert len(events) <= UNREAD + 4
    deltas = [
        event.data.delta for event in events if getattr(event, "data", event).type.endswith("text.delta")
    ]
    assert "".join(deltas) == output == "".join(words)


def test_events_can_be_read_once() -> None:
    async def main() -> None:
        result = stream(Agent("A"), ["Hi"])
        assert [event async for event in result.stream_events()]
        with pytest.raises(ConfigurationError, match="can be read once"):
            await anext(result.stream_events())

    run(main())


def test_cancel_stops_at_once_and_without_an_error() -> None:
    async def main() -> Any:
        result = stream(Agent("A"), ["One ", Pause(60), "two."])
        events = []
        async for event in result.stream_events():
            events.append(short(event))
            if events[-1] == "'One '":
                result.cancel()
                result.cancel()
        return events, result.final_output, result.is_complete, asyncio.get_running_loop().time()

    events, output, complete, seconds = run(main())
    assert events == ["A", "created", "'One '"]
    assert (output, complete) == (None, True)
    assert seconds < 1


def test_cancel_after_the_turn_lets_it_end() -> None:
    async def main() -> Any:
        result = stream(Agent("A", tools=[look]), [Pause(1), call("look", place="sea")], ["never"])
        result.cancel("after_turn")
        await asyncio.sleep(0)
        events = [short(event) async for event in result.stream_events()]
        return events, result

    events, _ = run(main())
    assert events == ["A"]  # it had not begun its first

    async def later() -> Any:
        result = stream(Agent("A", tools=[look]), [Pause(1), call("look", place="sea")], ["never"])
        events = []
        async for event in result.stream_events():
            events.append(short(event))
            result.cancel("after_turn") if events[-1] == "created" else None
        return events, result.to_input_list()

    events, conversation = run(later())
    assert events == ["A", "created", "delta", "completed", "tool_called", "tool_output"]
    assert len(conversation) == 3


def test_a_run_that_never_began_can_be_cancelled() -> None:
    async def main() -> list[str]:
        result = stream(Agent("A"), ["Hi"])
        result.cancel()
        return [short(event) async for event in result.stream_events()]

    assert run(main()) == []


def test_there_are_two_ways_to_cancel() -> None:
    async def main() -> None:
        result = stream(Agent("A"), ["Hi"])
        with pytest.raises(ConfigurationError, match="mode must be 'immediate' or 'after_turn', got 'now'"):
            result.cancel("now")  # type: ignore[arg-type]
        assert [event async for event in result.stream_events()]

    run(main())


def test_a_full_queue_joins_the_pieces_of_one_call() -> None:
    async def main() -> list[str]:
        queue = EventQueue()
        for _ in range(UNREAD):
            queue.put(RawResponsesStreamEvent(ResponseCreatedEvent()))
        for index, delta in ((0, "a"), (0, "b"), (1, "c"), (1, "d")):
            queue.put(RawResponsesStreamEvent(ResponseFunctionCallArgumentsDeltaEvent(delta, "f", index)))
        queue.end()
        read = []
        while (event := await queue.get()) is not None:
            read.append(event)
        return [event.data.delta for event in read[UNREAD:]]  # type: ignore[union-attr]

    assert run(main()) == ["ab", "cd"]


text = st.builds(lambda delta: RawResponsesStreamEvent(ResponseTextDeltaEvent(delta)), st.text(max_size=3))
arguments = st.builds(
    lambda delta, index: RawResponsesStreamEvent(
        ResponseFunctionCallArgumentsDeltaEvent(delta, f"f{index}", index)
    ),
    st.text(max_size=3),
    st.integers(0, 1),
)
others = st.sampled_from(
    [AgentUpdatedStreamEvent(Agent("A")), RawResponsesStreamEvent(ResponseCreatedEvent())]
)


def told(events: list[Any]) -> list[Any]:
    """What events say, however their deltas are cut."""
    said: list[Any] = []
    for event in events:
        data = getattr(event, "data", event)
        delta = getattr(data, "delta", None)
        key = (data.type, getattr(data, "name", ""))
        if delta is not None and said and said[-1][0] == key:
            said[-1] = (key, said[-1][1] + delta)
        else:
            said.append((key, delta))
    return said


@given(st.lists(text | arguments | others, max_size=60), st.integers(0, UNREAD))
def test_a_full_queue_loses_nothing(events: list[Any], waiting: int) -> None:
    async def main() -> list[Any]:
        queue = EventQueue()
        filling = [RawResponsesStreamEvent(ResponseCreatedEvent())] * waiting
        for event in [*filling, *events]:
            queue.put(event)
        queue.end()
        plain = sum(1 for event in events if not hasattr(getattr(event, "data", event), "delta"))
        assert len(queue) <= max(UNREAD, waiting) + 60
        assert len(queue) >= waiting + plain
        read = []
        while (event := await queue.get()) is not None:
            read.append(event)
        return read[waiting:]

    assert told(run(main())) == told(events)
