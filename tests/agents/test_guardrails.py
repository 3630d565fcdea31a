from __future__ import annotations

import asyncio
import re
import threading
from typing import Any

import pytest

from vivavoce.agents import (
    GuardrailFunctionOutput,
    InputGuardrail,
    OutputGuardrail,
    RealtimeAgent,
    RunContextWrapper,
    input_guardrail,
    output_guardrail,
)
from vivavoce.errors import ConfigurationError

ADA = RealtimeAgent[Any]("Ada")
CONTEXT = RunContextWrapper({"word": "secret"})


@input_guardrail
def no_secrets(
    context: RunContextWrapper[Any], agent: RealtimeAgent[Any], text: str
) -> GuardrailFunctionOutput:
    """Plain."""
    info = {"agent": agent.name, "thread": threading.current_thread().name}
    return GuardrailFunctionOutput(info, context.context["word"] in text)


@output_guardrail(name="quiet", policy_hint="Do not shout.")
async def no_shouting(
    _context: RunContextWrapper[Any], agent: RealtimeAgent[Any], text: str
) -> GuardrailFunctionOutput:
    """Async."""
    return GuardrailFunctionOutput(output_info=agent.name, tripwire_triggered=text.isupper())


class Check:
    """An object that can be called."""

    def __call__(self, _context: Any, _agent: Any, text: str) -> GuardrailFunctionOutput:
        return GuardrailFunctionOutput(None, tripwire_triggered=not text)


def test_an_input_guardrail_is_made_of_a_function() -> None:
    assert isinstance(no_secrets, InputGuardrail)
    assert (no_secrets.get_name(), no_secrets.run_in_parallel) == ("no_secrets", True)
    before = input_guardrail(name="before", run_in_parallel=False)(no_secrets.guardrail_function)
    assert (before.get_name(), before.run_in_parallel) == ("before", False)


def test_an_output_guardrail_is_made_of_a_function() -> None:
    assert isinstance(no_shouting, OutputGuardrail)
    assert (no_shouting.get_name(), no_shouting.policy_hint) == ("quiet", "Do not shout.")
    assert output_guardrail(Check()).get_name() == "Check"


@pytest.mark.parametrize(("text", "tripped"), [("a secret", True), ("the weather", False)])
def test_a_plain_function_checks_in_a_thread(text: str, tripped: bool) -> None:
    result = asyncio.run(no_secrets.run(ADA, text, CONTEXT))
    assert result.guardrail is no_secrets
    assert result.output.tripwire_triggered is tripped
    assert result.output.output_info["agent"] == "Ada"
    assert result.output.output_info["thread"].startswith("vivavoce-guardrail")


@pytest.mark.parametrize(("text", "tripped"), [("NO!", True), ("No.", False)])
def test_an_async_function_checks_on_the_loop(text: str, tripped: bool) -> None:
    result = asyncio.run(no_shouting.run(CONTEXT, ADA, text))
    assert (result.guardrail, result.agent, result.agent_output) == (no_shouting, ADA, text)
    assert result.output == GuardrailFunctionOutput("Ada", tripped)


def test_what_is_no_verdict_is_refused() -> None:
    broken = output_guardrail(name="broken")(lambda _context, _agent, _text: True)  # type: ignore[arg-type, return-value]  # the mistake under test
    complaint = "guardrail 'broken' must return a GuardrailFunctionOutput, got True"
    with pytest.raises(ConfigurationError, match=complaint):
        asyncio.run(broken.run(CONTEXT, ADA, ""))


@pytest.mark.parametrize(
    ("kind", "fields", "complaint"),
    [
        (InputGuardrail, ("f",), "InputGuardrail.guardrail_function must be a function, got 'f'"),
        (OutputGuardrail, ("f",), "OutputGuardrail.guardrail_function must be a function, got 'f'"),
        (
            OutputGuardrail,
            (
                print,
                3,
            ),
            "OutputGuardrail.name must be a text or None, got 3",
        ),
        (
            OutputGuardrail,
            (
                print,
                "a",
                3,
            ),
            "OutputGuardrail.policy_hint must be a text or None, got 3",
        ),
        (
            InputGuardrail,
            (
                print,
                "a",
                "no",
            ),
            "InputGuardrail.run_in_parallel must be True or False, got 'no'",
        ),
    ],
)
def test_a_wrong_field_of_a_guardrail_is_refused(kind: Any, fields: tuple[Any, ...], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(complaint)):
        kind(*fields)
