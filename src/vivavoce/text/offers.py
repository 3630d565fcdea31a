"""What a model is offered for one answer: instructions, tools, handoffs, and the settings of the answer."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vivavoce.agents.strict import strict_schema
from vivavoce.agents.tool import FunctionTool
from vivavoce.engines.base import ModelRequest
from vivavoce.engines.options import ModelOptions
from vivavoce.errors import ConfigurationError
from vivavoce.protocol import Item, ToolChoiceFunction
from vivavoce.text.model_settings import ModelSettings
from vivavoce.text.output import output_schema, wanted_form

if TYPE_CHECKING:
    from vivavoce.agents import Handoff, RunContextWrapper
    from vivavoce.protocol import ToolChoice
    from vivavoce.text.agent import Agent

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Offer:
    """What the model may call in one answer.

    Attributes:
        tools: the agent's enabled tools, by name.
        handoffs: its enabled handoffs, by name.
    """

    tools: Mapping[str, FunctionTool]
    handoffs: Mapping[str, Handoff[Any]]

    def names(self) -> str:
        """Return the names of all, for a message to the model."""
        return ", ".join([*self.tools, *self.handoffs]) or "none"


async def offer_of(agent: Agent[Any, Any], context: RunContextWrapper[Any]) -> Offer:
    """Return what an agent offers now.

    Raises:
        ConfigurationError: a tool cannot be run here, or a tool and a handoff share a name.
        Exception: an MCP server could not be asked.
    """
    tools: dict[str, FunctionTool] = {}
    for tool in await agent.get_all_tools(context):
        if not isinstance(tool, FunctionTool):
            raise ConfigurationError(
                f"agent {agent.name!r}: {tool.name!r} runs at a Realtime server; give a text agent the MCP "
                "server itself, as mcp_servers"
            )
        tools[tool.name] = tool
    handoffs = {handoff.tool_name: handoff for handoff in await agent.get_enabled_handoffs(context)}
    if both := sorted(tools.keys() & handoffs.keys()):
        raise ConfigurationError(
            f"agent {agent.name!r} has a tool and a handoff named {both[0]!r}; rename one of them"
        )
    return Offer(tools, handoffs)


async def request_for(
    agent: Agent[Any, Any],
    offer: Offer,
    context: RunContextWrapper[Any],
    items: Sequence[Item],
    settings: ModelSettings,
    *,
    strict: bool,
) -> ModelRequest:
    """Return what a model is asked.

    Args:
        agent: who is to answer.
        offer: what it may call.
        context: the run.
        items: the conversation.
        settings: how it is to answer.
        strict: give it the schemas of the tools in the strict form, too.

    Raises:
        ConfigurationError: a setting, a schema or a function of the agent is not accepted.
        Exception: whatever a function of the agent raised.
    """
    parallel = settings.parallel_tool_calls
    return ModelRequest(
        instructions=await agent.get_system_prompt(context),
        items=tuple(items),
        tools=(
            *(tool.to_wire() for tool in offer.tools.values()),
            *(handoff.to_wire() for handoff in offer.handoffs.values()),
        ),
        tool_choice=_tool_choice(agent, settings.tool_choice, offer),
        parallel_tool_calls=True if parallel is None else parallel,
        max_output_tokens=settings.max_tokens,
        options=ModelOptions(
            temperature=settings.temperature,
            top_p=settings.top_p,
            frequency_penalty=settings.frequency_penalty,
            presence_penalty=settings.presence_penalty,
            output_schema=wanted_form(output_schema(agent.output_type)),
            strict_parameters=_strict_parameters(offer) if strict else {},
            prompt=await agent.get_prompt(context),
            extra_body=settings.body(),
            extra_query=settings.extra_query or {},
            extra_headers=settings.extra_headers or {},
        ),
    )


def warn_of_output_types(agent: Agent[Any, Any], offer: Offer) -> None:
    """Warn where the output of a run depends on who comes to it."""
    if not agent.handoff_output_type_warning_enabled:
        return
    targets = [handoff.agent for handoff in offer.handoffs.values() if handoff.agent is not None]
    others = [target.name for target in targets if getattr(target, "output_type", None) != agent.output_type]
    if others:
        logger.warning(
            "The output of agent %r may have several types, as it may hand over to agents with another "
            "output_type: %s. Agent.create(…) says that this is meant",
            agent.name,
            ", ".join(others),
        )


def _tool_choice(agent: Agent[Any, Any], choice: str | None, offer: Offer) -> ToolChoice:
    if choice is None or choice == "auto":
        return "auto"
    if choice == "none":
        return "none"
    if choice == "required":
        return "required"
    if choice not in offer.tools and choice not in offer.handoffs:
        raise ConfigurationError(
            f"agent {agent.name!r}: model_settings.tool_choice is {choice!r}, which is none of its tools: "
            f"{offer.names()}"
        )
    return ToolChoiceFunction(name=choice)


def _strict_parameters(offer: Offer) -> dict[str, Mapping[str, Any]]:
    schemas: dict[str, Mapping[str, Any]] = {}
    for tool in offer.tools.values():
        if tool.strict_json_schema:
            schemas[tool.name] = strict_schema(tool.params_json_schema, owner=f"tool {tool.name!r}")
    for handoff in offer.handoffs.values():
        if handoff.strict_json_schema:
            schemas[handoff.tool_name] = handoff.input_json_schema
    return schemas
