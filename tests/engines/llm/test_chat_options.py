"""Wishes beyond the conversation, as they reach a Chat Completions server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vivavoce.engines.base import ModelRequest
from vivavoce.engines.llm.chat_completions import ChatCompletions
from vivavoce.engines.options import ModelOptions, OutputSchema
from vivavoce.errors import EngineError
from vivavoce.protocol import FunctionTool, InputText, MessageItem

# The server's classes live in conftest.py, which tests cannot import; fixtures hand them over.
Server = Any


def answer(reply: Any) -> Any:
    return reply(
        [
            {
                "id": "c",
                "object": "chat.completion.chunk",
                "created": 1,
                "model": "m",
                "choices": [{"index": 0, "delta": {"content": "{}"}, "finish_reason": "stop"}],
            }
        ]
    )


def says(text: str, **fields: Any) -> ModelRequest:
    return ModelRequest(items=(MessageItem(role="user", content=[InputText(text=text)]),), **fields)


def ask(chat_server: Server, *replies: Any, request: ModelRequest, times: int = 1, **options: Any) -> Any:
    """Ask a server that gives these replies; returns the requests it received."""

    async def run() -> Any:
        async with chat_server(*replies) as server:
            engine = ChatCompletions(server.url, "m", **options)
            try:
                for _ in range(times):
                    assert [event async for event in engine.respond(request)]
            finally:
                await engine.aclose()
            return server.requests

    return asyncio.run(run())


SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}}


def test_options_reach_the_server(chat_server: Server, reply: Any) -> None:
    options = ModelOptions(
        temperature=0.2,
        top_p=0.9,
        frequency_penalty=0.0,
        output_schema=OutputSchema("verdict", SCHEMA, strict=False),
        strict_parameters={"look": {"type": "object", "additionalProperties": False}},
        extra_body={"seed": 7},
        extra_query={"api-version": "3"},
        extra_headers={"X-Team": "red"},
    )
    tools = (FunctionTool(name="look"), FunctionTool(name="listen"))
    request = says("hi", options=options, tools=tools)
    requests = ask(chat_server, answer(reply), request=request, extra={"seed": 1, "top_k": 4})
    body = requests[0].body
    assert {name: body.get(name) for name in ("temperature", "top_p", "frequency_penalty")} == {
        "temperature": 0.2,
        "top_p": 0.9,
        "frequency_penalty": 0.0,
    }
    assert "presence_penalty" not in body
    assert (body["seed"], body["top_k"]) == (7, 4)
    assert requests[0].path.endswith("/chat/completions?api-version=3")
    assert requests[0].headers["x-team"] == "red"
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "verdict", "strict": False, "schema": SCHEMA},
    }
    look, listen = (tool["function"] for tool in body["tools"])
    assert look["strict"] is True
    assert look["parameters"] == {"type": "object", "additionalProperties": False}
    assert "strict" not in listen


@pytest.mark.parametrize("instructions", ["", "Be brief."])
def test_a_server_without_structured_output_is_asked_in_words(
    chat_server: Server, reply: Any, instructions: str
) -> None:
    refusal = reply([{"error": {"message": "response_format is not supported"}}], status=400)
    options = ModelOptions(output_schema=OutputSchema("verdict", SCHEMA))
    request = says("hi", options=options, instructions=instructions)
    refused, *asked = [r.body for r in ask(chat_server, refusal, answer(reply), request=request, times=2)]
    assert "response_format" in refused
    assert len(asked) == 2  # the second question is not refused again
    for body in asked:
        assert "response_format" not in body
        system, user = body["messages"]
        assert system["role"] == "system"
        assert system["content"].startswith(instructions)
        assert '"ok": {"type": "boolean"}' in system["content"]
        assert user == {"role": "user", "content": "hi"}


def test_a_wrong_schema_is_told_and_not_hidden(chat_server: Server, reply: Any) -> None:
    refusal = reply([{"error": {"message": "Invalid schema for response_format 'verdict'"}}], status=400)
    options = ModelOptions(output_schema=OutputSchema("verdict", {"type": "strange"}))
    with pytest.raises(EngineError, match="Invalid schema"):
        ask(chat_server, refusal, request=says("hi", options=options))
