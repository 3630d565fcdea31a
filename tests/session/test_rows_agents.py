"""What agents, their tools and their hooks do in a whole session, row by row of the SDK's table."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pydantic
import pytest

from vivavoce.agents import (
    FunctionTool,
    RealtimeAgent,
    RealtimeAgentHooks,
    RealtimeRunHooks,
    RunContextWrapper,
    background_result,
    function_tool,
)
from vivavoce.errors import ConfigurationError
from vivavoce.protocol import FunctionCallItem, FunctionCallOutputItem, SessionUpdate, to_builtins
from vivavoce.session import RealtimeRunner, RealtimeSession
from vivavoce.testing import ScriptedRealtimeModel, one_response, run, spoken, tool_call


def settings_sent(model: ScriptedRealtimeModel) -> list[dict[str, Any]]:
    return [to_builtins(event)["session"] for event in model.sent_events if isinstance(event, SessionUpdate)]


async def say(session: RealtimeSession, text: str = "Go on.") -> None:
    """Say something, and give everybody the time to answer."""
    await session.send_message(text)
    await asyncio.sleep(5)


# --- who speaks ---------------------------------------------------------------------------------------------


async def _written_later(context: RunContextWrapper[str], agent: RealtimeAgent[Any]) -> str:
    await asyncio.sleep(1)
    return f"{agent.name} helps {context.context}."


@pytest.mark.parametrize(
    ("instructions", "sent"),
    [
        ("Be kind.", "Be kind."),
        (lambda context, agent: f"{agent.name} helps {context.context}.", "Ada helps Kim."),
        (_written_later, "Ada helps Kim."),
        (None, "Of the run."),
        ("", "Of the run."),
    ],
)
def test_instructions_reach_the_server(instructions: Any, sent: str) -> None:
    async def main() -> None:
        model = ScriptedRealtimeModel()
        agent = RealtimeAgent[Any]("Ada", instructions, prompt=lambda *_: {"id": "p"}, voice="sage")
        config = {"model_settings": {"instructions": "Of the run.", "voice": "of the run"}}
        async with await RealtimeRunner(agent, model=model, config=config).run(context="Kim"):
            (settings,) = settings_sent(model)
        assert settings["instructions"] == sent
        assert settings["prompt"] == {"id": "p"}
        assert settings["audio"]["output"]["voice"] == "sage"

    run(main())


def test_each_agent_has_its_voice_until_one_was_heard() -> None:
    ada = RealtimeAgent[Any]("Ada", voice="sage")
    ada.handoffs = [RealtimeAgent[Any]("Bea", voice="coral", handoffs=[ada])]

    async def main() -> None:
        model = ScriptedRealtimeModel(
            [tool_call("transfer_to_bea"), "I am Bea.", tool_call("transfer_to_ada"), "I am Ada again."]
        )
        async with await RealtimeRunner(ada, model=model).run() as session:
            await say(session)
            await say(session)
            assert session.current_agent is ada
        voices = [settings["audio"]["output"].get("voice") for settings in settings_sent(model)]
        assert voices == ["sage", "coral", None]
        model.assert_complete()

    run(main())


def test_what_the_run_says_is_said_again_after_a_handoff() -> None:
    @function_tool
    def look_up() -> str:
        """Look something up."""
        return "found"

    bea = RealtimeAgent[Any]("Bea", "I am Bea.", voice="coral")
    ada = RealtimeAgent[Any]("Ada", handoffs=[bea])
    config = {
        "model_settings": {
            "instructions": "Of the run.",
            "tools": [look_up],
            "turn_detection": {"type": "server_vad", "threshold": 0.3},
            "audio": {"input": {"noise_reduction": {"type": "near_field"}}},
        }
    }
    initial = {"turnDetection": {"silenceDurationMs": 700}, "speed": 1.1, "voice": "alloy"}

    async def main() -> None:
        model = ScriptedRealtimeModel([tool_call("transfer_to_bea"), tool_call("look_up"), "Found."])
        runner = RealtimeRunner(ada, model=model, config=config)
        async with await runner.run(model_config={"initial_model_settings": initial}) as session:
            await say(session)
        before, after = settings_sent(model)
        listening = {
            "noise_reduction": {"type": "near_field"},
            "turn_detection": {"type": "server_vad", "threshold": 0.3, "silence_duration_ms": 700},
        }
        assert before["audio"] == {"input": listening, "output": {"voice": "alloy", "speed": 1.1}}
        assert after["audio"] == {"input": listening, "output": {"voice": "coral", "speed": 1.1}}
        assert (before["instructions"], after["instructions"]) == ("Of the run.", "I am Bea.")
        assert [tool["name"] for tool in before["tools"]] == ["look_up", "transfer_to_bea"]
        assert [tool["name"] for tool in after["tools"]] == ["look_up"]
        model.assert_complete()

    run(main())


@pytest.mark.parametrize("at", ["tools", "handoffs", "both"])
def test_two_of_one_name_are_refused_before_connecting(at: str) -> None:
    twin = FunctionTool("transfer_to_bea", "A twin.", on_invoke_tool=_nothing)
    agent = RealtimeAgent[Any]("Ada", tools=[twin])
    if at == "tools":
        agent.tools = [*agent.tools, twin]
    else:
        agent.handoffs = [RealtimeAgent[Any]("Bea"), RealtimeAgent[Any]("bea")][: 1 + (at == "handoffs")]
    model = ScriptedRealtimeModel()

    async def main() -> None:
        with pytest.raises(ConfigurationError, match=r"two .* named 'transfer_to_bea'"):
            await (await RealtimeRunner(agent, model=model).run()).enter()

    run(main())
    assert model.connect_calls == ()


# --- hooks --------------------------------------------------------------------------------------------------


class Diary(RealtimeAgentHooks[Any]):
    """Notes what the hooks of one agent are told."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    async def on_start(self, context: Any, agent: Any) -> None:
        self.log.append(f"{agent.name} starts for {context.context}")

    async def on_end(self, context: Any, agent: Any, output: Any) -> None:
        self.log.append(f"{agent.name} ends: {output}")

    async def on_handoff(self, context: Any, agent: Any, source: Any) -> None:
        self.log.append(f"{agent.name} takes over from {source.name}")

    async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
        self.log.append(f"{agent.name} begins {tool.name} {context.arguments}")

    async def on_tool_end(self, context: Any, agent: Any, tool: Any, result: Any) -> None:
        self.log.append(f"{agent.name} has {tool.name} {result!r}")


