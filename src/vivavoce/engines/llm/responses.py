"""A language model behind any Responses endpoint (`/v1/responses`)."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Any, Literal

import httpx

from vivavoce.engines.base import (
    FunctionCallDelta,
    ModelDone,
    ModelEvent,
    ModelRequest,
    ModelUsage,
    TextDelta,
)
from vivavoce.engines.http import Endpoint, HttpOptions, RefusedError, error_message
from vivavoce.engines.llm.chat_messages import build_messages, without_pictures
from vivavoce.engines.options import ModelOptions
from vivavoce.engines.sse import EventStream
from vivavoce.errors import EngineError
from vivavoce.protocol import FunctionTool, ToolChoiceFunction

_REASONS: Mapping[str, Literal["max_output_tokens", "content_filter"]] = {
    "max_output_tokens": "max_output_tokens",
    "content_filter": "content_filter",
}
# What a server may refuse to know; it is left out from then on.
_OPTIONAL = ("prompt_cache_key", "store", "parallel_tool_calls")
_ANY_OBJECT: Mapping[str, Any] = {"type": "object", "properties": {}}


class ResponsesEndpoint:
    """A `LanguageModel` at a Responses endpoint: OpenAI, vLLM and the like.

    Nothing is stored at the provider: each request has the whole conversation. Instructions and tools stand
    in front and the conversation only grows at its end, so a provider that caches prompts finds the
    beginning again; `prompt_cache_key` keeps the requests of one session together.

    Args:
        base_url: the endpoint up to `/v1`.
        model: name of the model.
        api_key: sent as a bearer token; `None` for a server that asks for none.
        reasoning: the model can be told how hard to think.
        images: the model can see pictures; otherwise it is told in words that there are some.
        extra: further parameters of each request, for example `{"service_tier": "priority"}`.
        http: headers and waits; by default half a minute between two pieces, for a model may think.

    Attributes:
        honours: the wishes that are followed.

    Raises:
        ConfigurationError: the address is no URL.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str | None = None,
        *,
        reasoning: bool = True,
        images: bool = True,
        extra: Mapping[str, Any] | None = None,
        http: HttpOptions | None = None,
    ) -> None:
        self.honours = frozenset({"temperature", *(("reasoning",) if reasoning else ())})
        self._images = images
        self._endpoint = Endpoint(
            "the language model", base_url, api_key, http or HttpOptions(between_s=30.0)
        )
        self._model = model
        self._extra = dict(extra or {})
        self._refused: set[str] = set()

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Stream the answer; closing the iterator drops the connection, which ends the work at the server.

        Args:
            request: what is asked.

        Raises:
            EngineError: the endpoint refused, broke off, answered nonsense or took too long. The message
                names the endpoint and the HTTP status, never the key.
        """
        options = request.options or ModelOptions()
        body = self._body(request, options)
        async with self._open(body, options) as response, aclosing(self._read(response)) as events:
            async for event in events:
                yield event

    async def prewarm(self) -> None:
        """Ask the endpoint for its models once: a wrong address or key shows before anybody talks.

        Raises:
            EngineError: it cannot be reached or refuses the key.
        """
        await self._endpoint.check()

    async def aclose(self) -> None:
        """Close the connections; safe to call twice."""
        await self._endpoint.aclose()

    @asynccontextmanager
    async def _open(
        self, body: dict[str, Any], options: ModelOptions
    ) -> AsyncGenerator[httpx.Response, None]:
        """Send the request; again without a parameter that the server refuses, once for each."""
        more = {"params": dict(options.extra_query), "headers": dict(options.extra_headers)}
        async with AsyncExitStack() as stack:
            while True:
                try:
                    post = self._endpoint.post("responses", json=body, **more)
                    response = await stack.enter_async_context(post)
                except RefusedError as error:
                    refused = _refused_by(error, body)
                    if refused is None:
                        raise
                    self._refused.add(refused)
                    del body[refused]
                else:
                    break
            yield response

    def _body(self, request: ModelRequest, options: ModelOptions) -> dict[str, Any]:
        """Return the request; what stays the same from turn to turn comes first, always in one order."""
        body: dict[str, Any] = {"model": self._model}
        if request.instructions:
            body["instructions"] = request.instructions
        body |= _tools(request, options)
        if request.user is not None:
            body["prompt_cache_key"] = request.user
        body |= {"store": False, "stream": True}
        if request.max_output_tokens is not None:
            body["max_output_tokens"] = request.max_output_tokens
        body |= _wishes(options)
        for name in self._refused:
            body.pop(name, None)
        messages = build_messages("", request.items)
        body["input"] = to_input(messages if self._images else without_pictures(messages))
        return {**body, **self._extra, **options.extra_body}

    async def _read(self, response: httpx.Response) -> AsyncGenerator[ModelEvent, None]:
        stream, answer = EventStream(), _Answer()
        async with aclosing(self._endpoint.pieces(response)) as pieces:
            async for piece in pieces:
                for data in stream.feed(piece):
                    for event in self._take(answer, data):
                        yield event
                    if answer.done is not None:
                        yield answer.done
                        return
        raise EngineError(f"{self._endpoint.place} broke off in the middle of its answer")

    def _take(self, answer: _Answer, data: str) -> list[ModelEvent]:
        place, clean = self._endpoint.place, self._endpoint.clean
        if data == "[DONE]":
            return []
        try:
            event = json.loads(data)
            if event.get("type") in {"error", "response.failed"}:
                said = error_message(json.dumps(event.get("response") or event)) or data
                raise EngineError(f"{place} failed: {clean(said)}")
            return answer.take(event)
        except (ValueError, AttributeError, TypeError, KeyError, RecursionError):
            raise EngineError(f"{place} sent something that is no answer: {clean(data)}") from None


def to_input(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return messages of Chat Completions as input items of a Responses endpoint.

    Args:
        messages: as `build_messages` makes them.
    """
    items: list[dict[str, Any]] = []
    for message in messages:
        if message["role"] == "tool":
            items.append(
                {
                    "type": "function_call_output",
                    "call_id": message["tool_call_id"],
                    "output": message["content"],
                }
            )
            continue
        if message["content"]:
            items.append({"role": message["role"], "content": _content(message["content"])})
        items += [
            {"type": "function_call", "call_id": call["id"], **call["function"]}
            for call in message.get("tool_calls", ())
        ]
    return items


