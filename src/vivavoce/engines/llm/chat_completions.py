"""A language model behind any OpenAI-compatible Chat Completions endpoint."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from vivavoce.engines.base import (
    FunctionCallDelta,
    ModelDone,
    ModelEvent,
    ModelRequest,
    ModelUsage,
    TextDelta,
)
from vivavoce.engines.llm.chat_messages import build_messages, build_tools, without_pictures
from vivavoce.engines.options import ModelOptions, OutputSchema
from vivavoce.errors import EngineError, MissingExtraError

if TYPE_CHECKING:
    from openai import APIError, AsyncStream
    from openai.types.chat import ChatCompletionChunk

_LONGEST_MESSAGE = 500  # characters of a server's error that are passed on
_REASONS: dict[str, Literal["max_output_tokens", "content_filter"]] = {
    "length": "max_output_tokens",
    "content_filter": "content_filter",
}
# What a server may refuse to know, and what to send instead (nothing, if there is no other name for it).
_SUBSTITUTES = {
    "max_completion_tokens": "max_tokens",
    "stream_options": None,
    "parallel_tool_calls": None,
    "user": None,
    "prompt_cache_key": None,
    "response_format": "messages",
}
_PICTURES = "pictures"  # no parameter, but refused like one
_BLIND = re.compile(
    r"image_url is only supported|(not|n't) support (images?|vision)|image input is not supported"
    r"|not a multimodal model|at most 0 image|unknown variant .image_url|found that support image",
    re.IGNORECASE,
)
"""What endpoints say of a picture for a model without eyes; what they say of a bad picture is different."""


@dataclass(frozen=True, slots=True)
class ChatTimeouts:
    """How long to wait for the endpoint, in seconds.

    Attributes:
        connect: for the connection.
        first_token: from the request, retries included, to the first piece of the answer.
        between_tokens: between two pieces.
    """

    connect: float = 5.0
    first_token: float = 10.0
    between_tokens: float = 15.0


class ChatCompletions:
    """A `LanguageModel` at an OpenAI-compatible endpoint: OpenAI, vLLM, Ollama, llama.cpp and the like.

    One HTTP client serves all sessions. What a server does not know (`max_completion_tokens`,
    `stream_options` …) is left out or renamed after its first refusal. A model that sees no pictures is
    told in words that there is one.

    Args:
        base_url: the endpoint up to `/v1`, for example `http://localhost:11434/v1`.
        model: name of the model; `None` takes the first that the server lists.
        api_key: sent as a bearer token; `None` for a server that asks for none.
        timeouts: bounds for every wait.
        extra: further parameters of each request, for example `{"temperature": 0.3}`.
        headers: further HTTP headers.
        max_retries: how often a refused connection, 429 or 5xx is tried again before the first token.

    Attributes:
        honours: the wishes of a session that it passes on; an endpoint that refuses one fails the response.
        remedy: what errors advise where no model was named and the server lists none.

    Raises:
        MissingExtraError: the package `openai` is not installed.
    """

    honours = frozenset({"reasoning", "temperature"})

    def __init__(
        self,
        base_url: str,
        model: str | None = None,
        api_key: str | None = None,
        *,
        timeouts: ChatTimeouts | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        max_retries: int = 2,
    ) -> None:
        # Imported here and not in `respond`: it takes most of a second, which no running loop should wait.
        try:
            import openai
        except ModuleNotFoundError as error:
            raise MissingExtraError("openai", "a Chat Completions endpoint") from error
        self._timeouts = timeouts or ChatTimeouts()
        self._key = api_key
        self._model = model
        self.remedy = "name one (--llm-model, or llm_model in a program)"
        self._extra = dict(extra or {})
        self._refused: set[str] = set()
        self._errors = openai.APIError
        self._client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=api_key or "none",
            timeout=openai.Timeout(self._timeouts.first_token, connect=self._timeouts.connect),
            max_retries=max_retries,
            default_headers=headers,
        )

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Stream the answer; closing the iterator closes the HTTP stream, which ends the work at the server.

        Args:
            request: what is asked.

        Raises:
            EngineError: the endpoint refused, broke off, answered nonsense or took too long. The message
                names the endpoint and the HTTP status, never the key.
        """
        stream: AsyncStream[ChatCompletionChunk] | None = None
        answer = _Answer()
        clock = asyncio.get_running_loop().time
        wait = self._timeouts.first_token
        deadline = clock() + wait
        try:
            async with asyncio.timeout_at(deadline):
                stream = await self._open(request)
            while True:
                async with asyncio.timeout_at(deadline):
                    chunk = await anext(stream, None)
                if chunk is None:
                    break
                wait = self._timeouts.between_tokens
                deadline = clock() + wait
                for event in answer.take(chunk):
                    yield event
        except TimeoutError:
            raise EngineError(f"{self._place} sent nothing for {wait:g} s") from None
        except self._errors as error:
            # Not chained: the original holds the request with its headers.
            raise EngineError(self._describe(error)) from None
        except (ValueError, AttributeError, TypeError) as error:
            raise EngineError(
                f"{self._place} sent something that is no answer: {self._clean(error)}"
            ) from None
        finally:
            if stream is not None:
                await stream.close()
        if not answer.finished:
            raise EngineError(f"{self._place} broke off in the middle of its answer")
        yield answer.done()

    async def prewarm(self) -> None:
        """Ask the endpoint for its models once: a wrong address or key shows before anybody talks.

        Raises:
            EngineError: it cannot be reached, refuses the key, or lists no models where none was named.
        """
        try:
            first = await self._first_model()
        except self._errors as error:
            raise EngineError(self._describe(error)) from None
        except EngineError:
            # A server may well have no such list; one that was named a model does without.
            if self._model is None:
                raise
        else:
            self._model = self._model or first

    async def aclose(self) -> None:
        """Close the connections; safe to call twice."""
        await self._client.close()

    @property
    def _place(self) -> str:
        url = self._client.base_url
        return (
            f"the language model at {url.host}:{url.port}"
            if url.port
            else f"the language model at {url.host}"
        )

    async def _open(self, request: ModelRequest) -> AsyncStream[ChatCompletionChunk]:
        """Send the request; again without a parameter that the server refuses, once for each."""
        parameters = await self._parameters(request)
        while True:
            try:
                # The client's overloads want every parameter by name; ours depend on the server.
                create = cast(Any, self._client.chat.completions.create)
                return cast("AsyncStream[ChatCompletionChunk]", await create(**parameters))
            except self._errors as error:
                refused = self._refused_by(error, parameters)
                if refused is None:
                    raise
                self._refused.add(refused)
                self._substitute(parameters, refused)

    async def _parameters(self, request: ModelRequest) -> dict[str, Any]:
        if self._model is None:
            self._model = await self._first_model()
        parameters: dict[str, Any] = {
            "model": self._model,
            "messages": build_messages(request.instructions, request.items),
            "stream": True,
            "stream_options": {"include_usage": True},
            **build_tools(request),
        }
        if request.max_output_tokens is not None:
            parameters["max_completion_tokens"] = request.max_output_tokens
        if request.user is not None:
            parameters["user"] = parameters["prompt_cache_key"] = request.user
        parameters |= _wishes(request.options or ModelOptions(), parameters)
        for name in self._refused:
            self._substitute(parameters, name)
        if self._extra:
            parameters["extra_body"] = self._extra | parameters.get("extra_body", {})
        return parameters

    async def _first_model(self) -> str:
        try:
            page = await self._client.models.list()
        except self._errors as error:
            status = getattr(error, "status_code", None)
            if status not in {404, 405}:
                raise
            complaint = f"{self._place} answered {status} when asked for its models; {self.remedy}"
            raise EngineError(complaint) from None
        names = [model.id for model in page.data or []]
        if not names:
            raise EngineError(f"{self._place} lists no models; {self.remedy}")
        return names[0]

    @staticmethod
    def _substitute(parameters: dict[str, Any], refused: str) -> None:
        if refused == _PICTURES:
            parameters["messages"] = without_pictures(parameters["messages"])
        elif refused in parameters:
            value = parameters.pop(refused)
            other = _SUBSTITUTES[refused]
            if other == "messages":
                parameters["messages"] = _asking_for(value["json_schema"], parameters["messages"])
            elif other is not None:
                parameters[other] = value

    def _refused_by(self, error: APIError, parameters: Mapping[str, Any]) -> str | None:
        """Return the optional parameter that an error complains about, or that it is the pictures."""
        complaint = f"{error.message} {error.body}"
        if _PICTURES not in self._refused and _BLIND.search(complaint):
            return _PICTURES
        if getattr(error, "status_code", None) not in {400, 422}:
            return None
        if "invalid schema" in complaint.lower():
            return None  # the parameter is known; whoever wrote the schema must hear that it is wrong
        return next((name for name in _SUBSTITUTES if name in parameters and name in complaint), None)

    def _describe(self, error: APIError) -> str:
        from openai import APIConnectionError, APITimeoutError

        status = getattr(error, "status_code", None)
        if status is not None:
            return f"{self._place} answered {status}: {self._clean(error)}"
        if isinstance(error, APITimeoutError):
            return f"{self._place} did not answer in time"
        hint = " Is it running?" if isinstance(error, APIConnectionError) else ""
        return f"{self._place} failed: {self._clean(error)}{hint}"

    def _clean(self, error: Exception) -> str:
        """Return an error's message, short and without the key, which some servers echo."""
        text = " ".join(str(error).split())
        if self._key:
            text = text.replace(self._key, "***")
        return text[:_LONGEST_MESSAGE]


