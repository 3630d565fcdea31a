"""Tokens, counted in the attributes of `openai-agents`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vivavoce import protocol
    from vivavoce.agents import Usage as Counted


@dataclass
class InputTokensDetails:
    """Tokens that a model has read.

    Attributes:
        cached_tokens: those that it knew already.
    """

    cached_tokens: int = 0


@dataclass
class OutputTokensDetails:
    """Tokens that a model has written.

    Attributes:
        reasoning_tokens: those that were thoughts; realtime models report none.
    """

    reasoning_tokens: int = 0


@dataclass
class Usage:
    """Tokens of one response, or of a whole session.

    Attributes:
        requests: how many responses.
        input_tokens: tokens read.
        input_tokens_details: which of them were known already.
        output_tokens: tokens written or spoken.
        output_tokens_details: which of them were thoughts.
        total_tokens: their sum, as the server reports it.
    """

    requests: int = 0
    input_tokens: int = 0
    input_tokens_details: InputTokensDetails = field(default_factory=InputTokensDetails)
    output_tokens: int = 0
    output_tokens_details: OutputTokensDetails = field(default_factory=OutputTokensDetails)
    total_tokens: int = 0

    def add(self, other: Usage) -> None:
        """Add what something else took."""
        self.requests += other.requests
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.total_tokens += other.total_tokens
        self.input_tokens_details.cached_tokens += other.input_tokens_details.cached_tokens
        self.output_tokens_details.reasoning_tokens += other.output_tokens_details.reasoning_tokens


def usage_of_session(counted: Counted) -> Usage:
    """Return what a session has taken so far."""
    return Usage(
        requests=counted.requests,
        input_tokens=counted.input_tokens,
        input_tokens_details=InputTokensDetails(counted.input_tokens_details.get("cached", 0)),
        output_tokens=counted.output_tokens,
        total_tokens=counted.total_tokens,
    )


def usage_of_response(used: protocol.Usage) -> Usage:
    """Return what one response took."""
    return Usage(
        requests=1,
        input_tokens=used.input_tokens,
        input_tokens_details=InputTokensDetails(used.input_token_details.cached_tokens),
        output_tokens=used.output_tokens,
        total_tokens=used.total_tokens,
    )
