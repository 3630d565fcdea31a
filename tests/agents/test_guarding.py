from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vivavoce.agents import (
    GuardrailFunctionOutput,
    InputGuardrail,
    OutputGuardrail,
    RealtimeAgent,
    RunContextWrapper,
    run_input_guardrails,
    run_output_guardrails,
)
from vivavoce.agents.guarding import check_input_guardrails, check_output_guardrails
from vivavoce.agents.limits import TookTooLongError
from vivavoce.errors import ConfigurationError
from vivavoce.testing import run

ADA = RealtimeAgent[Any]("Ada")
CONTEXT = RunContextWrapper("mine")


def after(seconds: float, *, trip: bool) -> Any:
    async def check(context: RunContextWrapper[str], agent: RealtimeAgent[Any], text: str) -> Any:
        await asyncio.sleep(seconds)
        return GuardrailFunctionOutput((context.context, agent.name, text), trip)

    return check


async def raising(_context: object, _agent: object, _text: object) -> GuardrailFunctionOutput:
    raise ValueError("no")


async def cancelling(_context: object, _agent: object, _text: object) -> GuardrailFunctionOutput:
    raise asyncio.CancelledError


async def timed(work: Any) -> tuple[Any, float]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    return await work, loop.time() - began


def test_output_guardrails_run_side_by_side_and_keep_their_order() -> None:
    slow, quick = OutputGuardrail(after(3, trip=False)), OutputGuardrail(after(1, trip=True))
    found, seconds = run(timed(run_output_guardrails([slow, quick], CONTEXT, ADA, "Hi.", timeout_s=5)))
    assert seconds == 3
    assert [result.guardrail for result in found.results] == [slow, quick]
    assert found.tripped == [found.results[1]]
    assert found.tripped[0].output.output_info == ("mine", "Ada", "Hi.")
    assert found.failures == []


def test_input_guardrails_see_what_the_user_said() -> None:
    guardrail = InputGuardrail(after(1, trip=True))
    found = run(run_input_guardrails([guardrail], CONTEXT, ADA, "Hi.", timeout_s=5))
    assert [result.guardrail for result in found.tripped] == [guardrail]
    assert found.tripped[0].output.output_info == ("mine", "Ada", "Hi.")


def test_guardrails_that_fail_are_named_and_stop_no_other() -> None:
    raises, hangs, cancels = (
        OutputGuardrail(raising),
        OutputGuardrail(after(60, trip=True)),
        OutputGuardrail(cancelling),
    )
    good = OutputGuardrail(after(1, trip=False))
    guardrails = [raises, hangs, cancels, good]
    found, seconds = run(timed(run_output_guardrails(guardrails, CONTEXT, ADA, "Hi.", timeout_s=2)))
    assert seconds == 2
    assert [result.guardrail for result in found.results] == [good]
    assert [(guardrail, type(error)) for guardrail, error in found.failures] == [
        (raises, ValueError),
        (hangs, TookTooLongError),
        (cancels, RuntimeError),
    ]


def test_no_guardrails_find_nothing() -> None:
    found = run(run_output_guardrails([], CONTEXT, ADA, "Hi.", timeout_s=2))
    assert (found.results, found.failures, found.tripped) == ([], [], [])


def test_a_cancelled_run_cancels_its_guardrails() -> None:
    async def main() -> bool:
        async with asyncio.TaskGroup() as group:
            work = run_output_guardrails(
                [OutputGuardrail(after(60, trip=True))], CONTEXT, ADA, "", timeout_s=99
            )
            task = group.create_task(work)
            await asyncio.sleep(1)
            task.cancel()
        return task.cancelled()

    assert run(main()) is True


def test_guardrails_of_the_other_kind_are_refused() -> None:
    assert len(check_input_guardrails([InputGuardrail(raising)], "X")) == 1
    assert len(check_output_guardrails([OutputGuardrail(raising)], "X")) == 1
    with pytest.raises(ConfigurationError, match=r"X\[0\] is not an OutputGuardrail: "):
        check_output_guardrails([InputGuardrail(raising)], "X")
    with pytest.raises(ConfigurationError, match=r"X\[0\] is not an InputGuardrail: "):
        check_input_guardrails([OutputGuardrail(raising)], "X")
    with pytest.raises(ConfigurationError, match="decorate it with @input_guardrail"):
        check_input_guardrails([raising], "X")
    with pytest.raises(ConfigurationError, match="decorate it with @output_guardrail"):
        check_output_guardrails([raising], "X")
