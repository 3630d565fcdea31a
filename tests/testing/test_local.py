from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vivavoce.agents import RealtimeAgent, function_tool
from vivavoce.errors import ConfigurationError
from vivavoce.session import RealtimeRunner
from vivavoce.testing import (
    After,
    AgentFinished,
    AgentSaid,
    HangUp,
    Pause,
    Say,
    SimulatedCaller,
    failed,
    local_test_model,
    one_response,
    run,
    tool_call,
    written,
)


@function_tool
def look_up(word: str) -> str:
    """Look a word up."""
    return word.upper()


AGENT = RealtimeAgent[Any]("Ada", tools=[look_up])


def test_a_call_with_a_tool_and_an_interruption_at_a_word() -> None:
    caller = SimulatedCaller(
        [
            Say("What does it say?", After(0.5)),
            Say("Thank you, enough.", AgentSaid("five six")),
            HangUp(AgentFinished()),
        ]
    )
    first = one_response("Let me see.", Pause(0.3), tool_call("look_up", {"word": "x"}))
    model = local_test_model(
        [first, "one two three four five six seven eight nine ten", "You are welcome."],
        hears=["what does it say", "enough"],
        word_ms=250,
    )
    history: list[Any] = []
    tools: list[Any] = []

    async def main() -> None:
        run_config: Any = {"playback_tracker": caller.tracker}
        async with await RealtimeRunner(AGENT, model=model).run(model_config=run_config) as session:
            session.on("tool_end", lambda event: tools.append(event.output))
            await caller.call(session)
            history.extend(session.history)

    run(main())
    assert tools == ["X"]
    items = [item for item in history if item.type == "message" and item.role == "assistant"]
    spoken = [item.content[0].transcript for item in items]
    assert spoken == ["Let me see.", "one two three four five six", "You are welcome."]
    assert caller.heard == " ".join(spoken)


def test_an_answer_that_fails_and_one_that_is_written() -> None:
    model = local_test_model([failed("on fire"), written("Well.")])

    async def main() -> None:
        async with await RealtimeRunner(AGENT, model=model).run() as session:
            ends: list[Any] = []
            session.on("agent_end", lambda event: ends.append((event.status, event.output)))
            for text in ("one", "two"):
                await session.send_message(text)
                await asyncio.sleep(2)
            assert [status for status, _ in ends] == ["failed", "completed"]
            assert ends[1] == ("completed", "Well.")

    run(main())


def test_ids_of_calls_are_the_models_own() -> None:
    with pytest.raises(ConfigurationError, match="call_id 'c1'"):
        local_test_model([tool_call("look_up", call_id="c1")])
