from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from vivavoce.agents import RunContextWrapper, function_tool
from vivavoce.engines.base import FunctionCallDelta
from vivavoce.engines.scripted import ScriptedModel
from vivavoce.errors import ConfigurationError, EngineError
from vivavoce.text import Agent, MaxTurnsExceeded, OpenAIProvider, RunConfig, Runner, run

Server = Any
Script = Any


@function_tool
def get_weather(city: str) -> str:
    """Get the current weather for a city."""
    return f"It is sunny in {city}."


AGENT = Agent("Helper", "Be brief.", tools=[get_weather], model="m")


def test_the_built_in_brain_uses_a_tool_and_answers() -> None:
    result = Runner.run_sync(Agent("Helper", tools=[get_weather]), "What is the weather in Oslo?")
    assert result.final_output == "It is sunny in Oslo."
    assert [item.type for item in result.new_items] == [
        "tool_call_item",
        "tool_call_output_item",
        "message_output_item",
    ]


def test_a_model_at_an_endpoint_uses_a_tool_and_answers(chat_server: Server, script: Script) -> None:
    async def main() -> Any:
        answers = script.calls(("get_weather", {"city": "Oslo"})), script.says("Sunny.")
        async with chat_server(*answers) as server:
            return await Runner.run(AGENT, "Oslo?", run_config=server.config), server

    result, server = asyncio.run(main())
    assert result.final_output == "Sunny."
    assert result.last_agent is AGENT
    assert (result.usage.input_tokens, result.usage.output_tokens) == (10, 2)
    assert server.requests[0]["model"] == "m"
    assert server.headers[0]["authorization"] == "Bearer sk-test"
    assert server.messages(1) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Oslo?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "c0",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "c0", "content": "It is sunny in Oslo."},
    ]


def test_the_result_is_input_of_the_next_run(chat_server: Server, script: Script) -> None:
    async def main() -> Any:
        async with chat_server(script.says("Hello."), script.says("Bye.")) as server:
            first = await run(AGENT, "Hi", run_config=server.config)
            asked = [*first.to_input_list(), {"role": "user", "content": "Goodbye"}]
            await run(AGENT, asked, run_config=server.config)
            return server.messages(1)

    assert asyncio.run(main())[1:] == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Goodbye"},
    ]


def test_an_agent_that_comes_to_no_end_is_stopped(chat_server: Server, script: Script) -> None:
    async def main() -> Any:
        async with chat_server(script.calls(("get_weather", {"city": "Oslo"}))) as server:
            with pytest.raises(MaxTurnsExceeded, match="within 3 answers") as caught:
                await Runner.run(AGENT, "Oslo?", run_config=server.config, max_turns=3)
            return caught.value, server

    error, server = asyncio.run(main())
    assert len(server.requests) == 3
    assert error.run_data is not None
    assert [item.type for item in error.run_data.new_items] == ["tool_call_item", "tool_call_output_item"] * 3
    assert error.run_data.last_agent is AGENT
    # A server that numbers the calls of each answer anew: still every call has its own output.
    ids = [message["tool_call_id"] for message in server.messages(2) if message["role"] == "tool"]
    assert len(set(ids)) == 2


def test_the_context_reaches_tools_and_is_taken_over_with_its_usage(
    chat_server: Server, script: Script
) -> None:
    seen: list[Any] = []

    @function_tool
    def look(context: RunContextWrapper[Any]) -> str:
        """Look."""
        seen.append(context.context)
        return "ok"

    async def main() -> Any:
        answers = script.calls(("look", {})), script.says("Done.", tokens=(5, 1))
        async with chat_server(*answers) as server:
            agent = Agent("Looker", tools=[look], model="m")
            wrapper = RunContextWrapper({"user": 7})
            return await Runner.run(agent, "Look", context=wrapper, run_config=server.config), wrapper

    result, wrapper = asyncio.run(main())
    assert seen == [{"user": 7}]
    assert result.context_wrapper.context is wrapper.context
    assert wrapper.usage.total_tokens == 6


