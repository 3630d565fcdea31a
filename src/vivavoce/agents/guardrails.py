"""Guardrails: the user's own checks of what goes in and what comes out, of agents and of tools."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, overload

from vivavoce.agents.context import RunContextWrapper, TContext
from vivavoce.agents.threads import call
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from vivavoce.agents.base import AgentBase

T = TypeVar("T")


@dataclass(slots=True)
class GuardrailFunctionOutput:
    """What a guardrail found.

    Attributes:
        output_info: anything that explains it; comes with the event.
        tripwire_triggered: whether what was checked must not go on.
    """

    output_info: Any
    tripwire_triggered: bool


GuardrailFunction: TypeAlias = Callable[
    [RunContextWrapper[Any], Any, Any], GuardrailFunctionOutput | Awaitable[GuardrailFunctionOutput]
]
"""``(context, agent, text)``, plain (runs in a thread) or async."""


@dataclass(eq=False, slots=True)
class InputGuardrail(Generic[TContext]):
    """A check of what the user said, before it is answered.

    Attributes:
        guardrail_function: ``(context, agent, text)``, plain or async; a plain one runs in a thread.
        name: how events call it; ``None`` is the function's name.
        run_in_parallel: text agents: check while the model already answers (``True``) or before it is
            asked. In a voice session an answer always waits for the checks.

    Raises:
        ConfigurationError: a field has a value of the wrong type.
    """

    guardrail_function: GuardrailFunction
    name: str | None = None
    run_in_parallel: bool = True

    def __post_init__(self) -> None:
        check_guardrail("InputGuardrail", self.guardrail_function, self.name)
        in_parallel: object = self.run_in_parallel
        if not isinstance(in_parallel, bool):
            raise ConfigurationError(
                f"InputGuardrail.run_in_parallel must be True or False, got {in_parallel!r}"
            )

    def get_name(self) -> str:
        """Return its name, or the function's."""
        return self.name or function_name(self.guardrail_function)

    async def run(
        self,
        agent: AgentBase[Any],
        input: Any,  # noqa: A002  # the SDK's word
        context: RunContextWrapper[TContext],
    ) -> InputGuardrailResult:
        """Check one input.

        Raises:
            ConfigurationError: the function returned something else than a `GuardrailFunctionOutput`.
            Exception: whatever the function raised.
        """
        output = await call(self.guardrail_function, context, agent, input, purpose="guardrail")
        return InputGuardrailResult(self, expect(output, GuardrailFunctionOutput, self.get_name()))


@dataclass(eq=False, slots=True)
class OutputGuardrail(Generic[TContext]):
    """A check of what the agent says.

    Attributes:
        guardrail_function: ``(context, agent, text)``, plain or async; a plain one runs in a thread.
        name: how events call it; ``None`` is the function's name.
        policy_hint: what the model is told of a trip, for example ``"Do not promise refunds."``; ``None``
            is the name.

    Raises:
        ConfigurationError: a field has a value of the wrong type.
    """

    guardrail_function: GuardrailFunction
    name: str | None = None
    policy_hint: str | None = None

    def __post_init__(self) -> None:
        check_guardrail("OutputGuardrail", self.guardrail_function, self.name)
        hint: object = self.policy_hint
        if hint is not None and not isinstance(hint, str):
            raise ConfigurationError(f"OutputGuardrail.policy_hint must be a text or None, got {hint!r}")

    def get_name(self) -> str:
        """Return its name, or the function's."""
        return self.name or function_name(self.guardrail_function)

    async def run(
        self, context: RunContextWrapper[TContext], agent: AgentBase[Any], agent_output: Any
    ) -> OutputGuardrailResult:
        """Check one output.

        Raises:
            ConfigurationError: the function returned something else than a `GuardrailFunctionOutput`.
            Exception: whatever the function raised.
        """
        output = await call(self.guardrail_function, context, agent, agent_output, purpose="guardrail")
        return OutputGuardrailResult(
            self, agent_output, agent, expect(output, GuardrailFunctionOutput, self.get_name())
        )


