"""`Agent`: who writes. The agent that speaks is `RealtimeAgent`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self

from vivavoce.agents.base import AgentBase
from vivavoce.agents.context import RunContextWrapper, TContext
from vivavoce.agents.guarding import check_input_guardrails, check_output_guardrails
from vivavoce.agents.handoff import Handoff, check_handoffs, enabled_handoffs
from vivavoce.agents.hooks import AgentHooksBase
from vivavoce.agents.instructions import (
    Instructions,
    Prompt,
    check_instructions,
    check_prompt,
    write_instructions,
    write_prompt,
)
from vivavoce.errors import ConfigurationError
from vivavoce.text.handoffs import handoff
from vivavoce.text.model_settings import ModelSettings, check_model_settings
from vivavoce.text.models import Model, check_model
from vivavoce.text.output import output_schema
from vivavoce.text.tool_use import ToolUseBehavior, check_tool_use

if TYPE_CHECKING:
    from typing_extensions import TypeVar, Unpack

    from vivavoce.agents import AgentHooks, FunctionTool, InputGuardrail, OutputGuardrail
    from vivavoce.text.agent_tool import AgentToolOptions, OutputExtractor

    TOutput = TypeVar("TOutput", default=Any)
else:
    from typing import TypeVar

    TOutput = TypeVar("TOutput")


@dataclass(eq=False, repr=False)
class Agent(AgentBase[TContext], Generic[TContext, TOutput]):
    """An agent that writes: it reads a conversation, uses tools and comes to an output. See `Runner`.

    Lists may be changed after the agent was made, for example to let two agents hand over to each other.

    Attributes:
        name: how results and errors call it.
        instructions: the system prompt, or a function ``(context, agent) -> str``, plain or async, asked
            before every answer; a plain one runs on the event loop.
        handoff_description: what it is for, in words for the model that may hand the conversation to it.
        tools: what the agent can do; made by `function_tool`, as `FunctionTool`, or by `as_tool`.
        mcp_servers: MCP servers whose tools it has too. Whoever makes them connects and closes them.
        mcp_config: see `AgentBase`.
        prompt: a prompt stored at the provider, ``{"id": …, "version": …, "variables": {…}}``, or a function
            ``(context, agent)``, plain or async, that returns one. Only for a `LanguageModel` of your own
            that has such prompts.
        handoffs: agents that the model may hand the conversation to; `handoff` says how.
        model: name of the model, ``"local"`` for the built-in brain, a `LanguageModel`, or ``None`` for the
            run's default.
        model_settings: how the model is to answer; a `ModelSettings` or a dictionary of its fields.
        input_guardrails: checks of the input; only those of a run's first agent count.
        output_guardrails: checks of the final output; only those of the last agent count.
        output_type: type of the output: whatever pydantic can describe, or an `AgentOutputSchema`; ``None``
            is text.
        hooks: methods that a run calls as this agent works. What one raises ends the run.
        tool_use_behavior: what the results of tools lead to: ``"run_llm_again"``, ``"stop_on_first_tool"``
            (its result is the output), `StopAtTools` or a list of names of tools that end the run with
            their result, or a function ``(context, results) -> ToolsToFinalOutputResult``, plain or async.
        reset_tool_choice: forget a `tool_choice` after a tool was used, so that the agent comes to an end.
        handoff_output_type_warning_enabled: warn where agents that hand over have different output types.

    Raises:
        ConfigurationError: a field has a value that is not accepted.
    """

    DEFAULT_MODEL_PLACEHOLDER: ClassVar[str] = ""
    """A `model` that stands for the run's default, as ``None`` does."""

    instructions: Instructions = ""
    _: dataclasses.KW_ONLY
    prompt: Prompt | None = None
    handoffs: Sequence[Agent[Any, Any] | Handoff[Any]] = ()
    model: Model = None
    model_settings: ModelSettings | Mapping[str, Any] | None = None
    input_guardrails: Sequence[InputGuardrail[Any]] = ()
    output_guardrails: Sequence[OutputGuardrail[Any]] = ()
    output_type: type[TOutput] | Any = None
    hooks: AgentHooks[Any] | None = None
    tool_use_behavior: ToolUseBehavior = "run_llm_again"
    reset_tool_choice: bool = True
    handoff_output_type_warning_enabled: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self.instructions = check_instructions(self.instructions, "Agent.instructions")
        check_prompt(self.prompt, "Agent.prompt")
        self.handoffs = check_handoffs(self.handoffs, "Agent.handoffs", Agent)
        if self.model is not None and not isinstance(self.model, str):
            check_model(self.model, owner="Agent.model")
        self.model_settings = check_model_settings(self.model_settings, owner="Agent.model_settings")
        self.input_guardrails = check_input_guardrails(self.input_guardrails, "Agent.input_guardrails")
        self.output_guardrails = check_output_guardrails(self.output_guardrails, "Agent.output_guardrails")
        hooks: object = self.hooks
        if hooks is not None and not isinstance(hooks, AgentHooksBase):
            raise ConfigurationError(f"Agent.hooks must be AgentHooks or None, got {hooks!r}")
        self.tool_use_behavior = check_tool_use(self.tool_use_behavior)
        for name in ("reset_tool_choice", "handoff_output_type_warning_enabled"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigurationError(f"Agent.{name} must be True or False, got {getattr(self, name)!r}")

    @classmethod
    def create(cls, **config: Any) -> Self:
        """Make an agent whose handoffs have output types of their own, without a warning about them.

        Args:
            config: the fields of an agent.

        Raises:
            ConfigurationError: a field has a value that is not accepted.
        """
        return cls(**{"handoff_output_type_warning_enabled": False, **config})

    @property
    def output_schema_name(self) -> str:
        """Return ``"text"``, or the name of the output type.

        Raises:
            ConfigurationError: the type cannot be described to a model.
        """
        schema = output_schema(self.output_type)
        return "text" if schema.is_plain_text() else schema.name()

    async def get_system_prompt(self, context: RunContextWrapper[Any]) -> str:
        """Return the instructions, calling the function that writes them if there is one.

        Raises:
            ConfigurationError: the function returned something that is not a text.
            Exception: whatever the function raised.
        """
        return await write_instructions(self.instructions, context, self)

    async def get_prompt(self, context: RunContextWrapper[Any]) -> dict[str, Any] | None:
        """Return the stored prompt to use, calling the function that names it if there is one.

        Raises:
            ConfigurationError: the function returned something that is not a prompt.
            Exception: whatever the function raised.
        """
        return await write_prompt(self.prompt, context, self)

    async def get_enabled_handoffs(self, context: RunContextWrapper[Any]) -> list[Handoff[Any]]:
        """Return the handoffs that are enabled now; plain agents are wrapped by `handoff`.

        Raises:
            ConfigurationError: one is neither an agent nor a handoff, or two share a name.
        """
        return await enabled_handoffs(self, self.handoffs, context, Agent, handoff)

    def process_final_output(self, output: str) -> TOutput:
        """Return the model's answer as a value of the output type.

        Args:
            output: what the model wrote.

        Raises:
            ModelBehaviorError: it does not fit the type.
        """
        value: TOutput = output_schema(self.output_type).validate_json(output)
        return value

    def as_tool(
        self,
        tool_name: str | None = None,
        tool_description: str | None = None,
        custom_output_extractor: OutputExtractor | None = None,
        **options: Unpack[AgentToolOptions],
    ) -> FunctionTool:
        """Return a tool that runs this agent; any agent may have it, also one that speaks.

        In a handoff the other agent reads the conversation and takes over. As a tool it reads what the
        caller writes, and the caller goes on with its output.

        Args:
            tool_name: name for the model; ``None`` makes one of the agent's name.
            tool_description: when to use it; ``None`` takes the agent's `handoff_description`.
            custom_output_extractor: ``(result)``, plain or async: returns what the calling model gets;
                ``None`` gives it the final output.
            options: see `AgentToolOptions`.

        Raises:
            ConfigurationError: a value is not accepted.
        """
        from vivavoce.text.agent_tool import make_tool

        return make_tool(self, tool_name, tool_description, custom_output_extractor, options)

    def to_json(self) -> dict[str, Any]:
        """Return the agent as JSON: its name."""
        return {"name": self.name}
