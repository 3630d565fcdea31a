"""Agents that write: `Agent`, and `Runner` that runs it on any language model.

A run asks the model, runs the tools that it calls, follows its handoffs, and ends with an output: text, or a
value of the agent's output type. Agents that speak reach one as a tool (`Agent.as_tool`) or run it by hand
with the history of their conversation.
What may not live here: sessions, audio, HTTP.
Who may import it: users' programs, and the rooms above it; `session` and `server` do not know it.
"""

from vivavoce.text.agent import Agent
from vivavoce.text.agent_tool import AgentToolOptions, AgentToolStreamEvent
from vivavoce.text.failures import (
    InputGuardrailTripwireTriggered,
    MaxTurnsExceeded,
    ModelBehaviorError,
    OutputGuardrailTripwireTriggered,
    RunErrorDetails,
    RunFailedError,
)
from vivavoce.text.handoffs import FilteredHandoff, HandoffInputData, handoff, remove_all_tools
from vivavoce.text.items import (
    FunctionToolResult,
    HandoffCallItem,
    HandoffOutputItem,
    MessageOutputItem,
    ModelResponse,
    RunItem,
    ToolApprovalItem,
    ToolCallItem,
    ToolCallOutputItem,
)
from vivavoce.text.model_settings import ModelSettings
from vivavoce.text.models import ModelProvider, OpenAIProvider
from vivavoce.text.output import AgentOutputSchema, AgentOutputSchemaBase
from vivavoce.text.result import RunResult
from vivavoce.text.run_config import RunConfig
from vivavoce.text.runner import Runner, run
from vivavoce.text.state import RunState
from vivavoce.text.stream_events import (
    AgentUpdatedStreamEvent,
    RawResponsesStreamEvent,
    ResponseCompletedEvent,
    ResponseCreatedEvent,
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseTextDeltaEvent,
    RunItemStreamEvent,
    StreamEvent,
)
from vivavoce.text.streaming import RunResultStreaming
from vivavoce.text.tool_use import StopAtTools, ToolsToFinalOutputResult

__all__ = [
    "Agent",
    "AgentOutputSchema",
    "AgentOutputSchemaBase",
    "AgentToolOptions",
    "AgentToolStreamEvent",
    "AgentUpdatedStreamEvent",
    "FilteredHandoff",
    "FunctionToolResult",
    "HandoffCallItem",
    "HandoffInputData",
    "HandoffOutputItem",
    "InputGuardrailTripwireTriggered",
    "MaxTurnsExceeded",
    "MessageOutputItem",
    "ModelBehaviorError",
    "ModelProvider",
    "ModelResponse",
    "ModelSettings",
    "OpenAIProvider",
    "OutputGuardrailTripwireTriggered",
    "RawResponsesStreamEvent",
    "ResponseCompletedEvent",
    "ResponseCreatedEvent",
    "ResponseFunctionCallArgumentsDeltaEvent",
    "ResponseTextDeltaEvent",
    "RunConfig",
    "RunErrorDetails",
    "RunFailedError",
    "RunItem",
    "RunItemStreamEvent",
    "RunResult",
    "RunResultStreaming",
    "RunState",
    "Runner",
    "StopAtTools",
    "StreamEvent",
    "ToolApprovalItem",
    "ToolCallItem",
    "ToolCallOutputItem",
    "ToolsToFinalOutputResult",
    "handoff",
    "remove_all_tools",
    "run",
]
