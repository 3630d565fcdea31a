"""An agent as a tool of another one."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

from vivavoce.agents import FunctionTool, ToolContext
from vivavoce.agents.strict import strict_schema
from vivavoce.agents.tool import default_tool_error
from vivavoce.errors import ConfigurationError, ToolError
from vivavoce.text.output import AgentOutputSchema

if TYPE_CHECKING:
    from vivavoce.agents import RunHooks
    from vivavoce.agents.tool import Approval, Enabled, FailureMessage
    from vivavoce.protocol import FunctionCallItem
    from vivavoce.text.agent import Agent
    from vivavoce.text.inputs import RunInput
    from vivavoce.text.result import RunResultBase
    from vivavoce.text.run_config import RunConfig
    from vivavoce.text.stream_events import StreamEvent

OutputExtractor: TypeAlias = Callable[["RunResultBase[Any]"], Any]
"""``(result)``, plain or async: returns what the calling model gets."""
InputBuilder: TypeAlias = Callable[[Any], "RunInput | Awaitable[RunInput]"]
"""``(arguments)``, plain or async: returns what the agent reads."""

_INPUT: Mapping[str, Any] = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "What the agent is to do, in full sentences."}},
    "required": ["input"],
    "additionalProperties": False,
}


class AgentToolStreamEvent(TypedDict):
    """What happens in an agent that runs as a tool.

    Attributes:
        event: what happened.
        agent: the agent.
        tool_call: the call that runs it.
    """

    event: StreamEvent
    agent: Agent[Any, Any]
    tool_call: FunctionCallItem


class AgentToolOptions(TypedDict, total=False):
    """Options of `Agent.as_tool`.

    Attributes:
        is_enabled: see `FunctionTool`.
        on_stream: ``(AgentToolStreamEvent)``, plain or async, called as the agent works; the agent waits for
            an async one.
        run_config: settings of its runs; by default those of the run that calls it, without its guardrails.
        max_turns: answers of the model after which it fails, 10 by default.
        hooks: hooks of its runs.
        failure_error_function: see `FunctionTool`.
        needs_approval: see `FunctionTool`.
        timeout: seconds a call may take; ``None`` is the caller's default.
        parameters: a type with named fields that the model fills in instead of a text.
        input_builder: ``(value of that type)``, plain or async, returns the input of the run; by default the
            value as JSON.
        background: see `FunctionTool`.
    """

    is_enabled: Enabled
    on_stream: Callable[[AgentToolStreamEvent], Any] | None
    run_config: RunConfig | Mapping[str, Any] | None
    max_turns: int | None
    hooks: RunHooks[Any] | None
    failure_error_function: FailureMessage | None
    needs_approval: Approval
    timeout: float | None
    parameters: Any
    input_builder: InputBuilder | None
    background: bool


_OF_THE_TOOL = ("is_enabled", "needs_approval", "timeout", "background")


def make_tool(
    agent: Agent[Any, Any],
    name: str | None,
    description: str | None,
    extractor: OutputExtractor | None,
    options: AgentToolOptions,
) -> FunctionTool:
    """Return the tool; see `Agent.as_tool`.

    Raises:
        ConfigurationError: a value is not accepted.
    """
    if unknown := sorted(set(options) - set(AgentToolOptions.__annotations__)):
        raise ConfigurationError(
            f"as_tool has no option {unknown[0]!r}; there are: {', '.join(AgentToolOptions.__annotations__)}"
        )
    for option, function in (("custom_output_extractor", extractor), *_functions(options)):
        if function is not None and not callable(function):
            raise ConfigurationError(f"as_tool: {option} must be a function or None, got {function!r}")
    work = _AgentTool(agent, extractor, options)
    of_the_tool: dict[str, Any] = {key: options[key] for key in _OF_THE_TOOL if key in options}  # type: ignore[literal-required]
    return FunctionTool(
        name=re.sub(r"[^A-Za-z0-9_-]", "_", agent.name)[:64] if name is None else name,
        description=(agent.handoff_description or "") if description is None else description,
        params_json_schema=work.schema,
        on_invoke_tool=work.invoke,
        failure_error_function=options.get("failure_error_function", default_tool_error),
        **of_the_tool,
    )


def _functions(options: AgentToolOptions) -> list[tuple[str, object]]:
    return [("on_stream", options.get("on_stream")), ("input_builder", options.get("input_builder"))]


class _AgentTool:
    """Runs an agent for each call.

    Args:
        agent: whom.
        extractor: what the calling model gets of the result.
        options: of the tool.
    """

    def __init__(
        self, agent: Agent[Any, Any], extractor: OutputExtractor | None, options: AgentToolOptions
    ) -> None:
        self._agent = agent
        self._extractor = extractor
        self._options = options
        self._form: AgentOutputSchema | None = None
        self.schema = _INPUT
        if (parameters := options.get("parameters")) is not None:
            self._form = AgentOutputSchema(parameters, strict_json_schema=False)
            self.schema = self._form.json_schema()
            if self._form.is_wrapped:
                raise ConfigurationError(
                    "as_tool: parameters must have named fields, such as a pydantic model or a dataclass, "
                    f"got {parameters!r}"
                )
            strict_schema(self.schema, owner="as_tool: parameters")

    async def invoke(self, context: ToolContext[Any], arguments: str) -> Any:
        """Run the agent once."""
        from vivavoce.text.runner import MAX_TURNS, Runner
        from vivavoce.text.tool_step import outer_config

        given: dict[str, Any] = {
            "context": context,
            "max_turns": self._options.get("max_turns", MAX_TURNS),
            "hooks": self._options.get("hooks"),
            "run_config": self._options.get("run_config") or outer_config.get(),
        }
        read = await self._input(arguments)
        on_stream = self._options.get("on_stream")
        result: RunResultBase[Any]
        if on_stream is None:
            result = await Runner.run(self._agent, read, **given)
        else:
            result = streamed = Runner.run_streamed(self._agent, read, **given)
            call = _call_of(context)
            async for event in streamed.stream_events():
                told = on_stream(
                    AgentToolStreamEvent(event=event, agent=streamed.current_agent, tool_call=call)
                )
                if inspect.isawaitable(told):
                    await told
        if result.interruptions:
            names = ", ".join(waits.name for waits in result.interruptions)
            raise ToolError(
                f"agent {self._agent.name!r} waits for the approval of {names}, which nobody can give inside "
                "a tool; set needs_approval of as_tool instead",
                tool_name=context.tool_name,
                call_id=context.call_id,
            )
        return await self._extract(result)

    async def _extract(self, result: RunResultBase[Any]) -> Any:
        if self._extractor is None:
            return result.final_output
        extracted = self._extractor(result)
        return await extracted if inspect.isawaitable(extracted) else extracted

    async def _input(self, arguments: str) -> RunInput:
        """Return what the agent reads.

        Raises:
            ToolError: the model's arguments do not fit.
        """
        if self._form is None:
            return _text(arguments)
        from vivavoce.text.failures import ModelBehaviorError

        try:
            value = self._form.validate_json(arguments or "{}")
        except ModelBehaviorError as error:
            raise ToolError(f"bad arguments: {error}") from error
        build = self._options.get("input_builder")
        if build is None:
            return arguments
        built = build(value)
        return await built if inspect.isawaitable(built) else built


def _text(arguments: str) -> str:
    try:
        parsed = json.loads(arguments)
    except ValueError:
        parsed = None
    text = parsed.get("input") if isinstance(parsed, dict) else None
    if not isinstance(text, str):
        raise ToolError('bad arguments: one text is needed, {"input": "…"}')
    return text


def _call_of(context: ToolContext[Any]) -> FunctionCallItem:
    from vivavoce.protocol import FunctionCallItem

    return FunctionCallItem(name=context.tool_name, arguments=context.arguments, call_id=context.call_id)
