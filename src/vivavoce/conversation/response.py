"""One response from `response.created` to `response.done`.

    WAITING ─begin─► GENERATING ─finish─► DRAINING ─(all audio sent)─► ENDED
       └──────────────── cancel, fail ───────┴──────────────────────────►

"response.done … is always emitted, no matter the final state" (Realtime API reference).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from typing import Literal

from vivavoce.conversation.budget import OutputBudget
from vivavoce.conversation.effects import CancelResponse
from vivavoce.conversation.items import Items
from vivavoce.conversation.mcp_output import McpCallOutput
from vivavoce.conversation.outbox import Outbox
from vivavoce.conversation.output import AudioMessage, FunctionCallOutput, OutputItem, TextMessage
from vivavoce.conversation.plan import ResponsePlan
from vivavoce.conversation.playout import Playout
from vivavoce.conversation.tokens import (
    CountedTokens,
    Tokens,
    output_audio_tokens,
    text_tokens,
    tokens_of_chars,
    usage,
)
from vivavoce.protocol import (
    UNSET,
    Response,
    ResponseAudio,
    ResponseAudioOutput,
    ResponseCreated,
    ResponseDone,
    ResponseStatus,
    StatusDetails,
    StatusError,
    StatusReason,
    Usage,
)

FinishReason = Literal["stop", "max_output_tokens", "content_filter"]

OpenMcpCall = Callable[[int, str], McpCallOutput | None]
"""Begins an MCP call at an output index, by the name that the model knows; `None`: no MCP tool has it."""


def no_mcp_call(_output_index: int, _name: str) -> None:
    """Begin no MCP call: there are no MCP tools."""


class ResponseState(Enum):
    """How far a response is."""

    WAITING = auto()
    GENERATING = auto()
    DRAINING = auto()
    ENDED = auto()


TRANSITIONS: Mapping[ResponseState, frozenset[ResponseState]] = {
    ResponseState.WAITING: frozenset({ResponseState.GENERATING, ResponseState.ENDED}),
    ResponseState.GENERATING: frozenset({ResponseState.DRAINING, ResponseState.ENDED}),
    ResponseState.DRAINING: frozenset({ResponseState.ENDED}),
    ResponseState.ENDED: frozenset(),
}


class RunningResponse:
    """A response that is being made.

    Args:
        outbox: where events go.
        items: the conversation to write into, or `None` for an out-of-band response.
        plan: its settings.
        conversation_id: of the conversation it belongs to, or `None`.
        lead_ms: how far ahead of its playback audio is sent.
        stages: when each stage of the turn was reached so far, in seconds; see `ServerConversation`.
    """

    def __init__(
        self,
        outbox: Outbox,
        items: Items | None,
        plan: ResponsePlan,
        *,
        conversation_id: str | None,
        lead_ms: int,
        stages: dict[str, float],
    ) -> None:
        self.id = outbox.ids.new("resp")
        self.plan = plan
        self.state = ResponseState.WAITING
        self.play_end = 0.0
        self.given = Tokens()
        self.stages = stages
        self._outbox = outbox
        self._items = items
        self._conversation_id = conversation_id
        self._lead_ms = lead_ms
        self._output: list[OutputItem] = []
        self._messages: deque[AudioMessage] = deque()  # not yet sent to their end; the first is being heard
        self._numbered: dict[int, AudioMessage] = {}
        self._speaking: AudioMessage | None = None  # the one whose clause is being synthesised
        self._clause = ""
        self._writing: TextMessage | None = None
        self._calls: dict[int, FunctionCallOutput | McpCallOutput] = {}
        self._open_mcp_call: OpenMcpCall = no_mcp_call
        self._completed = False
        self._reason: FinishReason = "stop"
        self._counted: CountedTokens | None = None
        self._failure: StatusError | None = None
        self._budget = OutputBudget(plan.max_output_tokens)
        self.spent = 0
        outbox.emit(ResponseCreated, response=self._snapshot("in_progress"))

    @property
    def running(self) -> bool:
        """Whether `response.done` is still to come."""
        return self.state is not ResponseState.ENDED

    @property
    def may_be_continued(self) -> bool:
        """Whether it was completed, and waits for no function of the client."""
        return self._completed and not any(isinstance(each, FunctionCallOutput) for each in self._output)

    @property
    def backlog_ms(self) -> int:
        """Milliseconds of audio that wait to be sent."""
        return sum(message.playout.backlog_ms for message in self._messages)

    def begin(self, given: Tokens, open_mcp_call: OpenMcpCall = no_mcp_call) -> None:
        """Say that the model has been asked, with so many tokens of context and these MCP tools."""
        self._open_mcp_call = open_mcp_call
        self._go(ResponseState.GENERATING)
        self.given = given

    # --- what the model makes -----------------------------------------------------------------------------

    def text(self, delta: str, now: float) -> None:
        """Take written text."""
        fits = self._budget.write(delta)
        if fits or not delta:
            if self._writing is None:
                self.end_calls()
                self._writing = TextMessage(self._outbox, self._items, self.id, len(self._output))
                self._output.append(self._writing)
            self._writing.add(fits)
        if fits != delta:
            self._stop(now)

    def open_message(self, number: int) -> AudioMessage:
        """Give a spoken message its place in the output, before what comes after it."""
        message = self._numbered.get(number)
        if message is None or message.playout.ended:
            self.end_calls()
            message = self._numbered[number] = self._new_message()
        return message

    def begin_clause(self, text: str, now: float, number: int = 0) -> None:
        """Take a clause of the message that is about to be spoken; its audio follows."""
        self._speaking = self.open_message(number)
        self._clause = text
        self._budget.begin_clause()
        self._speaking.playout.begin_clause(text)
        self.release(now)

    def audio(self, audio: bytes, words: Sequence[tuple[int, int]], now: float) -> None:
        """Take audio of the newest clause, and the words in it, see `Playout.add_audio`."""
        if self._speaking is None:
            return
        fmt = self.plan.fmt
        ms = int(fmt.ms_of(len(audio)))
        fits = self._budget.speak(ms, words)
        if fits == ms:
            self._speaking.playout.add_audio(audio, words)
            self.release(now)
            return
        fitting = audio[: fmt.bytes_of(max(0, fits))]
        self._speaking.playout.add_audio(fitting, words if fits >= 0 else ())
        self._speaking.playout.cut_off()
        self._stop(now)

    def end_clause(self, now: float) -> None:
        """Take the end of the newest clause's audio."""
        if self._speaking is not None:
            self._speaking.playout.end_clause()
            self._budget.end_clause(self._clause)
        self.release(now)

    def end_message(self, number: int, now: float) -> None:
        """Take the end of a message's clauses."""
        if (message := self._numbered.get(number)) is not None:
            message.playout.end()
        self.release(now)

    def function_call(self, index: int, name: str, arguments: str, call_id: str | None, now: float) -> None:
        """Take a piece of a function call; pieces with the same index make one call."""
        if self._writing is not None:
            self._writing.close(self._final_item_status())
            self._writing = None
        call = self._calls.get(index)
        if call is None:
            if self.plan.tool_choice == "none" or (self._calls and not self.plan.parallel_tool_calls):
                return  # whatever the model wants: this response has no calls, or one
            if self._budget.write(name) != name:
                self._stop(now)
                return
            self.end_calls()
            call = self._calls[index] = self._new_call(name, call_id)
        if arguments and call.open:
            fits = self._budget.write(arguments)
            if fits:
                call.add(fits)
            if fits != arguments:
                self._stop(now)

    def _new_call(self, name: str, call_id: str | None) -> FunctionCallOutput | McpCallOutput:
        call: FunctionCallOutput | McpCallOutput | None = self._open_mcp_call(len(self._output), name)
        if call is None:
            call_id = call_id or self._outbox.ids.new("call")
            call = FunctionCallOutput(
                self._outbox, self._items, self.id, len(self._output), name=name, call_id=call_id
            )
        self._output.append(call)
        return call

    def end_calls(self) -> None:
        """Say that the function calls so far are complete."""
        for call in self._calls.values():
            if call.open:
                call.close(self._final_item_status())

    def finish(self, reason: FinishReason, counted: CountedTokens | None, now: float) -> None:
        """Take the end of generation; the response ends when its audio has been sent."""
        self._reason, self._counted = reason, counted
        self._go(ResponseState.DRAINING)
        self.end_calls()
        self._end_messages()
        self.release(now)

    def _stop(self, now: float) -> None:
        """End generation: `max_output_tokens` is reached."""
        self._outbox.effect(CancelResponse(self.id))
        self.finish("max_output_tokens", None, now)

    # --- how it ends --------------------------------------------------------------------------------------

    def cancel(self, reason: StatusReason) -> None:
        """End it now; what was not sent is dropped."""
        self._close_open("incomplete")
        self._end("cancelled", StatusDetails(type="cancelled", reason=reason))

    def fail(self, code: str, message: str, now: float, kind: str = "server_error") -> None:
        """End it because an engine failed, once what was synthesised before has been sent."""
        self._failure = StatusError(type=kind, code=code, message=message)
        self.end_calls()
        if self.state is ResponseState.GENERATING and self._messages:
            self._go(ResponseState.DRAINING)
            if self._speaking is not None:
                self._speaking.playout.cut_off()
            self._end_messages()
            self.release(now)
        else:
            self._close_open("incomplete")
            self._complete()

    # --- time ---------------------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """Return when `release` has something to do."""
        return self._messages[0].playout.next_deadline() if self._messages else None

    def release(self, now: float) -> None:
        """Send the audio that is due, and end the response when all of it has gone."""
        while self.running and self._messages and not self._outbox.paused:
            message = self._messages[0]
            message.playout.play_end = self.play_end
            if message.release(now):
                self.stages.setdefault("first_audio", now)
            self.play_end = message.playout.play_end
            if not message.playout.drained:
                return
            message.close(self._final_item_status())
            self._messages.popleft()
        if self.state is ResponseState.DRAINING and not self._messages:
            self._complete()

    def _new_message(self) -> AudioMessage:
        # At once, though an earlier message may still be on its way: the output keeps the model's order.
        fmt = self.plan.fmt
        playout = Playout(fmt.bytes_per_ms, self._lead_ms)
        message = AudioMessage(
            self._outbox, self._items, self.id, len(self._output), fmt=fmt, playout=playout
        )
        self._messages.append(message)
        self._output.append(message)
        return message

    # --- inside -------------------------------------------------------------------------------------------

    def _go(self, state: ResponseState) -> None:
        assert state in TRANSITIONS[self.state], f"{self.state} → {state}"
        self.state = state

    def _end_messages(self) -> None:
        if self._writing is not None:
            self._writing.close(self._final_item_status())
            self._writing = None
        for message in self._messages:
            message.playout.end()

    def _final_item_status(self) -> Literal["completed", "incomplete"]:
        return "completed" if self._reason == "stop" and self._failure is None else "incomplete"

    def _close_open(self, status: Literal["incomplete"]) -> None:
        for output in (*self._messages, self._writing, *self._calls.values()):
            if output is not None and output.open:
                output.close(status)
        self._messages.clear()

    def _complete(self) -> None:
        if self._failure is not None:
            self._end("failed", StatusDetails(type="failed", error=self._failure))
        elif self._reason == "stop":
            self._end("completed", None)
        else:
            self._end("incomplete", StatusDetails(type="incomplete", reason=self._reason))

    def _end(self, status: ResponseStatus, details: StatusDetails | None) -> None:
        self._go(ResponseState.ENDED)
        self._completed = status == "completed"
        spent = self._usage(status)
        self.spent = spent.total_tokens
        origin = next(iter(self.stages.values()), 0.0)
        self._outbox.emit(
            ResponseDone,
            response=self._snapshot(status, details, spent),
            stage_times={stage: round((at - origin) * 1000, 1) for stage, at in self.stages.items()},
        )

    def _usage(self, status: ResponseStatus) -> Usage:
        if not self._output and status in ("cancelled", "failed"):
            return usage(Tokens(), Tokens())
        spoken = [output for output in self._output if isinstance(output, AudioMessage)]
        made = Tokens(
            text=tokens_of_chars(self._budget.written)
            + sum(text_tokens(message.playout.said()) for message in spoken),
            audio=sum(output_audio_tokens(message.playout.sent_ms) for message in spoken),
        )
        return usage(self.given, made, self._counted)

    def _snapshot(
        self, status: ResponseStatus, details: StatusDetails | None = None, spent: Usage | None = None
    ) -> Response:
        plan = self.plan
        return Response(
            id=self.id,
            status=status,
            status_details=details,
            output=[output.record.item for output in self._output],
            conversation_id=self._conversation_id,
            output_modalities=[plan.modality],
            max_output_tokens=plan.max_output_tokens,
            temperature=UNSET if plan.temperature is None else plan.temperature,
            audio=ResponseAudio(output=ResponseAudioOutput(format=plan.fmt, voice=plan.voice)),
            usage=spent,
            metadata=plan.metadata,
        )
