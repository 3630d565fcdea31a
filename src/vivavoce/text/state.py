"""`RunState`: how far a run has come, and what was decided about the calls it waits for."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic

from vivavoce.agents.context import TContext
from vivavoce.errors import ConfigurationError
from vivavoce.text.items import ModelResponse, RunItem, ToolApprovalItem, ToolCallOutputItem

if TYPE_CHECKING:
    from vivavoce.agents import InputGuardrailResult, OutputGuardrailResult, RunContextWrapper
    from vivavoce.protocol import FunctionCallItem, Item
    from vivavoce.text.agent import Agent
    from vivavoce.text.inputs import RunInput

REJECTED = "Tool execution was not approved."
"""What the model is told of a call that was rejected without a reason."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person said about a call.

    Attributes:
        approved: whether it may run.
        message: what the model is told when it may not.
    """

    approved: bool
    message: str = REJECTED


@dataclass(slots=True)
class Decisions:
    """What was decided, for single calls and for all calls of a tool."""

    calls: dict[str, Decision] = field(default_factory=dict)
    tools: dict[str, Decision] = field(default_factory=dict)

    def about(self, call: FunctionCallItem) -> Decision | None:
        """Return the decision about a call, or ``None``."""
        return self.calls.get(str(call.call_id)) or self.tools.get(call.name)


@dataclass(slots=True)
class Progress:
    """What a run has added so far.

    Attributes:
        input: the conversation before this run, or what a handoff's filter made of it.
        seen: what the model sees after that.
        turn_start: how many of `seen` there were before the latest answer.
        new_items: everything that was added, also what a filter took away again.
        responses: the model's answers.
        turns: how many answers were asked for.
        pending: calls of the latest answer that have no output yet.
        results: calls of the latest answer that have run: the tool's name and the output.
        tool_users: agents that have used a tool, by name.
    """

    input: list[Item]
    seen: list[RunItem] = field(default_factory=list)
    turn_start: int = 0
    new_items: list[RunItem] = field(default_factory=list)
    responses: list[ModelResponse] = field(default_factory=list)
    turns: int = 0
    pending: list[FunctionCallItem] = field(default_factory=list)
    results: list[tuple[str, ToolCallOutputItem]] = field(default_factory=list)
    tool_users: set[str] = field(default_factory=set)

    def conversation(self) -> list[Item]:
        """Return what the model sees."""
        return [*self.input, *(item.raw for item in self.seen)]

    def add(self, item: RunItem) -> None:
        """Note a new item."""
        self.seen.append(item)
        self.new_items.append(item)


@dataclass(slots=True)
class RunState(Generic[TContext]):
    """A run that can go on: ``Runner.run(agent, state)``.

    Get one with `RunResult.to_state` where a run has `interruptions`; decide about each of them with
    `approve` and `reject`, and run it. A call that nobody decided about interrupts the run again. `to_json`
    and `from_json` take it from one process to another.

    Attributes:
        original_input: what the run was given.
        current_agent: who is at work.
        context: the user's own object, with the usage.
        progress: what the run has added.
        decisions: what was decided about calls.
        interruptions: calls that wait for a decision.
        max_turns: answers of the model after which the run fails; ``None`` is no limit.
        final_output: the output, when the run has ended.
        input_guardrail_results: what the input guardrails found.
        output_guardrail_results: what the output guardrails found.
    """

    original_input: RunInput
    current_agent: Agent[Any, Any]
    context: RunContextWrapper[TContext]
    progress: Progress
    max_turns: int | None = None
    decisions: Decisions = field(default_factory=Decisions)
    interruptions: list[ToolApprovalItem] = field(default_factory=list)
    final_output: Any = None
    input_guardrail_results: list[InputGuardrailResult] = field(default_factory=list)
    output_guardrail_results: list[OutputGuardrailResult] = field(default_factory=list)

    def get_interruptions(self) -> list[ToolApprovalItem]:
        """Return the calls that wait for a decision."""
        return list(self.interruptions)

    def approve(self, approval_item: ToolApprovalItem | str, always_approve: bool = False) -> None:
        """Let a call run.

        Args:
            approval_item: the call, or its id.
            always_approve: let all later calls of this tool run, too.

        Raises:
            ConfigurationError: no such call waits.
        """
        self._decide(approval_item, Decision(approved=True), always=always_approve)

    def reject(
        self,
        approval_item: ToolApprovalItem | str,
        always_reject: bool = False,
        *,
        rejection_message: str | None = None,
    ) -> None:
        """Do not let a call run.

        Args:
            approval_item: the call, or its id.
            always_reject: let no later call of this tool run, either.
            rejection_message: what the model is told instead of the output.

        Raises:
            ConfigurationError: no such call waits.
        """
        decision = Decision(approved=False, message=rejection_message or REJECTED)
        self._decide(approval_item, decision, always=always_reject)

    def to_json(self) -> dict[str, Any]:
        """Return the state as JSON, to go on in another process.

        Not in it are the user's own object, what guardrails have found, the raw answers of the model, and the
        outputs of tools other than as text.
        """
        from vivavoce.text.snapshot import to_json

        return to_json(self)

    @staticmethod
    def from_json(
        starting_agent: Agent[Any, Any], data: Mapping[str, Any], *, context: Any = None
    ) -> RunState[Any]:
        """Return a state from what `to_json` returned.

        Args:
            starting_agent: who began the run; the others are found by their names along its handoffs.
            data: the JSON.
            context: the user's own object.

        Raises:
            ConfigurationError: it is no such JSON, or an agent it names is not there.
        """
        from vivavoce.text.snapshot import from_json

        return from_json(starting_agent, data, context)

    def _decide(self, item: ToolApprovalItem | str, decision: Decision, *, always: bool) -> None:
        call_id = item if isinstance(item, str) else item.call_id
        waiting = {waits.call_id: waits for waits in self.interruptions}
        if call_id not in waiting:
            known = ", ".join(waiting) or "none"
            raise ConfigurationError(f"no call {call_id!r} waits for a decision; there are: {known}")
        self.decisions.calls[call_id] = decision
        if always:
            self.decisions.tools[waiting[call_id].name] = decision

    def copied(self) -> RunState[TContext]:
        """Return a state that goes on by itself; agents, items and the context are shared."""
        own = copy.copy(self)
        own.progress = copy.copy(self.progress)
        for name in ("input", "seen", "new_items", "responses", "pending", "results", "tool_users"):
            setattr(own.progress, name, copy.copy(getattr(self.progress, name)))
        own.decisions = Decisions(dict(self.decisions.calls), dict(self.decisions.tools))
        own.interruptions = list(self.interruptions)
        own.input_guardrail_results = list(self.input_guardrail_results)
        own.output_guardrail_results = list(self.output_guardrail_results)
        return own
