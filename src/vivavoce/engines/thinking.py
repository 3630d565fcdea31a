"""The port of a language model: what it is asked and what it answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from vivavoce.engines.options import ModelOptions
from vivavoce.protocol import FunctionTool, Item, ToolChoice


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What a language model is asked.

    Attributes:
        instructions: the system prompt.
        items: the conversation so far, oldest first, as protocol items. Spoken user turns are messages whose
            `input_audio` part has its `transcript`; what the person did not hear is already cut away.
        tools: functions it may call.
        tool_choice: `"auto"`, `"none"`, `"required"` or one function.
        parallel_tool_calls: whether several calls in one response are allowed.
        max_output_tokens: upper bound, or `None`.
        user: an opaque name of the session, for a provider's logs and caches.
        options: wishes beyond the conversation, or `None`.
    """

    instructions: str = ""
    items: tuple[Item, ...] = ()
    tools: tuple[FunctionTool, ...] = ()
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool = True
    max_output_tokens: int | None = None
    user: str | None = None
    options: ModelOptions | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More text of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class FunctionCallDelta:
    """A piece of a function call. The pieces of one call come before those of the next.

    Attributes:
        index: which call of this response, from 0; the pieces of one call share it.
        name: name of the function; given with the first piece.
        arguments: more characters of the JSON arguments.
        call_id: the provider's id of the call when it has one.
    """

    index: int
    name: str | None = None
    arguments: str = ""
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """Tokens as the engine counts them."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class ModelDone:
    """The last event of an answer.

    Attributes:
        reason: why it ended.
        usage: token counts, or `None` when the engine does not know them.
    """

    reason: Literal["stop", "max_output_tokens", "content_filter"] = "stop"
    usage: ModelUsage | None = None


ModelEvent = TextDelta | FunctionCallDelta | ModelDone


@runtime_checkable
class LanguageModel(Protocol):
    """Thinks: reads the conversation, streams an answer or function calls.

    A model that can be told how hard to reason, or at which temperature (`ModelRequest.options`), says so:
    `honours = frozenset({"reasoning", "temperature"})`; sessions of any other have no such thing.
    """

    def respond(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Stream the answer; the last event is `ModelDone`. Closing the generator stops the model at once.

        Raises:
            EngineError: the model failed; the message is fit for the session's owner.
        """
        ...

    async def aclose(self) -> None:
        """Close connections; safe to call twice."""
        ...
