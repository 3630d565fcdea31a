"""What a streamed run tells while it goes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from vivavoce.text.agent import Agent
    from vivavoce.text.items import ModelResponse, RunItem, ToolApprovalItem


@dataclass(frozen=True, slots=True)
class ResponseCreatedEvent:
    """The model was asked for an answer."""

    type: Literal["response.created"] = field(default="response.created", init=False)


@dataclass(frozen=True, slots=True)
class ResponseTextDeltaEvent:
    """More text of the answer.

    Attributes:
        delta: the text that was added.
    """

    delta: str
    type: Literal["response.output_text.delta"] = field(default="response.output_text.delta", init=False)


@dataclass(frozen=True, slots=True)
class ResponseFunctionCallArgumentsDeltaEvent:
    """More of the arguments of a call.

    Attributes:
        delta: characters of JSON that were added; empty when a call begins.
        name: name of the function.
        output_index: which call of this answer, from 0.
    """

    delta: str
    name: str
    output_index: int
    type: Literal["response.function_call_arguments.delta"] = field(
        default="response.function_call_arguments.delta", init=False
    )


@dataclass(frozen=True, slots=True)
class ResponseCompletedEvent:
    """The answer is complete.

    Attributes:
        response: the answer.
    """

    response: ModelResponse
    type: Literal["response.completed"] = field(default="response.completed", init=False)


ResponseStreamEvent: TypeAlias = (
    ResponseCreatedEvent
    | ResponseTextDeltaEvent
    | ResponseFunctionCallArgumentsDeltaEvent
    | ResponseCompletedEvent
)


@dataclass(frozen=True, slots=True)
class RawResponsesStreamEvent:
    """Something that came from the model.

    Attributes:
        data: what came.
    """

    data: ResponseStreamEvent
    type: Literal["raw_response_event"] = field(default="raw_response_event", init=False)


ItemEventName: TypeAlias = Literal[
    "message_output_created",
    "tool_called",
    "tool_output",
    "handoff_requested",
    "handoff_occured",  # spelt as openai-agents spells it
    "tool_approval_requested",
]


@dataclass(frozen=True, slots=True)
class RunItemStreamEvent:
    """The run has a new item.

    Attributes:
        name: what happened.
        item: the item.
    """

    name: ItemEventName
    item: RunItem | ToolApprovalItem
    type: Literal["run_item_stream_event"] = field(default="run_item_stream_event", init=False)


@dataclass(frozen=True, slots=True)
class AgentUpdatedStreamEvent:
    """Another agent is at work now; also the first event of a run.

    Attributes:
        new_agent: the agent.
    """

    new_agent: Agent[Any, Any]
    type: Literal["agent_updated_stream_event"] = field(default="agent_updated_stream_event", init=False)


StreamEvent: TypeAlias = RawResponsesStreamEvent | RunItemStreamEvent | AgentUpdatedStreamEvent
