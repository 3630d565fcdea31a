from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from vivavoce.engines.base import (
    FunctionCallDelta,
    LanguageModel,
    ModelDone,
    ModelEvent,
    ModelRequest,
    ModelUsage,
    TextDelta,
)
from vivavoce.engines.llm.chat_completions import ChatCompletions, ChatTimeouts
from vivavoce.errors import EngineError, MissingExtraError
from vivavoce.protocol import FunctionTool, InputImage, InputText, MessageItem, ToolChoiceFunction

# The server's classes live in conftest.py, which tests cannot import; fixtures hand them over.
Server = Any
KEY = "sk-very-secret"
NO_WAIT = {"retry-after-ms": "1"}


def delta(finish: str | None = None, **content: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": content, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def usage(prompt: int, completion: int, cached: int) -> dict[str, Any]:
    counts = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return {**delta(), "choices": [], "usage": counts | {"prompt_tokens_details": {"cached_tokens": cached}}}


def call(index: int | None, call_id: str | None, name: str | None, arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return delta(
        tool_calls=[{"index": index, "id": call_id, "type": "function", "function": function}],
    )


def says(text: str, **fields: Any) -> ModelRequest:
    return ModelRequest(items=(MessageItem(role="user", content=[InputText(text=text)]),), **fields)


async def ask(
    server: Server, request: ModelRequest | None = None, *, model: str | None = "m", **options: Any
) -> list[ModelEvent]:
    engine = ChatCompletions(server.url, model, KEY, **options)
    try:
        return [event async for event in engine.respond(request or says("hello"))]
    finally:
        await engine.aclose()
        await engine.aclose()


def talk(chat_server: Server, *replies: Any, request: ModelRequest | None = None, **options: Any) -> Any:
    """Ask a server that gives these replies; returns the events and the requests it received."""

    async def run() -> Any:
        async with chat_server(*replies) as server:
            return await ask(server, request, **options), server.requests

    return asyncio.run(run())


def failure(chat_server: Server, *replies: Any, **options: Any) -> str:
    with pytest.raises(EngineError) as caught:
        talk(chat_server, *replies, **options)
    return str(caught.value)


def test_it_is_a_language_model() -> None:
    engine = ChatCompletions("http://127.0.0.1:9/v1")
    assert isinstance(engine, LanguageModel)
    asyncio.run(engine.aclose())


def test_text_streams_and_usage_is_counted(chat_server: Server, reply: Any) -> None:
    script = reply([delta(content="Hel"), delta(content="lo"), delta("stop"), usage(10, 2, 4)])
    events, requests = talk(chat_server, script, request=says("hi", instructions="Be brief.", user="u1"))
    assert events == [TextDelta("Hel"), TextDelta("lo"), ModelDone("stop", ModelUsage(10, 2, 4))]
    body = requests[0].body
    assert requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hi"},
    ]
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}
    assert body["user"] == "u1"
    assert "tools" not in body


def test_extra_parameters_and_headers_are_sent(chat_server: Server, reply: Any) -> None:
    script = reply([delta("stop", content="ok")])
    _, requests = talk(chat_server, script, extra={"temperature": 0.3}, headers={"X-Team": "blue"})
    assert requests[0].body["temperature"] == 0.3
    assert requests[0].headers["x-team"] == "blue"


def test_a_call_in_pieces_and_a_second_beside_it(chat_server: Server, reply: Any) -> None:
    tool = FunctionTool(name="get_weather", description="Weather", parameters={"type": "object"})
    script = reply(
        [
            call(0, "a", "get_weather", ""),
            call(0, None, None, '{"city":'),
            call(0, None, None, ' "Oslo"}'),
            call(1, "b", "get_weather", '{"city": "Paris"}'),
            delta("tool_calls"),
        ]
    )
    request = says("weather", tools=(tool,), tool_choice="required", parallel_tool_calls=False)
    events, requests = talk(chat_server, script, request=request)
    assert events == [
        FunctionCallDelta(0, "get_weather", "", "a"),
        FunctionCallDelta(0, None, '{"city":'),
        FunctionCallDelta(0, None, ' "Oslo"}'),
        FunctionCallDelta(1, "get_weather", '{"city": "Paris"}', "b"),
        ModelDone("stop"),
    ]
    assert requests[0].body["tool_choice"] == "required"
    assert requests[0].body["parallel_tool_calls"] is False


