from __future__ import annotations

import json
from typing import Any

import pydantic
import pytest

from vivavoce.agents import RealtimeAgent, ToolContext, Usage, function_tool
from vivavoce.agents.calling import call_tool
from vivavoce.engines.base import FunctionCallDelta, ModelDone, ModelUsage
from vivavoce.engines.scripted import ScriptedModel
from vivavoce.errors import ConfigurationError
from vivavoce.protocol import InputText, MessageItem
from vivavoce.testing import run
from vivavoce.text import Agent, RunConfig, Runner
from vivavoce.text.result import RunResultBase


class Order(pydantic.BaseModel):
    item: str
    count: int = 1


def called(tool: Any, arguments: str, **context: Any) -> Any:
    """Call the tool as a session does; returns what the model gets."""
    made = ToolContext(
        context.pop("context", None), tool_name=tool.name, arguments=arguments, call_id="c", **context
    )
    return run(call_tool(tool, made, timeout_s=60))


def writer(*answers: Any, **fields: Any) -> tuple[Agent[Any, Any], ScriptedModel]:
    model = ScriptedModel([[answer] if isinstance(answer, str) else answer for answer in answers])
    return Agent("Story writer", "Write.", handoff_description="Writes.", model=model, **fields), model


def read(model: ScriptedModel) -> str:
    """What the agent was told to do."""
    message = model.requests[0].items[0]
    assert isinstance(message, MessageItem)
    part = message.content[0]
    assert isinstance(part, InputText)
    return part.text


def test_a_tool_runs_the_agent_on_what_the_caller_writes() -> None:
    agent, model = writer(["Once", ModelDone("stop", ModelUsage(3, 1))])
    tool = agent.as_tool()
    assert (tool.name, tool.description) == ("Story_writer", "Writes.")
    assert tool.params_json_schema["required"] == ["input"]
    usage = Usage()
    result = called(tool, '{"input": "A fox."}', usage=usage)
    assert (result.text, result.error) == ("Once", None)
    assert read(model) == "A fox."
    assert usage.total_tokens == 4  # counted with the caller's
    assert RealtimeAgent("Voice", tools=[tool]).tools == [tool]


def test_name_description_and_output_can_be_said() -> None:
    async def extract(result: RunResultBase[Any]) -> str:
        return f"{result.last_agent.name}: {result.final_output}"

    agent, _ = writer("Once", "Once")
    tool = agent.as_tool("tell", "Tells a story.", extract, timeout=7, needs_approval=True, is_enabled=False)
    assert (tool.name, tool.description, tool.timeout) == ("tell", "Tells a story.", 7)
    assert (tool.needs_approval, tool.is_enabled) == (True, False)
    assert called(tool, '{"input": ""}').text == "Story writer: Once"
    assert called(agent.as_tool(custom_output_extractor=lambda result: 7), '{"input": ""}').output == 7


def test_an_output_type_becomes_json_for_the_caller() -> None:
    agent, _ = writer('{"item": "fox", "count": 2}', output_type=Order)
    result = called(agent.as_tool(), '{"input": "x"}')
    assert result.output == Order(item="fox", count=2)
    assert json.loads(result.text) == {"item": "fox", "count": 2}


@pytest.mark.parametrize("arguments", ["", "[]", '{"input": 3}', "{"])
def test_bad_arguments_are_told_to_the_caller(arguments: str) -> None:
    agent, model = writer("Once")
    assert "one text is needed" in called(agent.as_tool(), arguments).text
    assert model.requests == []


def test_a_failure_is_told_to_the_caller_unless_said_otherwise() -> None:
    agent, _ = writer()
    assert "no further answer" in called(agent.as_tool(), '{"input": "x"}').text
    silent = called(agent.as_tool(failure_error_function=None), '{"input": "x"}')
    assert silent.raised


