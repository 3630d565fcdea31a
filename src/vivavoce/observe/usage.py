"""`UsageLedger`: the tokens and the cost of every response, every turn, and the whole session."""

from __future__ import annotations

from dataclasses import dataclass, field

from vivavoce.observe.base import SessionObserver
from vivavoce.observe.prices import Cost, PriceTable
from vivavoce.observe.reading import asked_by_person
from vivavoce.protocol import (
    CachedTokensDetails,
    ClientEvent,
    InputAudioBufferSpeechStarted,
    InputTokenDetails,
    OutputTokenDetails,
    RealtimeSession,
    ResponseDone,
    ServerEvent,
    SessionCreated,
    SessionUpdated,
    Unknown,
    Usage,
    present,
)

RESPONSES = 10_000
"""Responses that are kept one by one; the totals go on beyond that."""


@dataclass(frozen=True, slots=True)
class ResponseUsage:
    """What one response took.

    Attributes:
        response_id: the response.
        model: that gave it, as far as the server said.
        usage: its tokens.
        cost: ``None`` where the price table does not know the model.
    """

    response_id: str
    model: str | None
    usage: Usage
    cost: Cost | None


@dataclass(slots=True)
class TurnUsage:
    """What one turn took: all responses from what the person said to what they said next.

    Attributes:
        index: 0 for what came before the person's first turn, then counted from 1.
        responses: in order.
    """

    index: int
    responses: list[ResponseUsage] = field(default_factory=list)

    @property
    def usage(self) -> Usage:
        """The turn's tokens."""
        return _total([response.usage for response in self.responses])

    @property
    def cost(self) -> Cost | None:
        """The turn's cost; ``None`` where a response has none."""
        return _total_cost([response.cost for response in self.responses])


class UsageLedger(SessionObserver):
    """Keeps account of a session.

    Args:
        prices: what tokens cost; without a table there is no cost.
        model: whose prices count, whatever the server calls its model.

    Attributes:
        turns: those that took tokens, in order.
        total: tokens of the session so far.
    """

    def __init__(self, prices: PriceTable | None = None, *, model: str | None = None) -> None:
        self.turns: list[TurnUsage] = []
        self.total = Usage()
        self._prices = prices or PriceTable()
        self._model = model
        self._served: str | None = None
        self._turn = 0
        self._kept = 0
        self._cost: Cost | None = None
        self._unknown_cost = False

    @property
    def cost(self) -> Cost | None:
        """Cost of the session so far; ``None`` before the first response, and once one had no price."""
        return None if self._unknown_cost else self._cost

    def on_client_event(self, event: ClientEvent, now: float) -> None:  # noqa: ARG002
        """Begin a turn when the person writes."""
        if asked_by_person(event):
            self._turn += 1

    def on_server_event(self, event: ServerEvent | Unknown, now: float) -> None:  # noqa: ARG002
        """Begin a turn when the person speaks; count a response when it is done."""
        if isinstance(event, InputAudioBufferSpeechStarted):
            self._turn += 1
        elif isinstance(event, ResponseDone):
            if event.response.usage is not None:
                self._count(event.response.id, event.response.usage)
        elif isinstance(event, SessionCreated | SessionUpdated) and isinstance(
            event.session, RealtimeSession
        ):
            self._served = present(event.session.model, self._served)

    def _count(self, response_id: str, usage: Usage) -> None:
        model = self._model or self._served
        cost = self._prices.cost(usage, model)
        self.total = _total([self.total, usage])
        if cost is None:
            self._unknown_cost = True
        else:
            self._cost = cost if self._cost is None else self._cost + cost
        if self._kept < RESPONSES:
            self._kept += 1
            if not self.turns or self.turns[-1].index != self._turn:
                self.turns.append(TurnUsage(self._turn))
            self.turns[-1].responses.append(ResponseUsage(response_id, model, usage, cost))


def _total_cost(costs: list[Cost | None]) -> Cost | None:
    known = [cost for cost in costs if cost is not None]
    if not known or len(known) < len(costs):
        return None
    return sum(known[1:], start=known[0])


def _total(usages: list[Usage]) -> Usage:
    read = [usage.input_token_details for usage in usages]
    cached = [details.cached_tokens_details for details in read]
    written = [usage.output_token_details for usage in usages]
    return Usage(
        total_tokens=sum(usage.total_tokens for usage in usages),
        input_tokens=sum(usage.input_tokens for usage in usages),
        output_tokens=sum(usage.output_tokens for usage in usages),
        input_token_details=InputTokenDetails(
            text_tokens=sum(details.text_tokens for details in read),
            audio_tokens=sum(details.audio_tokens for details in read),
            image_tokens=sum(details.image_tokens for details in read),
            cached_tokens=sum(details.cached_tokens for details in read),
            cached_tokens_details=CachedTokensDetails(
                text_tokens=sum(details.text_tokens for details in cached),
                audio_tokens=sum(details.audio_tokens for details in cached),
                image_tokens=sum(details.image_tokens for details in cached),
            ),
        ),
        output_token_details=OutputTokenDetails(
            text_tokens=sum(details.text_tokens for details in written),
            audio_tokens=sum(details.audio_tokens for details in written),
        ),
    )
