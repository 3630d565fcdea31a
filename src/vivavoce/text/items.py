"""What a run adds to the conversation: each item with the agent that made it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from vivavoce.protocol import (
    FunctionCallItem,
    FunctionCallOutputItem,
    Item,
    MessageItem,
    OutputText,
    codec,
)

if TYPE_CHECKING:
    from vivavoce.agents import FunctionTool
    from vivavoce.engines.base import ModelUsage
    from vivavoce.text.agent import Agent


@dataclass(eq=False)
class _RunItem:
    agent: Agent[Any, Any]

    @property
    def raw(self) -> Item:
        """Return the item of the conversation."""
        raw: Item = getattr(self, "raw_item")  # noqa: B009  # each kind has its own
        return raw

    def to_input_item(self) -> dict[str, Any]:
        """Return the item in its JSON form, as an input of another run."""
        return codec.to_builtins(self.raw)


@dataclass(eq=False)
class MessageOutputItem(_RunItem):
    """An answer in words.

    Attributes:
        agent: who answered.
        raw_item: the message.
    """

    raw_item: MessageItem
    type: Literal["message_output_item"] = field(default="message_output_item", init=False)

    @property
    def text(self) -> str:
        """Return the words."""
        return "".join(part.text for part in self.raw_item.content if isinstance(part, OutputText))


@dataclass(eq=False)
class _CallItem(_RunItem):
    raw_item: FunctionCallItem

    @property
    def call_id(self) -> str:
        """Return the id of the call."""
        return str(self.raw_item.call_id)

    @property
    def name(self) -> str:
        """Return the name that the model called."""
        return self.raw_item.name

    @property
    def arguments(self) -> str:
        """Return the arguments: JSON text as the model wrote it."""
        return self.raw_item.arguments


@dataclass(eq=False)
class ToolCallItem(_CallItem):
    """A call of a tool.

    Attributes:
        agent: whose tool it is.
        raw_item: the call.
    """

    type: Literal["tool_call_item"] = field(default="tool_call_item", init=False)


@dataclass(eq=False)
class ToolApprovalItem(_CallItem):
    """A call that waits until it is approved or rejected.

    Attributes:
        agent: whose tool it is.
        raw_item: the call.
    """

    type: Literal["tool_approval_item"] = field(default="tool_approval_item", init=False)

    @property
    def tool_name(self) -> str:
        """Return the name of the tool."""
        return self.raw_item.name

    def parsed_arguments(self) -> Any:
        """Return the arguments as an object; the text as it is when it is no JSON."""
        try:
            return json.loads(self.raw_item.arguments or "{}")
        except ValueError:
            return self.raw_item.arguments


@dataclass(eq=False)
class ToolCallOutputItem(_RunItem):
    """What a tool returned.

    Attributes:
        agent: whose tool it is.
        raw_item: the output as the model reads it.
        output: what the tool returned, as it is.
    """

    raw_item: FunctionCallOutputItem
    output: Any
    type: Literal["tool_call_output_item"] = field(default="tool_call_output_item", init=False)

    @property
    def call_id(self) -> str:
        """Return the id of the call."""
        return self.raw_item.call_id


@dataclass(eq=False)
class HandoffCallItem(_CallItem):
    """A call that hands the conversation to another agent.

    Attributes:
        agent: who hands it on.
        raw_item: the call.
    """

    type: Literal["handoff_call_item"] = field(default="handoff_call_item", init=False)


@dataclass(eq=False)
class HandoffOutputItem(_RunItem):
    """The answer to such a call.

    Attributes:
        agent: who handed it on.
        raw_item: the output as the model reads it.
        source_agent: who handed it on.
        target_agent: who has it now.
    """

    raw_item: FunctionCallOutputItem
    source_agent: Agent[Any, Any]
    target_agent: Agent[Any, Any]
    type: Literal["handoff_output_item"] = field(default="handoff_output_item", init=False)


RunItem: TypeAlias = (
    MessageOutputItem | ToolCallItem | ToolCallOutputItem | HandoffCallItem | HandoffOutputItem
)


@dataclass(frozen=True, slots=True)
class ModelResponse:
    """One answer of a model.

    Attributes:
        output: its message, then its calls.
        usage: tokens as the model counts them; ``None`` when it does not say.
        reason: why it ended.
    """

    output: tuple[MessageItem | FunctionCallItem, ...]
    usage: ModelUsage | None
    reason: Literal["stop", "max_output_tokens", "content_filter"] = "stop"

    @property
    def text(self) -> str:
        """Return its words; empty when it only calls."""
        parts = [part for item in self.output if isinstance(item, MessageItem) for part in item.content]
        return "".join(part.text for part in parts if isinstance(part, OutputText))

    @property
    def calls(self) -> tuple[FunctionCallItem, ...]:
        """Return its calls."""
        return tuple(item for item in self.output if isinstance(item, FunctionCallItem))

    def to_input_items(self) -> list[dict[str, Any]]:
        """Return the answer in its JSON form."""
        return [codec.to_builtins(item) for item in self.output]


@dataclass(frozen=True, slots=True)
class FunctionToolResult:
    """One call that has run, as `tool_use_behavior` sees it.

    Attributes:
        tool: what ran.
        output: what it returned, or the text that the model got instead.
        run_item: the item of the run.
    """

    tool: FunctionTool
    output: Any
    run_item: ToolCallOutputItem