def test_named_fields_instead_of_a_text() -> None:
    agent, model = writer("Done")
    tool = agent.as_tool(parameters=Order)
    assert list(tool.params_json_schema["properties"]) == ["item", "count"]
    called(tool, '{"item": "fox"}')
    assert read(model) == '{"item": "fox"}'
    assert "does not fit Order: item" in called(tool, "{}").text


@pytest.mark.parametrize("asynchronous", [False, True])
def test_the_input_can_be_built(asynchronous: bool) -> None:
    def plain(order: Order) -> str:
        return f"{order.count} times {order.item}"

    async def later(order: Order) -> str:
        return plain(order)

    agent, model = writer("Done")
    tool = agent.as_tool(parameters=Order, input_builder=later if asynchronous else plain)
    called(tool, '{"item": "fox", "count": 3}')
    assert read(model) == "3 times fox"


@pytest.mark.parametrize("asynchronous", [False, True])
def test_what_happens_inside_can_be_followed(asynchronous: bool) -> None:
    told: list[Any] = []

    async def later(event: Any) -> None:
        told.append(event)

    agent, _ = writer("Once")
    tool = agent.as_tool(on_stream=later if asynchronous else told.append)
    assert called(tool, '{"input": "x"}').text == "Once"
    assert next(one["event"].type for one in told) == "agent_updated_stream_event"
    assert told[-1]["event"].name == "message_output_created"
    assert {one["agent"].name for one in told} == {"Story writer"}
    assert told[0]["tool_call"].call_id == "c"


def test_a_failure_while_followed_is_told_to_the_caller() -> None:
    agent, _ = writer()
    assert "no further answer" in called(agent.as_tool(on_stream=lambda event: None), '{"input": "x"}').text


def test_it_goes_by_the_settings_of_the_run_that_calls_it() -> None:
    seen: list[Any] = []

    @function_tool
    async def look(context: ToolContext[Any]) -> str:
        """Look."""
        seen.append(context.context)
        return "quiet"

    inner = Agent("Inner", tools=[look])
    outer = Agent("Outer", tools=[inner.as_tool()])
    model = ScriptedModel(
        [
            [FunctionCallDelta(0, "Inner", '{"input": "x"}', "a")],
            [FunctionCallDelta(0, "look", "{}", "b")],
            ["It is quiet."],
            ["Quiet."],
        ]
    )
    result = run(Runner.run(outer, "Hi", context="mine", run_config=RunConfig(model=model)))
    assert result.final_output == "Quiet."
    assert seen == ["mine"]
    own = ScriptedModel([["Mine."]])
    outer = Agent("Outer", tools=[inner.as_tool(run_config={"model": own})])
    calls_inner = [FunctionCallDelta(0, "Inner", '{"input": "x"}', "a")]
    run(Runner.run(outer, "Hi", run_config=RunConfig(model=ScriptedModel([calls_inner, ["Ok."]]))))
    assert len(own.requests) == 1


def test_turns_inside_are_limited() -> None:
    agent, _ = writer(*[[FunctionCallDelta(0, "sing", "{}", "a")]] * 3)
    assert "within 2 answers" in called(agent.as_tool(max_turns=2), '{"input": "x"}').text


def test_nobody_can_approve_inside() -> None:
    @function_tool(needs_approval=True)
    def pay() -> str:
        """Pay."""
        return "paid"

    agent, _ = writer([FunctionCallDelta(0, "pay", "{}", "a")], tools=[pay])
    assert "waits for the approval of pay" in called(agent.as_tool(), '{"input": "x"}').text


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"colour": "red"}, "as_tool has no option 'colour'; there are: is_enabled"),
        ({"custom_output_extractor": 3}, "custom_output_extractor must be a function"),
        ({"on_stream": 3}, "on_stream must be a function"),
        ({"input_builder": 3}, "input_builder must be a function"),
        ({"parameters": list[int]}, "parameters must have named fields"),
        ({"parameters": dict[str, int]}, "as_tool: parameters: the schema takes any keys"),
        ({"tool_name": "tell me"}, "'tell me' is not accepted"),
    ],
)
def test_what_is_not_accepted(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        Agent("A").as_tool(**options)
