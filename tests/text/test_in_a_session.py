"""A voice agent reaches text agents: as a tool, and by hand with the history of its conversation."""

from __future__ import annotations

from typing import Any

import pydantic

from vivavoce.agents import RealtimeAgent, ToolContext, function_tool
from vivavoce.engines.scripted import ScriptedModel
from vivavoce.session import RealtimeRunner
from vivavoce.testing import local_test_model, run, tool_call
from vivavoce.text import Agent, Runner


class Decision(pydantic.BaseModel):
    approved: bool


async def told(agent: RealtimeAgent[Any], *answers: Any) -> list[str]:
    """Say something to the agent; returns what its tools returned."""
    outputs: list[str] = []
    runner = RealtimeRunner(agent, model=local_test_model(answers))
    async with await runner.run(context={"customer": 7}) as session:
        await session.send_message("I want my money back.")
        async for event in session:
            if event.type == "tool_end":
                outputs.append(str(event.output))
            elif event.type == "response.output_audio_transcript.done":
                break
    return outputs


def test_a_text_agent_is_a_tool_of_a_voice_agent() -> None:
    model = ScriptedModel([['{"approved": true}']])
    expert = Agent("Expert", "Decide.", model=model, output_type=Decision)
    agent = RealtimeAgent[Any]("Desk", tools=[expert.as_tool("decide", "Decides.")])
    asked = tool_call("decide", {"input": "Shoes came broken."})
    outputs = run(told(agent, asked, "You get it back."))
    assert outputs == ["approved=True"]
    assert model.requests[0].items[0].content[0].text == "Shoes came broken."  # type: ignore[union-attr]


def test_a_tool_delegates_with_the_conversation() -> None:
    model = ScriptedModel([['{"approved": false}']])
    expert = Agent("Expert", model=model, output_type=Decision)

    @function_tool
    async def escalate(context: ToolContext[Any], request: str) -> Decision:
        """Escalate a request to the supervisor."""
        asked = [*context.history_json(), {"role": "user", "content": f"Is this fair: {request}"}]
        result = await Runner.run(expert, asked, context=context)
        assert result.context_wrapper.context == {"customer": 7}
        return result.final_output_as(Decision)

    agent = RealtimeAgent[Any]("Desk", tools=[escalate])
    outputs = run(told(agent, tool_call("escalate", {"request": "a refund"}), "Sorry."))
    assert outputs == ["approved=False"]
    items = model.requests[0].items
    said = [item.content[0].text for item in items if item.type == "message"]  # type: ignore[union-attr]
    assert said == ["I want my money back.", "Is this fair: a refund"]
