from __future__ import annotations

from typing import Any

from vivavoce.agents import RealtimeAgent
from vivavoce.agents.guardrails import (
    GuardrailFunctionOutput,
    InputGuardrail,
    InputGuardrailResult,
    OutputGuardrail,
    OutputGuardrailResult,
)
from vivavoce.session.guardrail_messages import (
    feedback_text,
    guardrail_failure,
    input_feedback,
    output_feedback,
)

BAD = GuardrailFunctionOutput(None, tripwire_triggered=True)


def check(*_: Any) -> GuardrailFunctionOutput:
    return BAD


def told(*guardrails: OutputGuardrail[Any]) -> str:
    agent = RealtimeAgent[Any]("Ada")
    return output_feedback([OutputGuardrailResult(one, "text", agent, BAD) for one in guardrails])


def test_the_model_is_told_the_hints_and_the_names_of_those_without() -> None:
    hinted = OutputGuardrail[Any](check, "a", policy_hint="Promise nothing. ")
    text = told(hinted, OutputGuardrail[Any](check, "b"), OutputGuardrail[Any](check), hinted)
    assert "broke a rule: Promise nothing; b; check. The" in text
    assert "politely decline" in text


def test_the_model_is_told_to_decline_what_the_user_wants() -> None:
    text = input_feedback([InputGuardrailResult(InputGuardrail[Any](check, "no politics"), BAD)])
    assert "not allowed: no politics. Do not" in text
    assert "Politely decline" in text


def test_the_text_of_the_application_goes_first_unless_it_fails() -> None:
    failures: list[Exception] = []

    def broken(_: Any) -> str:
        raise LookupError

    def default(results: Any) -> str:
        return f"default {len(results)}"

    wishes: list[Any] = ["mine", lambda results: f"{len(results)}!", None, broken, ""]
    texts = [feedback_text(wanted, [1, 2], default, failures.append) for wanted in wishes]
    assert texts == ["mine", "2!", "default 2", "default 2", ""]
    assert [type(failure) for failure in failures] == [LookupError]


def test_a_failure_names_the_guardrail_and_what_follows() -> None:
    cause = ValueError("no model")
    failure = guardrail_failure(OutputGuardrail[Any](check, "a"), cause, trips=False)
    assert str(failure) == "guardrail 'a' failed and was skipped: no model"
    assert failure.__cause__ is cause
    failure = guardrail_failure(InputGuardrail[Any](check), ValueError(), trips=True)
    assert str(failure) == "guardrail 'check' failed and counts as tripped: ValueError"