def test_calls_that_share_an_index_are_told_apart_by_their_ids(chat_server: Server, reply: Any) -> None:
    script = reply([call(0, "a", "one", "{}"), call(0, "b", "two", "{}"), delta("tool_calls")])
    events, _ = talk(chat_server, script)
    assert [(e.index, e.name) for e in events if isinstance(e, FunctionCallDelta)] == [(0, "one"), (1, "two")]


def test_a_forced_function_and_a_picture_reach_the_server(chat_server: Server, reply: Any) -> None:
    image = InputImage(image_url="data:image/png;base64,AAAA", detail="low")
    items = (MessageItem(role="user", content=[InputText(text="What is this?"), image]),)
    request = ModelRequest(
        items=items, tools=(FunctionTool(name="look"),), tool_choice=ToolChoiceFunction(name="look")
    )
    _, requests = talk(chat_server, reply([delta("stop", content="A cat.")]), request=request)
    body = requests[0].body
    assert body["tool_choice"] == {"type": "function", "function": {"name": "look"}}
    assert body["messages"][0]["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
    ]


@pytest.mark.parametrize(
    ("finish", "reason"),
    [("length", "max_output_tokens"), ("content_filter", "content_filter"), ("stop", "stop")],
)
def test_finish_reasons(chat_server: Server, reply: Any, finish: str, reason: str) -> None:
    events, _ = talk(chat_server, reply([delta(finish, content="x")]))
    assert events[-1].reason == reason


def test_the_first_listed_model_is_taken_and_remembered(chat_server: Server, reply: Any) -> None:
    async def run() -> list[str]:
        async with chat_server(reply([delta("stop", content="x")])) as server:
            engine = ChatCompletions(server.url)
            for _ in range(2):
                async for _ in engine.respond(says("hi")):
                    pass
            await engine.aclose()
            return [request.body.get("model", request.path) for request in server.requests]

    assert asyncio.run(run()) == ["/v1/models", "first", "first"]


def test_a_server_without_models_says_so(chat_server: Server, reply: Any) -> None:
    async def run() -> None:
        async with chat_server(reply(), models=()) as server:
            await ask(server, model=None)

    with pytest.raises(EngineError, match="lists no models"):
        asyncio.run(run())


async def prewarmed(server: Any, model: str | None) -> ChatCompletions:
    engine = ChatCompletions(server.url, model, "sk-secret", max_retries=0)
    try:
        await engine.prewarm()
    finally:
        await engine.aclose()
    return engine


@pytest.mark.parametrize(
    ("status", "models", "model"),
    [
        (200, ("first",), None),
        (200, ("first",), "mine"),
        (200, (), "mine"),
        (404, (), "mine"),
        (405, (), "mine"),
    ],
)
def test_a_right_address_is_good_at_the_start(
    chat_server: Server, reply: Any, status: int, models: tuple[str, ...], model: str | None
) -> None:
    async def run() -> None:
        async with chat_server(reply(), models=models, models_status=status) as server:
            await prewarmed(server, model)
            assert len(server.requests) == 1

    asyncio.run(run())


@pytest.mark.parametrize(
    ("status", "models", "model", "complaint"),
    [
        (401, (), "mine", "answered 401"),
        (404, (), None, "answered 404 when asked for its models; name one .*--llm-model"),
        (200, (), None, "lists no models"),
    ],
)
def test_a_wrong_address_shows_at_the_start(
    chat_server: Server, reply: Any, status: int, models: tuple[str, ...], model: str | None, complaint: str
) -> None:
    async def run() -> None:
        async with chat_server(reply(), models=models, models_status=status) as server:
            await prewarmed(server, model)

    with pytest.raises(EngineError, match=complaint) as caught:
        asyncio.run(run())
    assert "sk-secret" not in str(caught.value)


def test_what_a_server_does_not_know_is_renamed_or_left_out(chat_server: Server, reply: Any) -> None:
    def refuse(name: str) -> Any:
        return reply([{"error": {"message": f"Unsupported parameter: '{name}'"}}], status=400)

    replies = [refuse("max_completion_tokens"), refuse("stream_options"), reply([delta("stop", content="x")])]
    events, requests = talk(chat_server, *replies, request=says("hi", max_output_tokens=7))
    assert events[-1] == ModelDone("stop")
    last = requests[-1].body
    assert len(requests) == 3
    assert last["max_tokens"] == 7
    assert "max_completion_tokens" not in last
    assert "stream_options" not in last