@dataclass(slots=True)
class InputGuardrailResult:
    """What one `InputGuardrail` found.

    Attributes:
        guardrail: the one that ran.
        output: what it returned.
    """

    guardrail: InputGuardrail[Any]
    output: GuardrailFunctionOutput


@dataclass(slots=True)
class OutputGuardrailResult:
    """What one `OutputGuardrail` found.

    Attributes:
        guardrail: the one that ran.
        agent_output: what it checked.
        agent: whose output that was.
        output: what it returned.
    """

    guardrail: OutputGuardrail[Any]
    agent_output: Any
    agent: AgentBase[Any]
    output: GuardrailFunctionOutput


@overload
def input_guardrail(func: GuardrailFunction, /) -> InputGuardrail[Any]: ...


@overload
def input_guardrail(
    *, name: str | None = None, run_in_parallel: bool = True
) -> Callable[[GuardrailFunction], InputGuardrail[Any]]: ...


def input_guardrail(
    func: GuardrailFunction | None = None, /, *, name: str | None = None, run_in_parallel: bool = True
) -> InputGuardrail[Any] | Callable[[GuardrailFunction], InputGuardrail[Any]]:
    """Make an `InputGuardrail` of a function; usable bare and with arguments.

    Args:
        func: ``(context, agent, text) -> GuardrailFunctionOutput``, plain or async.
        name: how events call it, instead of the function's name.
        run_in_parallel: see `InputGuardrail`.

    Raises:
        ConfigurationError: it is not a function.
    """

    def decorate(function: GuardrailFunction) -> InputGuardrail[Any]:
        return InputGuardrail(function, name, run_in_parallel)

    return decorate if func is None else decorate(func)


@overload
def output_guardrail(func: GuardrailFunction, /) -> OutputGuardrail[Any]: ...


@overload
def output_guardrail(
    *, name: str | None = None, policy_hint: str | None = None
) -> Callable[[GuardrailFunction], OutputGuardrail[Any]]: ...


def output_guardrail(
    func: GuardrailFunction | None = None, /, *, name: str | None = None, policy_hint: str | None = None
) -> OutputGuardrail[Any] | Callable[[GuardrailFunction], OutputGuardrail[Any]]:
    """Make an `OutputGuardrail` of a function; usable bare and with arguments.

    Args:
        func: ``(context, agent, text) -> GuardrailFunctionOutput``, plain or async.
        name: how events call it, instead of the function's name.
        policy_hint: what the model is told of a trip.

    Raises:
        ConfigurationError: it is not a function.
    """

    def decorate(function: GuardrailFunction) -> OutputGuardrail[Any]:
        return OutputGuardrail(function, name, policy_hint)

    return decorate if func is None else decorate(func)


def check_guardrail(owner: str, function: object, name: object) -> None:
    """Check the fields that every guardrail has.

    Args:
        owner: name of its class, for the message.
        function: its `guardrail_function`.
        name: its name.

    Raises:
        ConfigurationError: one has a value of the wrong type.
    """
    if not callable(function):
        raise ConfigurationError(f"{owner}.guardrail_function must be a function, got {function!r}")
    if name is not None and not isinstance(name, str):
        raise ConfigurationError(f"{owner}.name must be a text or None, got {name!r}")


def function_name(function: object) -> str:
    """Return the name of a function, or the class of an object that can be called."""
    return str(getattr(function, "__name__", type(function).__name__))


def expect(output: object, kind: type[T], name: str) -> T:
    """Return what a guardrail's function returned, if it is what it must be.

    Raises:
        ConfigurationError: it is not.
    """
    if not isinstance(output, kind):
        raise ConfigurationError(f"guardrail {name!r} must return a {kind.__name__}, got {output!r}")
    return output
