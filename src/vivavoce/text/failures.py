"""Why a run of a text agent ended without an output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vivavoce.errors import VivavoceError

if TYPE_CHECKING:
    from vivavoce.agents import InputGuardrailResult, OutputGuardrailResult, RunContextWrapper
    from vivavoce.protocol import Item
    from vivavoce.text.items import ModelResponse, RunItem


@dataclass(slots=True)
class RunErrorDetails:
    """How far a run had come when it failed.

    Attributes:
        input: the conversation it was given.
        new_items: what it added.
        raw_responses: the model's answers.
        last_agent: the agent at work.
        context_wrapper: the user's own object, with the usage.
    """

    input: list[Item]
    new_items: list[RunItem]
    raw_responses: list[ModelResponse]
    last_agent: Any
    context_wrapper: RunContextWrapper[Any]


class RunFailedError(VivavoceError):
    """A run of a text agent ended without an output.

    Attributes:
        run_data: how far the run had come; ``None`` outside a run.
    """

    run_data: RunErrorDetails | None = None


class MaxTurnsExceeded(RunFailedError):  # noqa: N818  # the name that openai-agents gave it
    """The agent did not come to an end within `max_turns` answers of the model."""


class ModelBehaviorError(RunFailedError):
    """The model answered something that cannot be used, such as JSON that does not fit the output type."""


class InputGuardrailTripwireTriggered(RunFailedError):  # noqa: N818  # the name that openai-agents gave it
    """An input guardrail refused the input.

    Args:
        guardrail_result: which guardrail, and what it said.
    """

    def __init__(self, guardrail_result: InputGuardrailResult) -> None:
        super().__init__(f"the input guardrail {guardrail_result.guardrail.get_name()!r} refused the input")
        self.guardrail_result = guardrail_result


class OutputGuardrailTripwireTriggered(RunFailedError):  # noqa: N818  # the name that openai-agents gave it
    """An output guardrail refused the final output.

    Args:
        guardrail_result: which guardrail, and what it said.
    """

    def __init__(self, guardrail_result: OutputGuardrailResult) -> None:
        super().__init__(f"the output guardrail {guardrail_result.guardrail.get_name()!r} refused the output")
        self.guardrail_result = guardrail_result
