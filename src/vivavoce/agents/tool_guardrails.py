"""Guardrails of tools: the user's own checks of a call's arguments and of its result."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeAlias, TypedDict, overload

from vivavoce.agents.context import TContext, ToolContext
from vivavoce.agents.guardrails import check_guardrail, expect, function_name
from vivavoce.agents.threads import call
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from vivavoce.agents.base import AgentBase


class AllowBehavior(TypedDict):
    """The call or its result is in order."""

    type: Literal["allow"]


class RejectContentBehavior(TypedDict):
    """The model gets a message instead of the result."""

    type: Literal["reject_content"]
    message: str


class RaiseExceptionBehavior(TypedDict):
    """The call counts as an error that its owner must know of."""

    type: Literal["raise_exception"]


ToolGuardrailBehavior: TypeAlias = AllowBehavior | RejectContentBehavior | RaiseExceptionBehavior


def _allowed() -> ToolGuardrailBehavior:
    return {"type": "allow"}


@dataclass(slots=True)
class ToolGuardrailFunctionOutput:
    """What a guardrail of a tool decided; made by `allow`, `reject_content` and `raise_exception`.

    Attributes:
        output_info: anything that explains it.
        behavior: what happens now.

    Raises:
        ConfigurationError: `behavior` is none of the three.
    """

    output_info: Any = None
    behavior: ToolGuardrailBehavior = field(default_factory=_allowed)

    def __post_init__(self) -> None:
        behavior: object = self.behavior
        kind = behavior.get("type") if isinstance(behavior, Mapping) else None
        rejects = kind == "reject_content" and isinstance(self.behavior.get("message"), str)
        if not rejects and kind not in {"allow", "raise_exception"}:
            raise ConfigurationError(
                "ToolGuardrailFunctionOutput.behavior must be made by allow(), reject_content(message) or "
                f"raise_exception(), got {behavior!r}"
            )

    @classmethod
    def allow(cls, output_info: Any = None) -> Self:
        """Go on."""
        return cls(output_info, {"type": "allow"})

    @classmethod
    def reject_content(cls, message: str, output_info: Any = None) -> Self:
        """Give the model `message` instead of the result, and go on."""
        return cls(output_info, {"type": "reject_content", "message": message})

    @classmethod
    def raise_exception(cls, output_info: Any = None) -> Self:
        """End a text agent's run with an error; in a voice session report one. The call has no result."""
        return cls(output_info, {"type": "raise_exception"})


@dataclass(slots=True)
class ToolInputGuardrailData:
    """What a check before the call sees.

    Attributes:
        context: the call, with its arguments.
        agent: whose tool it is.
    """

    context: ToolContext[Any]
    agent: AgentBase[Any] | None


@dataclass(slots=True)
class ToolOutputGuardrailData(ToolInputGuardrailData):
    """What a check after the call sees.

    Attributes:
        output: what the tool returned.
    """

    output: Any


ToolInputGuardrailFunction: TypeAlias = Callable[
    [ToolInputGuardrailData], ToolGuardrailFunctionOutput | Awaitable[ToolGuardrailFunctionOutput]
]
ToolOutputGuardrailFunction: TypeAlias = Callable[
    [ToolOutputGuardrailData], ToolGuardrailFunctionOutput | Awaitable[ToolGuardrailFunctionOutput]
]


@dataclass(eq=False, slots=True)
class ToolInputGuardrail(Generic[TContext]):
    """A check of a call's arguments, before the tool runs.

    Attributes:
        guardrail_function: ``(data)``, plain or async; a plain one runs in a thread.
        name: how errors call it; ``None`` is the function's name.

    Raises:
        ConfigurationError: a field has a value of the wrong type.
    """

    guardrail_function: ToolInputGuardrailFunction
    name: str | None = None

    def __post_init__(self) -> None:
        check_guardrail("ToolInputGuardrail", self.guardrail_function, self.name)

    def get_name(self) -> str:
        """Return its name, or the function's."""
        return self.name or function_name(self.guardrail_function)

    async def run(self, data: ToolInputGuardrailData) -> ToolGuardrailFunctionOutput:
        """Check one call.

        Raises:
            ConfigurationError: the function returned something else than a `ToolGuardrailFunctionOutput`.
            Exception: whatever the function raised.
        """
        return await _run(self.guardrail_function, data, self.get_name())


