from __future__ import annotations

import asyncio
import json
from typing import Any

import pydantic
import pytest

from vivavoce.agents import (
    GuardrailFunctionOutput,
    Handoff,
    RealtimeAgent,
    RunContextWrapper,
    RunHooks,
    function_tool,
    input_guardrail,
    output_guardrail,
)
from vivavoce.engines.base import FunctionCallDelta, ModelDone, ModelRequest, ModelUsage
from vivavoce.engines.scripted import Pause, ScriptedModel
from vivavoce.errors import ConfigurationError, EngineError, ToolError
from vivavoce.protocol import FunctionCallOutputItem, MessageItem
from vivavoce.testing import run
from vivavoce.text import (
    Agent,
    HandoffInputData,
    InputGuardrailTripwireTriggered,
    ModelBehaviorError,
    ModelSettings,
    OutputGuardrailTripwireTriggered,
    RunConfig,
    Runner,
    RunResult,
    ToolsToFinalOutputResult,
    handoff,
    remove_all_tools,
)


class Verdict(pydantic.BaseModel):
    approved: bool


@function_tool
async def look(place: str) -> str:
    """Look somewhere."""
    return f"{place} is quiet"


def call(name: str, index: int = 0, /, **arguments: Any) -> FunctionCallDelta:
    return FunctionCallDelta(index, name, json.dumps(arguments), f"{name}{index}")


def play(agent: Agent[Any, Any], *answers: Any, **options: Any) -> tuple[RunResult[Any], ScriptedModel]:
    """Run an agent on a model of these answers."""
    model = ScriptedModel([[answer] if isinstance(answer, str) else answer for answer in answers])
    config = RunConfig(model=model, **options.pop("config", {}))
    return run(Runner.run(agent, "Hello", run_config=config, **options)), model


def outputs(request: ModelRequest) -> dict[str, str]:
    """What the model is told of calls, by call id."""
    return {item.call_id: item.output for item in request.items if isinstance(item, FunctionCallOutputItem)}


def kinds(result: RunResult[Any]) -> list[str]:
    return [item.type.removesuffix("_item") for item in result.new_items]


# --- output -----------------------------------------------------------------------------------------------


def test_an_output_type_makes_a_value_of_the_answer() -> None:
    result, model = play(Agent("A", output_type=Verdict), '{"approved": true}')
    assert result.final_output == Verdict(approved=True)
    assert result.final_output_as(Verdict).approved
    assert model.requests[0].options is not None
    assert model.requests[0].options.output_schema is not None


@pytest.mark.parametrize(
    ("reason", "complaint"),
    [
        ("stop", "does not fit Verdict"),
        ("max_output_tokens", "does not fit Verdict.*limit of tokens"),
        ("content_filter", "does not fit Verdict.*content filter"),
    ],
)
def test_an_answer_that_does_not_fit_says_why(reason: Any, complaint: str) -> None:
    with pytest.raises(ModelBehaviorError, match=complaint) as caught:
        play(Agent("A", output_type=Verdict), ['{"appro', ModelDone(reason)])
    assert caught.value.run_data is not None
    assert kinds_of(caught.value.run_data.new_items) == ["message_output_item"]


def kinds_of(items: Any) -> list[str]:
    return [item.type for item in items]


def test_an_empty_answer_is_an_empty_text() -> None:
    assert play(Agent("A"), [])[0].final_output == ""


def test_usage_adds_up() -> None:
    answers = [call("look", place="x"), ModelDone("stop", ModelUsage(5, 2, 1))], ["Hi", ModelDone()]
    result, _ = play(Agent("A", tools=[look]), *answers)
    usage = result.usage
    assert (usage.requests, usage.input_tokens, usage.output_tokens, usage.total_tokens) == (1, 5, 2, 7)
    assert usage.input_tokens_details["cached"] == 1


# --- tools ------------------------------------------------------------------------------------------------


