"""The run itself: ask the model, run what it calls, until there is an output."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from vivavoce import protocol
from vivavoce.agents.guarding import run_input_guardrails, run_output_guardrails
from vivavoce.agents.results import to_text
from vivavoce.protocol import FunctionCallItem, MessageItem
from vivavoce.text.announcing import Announcer
from vivavoce.text.asking import ask
from vivavoce.text.failures import (
    InputGuardrailTripwireTriggered,
    MaxTurnsExceeded,
    ModelBehaviorError,
    OutputGuardrailTripwireTriggered,
    RunErrorDetails,
    RunFailedError,
)
from vivavoce.text.handover import Handover
from vivavoce.text.inputs import input_json
from vivavoce.text.items import (
    FunctionToolResult,
    HandoffCallItem,
    MessageOutputItem,
    ModelResponse,
    RunItem,
    ToolApprovalItem,
    ToolCallItem,
    ToolCallOutputItem,
)
from vivavoce.text.model_settings import check_model_settings
from vivavoce.text.models import RunModels, check_request, takes_strict_schemas
from vivavoce.text.offers import Offer, offer_of, request_for, warn_of_output_types
from vivavoce.text.output import output_schema
from vivavoce.text.stream_events import (
    AgentUpdatedStreamEvent,
    ItemEventName,
    RunItemStreamEvent,
    StreamEvent,
)
from vivavoce.text.tool_step import ToolStep, one_error
from vivavoce.text.tool_use import final_output

if TYPE_CHECKING:
    from vivavoce.agents import InputGuardrail, RunHooks
    from vivavoce.text.agent import Agent
    from vivavoce.text.run_config import RunConfig
    from vivavoce.text.state import RunState


class Run:
    """Brings a state to its end, or to calls that wait for approval.

    Args:
        state: the run; it is changed.
        config: its settings.
        hooks: told of what happens.
        emit: takes what a streamed run tells.
        keep_going: asked before each answer of the model; ``False`` leaves the run as it is.
    """

    def __init__(
        self,
        state: RunState[Any],
        config: RunConfig,
        hooks: RunHooks[Any] | None = None,
        emit: Callable[[StreamEvent], None] = lambda _: None,
        keep_going: Callable[[], bool] = lambda: True,
    ) -> None:
        self._state = state
        self._progress = state.progress
        self._config = config
        self._announcer = Announcer(hooks, state.context)
        self._emit = emit
        self._keep_going = keep_going
        self._models = RunModels(
            config.model_provider,
            api_key=config.api_key,
            base_url=config.base_url,
            timeout_s=config.model_timeout_s,
        )
        self._offer: Offer | None = None

    async def drive(self) -> None:
        """Run.

        Raises:
            RunFailedError: the run came to no output; the error says why.
            VivavoceError: the model failed, or a setting is not accepted.
            Exception: whatever a hook, a guardrail or a function of an agent raised.
        """
        state = self._state
        try:
            if self._progress.turns == 0:
                self._emit(AgentUpdatedStreamEvent(state.current_agent))
                await self._announcer.started(state.current_agent)
            over = False
            while not over and (self._progress.pending or self._keep_going()):
                over = await (self._use_tools() if self._progress.pending else self._answer())
        except RunFailedError as error:
            error.run_data = self._details()
            raise
        finally:
            await self._models.aclose()

    def _details(self) -> RunErrorDetails:
        progress = self._progress
        return RunErrorDetails(
            list(progress.input),
            list(progress.new_items),
            list(progress.responses),
            self._state.current_agent,
            self._state.context,
        )

    async def _answer(self) -> bool:
        """Get the next answer; returns whether it is the last."""
        progress, agent = self._progress, self._state.current_agent
        limit = self._state.max_turns
        if limit is not None and progress.turns >= limit:
            raise MaxTurnsExceeded(
                f"agent {agent.name!r} came to no output within {limit} answers of the model; raise "
                "max_turns, or see in error.run_data.new_items what it does"
            )
        progress.turns += 1
        if progress.turns == 1:
            response = await self._guarded_answer(agent)
        else:
            response = await self._ask(agent)
        self._take(response)
        if progress.pending:
            return False
        await self._finish(self._output_of(agent, response))
        return True

    async def _guarded_answer(self, agent: Agent[Any, Any]) -> ModelResponse:
        """Get the first answer, with the input guardrails before it or beside it."""
        guardrails = [*agent.input_guardrails, *self._config.input_guardrails]
        before = [guardrail for guardrail in guardrails if not guardrail.run_in_parallel]
        beside = [guardrail for guardrail in guardrails if guardrail.run_in_parallel]
        await self._check_input(agent, before)
        with one_error():
            async with asyncio.TaskGroup() as group:
                # The model is stopped as soon as one of them trips; its calls run only when all have passed.
                group.create_task(self._check_input(agent, beside))
                response = await self._ask(agent)
        return response

    async def _check_input(self, agent: Agent[Any, Any], guardrails: Sequence[InputGuardrail[Any]]) -> None:
        if not guardrails:
            return
        found = await run_input_guardrails(
            guardrails,
            self._state.context,
            agent,
            input_json(self._state.original_input),
            timeout_s=self._config.guardrail_timeout_s,
        )
        self._state.input_guardrail_results += found.results
        for tripped in found.tripped:
            raise InputGuardrailTripwireTriggered(tripped)
        for _, error in found.failures:
            raise error

    async def _ask(self, agent: Agent[Any, Any]) -> ModelResponse:
        config, progress, context = self._config, self._progress, self._state.context
        settings = check_model_settings(agent.model_settings, owner="Agent.model_settings").resolve(
            check_model_settings(config.model_settings, owner="RunConfig.model_settings")
        )
        if agent.reset_tool_choice and agent.name in progress.tool_users:
            settings = dataclasses.replace(settings, tool_choice=None)
        model = await self._models.get(config.model or agent.model)
        offer = self._offer = await offer_of(agent, context)
        if progress.turns == 1:
            warn_of_output_types(agent, offer)
        items = progress.conversation()
        request = await request_for(
            agent, offer, context, items, settings, strict=takes_strict_schemas(model)
        )
        check_request(model, request)
        response = await ask(
            model,
            request,
            timeout_s=config.model_timeout_s,
            emit=self._emit,
            taken={str(item.call_id) for item in items if isinstance(item, FunctionCallItem)},
        )
        if response.usage is not None:
            context.usage.add(_usage(response))
        return response

    def _take(self, response: ModelResponse) -> None:
        """Add an answer to the conversation; its calls are to be run."""
        progress, agent, offer = self._progress, self._state.current_agent, self._offer
        assert offer is not None
        progress.turn_start = len(progress.seen)
        progress.responses.append(response)
        for raw in response.output:
            if isinstance(raw, MessageItem):
                self._add(MessageOutputItem(agent, raw), "message_output_created")
            elif raw.name in offer.handoffs:
                self._add(HandoffCallItem(agent, raw), "handoff_requested")
            else:
                self._add(ToolCallItem(agent, raw), "tool_called")
        progress.pending = list(response.calls)

    def _add(self, item: RunItem, name: ItemEventName) -> None:
        self._progress.add(item)
        self._emit(RunItemStreamEvent(name, item))

    def _output_of(self, agent: Agent[Any, Any], response: ModelResponse) -> Any:
        """Return the value of an answer that calls nothing."""
        try:
            return agent.process_final_output(response.text)
        except ModelBehaviorError as error:
            if response.reason == "stop":
                raise
            hint = {
                "max_output_tokens": "it was cut off by the limit of tokens (model_settings.max_tokens)",
                "content_filter": "the provider's content filter stopped it",
            }
            raise ModelBehaviorError(f"{error}; {hint[response.reason]}") from error

    async def _use_tools(self) -> bool:
        """Run the calls of the last answer; returns whether the run ends or waits."""
        state, progress = self._state, self._progress
        agent = state.current_agent
        offer = self._offer = self._offer or await offer_of(agent, state.context)
        handoffs = [call for call in progress.pending if call.name in offer.handoffs]
        calls = [call for call in progress.pending if call.name not in offer.handoffs]
        step = self._step(agent, offer)
        waiting = await step.waiting(calls)
        for item, ran in await step.run([call for call in calls if call not in waiting]):
            progress.add(item)
            if ran is not None:
                progress.results.append((ran, item))
                progress.tool_users.add(agent.name)
        progress.pending = [*waiting, *handoffs]
        state.interruptions = [ToolApprovalItem(agent, call) for call in waiting]
        if waiting:
            for interruption in state.interruptions:
                self._emit(RunItemStreamEvent("tool_approval_requested", interruption))
            return True
        results = [
            FunctionToolResult(offer.tools[name], item.output, item)
            for name, item in progress.results
            if name in offer.tools
        ]
        progress.results = []
        if handoffs:
            await self._hand_over(offer, handoffs)
            return False
        decided = await final_output(agent.tool_use_behavior, state.context, results)
        if decided.is_final_output:
            plain = output_schema(agent.output_type).is_plain_text()
            await self._finish(to_text(decided.final_output) if plain else decided.final_output)
        return decided.is_final_output

    def _step(self, agent: Agent[Any, Any], offer: Offer) -> ToolStep:
        def emit(item: ToolCallOutputItem) -> None:
            self._emit(RunItemStreamEvent("tool_output", item))

        inner = dataclasses.replace(
            self._config,
            model_provider=self._models.provider,
            input_guardrails=(),
            output_guardrails=(),
        )
        before = [
            *self._progress.input,
            *(item.raw for item in self._progress.seen[: self._progress.turn_start]),
        ]
        return ToolStep(
            agent,
            offer,
            self._state.context,
            tuple(before),
            self._state.decisions,
            self._announcer,
            inner,
            emit,
        )

    async def _hand_over(self, offer: Offer, calls: Sequence[FunctionCallItem]) -> None:
        """Let the next agent take over."""
        state = self._state
        handover = Handover(state, offer, self._config, self._add)
        target = await handover.make(calls)
        self._progress.pending = []
        if target is None:
            return
        await self._announcer.handed_over(state.current_agent, target)
        await handover.filter(calls)
        state.current_agent, self._offer = target, None
        self._emit(AgentUpdatedStreamEvent(target))
        await self._announcer.started(target)

    async def _finish(self, output: Any) -> None:
        """End the run with an output, if the output guardrails let it pass."""
        state = self._state
        agent = state.current_agent
        found = await run_output_guardrails(
            [*agent.output_guardrails, *self._config.output_guardrails],
            state.context,
            agent,
            output,
            timeout_s=self._config.guardrail_timeout_s,
        )
        state.output_guardrail_results += found.results
        for tripped in found.tripped:
            raise OutputGuardrailTripwireTriggered(tripped)
        for _, error in found.failures:
            raise error
        state.final_output = output
        await self._announcer.ended(agent, output)


def _usage(response: ModelResponse) -> protocol.Usage:
    used = response.usage
    assert used is not None
    return protocol.Usage(
        input_tokens=used.input_tokens,
        output_tokens=used.output_tokens,
        total_tokens=used.input_tokens + used.output_tokens,
        input_token_details=protocol.InputTokenDetails(
            text_tokens=used.input_tokens, cached_tokens=used.cached_tokens
        ),
        output_token_details=protocol.OutputTokenDetails(text_tokens=used.output_tokens),
    )