@dataclass(eq=False, slots=True)
class ToolOutputGuardrail(Generic[TContext]):
    """A check of what a tool returned, before the model gets it.

    Attributes:
        guardrail_function: ``(data)``, plain or async; a plain one runs in a thread.
        name: how errors call it; ``None`` is the function's name.

    Raises:
        ConfigurationError: a field has a value of the wrong type.
    """

    guardrail_function: ToolOutputGuardrailFunction
    name: str | None = None

    def __post_init__(self) -> None:
        check_guardrail("ToolOutputGuardrail", self.guardrail_function, self.name)

    def get_name(self) -> str:
        """Return its name, or the function's."""
        return self.name or function_name(self.guardrail_function)

    async def run(self, data: ToolOutputGuardrailData) -> ToolGuardrailFunctionOutput:
        """Check one result.

        Raises:
            ConfigurationError: the function returned something else than a `ToolGuardrailFunctionOutput`.
            Exception: whatever the function raised.
        """
        return await _run(self.guardrail_function, data, self.get_name())


@dataclass(slots=True)
class ToolInputGuardrailResult:
    """What one `ToolInputGuardrail` decided.

    Attributes:
        guardrail: the one that ran.
        output: what it returned.
    """

    guardrail: ToolInputGuardrail[Any]
    output: ToolGuardrailFunctionOutput


@dataclass(slots=True)
class ToolOutputGuardrailResult:
    """What one `ToolOutputGuardrail` decided.

    Attributes:
        guardrail: the one that ran.
        output: what it returned.
    """

    guardrail: ToolOutputGuardrail[Any]
    output: ToolGuardrailFunctionOutput


@overload
def tool_input_guardrail(func: ToolInputGuardrailFunction, /) -> ToolInputGuardrail[Any]: ...


@overload
def tool_input_guardrail(
    *, name: str | None = None
) -> Callable[[ToolInputGuardrailFunction], ToolInputGuardrail[Any]]: ...


def tool_input_guardrail(
    func: ToolInputGuardrailFunction | None = None, /, *, name: str | None = None
) -> ToolInputGuardrail[Any] | Callable[[ToolInputGuardrailFunction], ToolInputGuardrail[Any]]:
    """Make a `ToolInputGuardrail` of a function; usable bare and with a name.

    Args:
        func: ``(data) -> ToolGuardrailFunctionOutput``, plain or async.
        name: how errors call it, instead of the function's name.

    Raises:
        ConfigurationError: it is not a function.
    """

    def decorate(function: ToolInputGuardrailFunction) -> ToolInputGuardrail[Any]:
        return ToolInputGuardrail(function, name)

    return decorate if func is None else decorate(func)


@overload
def tool_output_guardrail(func: ToolOutputGuardrailFunction, /) -> ToolOutputGuardrail[Any]: ...


@overload
def tool_output_guardrail(
    *, name: str | None = None
) -> Callable[[ToolOutputGuardrailFunction], ToolOutputGuardrail[Any]]: ...


def tool_output_guardrail(
    func: ToolOutputGuardrailFunction | None = None, /, *, name: str | None = None
) -> ToolOutputGuardrail[Any] | Callable[[ToolOutputGuardrailFunction], ToolOutputGuardrail[Any]]:
    """Make a `ToolOutputGuardrail` of a function; usable bare and with a name.

    Args:
        func: ``(data) -> ToolGuardrailFunctionOutput``, plain or async.
        name: how errors call it, instead of the function's name.

    Raises:
        ConfigurationError: it is not a function.
    """

    def decorate(function: ToolOutputGuardrailFunction) -> ToolOutputGuardrail[Any]:
        return ToolOutputGuardrail(function, name)

    return decorate if func is None else decorate(func)


async def _run(
    function: Callable[..., Any], data: ToolInputGuardrailData, name: str
) -> ToolGuardrailFunctionOutput:
    output = await call(function, data, purpose="guardrail")
    return expect(output, ToolGuardrailFunctionOutput, name)