def test_the_calls_of_an_answer_run_side_by_side_and_keep_their_order() -> None:
    @function_tool
    async def wait(seconds: float) -> str:
        """Wait."""
        await asyncio.sleep(seconds)
        return f"waited {seconds:g}"

    async def timed() -> tuple[RunResult[Any], float]:
        model = ScriptedModel([[call("wait", 0, seconds=5.0), call("wait", 1, seconds=3.0)], ["Done."]])
        result = await Runner.run(Agent("A", tools=[wait], model=model), "Hello")
        return result, asyncio.get_running_loop().time()

    result, seconds = run(timed())
    assert seconds == 5
    outputs = [item.output for item in result.new_items if item.type == "tool_call_output_item"]
    assert outputs == ["waited 5", "waited 3"]
    assert kinds(result) == ["tool_call", "tool_call", *["tool_call_output"] * 2, "message_output"]


def test_a_wrong_call_is_told_to_the_model_and_the_run_goes_on() -> None:
    result, model = play(Agent("A", tools=[look]), [call("sing"), call("look", 1, wrong=1)], "Sorry.")
    assert result.final_output == "Sorry."
    told = list(outputs(model.requests[1]).values())
    assert told[0] == "There is no tool 'sing'. The tools are: look."
    assert "bad arguments" in told[1]


def test_words_beside_a_call_stay_in_the_conversation() -> None:
    result, model = play(Agent("A", tools=[look]), ["One moment.", call("look", place="x")], "Quiet.")
    assert kinds(result) == ["message_output", "tool_call", "tool_call_output", "message_output"]
    assert [type(item) for item in model.requests[1].items].count(MessageItem) == 2


@pytest.mark.parametrize(
    ("behavior", "output_type", "output"),
    [
        ("stop_on_first_tool", None, '{"n":1}'),
        (["count"], Verdict, {"n": 1}),  # the result of a tool is taken as it is
        (lambda context, results: ToolsToFinalOutputResult(True, len(results)), int, 2),
    ],
)
def test_tools_may_end_the_run(behavior: Any, output_type: Any, output: Any) -> None:
    @function_tool
    def count() -> dict[str, int]:
        """Count."""
        return {"n": 1}

    agent = Agent("A", tools=[count], tool_use_behavior=behavior, output_type=output_type)
    result, model = play(agent, [call("count"), call("count", 1)])
    assert result.final_output == output
    assert len(model.requests) == 1


@pytest.mark.parametrize(("reset", "second"), [(True, "auto"), (False, "required")])
def test_a_choice_of_tools_is_forgotten_once_one_was_used(reset: bool, second: str) -> None:
    agent = Agent(
        "A", tools=[look], reset_tool_choice=reset, model_settings=ModelSettings(tool_choice="required")
    )
    _, model = play(agent, [call("look", place="x")], "Done.")
    assert [request.tool_choice for request in model.requests] == ["required", second]


def test_settings_of_the_run_go_before_the_agents() -> None:
    agent = Agent("A", model_settings={"temperature": 0.1, "top_p": 0.5})
    _, model = play(agent, "Hi", config={"model_settings": {"temperature": 0.9}})
    options = model.requests[0].options
    assert options is not None
    assert (options.temperature, options.top_p) == (0.9, 0.5)


def test_a_failure_that_its_tool_does_not_contain_ends_the_run() -> None:
    @function_tool(failure_error_function=None)
    async def explode() -> str:
        """Explode."""
        raise ValueError("boom")

    with pytest.raises(ToolError, match="boom") as caught:
        play(Agent("A", tools=[explode]), [call("explode")])
    assert isinstance(caught.value.__cause__, ValueError)


def test_the_error_of_the_model_ends_the_run() -> None:
    with pytest.raises(EngineError, match="out of memory"):
        play(Agent("A"), [EngineError("out of memory")])
    with pytest.raises(EngineError, match="sent nothing for 3 s"):
        play(Agent("A"), [Pause(4), "Hi"], config={"model_timeout_s": 3})


# --- handoffs ---------------------------------------------------------------------------------------------