def test_an_error_names_status_and_message_but_never_the_key(chat_server: Server, reply: Any) -> None:
    refusal = reply([{"error": {"message": f"Incorrect API key provided: {KEY}"}}], status=401)
    message = failure(chat_server, refusal)
    assert "401" in message
    assert "Incorrect API key" in message
    assert "127.0.0.1" in message
    assert KEY not in message


def test_a_bad_request_for_another_reason_is_not_repeated(chat_server: Server, reply: Any) -> None:
    async def run() -> int:
        async with chat_server(reply([{"error": {"message": "context too long"}}], status=400)) as server:
            with pytest.raises(EngineError, match="context too long"):
                await ask(server)
            return len(server.requests)

    assert asyncio.run(run()) == 1


def test_a_server_error_is_tried_again_and_then_told(chat_server: Server, reply: Any) -> None:
    broken = reply([{"error": {"message": "boom"}}], status=500, headers=NO_WAIT)
    assert "500" in failure(chat_server, broken, max_retries=1)


def test_too_many_requests_then_an_answer(chat_server: Server, reply: Any) -> None:
    busy = reply([{"error": {"message": "slow down"}}], status=429, headers=NO_WAIT)
    events, requests = talk(chat_server, busy, reply([delta("stop", content="ok")]))
    assert events[0] == TextDelta("ok")
    assert len(requests) == 2


@pytest.mark.parametrize(
    ("events", "timeouts"),
    [
        ([], ChatTimeouts(first_token=0.15, between_tokens=30)),
        ([delta(content="Hel")], ChatTimeouts(first_token=30, between_tokens=0.05)),
    ],
)
def test_a_stalled_stream_is_given_up(
    chat_server: Server, reply: Any, events: list[Any], timeouts: ChatTimeouts
) -> None:
    message = failure(chat_server, reply(events, ending="stall"), timeouts=timeouts)
    assert "sent nothing for" in message


def test_nobody_listening_is_an_engine_error() -> None:
    async def run() -> None:
        closed = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = closed.sockets[0].getsockname()[1]
        closed.close()
        await closed.wait_closed()
        engine = ChatCompletions(f"http://127.0.0.1:{port}/v1", "m", KEY, max_retries=0)
        try:
            async for _ in engine.respond(says("hi")):
                pass
        finally:
            await engine.aclose()

    with pytest.raises(EngineError, match=r"127\.0\.0\.1"):
        asyncio.run(run())


@pytest.mark.parametrize(
    "garbage",
    [
        "data: {not json\n\n",
        "data: 7\n\n",
        'data: {"choices": [7]}\n\n',
        "<html>\n\n",
        'data: {"choices": 7}\n\n',
    ],
)
def test_garbage_is_an_engine_error(chat_server: Server, reply: Any, garbage: str) -> None:
    assert "127.0.0.1" in failure(chat_server, reply([garbage]))


def test_an_error_inside_the_stream_is_told(chat_server: Server, reply: Any) -> None:
    script = reply([delta(content="Hel"), {"error": {"message": "out of memory"}}])
    assert "out of memory" in failure(chat_server, script)


def test_a_connection_cut_in_the_middle_is_told(chat_server: Server, reply: Any) -> None:
    assert "127.0.0.1" in failure(chat_server, reply([delta(content="Hel")], ending="cut"))


def test_an_answer_without_an_end_broke_off(chat_server: Server, reply: Any) -> None:
    assert "broke off" in failure(chat_server, reply([delta(content="Hel")]))


def test_closing_the_iterator_hangs_up_at_once(chat_server: Server, reply: Any) -> None:
    async def run() -> None:
        async with chat_server(reply([delta(content="Hel")], ending="stall")) as server:
            engine = ChatCompletions(server.url, "m")
            stream = engine.respond(says("hi"))
            assert await anext(stream) == TextDelta("Hel")
            await stream.aclose()
            await asyncio.wait_for(server.hung_up.wait(), 5)
            await engine.aclose()

    asyncio.run(run())


def test_cancelling_the_task_hangs_up_at_once(chat_server: Server, reply: Any) -> None:
    async def consume(engine: ChatCompletions) -> None:
        async for _ in engine.respond(says("hi")):
            pass

    async def run() -> None:
        async with chat_server(reply([delta(content="Hel")], ending="stall")) as server:
            engine = ChatCompletions(server.url, "m")
            task = asyncio.create_task(consume(engine))
            await server.sent.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(server.hung_up.wait(), 5)
            await engine.aclose()

    asyncio.run(run())


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(MissingExtraError, match=r"vivavoce\[openai\]"):
        ChatCompletions("http://127.0.0.1:9/v1")
