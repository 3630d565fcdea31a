"""What a checked `RealtimeRunConfig` says, part by part: records without behaviour. `settings` reads them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from vivavoce.session.model_settings import ModelSettings

if TYPE_CHECKING:
    from vivavoce.agents.guardrails import InputGuardrail, OutputGuardrail
    from vivavoce.protocol import Item


@dataclass(frozen=True, slots=True)
class GuardrailSettings:
    """How output guardrails run.

    Attributes:
        debounce_text_length: characters of an answer between two checks; -1 checks only at its end, which is
            always checked.
        timeout_s: seconds one guardrail may take.
        on_failure: what a guardrail that raises or takes too long counts as: ``"skip"`` reports an error and
            goes on, ``"trip"`` stops the answer.
        hold_back: release audio only when the text that it speaks has passed.
        message: what the model is told of a trip: a text, or a function of the guardrails' results that
            returns one; ``None`` names the guardrails and their policy hints.
    """

    debounce_text_length: int = 100
    timeout_s: float = 5.0
    on_failure: Literal["skip", "trip"] = "skip"
    hold_back: bool = False
    message: str | Callable[[Sequence[Any]], str] | None = None


@dataclass(frozen=True, slots=True)
class InputGuardrailSettings:
    """How input guardrails run.

    Attributes:
        timeout_s: seconds one guardrail may take.
        on_failure: as for output guardrails.
        transcript_timeout_s: seconds the transcript of the user's speech may take, after which the turn is
            answered unchecked and an error is reported.
        delete_item: take what tripped out of the conversation.
        respond: have the agent decline; otherwise it stays silent.
        message: what the model is told of a trip, as for output guardrails.
    """

    timeout_s: float = 5.0
    on_failure: Literal["skip", "trip"] = "skip"
    transcript_timeout_s: float = 10.0
    delete_item: bool = False
    respond: bool = True
    message: str | Callable[[Sequence[Any]], str] | None = None


@dataclass(frozen=True, slots=True)
class ToolSettings:
    """How tools run.

    Attributes:
        async_tool_calls: run the calls of one response side by side, not one after another.
        pre_approval_tool_input_guardrails: run a tool's input guardrails before its call is put up for
            approval, and again before it runs.
        tool_error_formatter: writes what the model is told of a call that was not approved; ``None`` for the
            words built in.
        approval_timeout_s: seconds a call may wait for approval where its tool does not say; ``None`` as
            long as the session.
        timeout_s: seconds a call may take where its tool does not say.
    """

    async_tool_calls: bool = True
    pre_approval_tool_input_guardrails: bool = False
    tool_error_formatter: Callable[[Any], Any] | None = None
    approval_timeout_s: float | None = None
    timeout_s: float = 300.0


@dataclass(frozen=True, slots=True)
class ReconnectSettings:
    """What happens when the connection drops.

    Attributes:
        enabled: connect again, with the conversation so far; also before the server's time limit ends it.
        attempts: tries before the session gives up.
        first_delay_s: seconds before the first try, at most; each further try waits twice as long.
        longest_delay_s: seconds of the longest wait.
    """

    enabled: bool = True
    attempts: int = 8
    first_delay_s: float = 0.5
    longest_delay_s: float = 8.0


@dataclass(frozen=True, slots=True)
class RunSettings:
    """A checked `RealtimeRunConfig`.

    Attributes:
        model: settings of the model's session.
        output_guardrails: checks of what any agent of the run says.
        input_guardrails: checks of what the user says.
        guardrails: how the output guardrails run.
        input_guarding: how the input guardrails run.
        tools: how tools run.
        reconnect: what happens when the connection drops.
        hooks: hooks of the run, or ``None``.
        observers: see every event of the session.
        history: what the conversation starts with.
        tracing_disabled: trace nothing, here and at the server.
    """

    model: ModelSettings = field(default_factory=ModelSettings)
    output_guardrails: tuple[OutputGuardrail[Any], ...] = ()
    input_guardrails: tuple[InputGuardrail[Any], ...] = ()
    guardrails: GuardrailSettings = field(default_factory=GuardrailSettings)
    input_guarding: InputGuardrailSettings = field(default_factory=InputGuardrailSettings)
    tools: ToolSettings = field(default_factory=ToolSettings)
    reconnect: ReconnectSettings = field(default_factory=ReconnectSettings)
    hooks: Any = None
    observers: tuple[Any, ...] = ()
    history: tuple[Item, ...] = ()
    tracing_disabled: bool = False