def test_a_handoff_takes_the_conversation_along() -> None:
    heard: list[Any] = []

    class Hooks(RunHooks[Any]):
        async def on_handoff(self, context: Any, from_agent: Any, to_agent: Any) -> None:
            heard.append((from_agent.name, to_agent.name))

        async def on_agent_start(self, context: Any, agent: Any) -> None:
            heard.append(agent.name)

    billing = Agent("Billing", "Money.")
    desk = Agent("Desk", "Greet.", handoffs=[billing])
    billing.handoffs = [desk]  # cycles are fine
    result, model = play(desk, ["Bye.", call("transfer_to_billing")], "Hello again.", hooks=Hooks())
    assert result.last_agent is billing
    assert kinds(result) == ["message_output", "handoff_call", "handoff_output", "message_output"]
    assert heard == ["Desk", ("Desk", "Billing"), "Billing"]
    second = model.requests[1]
    assert second.instructions == "Money."
    assert [tool.name for tool in second.tools] == ["transfer_to_desk"]
    assert [item.type for item in second.items] == [
        "message",
        "message",
        "function_call",
        "function_call_output",
    ]
    assert [json.loads(text) for text in outputs(second).values()] == [{"assistant": "Billing"}]


def test_only_the_first_handoff_of_an_answer_is_made_and_tools_beside_it_run() -> None:
    one, two = Agent("One"), Agent("Two")
    answer = [call("transfer_to_two"), call("look", 1, place="x"), call("transfer_to_one", 2)]
    result, model = play(Agent("Desk", tools=[look], handoffs=[one, two]), answer, "Hi.")
    assert result.last_agent is two
    told = outputs(model.requests[1])
    assert told["look1"] == "x is quiet"
    assert "was not made" in told["transfer_to_one2"]


def test_a_wrong_handoff_is_told_to_the_model() -> None:
    billing = handoff(Agent("Billing"), on_handoff=lambda context, given: None, input_type=Verdict)
    result, model = play(Agent("Desk", handoffs=[billing]), [call("transfer_to_billing")], "Sorry.")
    assert result.last_agent.name == "Desk"
    assert "approved" in outputs(model.requests[1])["transfer_to_billing0"]
    assert kinds(result) == ["handoff_call", "tool_call_output", "message_output"]


def test_a_handoff_must_lead_to_a_text_agent() -> None:
    async def astray(context: Any, arguments: str) -> Any:
        return RealtimeAgent("Voice")

    made = Handoff("go", "Go.", {}, astray, "Somebody")
    with pytest.raises(ConfigurationError, match="must lead to an Agent, got RealtimeAgent"):
        play(Agent("Desk", handoffs=[made]), [call("go")])


@pytest.mark.parametrize("where", ["handoff", "run"])
def test_a_filter_decides_what_goes_along(where: str) -> None:
    billing = Agent("Billing")
    made = handoff(billing, input_filter=remove_all_tools) if where == "handoff" else handoff(billing)
    config = {} if where == "handoff" else {"handoff_input_filter": remove_all_tools}
    answers = [call("look", place="x")], ["Bye.", call("transfer_to_billing")], "Hi."
    result, model = play(Agent("Desk", tools=[look], handoffs=[made]), *answers, config=config)
    assert [item.type for item in model.requests[2].items] == ["message", "message"]
    # The result still has everything, and the next run sees what the last agent saw.
    assert len(result.new_items) == 6
    assert [item["type"] for item in result.to_input_list()] == ["message"] * 3


def test_a_filter_sees_what_was_before_and_what_is_new() -> None:
    seen: list[HandoffInputData] = []

    async def watch(data: HandoffInputData) -> HandoffInputData:
        seen.append(data)
        return data

    made = handoff(Agent("Billing"), input_filter=watch)
    answers = [call("look", place="x")], [call("transfer_to_billing")], "Hi."
    play(Agent("Desk", tools=[look], handoffs=[made]), *answers)
    assert kinds_of(seen[0].pre_handoff_items) == ["tool_call_item", "tool_call_output_item"]
    assert kinds_of(seen[0].new_items) == ["handoff_call_item", "handoff_output_item"]
    assert len(seen[0].input_history) == 1


# --- guardrails -------------------------------------------------------------------------------------------


