"""The answering half of the server: which responses run, what they know, and how they end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vivavoce.conversation.context import context_records, give_context
from vivavoce.conversation.effects import CancelResponse, StartResponse
from vivavoce.conversation.items import Items, Record
from vivavoce.conversation.mcp import McpTools
from vivavoce.conversation.mcp_offer import readable
from vivavoce.conversation.options import SessionOptions
from vivavoce.conversation.outbox import Outbox
from vivavoce.conversation.plan import plan_response
from vivavoce.conversation.response import ResponseState, RunningResponse
from vivavoce.conversation.settings import Settings
from vivavoce.conversation.token_rate import TokenRate
from vivavoce.conversation.transcripts import Transcripts
from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import RateLimitsUpdated, ResponseCreateParams, StatusReason

_MAX_PARALLEL = 16


class _Waiting:
    """A response that waits for the transcripts of what it answers, or for the tools that it names."""

    __slots__ = ("deadline", "for_items", "records")

    def __init__(self, records: list[Record] | None, for_items: set[str], deadline: float) -> None:
        self.records = records
        self.for_items = for_items
        self.deadline = deadline


class Responder:
    """The responses of one session.

    Args:
        outbox: where events and effects go.
        items: the conversation.
        settings: the session's.
        transcripts: what is being transcribed.
        options: the operator's.
        conversation_id: of the default conversation.
        mcp: the MCP servers and their tools.
    """

    def __init__(
        self,
        outbox: Outbox,
        items: Items,
        settings: Settings,
        transcripts: Transcripts,
        options: SessionOptions,
        conversation_id: str,
        mcp: McpTools,
    ) -> None:
        self._outbox = outbox
        self._items = items
        self._settings = settings
        self._transcripts = transcripts
        self._options = options
        self._conversation_id = conversation_id
        self._mcp = mcp
        self._running: dict[str, RunningResponse] = {}
        self._waiting: dict[str, _Waiting] = {}
        self._rate = TokenRate(options.tokens_per_minute) if options.tokens_per_minute else None
        self.active: RunningResponse | None = None
        self.silent_from: float | None = None
        self.play_end = 0.0
        """When the answer that ended last has been played to its end."""

    def get(self, response_id: str) -> RunningResponse | None:
        """Return a running response; `None` once it has ended, as results may come late."""
        return self._running.get(response_id)

    def __iter__(self) -> Iterator[RunningResponse]:
        return iter(list(self._running.values()))

    # --- beginning ----------------------------------------------------------------------------------------

    def create(self, params: ResponseCreateParams, now: float, stages: dict[str, float]) -> None:
        """Begin a response.

        Args:
            params: the client's wishes; empty for a turn.
            now: the time.
            stages: when each stage of the turn was reached so far.

        Raises:
            RemoteProtocolError: it cannot begin; nothing has changed.
        """
        params = self._mcp.wishes(params)
        plan = plan_response(params, self._settings, voice_locked=self._items.voice_locked)
        if plan.in_conversation and self.active is not None:
            raise RemoteProtocolError(
                f"Conversation already has an active response in progress: {self.active.id}. "
                "Wait until the response is finished before creating a new one.",
                code="conversation_already_has_active_response",
            )
        if not plan.in_conversation and len(self._running) >= _MAX_PARALLEL:
            raise RemoteProtocolError(
                f"Too many responses at once: at most {_MAX_PARALLEL} may run side by side.",
                code="rate_limit_exceeded",
                kind="rate_limit_error",
            )
        records = None if plan.input is None else context_records(plan.input, self._items, self._outbox.ids)
        response = RunningResponse(
            self._outbox,
            self._items if plan.in_conversation else None,
            plan,
            conversation_id=self._conversation_id if plan.in_conversation else None,
            lead_ms=self._options.output_lead_ms,
            stages=stages,
        )
        self._running[response.id] = response
        if plan.in_conversation:
            self.active = response
        pending = {str(record.item.id) for record in (self._items if records is None else records)}
        pending = {item_id for item_id in pending if item_id in self._transcripts}
        pending |= self._mcp.begin_response(params, plan)
        self._waiting[response.id] = _Waiting(records, pending, now + self._options.transcription_wait_s)
        self._begin_if_ready(response, now)

    def transcript_settled(self, item_id: str, now: float) -> None:
        """Begin the responses that waited for this transcript only."""
        for response_id in [key for key, wait in self._waiting.items() if item_id in wait.for_items]:
            self._waiting[response_id].for_items.discard(item_id)
            self._running[response_id].stages["transcript"] = now
            self._begin_if_ready(self._running[response_id], now)

    def tools_listed(self, item_id: str, now: float) -> None:
        """Begin the responses that waited for the tools of this MCP server only."""
        for response_id in [key for key, wait in self._waiting.items() if item_id in wait.for_items]:
            self._waiting[response_id].for_items.discard(item_id)
            self._begin_if_ready(self._running[response_id], now)

    def _begin_if_ready(self, response: RunningResponse, now: float) -> None:
        waiting = self._waiting[response.id]
        if waiting.for_items and now < waiting.deadline:
            return
        del self._waiting[response.id]
        plan = response.plan
        if self._rate is not None and self._rate.exhausted(now):
            self._fail_early(response, "rate_limit_exceeded", self._too_soon(self._rate.wait_s(now)), now)
            return
        offer = self._mcp.offer(plan)
        if offer.missing is not None:
            self._fail_early(response, "tool_not_found", offer.missing, now)
            return
        records: Iterable[Record] | None = waiting.records
        if records is None:
            records = [record for record in self._items if not record.left_out]
        records = readable(records, offer)
        given = give_context(
            records, plan.instructions, offer.functions, self._options.context_tokens, self._settings.session
        )
        if given is None:
            told = (
                f"The conversation is longer than the model's {self._options.context_tokens} tokens, and "
                "truncation is disabled or its newest item alone is too long."
            )
            self._fail_early(response, "context_length_exceeded", told, now)
            return
        if waiting.records is None and plan.in_conversation:
            # For good: a context that loses its beginning with every turn is never found in a cache.
            self._items.leave_out(given.left_out)
        response.begin(given.tokens, self._mcp.opener(offer, response.id))
        self._outbox.effect(
            StartResponse(
                response_id=response.id,
                instructions=plan.instructions,
                items=given.items,
                tools=offer.functions,
                tool_choice=offer.tool_choice,
                parallel_tool_calls=plan.parallel_tool_calls,
                max_output_tokens=None if plan.max_output_tokens == "inf" else plan.max_output_tokens,
                modality=plan.modality,
                voice=plan.voice,
                speed=plan.speed,
                fmt=plan.fmt,
                effort=plan.effort,
                temperature=plan.temperature,
            )
        )

    def _fail_early(self, response: RunningResponse, code: str, message: str, now: float) -> None:
        response.fail(code, message, now, "invalid_request_error")
        self.settle(response, now)

    def _too_soon(self, wait_s: float) -> str:
        limit = self._options.tokens_per_minute
        return f"Rate limit reached: {limit} tokens per minute. Please try again in {wait_s:.3g}s."

    # --- ending -------------------------------------------------------------------------------------------

    def cancel(self, response: RunningResponse, reason: StatusReason, now: float) -> None:
        """Stop a response at once: no further event of it but the ends of what is open, then its own."""
        if response.state is ResponseState.GENERATING:
            self._outbox.effect(CancelResponse(response.id))
        response.cancel(reason)
        if response is self.active:
            response.play_end = now
        self.settle(response, now)

    def cancel_asked(self, response_id: str | None, now: float) -> None:
        """Carry out a client's `response.cancel`.

        Raises:
            RemoteProtocolError: there is nothing to cancel.
        """
        response = self.active if response_id is None else self._running.get(response_id)
        if response is None:
            raise RemoteProtocolError(
                "Cancellation failed: no active response found",
                code="response_cancel_not_active",
                param=None if response_id is None else "response_id",
            )
        self.cancel(response, "client_cancelled", now)

    def fail(self, response: RunningResponse, code: str, message: str, now: float) -> None:
        """End a response because an engine failed."""
        response.fail(code, message, now)
        self.settle(response, now)

    def settle(self, response: RunningResponse, now: float) -> bool:
        """Forget the response if it has ended; return whether it has."""
        if response.running:
            return False
        ended = self._running.pop(response.id, None)
        self._waiting.pop(response.id, None)
        if self._rate is not None and ended is not None:
            self._rate.spend(response.spent, now)
            if response.plan.in_conversation:
                self._outbox.emit(RateLimitsUpdated, rate_limits=[self._rate.report(now)])
        if response is self.active:
            self.active = None
            self.silent_from = self.play_end = max(now, response.play_end)
        self._mcp.response_ended(response.id, follow_up=response.may_be_continued)
        return True

    # --- time ---------------------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """Return when `handle_deadline` has something to do."""
        times = [waiting.deadline for waiting in self._waiting.values()]
        if not self._outbox.paused:
            times += [
                due for response in self._running.values() if (due := response.next_deadline()) is not None
            ]
        return min(times, default=None)

    def handle_deadline(self, now: float) -> None:
        """Send audio that is due; begin responses that have waited long enough."""
        for response_id, waiting in list(self._waiting.items()):
            if now >= waiting.deadline:
                self._begin_if_ready(self._running[response_id], now)
        if not self._outbox.paused:
            for response in self:
                response.release(now)
                self.settle(response, now)
