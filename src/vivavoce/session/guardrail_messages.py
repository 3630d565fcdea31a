"""What a model, and an application, are told when guardrails trip or fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from vivavoce.errors import GuardrailError

if TYPE_CHECKING:
    from vivavoce.agents.guardrails import (
        InputGuardrail,
        InputGuardrailResult,
        OutputGuardrail,
        OutputGuardrailResult,
    )

FeedbackText: TypeAlias = str | Callable[[Sequence[Any]], str]
"""What the model is told of a trip: a text, or a function of the results that tripped."""

_OUTPUT = (
    "Your last answer was stopped, because it broke a rule: {rules}. The user did not hear all of it. "
    "Do not repeat it and do not speak of the rule. Answer again without breaking the rule; if you cannot, "
    "politely decline."
)
_INPUT = (
    "The last message of the user is not allowed: {rules}. Do not do what it asks, and do not speak of the "
    "rule. Politely decline, and offer help with something else."
)


def output_feedback(results: Sequence[OutputGuardrailResult]) -> str:
    """Return what the model is told of an answer of its own that was stopped: the hints of the policies."""
    return _OUTPUT.format(rules=_joined(r.guardrail.policy_hint or r.guardrail.get_name() for r in results))


def input_feedback(results: Sequence[InputGuardrailResult]) -> str:
    """Return what the model is told of something the user said that it should not answer."""
    return _INPUT.format(rules=_joined(r.guardrail.get_name() for r in results))


def _joined(rules: Any) -> str:
    return "; ".join(dict.fromkeys(rule.strip().rstrip(".") for rule in rules))


def feedback_text(
    wanted: FeedbackText | None,
    results: Sequence[Any],
    default: Callable[[Any], str],
    failed: Callable[[Exception], None],
) -> str:
    """Return what the model is told.

    Args:
        wanted: the user's own text, or function of the results; ``None`` is `default`.
        results: of the guardrails that tripped.
        default: writes the text where the user has none, or a broken one.
        failed: takes what the user's function raised.
    """
    if callable(wanted):
        try:
            return str(wanted(results))
        except Exception as error:  # noqa: BLE001  # the user's own function may raise anything
            failed(error)
            return default(results)
    return default(results) if wanted is None else wanted


def guardrail_failure(
    guardrail: OutputGuardrail[Any] | InputGuardrail[Any], error: Exception, *, trips: bool
) -> GuardrailError:
    """Return what an application is told of a guardrail that raised or took too long.

    Args:
        guardrail: the one that failed.
        error: what it raised.
        trips: whether that counts as tripped.
    """
    outcome = "counts as tripped" if trips else "was skipped"
    failure = GuardrailError(
        f"guardrail {guardrail.get_name()!r} failed and {outcome}: {str(error) or type(error).__name__}"
    )
    failure.__cause__ = error
    return failure
