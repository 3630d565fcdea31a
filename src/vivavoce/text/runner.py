"""`Runner`: runs text agents."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vivavoce.agents.context import RunContextWrapper, TContext
from vivavoce.errors import ConfigurationError
from vivavoce.text.agent import Agent
from vivavoce.text.inputs import RunInput, read_input
from vivavoce.text.loop import Run
from vivavoce.text.result import RunResult
from vivavoce.text.run_config import RunConfig, check_run_config
from vivavoce.text.state import Progress, RunState
from vivavoce.text.streaming import RunResultStreaming

if TYPE_CHECKING:
    from vivavoce.agents import RunHooks

MAX_TURNS = 10
"""Answers of the model after which a run fails, by default."""


class Runner:
    """Runs an agent until it comes to an output.

    The model is asked. If it calls tools they run side by side, and it is asked again; if it hands over, the
    next agent is asked; otherwise its answer is the output.
    """

    @classmethod
    async def run(
        cls,
        starting_agent: Agent[Any, Any],
        input: RunInput | RunState[Any],  # noqa: A002  # the name that openai-agents gave it
        *,
        context: TContext | RunContextWrapper[TContext] | None = None,
        max_turns: int | None = MAX_TURNS,
        hooks: RunHooks[Any] | None = None,
        run_config: RunConfig | Mapping[str, Any] | None = None,
    ) -> RunResult[Any]:
        """Run an agent and return what it came to.

        Args:
            starting_agent: who begins. A state goes on with the agent that was at work.
            input: a text of the user; a conversation, for example `ToolContext.history_json()` of a session
                or `to_input_list()` of an earlier run; or a `RunState` that goes on.
            context: an object of your own, for instructions, tools and guardrails; never sent to a model. A
                `RunContextWrapper`, such as a tool gets, is taken over with its usage.
            max_turns: answers of the model after which the run fails; ``None`` is no limit. A state keeps
                its own.
            hooks: methods that are called as agents work. What one raises ends the run.
            run_config: a `RunConfig` or a dictionary of its fields.

        Raises:
            MaxTurnsExceeded: there was no output within `max_turns` answers.
            InputGuardrailTripwireTriggered: an input guardrail refused the input.
            OutputGuardrailTripwireTriggered: an output guardrail refused the output.
            ModelBehaviorError: the model's answer does not fit the output type.
            EngineError: the model failed.
            ConfigurationError: a setting is not accepted.
            Exception: whatever a guardrail, a hook or a function of an agent raised.
        """
        state = begin(starting_agent, input, context, max_turns)
        await Run(state, check_run_config(run_config), hooks).drive()
        return RunResult(state)

    @classmethod
    def run_sync(
        cls,
        starting_agent: Agent[Any, Any],
        input: RunInput | RunState[Any],  # noqa: A002  # the name that openai-agents gave it
        *,
        context: TContext | RunContextWrapper[TContext] | None = None,
        max_turns: int | None = MAX_TURNS,
        hooks: RunHooks[Any] | None = None,
        run_config: RunConfig | Mapping[str, Any] | None = None,
    ) -> RunResult[Any]:
        """Run an agent where there is no event loop; see `run`.

        Raises:
            ConfigurationError: an event loop runs already.
            Exception: as `run`.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            work = cls.run(
                starting_agent,
                input,
                context=context,
                max_turns=max_turns,
                hooks=hooks,
                run_config=run_config,
            )
            return asyncio.run(work)
        raise ConfigurationError("run_sync cannot be used where an event loop runs: await Runner.run(…)")

    @classmethod
    def run_streamed(
        cls,
        starting_agent: Agent[Any, Any],
        input: RunInput | RunState[Any],  # noqa: A002  # the name that openai-agents gave it
        *,
        context: TContext | RunContextWrapper[TContext] | None = None,
        max_turns: int | None = MAX_TURNS,
        hooks: RunHooks[Any] | None = None,
        run_config: RunConfig | Mapping[str, Any] | None = None,
    ) -> RunResultStreaming[Any]:
        """Start to run an agent; read ``stream_events()`` of what is returned. See `run`.

        Raises:
            ConfigurationError: a setting is not accepted, or no event loop runs.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise ConfigurationError("run_streamed needs an event loop: call it in a coroutine") from None
        state = begin(starting_agent, input, context, max_turns)
        return RunResultStreaming(state, check_run_config(run_config), hooks)


async def run(
    starting_agent: Agent[Any, Any],
    input: RunInput | RunState[Any],  # noqa: A002  # as in Runner.run
    **options: Any,
) -> RunResult[Any]:
    """Run an agent and return what it came to; the same as `Runner.run`.

    Args:
        starting_agent: who begins.
        input: a text, a conversation, or a state that goes on.
        options: as of `Runner.run`.

    Raises:
        Exception: as `Runner.run`.
    """
    return await Runner.run(starting_agent, input, **options)


def begin(
    agent: object, given: RunInput | RunState[Any], context: object, max_turns: int | None
) -> RunState[Any]:
    """Return the state that a run begins with.

    Args:
        agent: who begins.
        given: the input, or a state that goes on; that one stays as it is.
        context: the user's own object, or a wrapper that holds it.
        max_turns: answers of the model after which the run fails.

    Raises:
        ConfigurationError: a value is not accepted.
    """
    if not isinstance(agent, Agent):
        raise ConfigurationError(
            f"starting_agent must be an Agent, got {agent!r}; a RealtimeAgent is run by RealtimeRunner"
        )
    if isinstance(given, RunState):
        return given.copied()
    limit: object = max_turns
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise ConfigurationError(f"max_turns must be a whole number above 0 or None, got {max_turns!r}")
    if isinstance(context, RunContextWrapper):
        wrapper = RunContextWrapper(context.context, context.usage)
    else:
        wrapper = RunContextWrapper(context)
    return RunState(given, agent, wrapper, Progress(read_input(given)), max_turns)
