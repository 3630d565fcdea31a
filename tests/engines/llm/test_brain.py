from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.engines.base import (
    FunctionCallDelta,
    LanguageModel,
    ModelDone,
    ModelEvent,
    ModelRequest,
    TextDelta,
)
from vivavoce.engines.llm.brain import BuiltinBrain
from vivavoce.protocol import (
    FunctionCallItem,
    FunctionCallOutputItem,
    FunctionTool,
    InputText,
    Item,
    MessageItem,
    OutputText,
)

WEATHER = FunctionTool(
    name="get_weather",
    description="Get the weather.",
    parameters={"properties": {"city": {"type": "string"}}, "required": ["city"]},
)


def says(text: str, **fields: Any) -> ModelRequest:
    items = (MessageItem(role="user", content=[InputText(text=text)]),)
    return ModelRequest(items=items, tools=(WEATHER,), **fields)


def respond(request: ModelRequest) -> list[ModelEvent]:
    async def run() -> list[ModelEvent]:
        brain = BuiltinBrain()
        events = [event async for event in brain.respond(request)]
        await brain.aclose()
        await brain.aclose()
        return events

    return asyncio.run(run())


def test_it_is_a_language_model() -> None:
    assert isinstance(BuiltinBrain(), LanguageModel)


def test_it_says_what_connects_a_real_model() -> None:
    async def spoken(brain: BuiltinBrain, text: str) -> str:
        request = ModelRequest(items=says(text).items)
        return "".join([event.text async for event in brain.respond(request) if isinstance(event, TextDelta)])

    for text in ("i like trains", "who are you"):
        assert "OPENAI_API_KEY" in asyncio.run(spoken(BuiltinBrain(cure="OPENAI_API_KEY"), text))
        assert "--llm URL, or llm_url in a program" in asyncio.run(spoken(BuiltinBrain(), text))


def test_text_streams_word_by_word() -> None:
    *words, done = respond(says("thank you"))
    assert words == [TextDelta("You "), TextDelta("are "), TextDelta("welcome.")]
    assert isinstance(done, ModelDone)
    assert done.reason == "stop"
    assert done.usage is None, "it has no tokenizer: the conversation estimates"


def test_calls_stream_in_pieces() -> None:
    *pieces, done = respond(says("the weather in san francisco and in oslo"))
    calls: dict[int, list[FunctionCallDelta]] = {}
    for piece in pieces:
        assert isinstance(piece, FunctionCallDelta)
        calls.setdefault(piece.index, []).append(piece)
    assert [call[0].name for call in calls.values()] == ["get_weather", "get_weather"]
    arguments = [json.loads("".join(piece.arguments for piece in call)) for call in calls.values()]
    assert arguments == [{"city": "San Francisco"}, {"city": "Oslo"}]
    assert len(calls[0]) > 2
    assert isinstance(done, ModelDone)


@pytest.mark.parametrize(("limit", "words"), [(0, 0), (1, 1), (3, 2), (4, 3), (None, 3)])
def test_the_bound_on_tokens_is_kept(limit: int | None, words: int) -> None:
    *said, done = respond(says("thank you", max_output_tokens=limit))
    assert len(said) == words
    assert isinstance(done, ModelDone)
    assert done.reason == ("stop" if words == 3 else "max_output_tokens")


def test_it_lets_others_run_between_words() -> None:
    async def run() -> int:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        words = [event async for event in BuiltinBrain().respond(says("thank you"))]
        task.cancel()
        assert len(words) == 4
        return turns

    assert asyncio.run(run()) >= 3


def test_it_can_be_closed_in_the_middle() -> None:
    async def run() -> ModelEvent:
        stream = BuiltinBrain().respond(says("thank you"))
        first = await anext(stream)
        await stream.aclose()
        return first

    assert asyncio.run(run()) == TextDelta("You ")


TEXT = st.text(max_size=40) | st.sampled_from(
    ["what is the weather", "in oslo", "yes", "Which city?", "and paris", "stop"]
)
ITEMS = st.one_of(
    TEXT.map(lambda text: MessageItem(role="user", content=[InputText(text=text)])),
    TEXT.map(lambda text: MessageItem(role="assistant", content=[OutputText(text=text)])),
    TEXT.map(lambda text: FunctionCallItem(name="get_weather", arguments=text, call_id="1")),
    TEXT.map(lambda text: FunctionCallOutputItem(call_id="1", output=text)),
)


@settings(max_examples=60)
@given(st.lists(ITEMS, max_size=8), st.sampled_from(["auto", "none", "required"]), st.booleans(), TEXT)
def test_whatever_the_conversation_there_is_an_answer(
    items: list[Item], choice: Any, parallel: bool, instructions: str
) -> None:
    request = ModelRequest(
        instructions=instructions,
        items=tuple(items),
        tools=(WEATHER,),
        tool_choice=choice,
        parallel_tool_calls=parallel,
    )
    *pieces, done = respond(request)
    assert isinstance(done, ModelDone)
    assert pieces
    assert all(
        piece.name in {None, "get_weather"} for piece in pieces if isinstance(piece, FunctionCallDelta)
    )
    assert choice != "none" or all(isinstance(piece, TextDelta) for piece in pieces)
    assert respond(request) == [*pieces, done]