@pytest.mark.parametrize(
    ("agent", "options", "complaint"),
    [
        ("Helper", {}, "starting_agent must be an Agent"),
        (AGENT, {"max_turns": 0}, "max_turns must be"),
        (AGENT, {"max_turns": "3"}, "max_turns must be .* got '3'"),
        (AGENT, {"hooks": object()}, "hooks must be RunHooks"),
        (AGENT, {"run_config": {"speed": 3}}, "run_config.speed is not known"),
    ],
)
def test_what_cannot_be_run_is_refused(agent: Any, options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        Runner.run_sync(agent, "Hi", **options)


def test_the_ways_to_run_name_their_place() -> None:
    async def inside() -> None:
        Runner.run_sync(AGENT, "Hi")

    with pytest.raises(ConfigurationError, match=r"await Runner\.run"):
        asyncio.run(inside())
    with pytest.raises(ConfigurationError, match="needs an event loop"):
        Runner.run_streamed(AGENT, "Hi")


def test_a_reader_that_stops_ends_the_run_at_the_server_too(chat_server: Server, script: Script) -> None:
    async def main() -> None:
        async with chat_server(script.stalls) as server:
            result = Runner.run_streamed(Agent("A", model="m"), "Hi", run_config=server.config)
            events = result.stream_events()
            async for event in events:
                if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
                    break
            await events.aclose()
            await asyncio.wait_for(server.hung_up.wait(), 5)
            assert result.is_complete

    asyncio.run(main())


def test_a_cancelled_run_hangs_up(chat_server: Server, script: Script) -> None:
    async def main() -> None:
        async with chat_server(script.stalls) as server:
            work = asyncio.create_task(Runner.run(Agent("A", model="m"), "Hi", run_config=server.config))
            await server.stalling.wait()
            work.cancel()
            with pytest.raises(asyncio.CancelledError):
                await work
            await asyncio.wait_for(server.hung_up.wait(), 5)

    asyncio.run(main())


class WeatherServer:
    """An MCP server as an agent sees one."""

    name = "weather"

    async def list_tools(self, ctx: Any = None, agent: Any = None) -> list[Any]:
        schema = {"type": "object", "properties": {"city": {"type": "string"}}}
        return [SimpleNamespace(name="forecast", description="Forecast", input_schema=schema)]

    async def call_tool(self, name: str, arguments: dict[str, Any] | None) -> Any:
        text = SimpleNamespace(type="text", text=f"{name}: sun in {(arguments or {})['city']}")
        return SimpleNamespace(content=[text], is_error=False, structured_content=None)


def test_tools_of_mcp_servers_come_first(chat_server: Server, script: Script) -> None:
    async def main() -> Any:
        answers = script.calls(("forecast", {"city": "Oslo"})), script.says("Sun.")
        async with chat_server(*answers) as server:
            agent = Agent("A", tools=[get_weather], mcp_servers=[WeatherServer()], model="m")
            await Runner.run(agent, "Oslo?", run_config=server.config)
            return server

    server = asyncio.run(main())
    tools = [tool["function"] for tool in server.requests[0]["tools"]]
    assert [tool["name"] for tool in tools] == ["forecast", "get_weather"]
    assert ["strict" in tool for tool in tools] == [False, True]
    assert server.messages(1)[-1]["content"] == "forecast: sun in Oslo"


def test_many_runs_at_once_share_a_provider(chat_server: Server, script: Script) -> None:
    async def main() -> list[Any]:
        async with (
            chat_server(script.says("Hello.")) as server,
            OpenAIProvider(base_url=server.url, api_key="sk-test") as provider,
        ):
            config = RunConfig(model_provider=provider)
            async with asyncio.TaskGroup() as group:
                runs = [group.create_task(Runner.run(AGENT, "Hi", run_config=config)) for _ in range(20)]
            assert len(server.requests) == 20
            return [done.result().final_output for done in runs]

    assert asyncio.run(main()) == ["Hello."] * 20


def test_a_plain_tool_may_run_an_agent_in_its_thread() -> None:
    inner = Agent("Inner", tools=[get_weather])

    @function_tool
    def ask_inner(question: str) -> str:
        """Ask the inner agent about the weather."""
        return str(Runner.run_sync(inner, question).final_output)

    model = ScriptedModel(
        [[FunctionCallDelta(0, "ask_inner", '{"question": "What is the weather in Rome?"}', "a")], ["Sunny."]]
    )
    result = Runner.run_sync(Agent("Outer", tools=[ask_inner], model=model), "Rome?")
    outputs = [item.output for item in result.new_items if item.type == "tool_call_output_item"]
    assert outputs == ["It is sunny in Rome."]


def test_the_server_that_fails_is_named_without_the_key(chat_server: Server, script: Script) -> None:
    async def main() -> None:
        async with chat_server(script.refuses(401, "no such key: sk-test")) as server:
            with pytest.raises(EngineError, match="answered 401") as caught:
                await Runner.run(AGENT, "Hi", run_config=server.config)
            assert "sk-test" not in str(caught.value)

    asyncio.run(main())
