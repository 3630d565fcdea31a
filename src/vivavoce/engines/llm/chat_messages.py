"""A conversation in the words of Chat Completions: messages, tools and the choice between them.

Strict servers refuse a tool call without its result right after it, and a result without its call; a realtime
conversation has both, whenever a person speaks while a tool runs. So results are moved up to their calls.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from vivavoce.engines.base import ModelRequest
from vivavoce.protocol import (
    FunctionCallItem,
    FunctionCallOutputItem,
    FunctionTool,
    InputAudio,
    InputImage,
    InputText,
    Item,
    McpCallItem,
    MessageItem,
    OutputText,
    ToolChoiceFunction,
)

Message = dict[str, Any]
NO_RESULT = "There is no result yet."
UNHEARD = "(inaudible)"
PICTURE = "(The user shows a picture here. You cannot see pictures.)"
_ANY_OBJECT: Mapping[str, Any] = {"type": "object", "properties": {}}


def _image_part(part: InputImage) -> dict[str, Any]:
    image = {"url": part.image_url}
    if isinstance(part.detail, str):
        image["detail"] = part.detail
    return {"type": "image_url", "image_url": image}


def _said(message: MessageItem) -> Message | None:
    """Translate a message; `None` when it says nothing."""
    texts: list[str] = []
    parts: list[dict[str, Any]] = []
    pictures = False
    for part in message.content:
        if isinstance(part, InputImage):
            parts.append(_image_part(part))
            pictures = True
            continue
        text = part.text if isinstance(part, InputText | OutputText) else part.transcript
        if isinstance(part, InputAudio) and not text:
            text = UNHEARD
        if isinstance(text, str) and text:
            texts.append(text)
            parts.append({"type": "text", "text": text})
    if pictures and message.role == "user":
        return {"role": "user", "content": parts}
    return {"role": message.role, "content": "\n".join(texts)} if texts else None


def without_pictures(messages: Sequence[Message]) -> list[Message]:
    """Return the messages with words in the place of pictures, for a model that has no eyes."""
    return [
        {**message, "content": [_in_words(part) for part in message["content"]]}
        if isinstance(message["content"], list)
        else message
        for message in messages
    ]


def _in_words(part: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"type": "text", "text": PICTURE} if part["type"] == "image_url" else part


def _valid_json(arguments: str) -> str:
    """Return the arguments; an empty object for what a cancelled response left half written."""
    try:
        return arguments if isinstance(json.loads(arguments), dict) else "{}"
    except (ValueError, RecursionError):
        return "{}"


def _outputs(items: Sequence[Item]) -> dict[str, str]:
    return {item.call_id: item.output for item in items if isinstance(item, FunctionCallOutputItem)}


class _Transcript:
    """Messages under construction; calls made side by side share one message, their results follow it."""

    def __init__(self, outputs: Mapping[str, str]) -> None:
        self.messages: list[Message] = []
        self._outputs = outputs
        self._calls: list[dict[str, Any]] = []
        self._results: list[Message] = []
        self._known: set[str] = set()

    def call(self, name: str, arguments: str, call_id: str | None, output: str | None = None) -> None:
        identity = call_id or f"call_{len(self.messages)}_{len(self._calls)}"
        if identity in self._known:
            return
        self._known.add(identity)
        function = {"name": name, "arguments": _valid_json(arguments)}
        self._calls.append({"id": identity, "type": "function", "function": function})
        content = output if output is not None else self._outputs.get(identity, NO_RESULT)
        self._results.append({"role": "tool", "tool_call_id": identity, "content": content})

    def output(self, item: FunctionCallOutputItem) -> None:
        self.flush()
        if item.call_id not in self._known:
            self._known.add(item.call_id)
            self.messages.append(
                {"role": "user", "content": f"Result of an earlier tool call: {item.output}"}
            )

    def say(self, message: Message | None) -> None:
        self.flush()
        if message is not None:
            self.messages.append(message)

    def flush(self) -> None:
        if self._calls:
            self.messages.append({"role": "assistant", "content": None, "tool_calls": self._calls})
            self.messages += self._results
            self._calls, self._results = [], []


def build_messages(instructions: str, items: Sequence[Item]) -> list[Message]:
    """Return the conversation as messages that a strict server accepts.

    Args:
        instructions: the system prompt; none is sent when empty.
        items: the conversation, oldest first.
    """
    # A result before its call (a client may insert items anywhere) is still the result of that call.
    called = {item.call_id for item in items if isinstance(item, FunctionCallItem)}
    transcript = _Transcript(_outputs(items))
    if instructions:
        transcript.say({"role": "system", "content": instructions})
    for item in items:
        if isinstance(item, MessageItem):
            transcript.say(_said(item))
        elif isinstance(item, FunctionCallItem):
            transcript.call(
                item.name, item.arguments, item.call_id if isinstance(item.call_id, str) else None
            )
        elif isinstance(item, FunctionCallOutputItem):
            if item.call_id not in called:
                transcript.output(item)
            else:
                transcript.flush()
        elif isinstance(item, McpCallItem):
            failed = "error: the tool failed" if item.error else NO_RESULT
            transcript.call(
                item.name, item.arguments, item.id, failed if item.output is None else item.output
            )
    transcript.flush()
    return transcript.messages


def _tool(tool: FunctionTool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if isinstance(tool.description, str):
        function["description"] = tool.description
    function["parameters"] = tool.parameters if isinstance(tool.parameters, Mapping) else _ANY_OBJECT
    return {"type": "function", "function": function}


def build_tools(request: ModelRequest) -> dict[str, Any]:
    """Return the parameters about tools; none when there are no tools, since servers refuse a choice then."""
    if not request.tools:
        return {}
    parameters: dict[str, Any] = {"tools": [_tool(tool) for tool in request.tools]}
    choice = request.tool_choice
    if isinstance(choice, ToolChoiceFunction):
        parameters["tool_choice"] = {"type": "function", "function": {"name": choice.name}}
    elif choice in {"none", "required"}:
        parameters["tool_choice"] = choice
    if not request.parallel_tool_calls:
        parameters["parallel_tool_calls"] = False
    return parameters
