from __future__ import annotations

from typing import Any

import pytest

from vivavoce.agents import (
    GuardrailFunctionOutput,
    InputGuardrail,
    InputGuardrailResult,
    OutputGuardrail,
    OutputGuardrailResult,
)
from vivavoce.errors import VivavoceError
from vivavoce.text import Agent
from vivavoce.text.failures import (
    InputGuardrailTripwireTriggered,
    MaxTurnsExceeded,
    ModelBehaviorError,
    OutputGuardrailTripwireTriggered,
    RunFailedError,
)

TRIPPED = GuardrailFunctionOutput("no", tripwire_triggered=True)


async def no_math(context: Any, agent: Any, text: Any) -> GuardrailFunctionOutput:
    return TRIPPED


def test_a_trip_names_its_guardrail_and_holds_what_it_found() -> None:
    result = InputGuardrailResult(InputGuardrail(no_math), TRIPPED)
    error = InputGuardrailTripwireTriggered(result)
    assert "'no_math' refused the input" in str(error)
    assert error.guardrail_result is result
    output = OutputGuardrailResult(OutputGuardrail(no_math, name="maths"), "2", Agent("A"), TRIPPED)
    refused = OutputGuardrailTripwireTriggered(output)
    assert "'maths' refused the output" in str(refused)
    assert refused.guardrail_result is output


@pytest.mark.parametrize("kind", [MaxTurnsExceeded, ModelBehaviorError])
def test_failures_are_in_the_tree_and_know_no_run_by_themselves(kind: type[RunFailedError]) -> None:
    error = kind("why")
    assert isinstance(error, VivavoceError)
    assert error.run_data is None