def _wishes(options: ModelOptions, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that the options add or change."""
    names = ("temperature", "top_p", "frequency_penalty", "presence_penalty", "reasoning_effort")
    wishes = {name: value for name in names if (value := getattr(options, name)) is not None}
    if options.output_schema is not None:
        wishes["response_format"] = _response_format(options.output_schema)
    if options.strict_parameters and "tools" in parameters:
        wishes["tools"] = [_held_to(tool, options.strict_parameters) for tool in parameters["tools"]]
    for name in ("extra_body", "extra_query", "extra_headers"):
        if more := getattr(options, name):
            wishes[name] = dict(more)
    return wishes


def _response_format(output: OutputSchema) -> dict[str, Any]:
    described = {"name": output.name, "strict": output.strict, "schema": dict(output.schema)}
    return {"type": "json_schema", "json_schema": described}


def _held_to(tool: Mapping[str, Any], schemas: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    function = tool["function"]
    schema = schemas.get(function["name"])
    if schema is None:
        return tool
    return {**tool, "function": {**function, "parameters": dict(schema), "strict": True}}


def _asking_for(form: Mapping[str, Any], messages: Sequence[Any]) -> list[Any]:
    """Return the messages with the wish for a form in words."""
    wish = OutputSchema(form["name"], form["schema"]).in_words()
    if messages and messages[0]["role"] == "system":
        return [{"role": "system", "content": f"{messages[0]['content']}\n\n{wish}"}, *messages[1:]]
    return [{"role": "system", "content": wish}, *messages]


class _Answer:
    """Reads the chunks of one answer into events."""

    def __init__(self) -> None:
        self.finished = False
        self._reason: str = "stop"
        self._usage: ModelUsage | None = None
        self._calls: list[str | None] = []  # the server's id of each call, by our index
        self._places: dict[int, int] = {}  # the server's index -> ours

    def take(self, chunk: ChatCompletionChunk) -> list[ModelEvent]:
        """Return the events of a chunk."""
        usage = chunk.usage
        if usage is not None:
            details = usage.prompt_tokens_details
            cached = (details.cached_tokens or 0) if details is not None else 0
            self._usage = ModelUsage(usage.prompt_tokens, usage.completion_tokens, cached)
        events: list[ModelEvent] = []
        for choice in (chunk.choices or [])[:1]:
            if choice.finish_reason is not None:
                self.finished, self._reason = True, choice.finish_reason
            delta = choice.delta
            text = delta.content or delta.refusal
            if text:
                events.append(TextDelta(text))
            for call in delta.tool_calls or []:
                function = call.function
                name = (function.name or None) if function is not None else None
                arguments = (function.arguments or "") if function is not None else ""
                events.append(self._piece(call.index, call.id or None, name, arguments))
        return events

    def _piece(
        self, place: int | None, call_id: str | None, name: str | None, arguments: str
    ) -> FunctionCallDelta:
        """Number a piece of a call; some servers give every call the same index, or none."""
        key = place if place is not None else 0
        ours = self._places.get(key)
        if ours is None or (call_id is not None and name is not None and call_id != self._calls[ours]):
            ours = self._places[key] = len(self._calls)
            self._calls.append(call_id)
            return FunctionCallDelta(ours, name, arguments, call_id)
        return FunctionCallDelta(ours, None, arguments)

    def done(self) -> ModelDone:
        """Return the last event."""
        return ModelDone(_REASONS.get(self._reason, "stop"), self._usage)
