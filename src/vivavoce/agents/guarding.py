"""Lists of guardrails: checked when they are set, and run side by side, each with a time limit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from vivavoce.agents.base import check_list
from vivavoce.agents.guardrails import (
    InputGuardrail,
    InputGuardrailResult,
    OutputGuardrail,
    OutputGuardrailResult,
)
from vivavoce.agents.limits import within

if TYPE_CHECKING:
    from vivavoce.agents.base import AgentBase
    from vivavoce.agents.context import RunContextWrapper

TGuardrail = TypeVar("TGuardrail", InputGuardrail[Any], OutputGuardrail[Any])
TResult = TypeVar("TResult", InputGuardrailResult, OutputGuardrailResult)


@dataclass(slots=True)
class GuardrailRun(Generic[TGuardrail, TResult]):
    """What a set of guardrails found.

    Attributes:
        results: of those that came to a verdict, in the order in which they were given.
        failures: those that raised or took too long, with the error.
    """

    results: list[TResult] = field(default_factory=list)
    failures: list[tuple[TGuardrail, Exception]] = field(default_factory=list)

    @property
    def tripped(self) -> list[TResult]:
        """The results that say that what was checked must not go on."""
        return [result for result in self.results if result.output.tripwire_triggered]


def check_input_guardrails(given: object, owner: str) -> list[InputGuardrail[Any]]:
    """Return guardrails as a list of one's own.

    Args:
        given: what the user gave.
        owner: the setting that holds them, for the message.

    Raises:
        ConfigurationError: one is no `InputGuardrail`.
    """
    return check_list(
        given,
        owner,
        "an InputGuardrail",
        fits=lambda value: isinstance(value, InputGuardrail),
        decorator="input_guardrail",
    )


def check_output_guardrails(given: object, owner: str) -> list[OutputGuardrail[Any]]:
    """Return guardrails as a list of one's own.

    Args:
        given: what the user gave.
        owner: the setting that holds them, for the message.

    Raises:
        ConfigurationError: one is no `OutputGuardrail`.
    """
    return check_list(
        given,
        owner,
        "an OutputGuardrail",
        fits=lambda value: isinstance(value, OutputGuardrail),
        decorator="output_guardrail",
    )


async def run_output_guardrails(
    guardrails: Sequence[OutputGuardrail[Any]],
    context: RunContextWrapper[Any],
    agent: AgentBase[Any],
    text: Any,
    *,
    timeout_s: float,
) -> GuardrailRun[OutputGuardrail[Any], OutputGuardrailResult]:
    """Check what an agent said. Never raises.

    Args:
        guardrails: all run at the same time.
        context: the run.
        agent: who said it.
        text: what it said; of a text agent with an output type its value.
        timeout_s: seconds each may take.
    """
    return await _run(guardrails, lambda guardrail: guardrail.run(context, agent, text), timeout_s)


async def run_input_guardrails(
    guardrails: Sequence[InputGuardrail[Any]],
    context: RunContextWrapper[Any],
    agent: AgentBase[Any],
    text: Any,
    *,
    timeout_s: float,
) -> GuardrailRun[InputGuardrail[Any], InputGuardrailResult]:
    """Check what the user said. Never raises.

    Args:
        guardrails: all run at the same time.
        context: the run.
        agent: who is to answer.
        text: what was said; of a text agent it may be a list of items.
        timeout_s: seconds each may take.
    """
    return await _run(guardrails, lambda guardrail: guardrail.run(agent, text, context), timeout_s)


async def _run(
    guardrails: Sequence[TGuardrail], check: Callable[[TGuardrail], Awaitable[TResult]], timeout_s: float
) -> GuardrailRun[TGuardrail, TResult]:
    async def contained(guardrail: TGuardrail) -> TResult | Exception:
        try:
            return await within(timeout_s, check(guardrail))
        except Exception as error:  # noqa: BLE001  # what a guardrail raises is what its owner has to know
            return error

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(contained(guardrail)) for guardrail in guardrails]
    run: GuardrailRun[TGuardrail, TResult] = GuardrailRun()
    for guardrail, task in zip(guardrails, tasks, strict=True):
        outcome = task.result()
        if isinstance(outcome, Exception):
            run.failures.append((guardrail, outcome))
        else:
            run.results.append(outcome)
    return run
