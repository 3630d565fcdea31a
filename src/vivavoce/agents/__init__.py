"""Definitions: agents, tools, handoffs, guardrails, hooks and the context that they receive.

A definition is made once and used by any number of sessions. Here is also how one of them is run: a call of
a tool, a set of guardrails. What may not live here: anything that connects, listens, speaks or waits for a
model. Pydantic is imported when a tool or a handoff with an input is defined, not with the package.
Who may import it: `session`, `text` and the rooms above them; `connections` and `lines` do not know it.
"""

from vivavoce.agents.agent import RealtimeAgent
from vivavoce.agents.base import AgentBase, ToolServer
from vivavoce.agents.calling import CallResult, call_tool, check_arguments, is_enabled, wants_approval
from vivavoce.agents.context import RunContextWrapper, ToolContext
from vivavoce.agents.functions import ToolOptions, function_tool
from vivavoce.agents.guarding import GuardrailRun, run_input_guardrails, run_output_guardrails
from vivavoce.agents.guardrails import (
    GuardrailFunctionOutput,
    InputGuardrail,
    InputGuardrailResult,
    OutputGuardrail,
    OutputGuardrailResult,
    input_guardrail,
    output_guardrail,
)
from vivavoce.agents.handoff import (
    Handoff,
    default_tool_description,
    default_tool_name,
    handoff_to,
    realtime_handoff,
)
from vivavoce.agents.hooks import (
    AgentHooks,
    AgentHooksBase,
    RealtimeAgentHooks,
    RealtimeRunHooks,
    RunHooks,
    RunHooksBase,
)
from vivavoce.agents.hosted_mcp import HostedMCPTool
from vivavoce.agents.instructions import Instructions, Prompt
from vivavoce.agents.results import BackgroundResult, background_result, to_text
from vivavoce.agents.strict import strict_schema
from vivavoce.agents.tool import FunctionTool, Tool, default_tool_error
from vivavoce.agents.tool_guardrails import (
    ToolGuardrailFunctionOutput,
    ToolInputGuardrail,
    ToolInputGuardrailData,
    ToolInputGuardrailResult,
    ToolOutputGuardrail,
    ToolOutputGuardrailData,
    ToolOutputGuardrailResult,
    tool_input_guardrail,
    tool_output_guardrail,
)
from vivavoce.agents.usage import Usage

__all__ = [
    "AgentBase",
    "AgentHooks",
    "AgentHooksBase",
    "BackgroundResult",
    "CallResult",
    "FunctionTool",
    "GuardrailFunctionOutput",
    "GuardrailRun",
    "Handoff",
    "HostedMCPTool",
    "InputGuardrail",
    "InputGuardrailResult",
    "Instructions",
    "OutputGuardrail",
    "OutputGuardrailResult",
    "Prompt",
    "RealtimeAgent",
    "RealtimeAgentHooks",
    "RealtimeRunHooks",
    "RunContextWrapper",
    "RunHooks",
    "RunHooksBase",
    "Tool",
    "ToolContext",
    "ToolGuardrailFunctionOutput",
    "ToolInputGuardrail",
    "ToolInputGuardrailData",
    "ToolInputGuardrailResult",
    "ToolOptions",
    "ToolOutputGuardrail",
    "ToolOutputGuardrailData",
    "ToolOutputGuardrailResult",
    "ToolServer",
    "Usage",
    "background_result",
    "call_tool",
    "check_arguments",
    "default_tool_description",
    "default_tool_error",
    "default_tool_name",
    "function_tool",
    "handoff_to",
    "input_guardrail",
    "is_enabled",
    "output_guardrail",
    "realtime_handoff",
    "run_input_guardrails",
    "run_output_guardrails",
    "strict_schema",
    "to_text",
    "tool_input_guardrail",
    "tool_output_guardrail",
    "wants_approval",
]
