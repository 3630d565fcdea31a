"""`ToolContext`, made with the words of `openai-agents`."""

from __future__ import annotations

from vivavoce.openai_agents import ToolContext, function_tool
from vivavoce.testing import run


def test_a_test_calls_a_tool_itself() -> None:
    @function_tool
    def weather(context: ToolContext[str], city: str) -> str:
        return f"{context.context}: {context.tool_call_id}: sunny in {city}"

    arguments = '{"city": "Oslo"}'
    context = ToolContext(
        context="mine", tool_name="weather", tool_call_id="call_1", tool_arguments=arguments
    )
    assert context.tool_arguments == arguments
    assert (context.tool_name, context.agent, context.usage.requests) == ("weather", None, 0)

    async def main() -> str:
        return str(await weather.on_invoke_tool(context, arguments))

    assert run(main()) == "mine: call_1: sunny in Oslo"
    assert "context" not in weather.params_json_schema["properties"]