class Minutes(RealtimeRunHooks[Any]):
    """Notes what the hooks of the run are told."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    async def on_agent_start(self, context: Any, agent: Any) -> None:
        self.log.append(f"run: {agent.name} starts")

    async def on_agent_end(self, context: Any, agent: Any, output: Any) -> None:
        self.log.append(f"run: {agent.name} ends: {output}")

    async def on_handoff(self, context: Any, from_agent: Any, to_agent: Any) -> None:
        self.log.append(f"run: {from_agent.name} to {to_agent.name}")

    async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
        self.log.append(f"run: {tool.name} begins")

    async def on_tool_end(self, context: Any, agent: Any, tool: Any, result: Any) -> None:
        self.log.append(f"run: {tool.name} has {result!r}")


@function_tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def test_every_hook_is_called_in_a_turn_with_a_tool_and_a_handoff() -> None:
    log: list[str] = []
    heard: list[str] = []
    bea = RealtimeAgent[Any]("Bea", hooks=Diary(log))
    ada = RealtimeAgent[Any]("Ada", tools=[add], handoffs=[bea], hooks=Diary(log))
    for name in ("agent_start", "agent_end", "agent_handoff", "agent_tool_start", "agent_tool_end"):
        ada.on(name, lambda *_args, name=name: heard.append(name))

    async def main() -> None:
        model = ScriptedRealtimeModel(
            [tool_call("add", {"a": 1, "b": 2}), tool_call("transfer_to_bea"), "I am Bea."]
        )
        runner = RealtimeRunner(ada, model=model, config={"hooks": Minutes(log)})
        async with await runner.run(context="Kim") as session:
            await say(session)
        model.assert_complete()

    run(main())
    expected = [
        "Ada starts for Kim",
        'Ada begins add {"a": 1, "b": 2}',
        "Ada has add 3",
        "Ada ends: ",
        "Bea takes over from Ada",
        "Bea starts for Kim",
        "Bea ends: I am Bea.",
    ]
    own = [entry for entry in log if not entry.startswith("run:")]
    assert sorted(own) == sorted([*expected, "Ada ends: "])  # one end for each of Ada's two answers
    assert [own.index(entry) for entry in expected[4:]] == sorted(own.index(entry) for entry in expected[4:])
    assert [entry for entry in log if entry.startswith("run: Bea") or " to " in entry] == [
        "run: Ada to Bea",
        "run: Bea starts",
        "run: Bea ends: I am Bea.",
    ]
    assert {"run: add begins", "run: add has 3"} <= set(log)
    assert heard.count("agent_start") == heard.count("agent_end") == 2
    assert [name for name in heard if name not in {"agent_start", "agent_end"}] == [
        "agent_tool_start",
        "agent_tool_end",
        "agent_handoff",
    ]


# --- tools --------------------------------------------------------------------------------------------------


async def _nothing(_context: Any, _arguments: str) -> None:
    """Return nothing."""


class Booking(pydantic.BaseModel):
    number: int
    note: str | None = None


@dataclasses.dataclass
class Place:
    city: str


@pytest.mark.parametrize(
    ("result", "output"),
    [
        ("as it is", "as it is"),
        (Booking(number=7), '{"number":7,"note":null}'),
        (Place("Oslo"), '{"city":"Oslo"}'),
        ({"places": [Place("Oslo")], "ü": 1}, '{"places":[{"city":"Oslo"}],"ü":1}'),
        (None, "null"),
        (b"plain", '"plain"'),
        (b"\xff\x00", "b'\\xff\\x00'"),
        (float("nan"), "NaN"),
    ],
)
def test_whatever_a_tool_returns_the_model_gets_a_text_and_speaks(result: object, output: str) -> None:
    async def invoke(_context: Any, _arguments: str) -> object:
        return result

    async def main() -> None:
        model = ScriptedRealtimeModel([tool_call("work"), "Done."])
        agent = RealtimeAgent[Any]("Ada", tools=[FunctionTool("work", "Work.", on_invoke_tool=invoke)])
        async with await RealtimeRunner(agent, model=model).run() as session:
            await say(session)
            (told,) = [item for item in session.history if isinstance(item, FunctionCallOutputItem)]
            assert told.output == output
        model.assert_complete()

    run(main())


def test_a_quiet_result_is_told_and_not_spoken_of_but_a_loud_one_beside_it_is() -> None:
    quiet = function_tool(lambda: background_result("noted"), name_override="quiet")
    loud = function_tool(lambda: "said", name_override="loud")

    async def main() -> None:
        both = one_response(tool_call("quiet"), tool_call("loud"))
        model = ScriptedRealtimeModel([tool_call("quiet"), both, "Said."])
        async with await RealtimeRunner(
            RealtimeAgent[Any]("Ada", tools=[quiet, loud]), model=model
        ).run() as session:
            await say(session)
            assert model.sent_types.count("response.create") == 1
            assert model.sent_types[-1] == "conversation.item.create"
            await say(session)
            assert model.sent_types.count("response.create") == 3
        model.assert_complete()

    run(main())


def test_everything_that_goes_wrong_in_a_call_is_one_output_and_one_error_and_one_answer() -> None:
    @function_tool(failure_error_function=None)
    def raises() -> str:
        raise ValueError("a secret")

    @function_tool(timeout=0.2)
    async def hangs() -> str:
        await asyncio.Event().wait()
        return "never"

    @function_tool(timeout=0.2, timeout_behavior="raise_exception")
    async def hangs_hard() -> str:
        await asyncio.Event().wait()
        return "never"

    @function_tool
    def counts(number: int) -> str:
        return str(number)

    async def main() -> None:
        calls = one_response(
            *map(tool_call, ("raises", "hangs", "hangs_hard", "unknown")),
            tool_call("counts", {"number": "three"}),
            tool_call("counts", "no JSON"),
        )
        model = ScriptedRealtimeModel([calls, "Sorry."])
        agent = RealtimeAgent[Any]("Ada", tools=[raises, hangs, hangs_hard, counts])
        async with await RealtimeRunner(agent, model=model).run() as session:
            errors = session.events("error")
            await say(session)
            asked = {
                item.call_id: item.name for item in session.history if isinstance(item, FunctionCallItem)
            }
            told = [item for item in session.history if isinstance(item, FunctionCallOutputItem)]
            assert sorted(item.call_id for item in told) == sorted(map(str, asked))
            assert len(errors) == len(told) == 6
            assert {asked[item.call_id]: item.output for item in told}["raises"] == "The tool failed."
        assert model.sent_types.count("response.create") == 2
        model.assert_complete()

    run(main())


# --- those who listen ---------------------------------------------------------------------------------------


def test_two_loops_and_a_callback_each_get_everything() -> None:
    async def main() -> None:
        model = ScriptedRealtimeModel([spoken("One two three.", pace=1.0)])
        session = await RealtimeRunner(RealtimeAgent[Any]("Ada"), model=model).run()
        called: list[Any] = []
        session.on("agent_end", called.append)

        async def read() -> list[Any]:
            return [event async for event in session]

        async with asyncio.TaskGroup() as readers:
            first, second = readers.create_task(read()), readers.create_task(read())
            async with session:
                await say(session)
        assert first.result() == second.result()
        kinds = [event.type for event in first.result()]
        assert kinds.count("agent_end") == len(called) == 1
        assert "history_updated" in kinds
        assert called[0].output == "One two three."

    run(main())