def guard(trips: bool, delay: float = 0.0, *, parallel: bool = True, seen: list[Any] | None = None) -> Any:
    @input_guardrail(name="guard", run_in_parallel=parallel)
    async def check(context: RunContextWrapper[Any], agent: Any, text: Any) -> GuardrailFunctionOutput:
        if seen is not None:
            seen.append(text)
        await asyncio.sleep(delay)
        return GuardrailFunctionOutput("info", tripwire_triggered=trips)

    return check


@pytest.mark.parametrize("where", ["agent", "run"])
def test_input_guardrails_see_the_input_and_are_in_the_result(where: str) -> None:
    seen: list[Any] = []
    checks = [guard(False, seen=seen)]
    agent = Agent("A", input_guardrails=checks if where == "agent" else [])
    config = {"input_guardrails": checks} if where == "run" else {}
    result, _ = play(agent, "Hi", config=config)
    assert seen == ["Hello"]
    assert [found.output.output_info for found in result.input_guardrail_results] == ["info"]


def tripped(agent: Agent[Any, Any], *answer: Any) -> tuple[float, ScriptedModel]:
    """Run an agent whose input guardrail trips; returns when it did, and the model."""
    model = ScriptedModel([answer])

    async def main() -> float:
        with pytest.raises(InputGuardrailTripwireTriggered) as caught:
            await Runner.run(agent, "Hello", run_config={"model": model})
        assert caught.value.guardrail_result.guardrail.get_name() == "guard"
        assert caught.value.run_data is not None
        assert caught.value.run_data.new_items == []
        return asyncio.get_running_loop().time()

    return run(main()), model


def test_a_trip_stops_the_model_at_once() -> None:
    seconds, model = tripped(Agent("A", input_guardrails=[guard(True, 2)]), Pause(30), "Hi")
    assert seconds == 2
    assert len(model.requests) == 1


def test_a_trip_before_the_answer_saves_the_model() -> None:
    _, model = tripped(Agent("A", input_guardrails=[guard(True, parallel=False)]), "Hi")
    assert model.requests == []


def test_tools_wait_for_the_guardrails() -> None:
    ran: list[str] = []

    @function_tool
    async def pay() -> str:
        """Pay."""
        ran.append("paid")
        return "paid"

    agent = Agent("A", tools=[pay], input_guardrails=[guard(True, 5)])
    assert tripped(agent, call("pay"))[0] == 5
    assert ran == []


def test_only_the_first_agents_input_guardrails_count() -> None:
    seen: list[Any] = []
    second = Agent("Second", input_guardrails=[guard(True, seen=seen)])
    result, _ = play(Agent("First", handoffs=[second]), [call("transfer_to_second")], "Hi.")
    assert result.final_output == "Hi."
    assert seen == []


@pytest.mark.parametrize("kind", ["input", "output"])
def test_a_guardrail_that_fails_ends_the_run(kind: str) -> None:
    def broken(context: Any, agent: Any, text: Any) -> GuardrailFunctionOutput:
        raise LookupError("no list of words")

    agent = (
        Agent("A", input_guardrails=[input_guardrail(broken)])
        if kind == "input"
        else Agent("A", output_guardrails=[output_guardrail(broken)])
    )
    with pytest.raises(LookupError, match="no list of words"):
        play(agent, "Hi")


def test_output_guardrails_see_the_final_output() -> None:
    @output_guardrail
    async def approve(context: Any, agent: Any, output: Any) -> GuardrailFunctionOutput:
        return GuardrailFunctionOutput(output, tripwire_triggered=output.approved)

    agent = Agent("A", output_type=Verdict, output_guardrails=[approve])
    result, _ = play(agent, '{"approved": false}')
    assert result.output_guardrail_results[0].output.output_info == Verdict(approved=False)
    heard: list[Any] = []
    agent.on("agent_end", lambda *args: heard.append(args))
    with pytest.raises(OutputGuardrailTripwireTriggered) as caught:
        play(Agent("B", output_type=Verdict), '{"approved": true}', config={"output_guardrails": [approve]})
    assert caught.value.guardrail_result.agent_output == Verdict(approved=True)
    assert heard == []
