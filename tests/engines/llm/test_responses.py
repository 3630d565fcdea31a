"""A language model behind a Responses endpoint, against a real server."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from vivavoce.engines.base import (
    FunctionCallDelta,
    LanguageModel,
    ModelDone,
    ModelEvent,
    ModelRequest,
    ModelUsage,
    Prewarmable,
    TextDelta,
)
from vivavoce.engines.llm.chat_messages import PICTURE
from vivavoce.engines.llm.responses import ResponsesEndpoint, to_input
from vivavoce.engines.options import ModelOptions, OutputSchema
from vivavoce.errors import EngineError
from vivavoce.protocol import (
    FunctionCallItem,
    FunctionCallOutputItem,
    FunctionTool,
    InputImage,
    InputText,
    MessageItem,
    OutputText,
    ToolChoiceFunction,
)

Server = Any
KEY = "sk-very-secret"
DONE = {"type": "response.completed", "response": {"status": "completed"}}
WEATHER = FunctionTool(name="get_weather", description="Weather", parameters={"type": "object"})


def says(text: str, **fields: Any) -> ModelRequest:
    return ModelRequest(items=(MessageItem(role="user", content=[InputText(text=text)]),), **fields)


def talk(
    http_server: Server, *answers: Any, request: ModelRequest | None = None, **options: Any
) -> tuple[list[ModelEvent], list[Any]]:
    """Ask a server that gives these answers; returns the events and the requests it received."""

    async def main() -> tuple[list[ModelEvent], list[Any]]:
        async with http_server(*answers) as server:
            model = ResponsesEndpoint(server.url, "m", KEY, **options)
            try:
                return [event async for event in model.respond(request or says("hello"))], server.asked
            finally:
                await model.aclose()

    return asyncio.run(main())


def test_it_is_a_language_model() -> None:
    model = ResponsesEndpoint("http://127.0.0.1:9/v1", "m")
    assert isinstance(model, LanguageModel)
    assert isinstance(model, Prewarmable)
    assert model.honours == {"reasoning", "temperature"}
    assert ResponsesEndpoint("http://127.0.0.1:9/v1", "m", reasoning=False).honours == {"temperature"}
    asyncio.run(model.aclose())


def test_text_streams_and_usage_is_counted(http_server: Server, answer: Any) -> None:
    usage = {"input_tokens": 10, "output_tokens": 2, "input_tokens_details": {"cached_tokens": 4}}
    reply = answer.events(
        {"type": "response.created", "response": {}},
        {"type": "response.output_item.added", "output_index": 0, "item": {"type": "message"}},
        {"type": "response.output_text.delta", "delta": "Hel"},
        {"type": "response.output_text.delta", "delta": ""},
        {"type": "response.refusal.delta", "delta": "lo"},
        {"type": "response.output_item.done", "output_index": 0, "item": {"type": "message"}},
        {"type": "response.completed", "response": {"usage": usage}},
    )
    request = says("hi", instructions="Be brief.", user="u1", max_output_tokens=7)
    events, asked = talk(http_server, reply, request=request)
    assert events == [TextDelta("Hel"), TextDelta("lo"), ModelDone("stop", ModelUsage(10, 2, 4))]
    assert asked[0].path == "/v1/responses"
    assert asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert asked[0].json == {
        "model": "m",
        "instructions": "Be brief.",
        "prompt_cache_key": "u1",
        "store": False,
        "stream": True,
        "max_output_tokens": 7,
        "input": [{"role": "user", "content": "hi"}],
    }


def added(place: int, call_id: str, name: str) -> dict[str, Any]:
    item = {"type": "function_call", "call_id": call_id, "name": name, "arguments": ""}
    return {"type": "response.output_item.added", "output_index": place, "item": item}


def arguments(place: int, delta: str) -> dict[str, Any]:
    return {"type": "response.function_call_arguments.delta", "output_index": place, "delta": delta}


def over(place: int, call_id: str, name: str, text: str) -> dict[str, Any]:
    item = {"type": "function_call", "call_id": call_id, "name": name, "arguments": text}
    return {"type": "response.output_item.done", "output_index": place, "item": item}


def test_calls_stream_in_pieces_or_come_whole(http_server: Server, answer: Any) -> None:
    reply = answer.events(
        added(1, "a", "get_weather"),
        arguments(1, '{"city":'),
        arguments(1, ' "Oslo"}'),
        over(1, "a", "get_weather", '{"city": "Oslo"}'),
        added(2, "b", "get_weather"),
        over(2, "b", "get_weather", '{"city": "Paris"}'),
        over(3, "c", "hang_up", ""),
        DONE,
    )
    request = says("weather", tools=(WEATHER,), tool_choice="required", parallel_tool_calls=False)
    events, asked = talk(http_server, reply, request=request)
    assert events == [
        FunctionCallDelta(0, "get_weather", "", "a"),
        FunctionCallDelta(0, None, '{"city":'),
        FunctionCallDelta(0, None, ' "Oslo"}'),
        FunctionCallDelta(1, "get_weather", "", "b"),
        FunctionCallDelta(1, None, '{"city": "Paris"}'),
        FunctionCallDelta(2, "hang_up", "", "c"),
        ModelDone("stop"),
    ]
    assert asked[0].json["tools"] == [
        {
            "type": "function",
            "name": "get_weather",
            "description": "Weather",
            "parameters": {"type": "object"},
            "strict": False,
        }
    ]
    assert asked[0].json["tool_choice"] == "required"
    assert asked[0].json["parallel_tool_calls"] is False


def test_wishes_reach_the_server(http_server: Server, answer: Any) -> None:
    options = ModelOptions(
        temperature=0.3,
        reasoning_effort="low",
        output_schema=OutputSchema("answer", {"type": "object"}),
        strict_parameters={"look": {"type": "object", "additionalProperties": False}},
        prompt={"id": "pmpt_1"},
        extra_body={"top_k": 3},
        extra_query={"api-version": "1"},
        extra_headers={"X-Team": "blue"},
    )
    request = says(
        "hi",
        tools=(FunctionTool(name="look"), FunctionTool(name="hear")),
        tool_choice=ToolChoiceFunction(name="look"),
        options=options,
    )
    _, asked = talk(http_server, answer.events(DONE), request=request, extra={"service_tier": "priority"})
    body = asked[0].json
    assert asked[0].path == "/v1/responses?api-version=1"
    assert asked[0].headers["x-team"] == "blue"
    assert body["temperature"] == 0.3
    assert body["reasoning"] == {"effort": "low"}
    assert body["text"]["format"] == {
        "type": "json_schema",
        "name": "answer",
        "strict": True,
        "schema": {"type": "object"},
    }
    assert [tool["strict"] for tool in body["tools"]] == [True, False]
    assert body["tools"][0]["parameters"]["additionalProperties"] is False
    assert body["tool_choice"] == {"type": "function", "name": "look"}
    assert (body["prompt"], body["top_k"], body["service_tier"]) == ({"id": "pmpt_1"}, 3, "priority")


def test_a_conversation_with_pictures_and_tools(http_server: Server, answer: Any) -> None:
    image = InputImage(image_url="data:image/png;base64,AAAA", detail="low")
    items = (
        MessageItem(role="user", content=[InputText(text="What is this?"), image]),
        MessageItem(role="assistant", content=[OutputText(text="Let me see.")]),
        FunctionCallItem(name="look", arguments="{}", call_id="a"),
        MessageItem(role="user", content=[InputText(text="Well?")]),
        FunctionCallOutputItem(call_id="a", output="a cat"),
    )
    _, asked = talk(http_server, answer.events(DONE), request=ModelRequest(items=items))
    assert asked[0].json["input"] == [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "What is this?"},
                {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"},
            ],
        },
        {"role": "assistant", "content": "Let me see."},
        {"type": "function_call", "call_id": "a", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "a cat"},
        {"role": "user", "content": "Well?"},
    ]


def test_a_model_without_eyes_is_told_of_pictures(http_server: Server, answer: Any) -> None:
    image = InputImage(image_url="data:image/png;base64,AAAA")
    request = ModelRequest(items=(MessageItem(role="user", content=[image]),))
    _, asked = talk(http_server, answer.events(DONE), request=request, images=False)
    (part,) = asked[0].json["input"][0]["content"]
    assert part == {"type": "input_text", "text": PICTURE}


def test_a_picture_without_detail_leaves_it_to_the_model() -> None:
    part = {"type": "image_url", "image_url": {"url": "data:x"}}
    items = to_input([{"role": "user", "content": [part]}])
    assert items[0]["content"] == [{"type": "input_image", "image_url": "data:x", "detail": "auto"}]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("max_output_tokens", "max_output_tokens"), ("content_filter", "content_filter"), ("other", "stop")],
)
def test_reasons(http_server: Server, answer: Any, reason: str, expected: str) -> None:
    done = {"type": "response.incomplete", "response": {"incomplete_details": {"reason": reason}}}
    events, _ = talk(http_server, answer.events(done))
    assert events == [ModelDone(expected)]  # type: ignore[arg-type]


def test_what_a_server_does_not_know_is_left_out_from_then_on(http_server: Server, answer: Any) -> None:
    async def main() -> list[dict[str, Any]]:
        answers = [
            answer.json({"error": {"message": "Unknown parameter: 'prompt_cache_key'"}}, 400),
            answer.json({"detail": "store is not supported"}, 422),
            answer.events(DONE),
        ]
        async with http_server(*answers) as server:
            model = ResponsesEndpoint(server.url, "m")
            for _ in range(2):
                assert [event async for event in model.respond(says("hi", user="u"))] == [ModelDone()]
            await model.aclose()
            return [asked.json for asked in server.asked]

    bodies = asyncio.run(main())
    assert [("prompt_cache_key" in body, "store" in body) for body in bodies] == [
        (True, True),
        (False, True),
        (False, False),
        (False, False),
    ]


@pytest.mark.parametrize(
    ("status", "message"), [(400, "no such model"), (401, f"wrong key {KEY}"), (500, "store broken")]
)
def test_a_refusal_has_the_servers_words_without_the_key(
    http_server: Server, answer: Any, status: int, message: str
) -> None:
    with pytest.raises(
        EngineError, match=f"answered {status}: {message.split(KEY, maxsplit=1)[0].strip()}"
    ) as caught:
        talk(http_server, answer.json({"error": {"message": message}}, status))
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([], "broke off in the middle of its answer"),
        (["[DONE]"], "broke off in the middle of its answer"),
        ([{"type": "error", "message": "busy"}], "failed: busy"),
        ([{"type": "error", "error": {"message": "busy"}}], "failed: busy"),
        ([{"type": "response.failed", "response": {"error": {"message": "busy"}}}], "failed: busy"),
        (["{"], "sent something that is no answer"),
        ([[1]], "sent something that is no answer"),
        ([arguments(7, "x")], "sent something that is no answer"),
    ],
)
def test_an_answer_that_goes_wrong_says_how(
    http_server: Server, answer: Any, events: list[Any], message: str
) -> None:
    with pytest.raises(EngineError, match=message):
        talk(http_server, answer.events(*events))


def test_closing_the_answer_hangs_up(http_server: Server, answer: Any) -> None:
    async def main() -> None:
        delta = {"type": "response.output_text.delta", "delta": "Hello"}
        async with http_server(answer.events(delta, ending="stall")) as server:
            model = ResponsesEndpoint(server.url, "m")
            events = model.respond(says("hi"))
            assert await anext(events) == TextDelta("Hello")
            await events.aclose()
            await server.hung_up.wait()
            await model.aclose()

    asyncio.run(main())


def test_a_wrong_address_shows_early(http_server: Server, answer: Any) -> None:
    async def main() -> None:
        async with http_server(answer.json({}, 401)) as server:
            model = ResponsesEndpoint(server.url, "m")
            with pytest.raises(EngineError, match="answered 401"):
                await model.prewarm()
            await model.aclose()

    asyncio.run(main())


def test_the_beginning_of_a_request_stays_the_same_from_turn_to_turn(
    http_server: Server, answer: Any
) -> None:
    """Byte by byte: what a provider has cached is only found again when not a space has changed."""

    async def main() -> list[str]:
        async with http_server(answer.events(DONE)) as server:
            model = ResponsesEndpoint(server.url, "m")
            first = says("one", instructions="Be brief.", tools=(WEATHER,), user="u")
            reply = MessageItem(role="assistant", content=[OutputText(text="Two.")])
            call = FunctionCallItem(name="get_weather", arguments="{}", call_id="a")
            result = FunctionCallOutputItem(call_id="a", output="sun")
            for items in (first.items, (*first.items, reply), (*first.items, reply, call, result)):
                request = ModelRequest("Be brief.", items, (WEATHER,), user="u")
                assert [event async for event in model.respond(request)]
            await model.aclose()
            return [asked.body.decode() for asked in server.asked]

    bodies = [body.removesuffix("]}") for body in asyncio.run(main())]
    assert bodies[1].startswith(bodies[0])
    assert bodies[2].startswith(bodies[1])
    assert list(json.loads(bodies[0] + "]}"))[:3] == ["model", "instructions", "tools"]
