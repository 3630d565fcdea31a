"""What a provider has cached is only found again when the beginning of the prompt has not changed."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

from vivavoce.engines.base import ModelRequest
from vivavoce.engines.llm.chat_completions import ChatCompletions
from vivavoce.protocol import (
    FunctionCallItem,
    FunctionCallOutputItem,
    FunctionTool,
    InputAudio,
    InputText,
    Item,
    MessageItem,
    OutputAudio,
)

DONE = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
CHUNK = {**DONE, "choices": [{"index": 0, "delta": {"content": "ok"}, "finish_reason": "stop"}]}
TOOLS = (
    FunctionTool(name="b", description="B", parameters={"type": "object", "properties": {"y": {}, "x": {}}}),
    FunctionTool(name="a"),
)
CONVERSATION: tuple[Item, ...] = (
    MessageItem(role="user", content=[InputAudio(transcript="What is the weather in Tromsø?")]),
    FunctionCallItem(name="b", arguments='{"y": 1, "x": 2}', call_id="c1"),
    FunctionCallOutputItem(call_id="c1", output="sun"),
    MessageItem(role="assistant", content=[OutputAudio(transcript="It is sunny.")]),
    MessageItem(role="user", content=[InputText(text="Thanks.")]),
)


def bodies(chat_server: Any, *replies: Any) -> list[dict[str, Any]]:
    """Ask after each turn of a conversation; returns what was sent."""

    async def main() -> list[dict[str, Any]]:
        async with chat_server(*replies) as server:
            engine = ChatCompletions(server.url, "m")
            for length in (1, 3, 4, 5):
                request = ModelRequest("Be brief.", CONVERSATION[:length], TOOLS, user="sess_1")
                assert [event async for event in engine.respond(request)]
            await engine.aclose()
            return [request.body for request in server.requests]

    return asyncio.run(main())


def test_the_beginning_of_a_conversation_stays_byte_by_byte(chat_server: Any, reply: Any) -> None:
    sent = bodies(chat_server, reply([CHUNK]))
    prompts = [json.dumps(body["messages"], ensure_ascii=False).removesuffix("]") for body in sent]
    for earlier, later in itertools.pairwise(prompts):
        assert later.startswith(earlier)
    assert sent[0]["messages"][0] == {"role": "system", "content": "Be brief."}
    assert len({json.dumps(body["tools"]) for body in sent}) == 1
    assert [tool["function"]["name"] for tool in sent[0]["tools"]] == ["b", "a"]
    assert {body["prompt_cache_key"] for body in sent} == {"sess_1"}


def test_a_server_without_such_a_cache_is_spared_its_key(chat_server: Any, reply: Any) -> None:
    refusal = reply([{"error": {"message": "Unknown parameter: 'prompt_cache_key'"}}], status=400)
    first, *others = bodies(chat_server, refusal, reply([CHUNK]))
    assert "prompt_cache_key" in first
    assert others
    assert not any("prompt_cache_key" in body for body in others)
