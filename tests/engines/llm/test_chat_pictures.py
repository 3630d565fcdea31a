"""Pictures for models with eyes and without."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vivavoce.engines.base import ModelRequest, TextDelta
from vivavoce.engines.llm.chat_completions import ChatCompletions
from vivavoce.errors import EngineError
from vivavoce.protocol import InputImage, InputText, MessageItem

# The server's classes live in conftest.py, which tests cannot import; fixtures hand them over.
Server = Any
CHOICE = {"index": 0, "delta": {"content": "I cannot see it."}, "finish_reason": "stop"}
CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [CHOICE]}
SEEING = ModelRequest(
    items=(
        MessageItem(
            role="user",
            content=[InputText(text="What is this?"), InputImage(image_url="data:image/png;base64,AAAA")],
        ),
    )
)


@pytest.mark.parametrize(
    ("status", "complaint"),
    [
        (400, "Invalid content type. image_url is only supported by certain models."),
        (500, "image input is not supported - hint: you may need to provide the mmproj"),
        (400, "At most 0 image(s) may be provided in one request."),
        (404, "No endpoints found that support image input"),
        (422, "messages[0]: unknown variant `image_url`, expected `text`"),
    ],
)
def test_a_model_without_eyes_is_told_of_the_picture_from_then_on(
    chat_server: Server, reply: Any, status: int, complaint: str
) -> None:
    refusal = reply([{"error": {"message": complaint}}], status=status)
    answer = reply([CHUNK])

    async def run() -> None:
        async with chat_server(refusal, answer) as server:
            engine = ChatCompletions(server.url, "m", "key", max_retries=0)
            for _ in range(2):
                events = [event async for event in engine.respond(SEEING)]
                assert events[0] == TextDelta("I cannot see it.")
            await engine.aclose()
            shown = [request.body["messages"][0]["content"][1]["type"] for request in server.requests]
            assert shown == ["image_url", "text", "text"]

    asyncio.run(run())


def test_a_picture_that_is_broken_makes_nobody_blind(chat_server: Server, reply: Any) -> None:
    broken = reply([{"error": {"message": "You uploaded an unsupported image."}}], status=400)

    async def run() -> None:
        async with chat_server(broken) as server:
            engine = ChatCompletions(server.url, "m", "key", max_retries=0)
            for _ in range(2):
                with pytest.raises(EngineError, match="unsupported image"):
                    await anext(engine.respond(SEEING))
            await engine.aclose()
            shown = [request.body["messages"][0]["content"][1]["type"] for request in server.requests]
            assert shown == ["image_url", "image_url"]

    asyncio.run(run())
