"""What a run came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from vivavoce.agents.context import TContext
from vivavoce.errors import ConfigurationError
from vivavoce.protocol import codec

if TYPE_CHECKING:
    from vivavoce.agents import (
        InputGuardrailResult,
        OutputGuardrailResult,
        RunContextWrapper,
        Usage,
    )
    from vivavoce.text.agent import Agent
    from vivavoce.text.inputs import RunInput
    from vivavoce.text.items import ModelResponse, RunItem, ToolApprovalItem
    from vivavoce.text.state import RunState

T = TypeVar("T")


class RunResultBase(Generic[TContext]):
    """What all results offer.

    Args:
        state: the run.
    """

    def __init__(self, state: RunState[TContext]) -> None:
        self._state = state

    @property
    def input(self) -> RunInput:
        """Return what the run was given."""
        return self._state.original_input

    @property
    def new_items(self) -> list[RunItem]:
        """Return what the run has added: messages, calls, outputs, handoffs."""
        return list(self._state.progress.new_items)

    @property
    def raw_responses(self) -> list[ModelResponse]:
        """Return the model's answers."""
        return list(self._state.progress.responses)

    @property
    def final_output(self) -> Any:
        """Return the output: a text, or a value of the last agent's `output_type`.

        ``None`` while the run goes on, and where it has `interruptions`.
        """
        return self._state.final_output

    @property
    def last_agent(self) -> Agent[Any, Any]:
        """Return the agent that was at work last."""
        return self._state.current_agent

    @property
    def context_wrapper(self) -> RunContextWrapper[TContext]:
        """Return the user's own object, with the usage."""
        return self._state.context

    @property
    def usage(self) -> Usage:
        """Return the tokens that the run took."""
        return self._state.context.usage

    @property
    def input_guardrail_results(self) -> list[InputGuardrailResult]:
        """Return what the input guardrails found."""
        return list(self._state.input_guardrail_results)

    @property
    def output_guardrail_results(self) -> list[OutputGuardrailResult]:
        """Return what the output guardrails found."""
        return list(self._state.output_guardrail_results)

    @property
    def interruptions(self) -> list[ToolApprovalItem]:
        """Return the calls that wait for approval; then there is no output yet, see `to_state`."""
        return list(self._state.interruptions)

    def final_output_as(self, cls: type[T], raise_if_incorrect_type: bool = False) -> T:
        """Return the output, typed.

        Args:
            cls: the type you expect.
            raise_if_incorrect_type: check it.

        Raises:
            ConfigurationError: it has another type, and that was to be checked.
        """
        if raise_if_incorrect_type and not isinstance(self.final_output, cls):
            raise ConfigurationError(
                f"the final output is no {cls.__name__} but a {type(self.final_output).__name__}; the type "
                "is set with Agent(output_type=…)"
            )
        return cast("T", self.final_output)

    def to_input_list(self) -> list[dict[str, Any]]:
        """Return the conversation as input for another run: what the last agent has seen and answered.

        Calls that wait for approval are not in it.
        """
        progress = self._state.progress
        waiting = {call.call_id for call in progress.pending}
        return [
            codec.to_builtins(item)
            for item in progress.conversation()
            if getattr(item, "call_id", None) not in waiting
        ]

    def to_state(self) -> RunState[TContext]:
        """Return the run so that it can go on, with decisions about its `interruptions`."""
        return self._state.copied()


class RunResult(RunResultBase[TContext]):
    """What a run came to."""

    def __repr__(self) -> str:
        return (
            f"RunResult(last_agent={self.last_agent.name!r}, final_output={self.final_output!r}, "
            f"new_items={len(self.new_items)})"
        )