def _content(content: str | Sequence[Mapping[str, Any]]) -> str | list[dict[str, Any]]:
    if isinstance(content, str):
        return content
    return [
        {"type": "input_text", "text": part["text"]}
        if part["type"] == "text"
        else {
            "type": "input_image",
            "image_url": part["image_url"]["url"],
            "detail": part["image_url"].get("detail", "auto"),
        }
        for part in content
    ]


def _refused_by(error: RefusedError, body: Mapping[str, Any]) -> str | None:
    """Return the optional parameter that a server complains about."""
    if error.status not in {400, 422}:
        return None
    return next((name for name in _OPTIONAL if name in body and name in str(error)), None)


def _tools(request: ModelRequest, options: ModelOptions) -> dict[str, Any]:
    if not request.tools:
        return {}
    body: dict[str, Any] = {"tools": [_tool(tool, options) for tool in request.tools]}
    choice = request.tool_choice
    if isinstance(choice, ToolChoiceFunction):
        body["tool_choice"] = {"type": "function", "name": choice.name}
    elif choice in {"none", "required"}:
        body["tool_choice"] = choice
    if not request.parallel_tool_calls:
        body["parallel_tool_calls"] = False
    return body


def _tool(tool: FunctionTool, options: ModelOptions) -> dict[str, Any]:
    form: dict[str, Any] = {"type": "function", "name": tool.name}
    if isinstance(tool.description, str):
        form["description"] = tool.description
    strict = options.strict_parameters.get(tool.name)
    parameters = tool.parameters if isinstance(tool.parameters, Mapping) else _ANY_OBJECT
    # Left out, it would be on here, unlike elsewhere.
    return {**form, "parameters": dict(strict or parameters), "strict": strict is not None}


def _wishes(options: ModelOptions) -> dict[str, Any]:
    body = {name: value for name in ("temperature", "top_p") if (value := getattr(options, name)) is not None}
    if options.reasoning_effort is not None:
        body["reasoning"] = {"effort": options.reasoning_effort}
    if (form := options.output_schema) is not None:
        described = {"name": form.name, "strict": form.strict, "schema": dict(form.schema)}
        body["text"] = {"format": {"type": "json_schema", **described}}
    if options.prompt is not None:
        body["prompt"] = dict(options.prompt)
    return body


class _Answer:
    """Reads the events of one answer."""

    def __init__(self) -> None:
        self.done: ModelDone | None = None
        self._calls: dict[int, int] = {}  # place in the server's output -> our number of the call
        self._unfilled: set[int] = set()  # calls of whose arguments nothing has come

    def take(self, event: Mapping[str, Any]) -> list[ModelEvent]:
        """Return what an event of the server says."""
        kind = event.get("type")
        if kind in {"response.output_text.delta", "response.refusal.delta"}:
            return [TextDelta(event["delta"])] if event["delta"] else []
        if kind == "response.output_item.added" and event["item"].get("type") == "function_call":
            return [self._begin(event["output_index"], event["item"])]
        if kind == "response.function_call_arguments.delta" and event["delta"]:
            number = self._calls[event["output_index"]]
            self._unfilled.discard(number)
            return [FunctionCallDelta(number, None, event["delta"])]
        if kind == "response.output_item.done" and event["item"].get("type") == "function_call":
            return self._end(event["output_index"], event["item"])
        if kind in {"response.completed", "response.incomplete"}:
            self.done = _done(event["response"])
        return []

    def _begin(self, place: int, item: Mapping[str, Any]) -> FunctionCallDelta:
        number = self._calls[place] = len(self._calls)
        self._unfilled.add(number)
        return FunctionCallDelta(number, item["name"], "", item.get("call_id"))

    def _end(self, place: int, item: Mapping[str, Any]) -> list[ModelEvent]:
        """Return what of a call was not streamed; some servers give it whole, at its end."""
        events: list[ModelEvent] = [] if place in self._calls else [self._begin(place, item)]
        number = self._calls[place]
        if number in self._unfilled and item.get("arguments"):
            self._unfilled.discard(number)
            events.append(FunctionCallDelta(number, None, item["arguments"]))
        return events


def _done(response: Mapping[str, Any]) -> ModelDone:
    why = (response.get("incomplete_details") or {}).get("reason", "")
    counts = response.get("usage")
    usage = None
    if counts:
        cached = (counts.get("input_tokens_details") or {}).get("cached_tokens") or 0
        usage = ModelUsage(int(counts["input_tokens"]), int(counts["output_tokens"]), int(cached))
    return ModelDone(_REASONS.get(why, "stop"), usage)
