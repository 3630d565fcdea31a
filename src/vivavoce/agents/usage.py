"""What a conversation has consumed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vivavoce import protocol


@dataclass(slots=True)
class Usage:
    """Tokens of all responses of a session so far.

    Attributes:
        requests: responses that reported what they used.
        input_tokens: tokens read by the model.
        output_tokens: tokens written or spoken by the model.
        total_tokens: their sum, as the server reports it.
        input_tokens_details: input tokens by kind: ``text``, ``audio``, ``image``, and ``cached``
            (a part of the others).
        output_tokens_details: output tokens by kind: ``text`` and ``audio``.
    """

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    input_tokens_details: dict[str, int] = field(default_factory=dict)
    output_tokens_details: dict[str, int] = field(default_factory=dict)

    def add(self, used: protocol.Usage) -> None:
        """Add what one response used."""
        self.requests += 1
        self.input_tokens += used.input_tokens
        self.output_tokens += used.output_tokens
        self.total_tokens += used.total_tokens
        read, written = used.input_token_details, used.output_token_details
        _accumulate(
            self.input_tokens_details,
            text=read.text_tokens,
            audio=read.audio_tokens,
            image=read.image_tokens,
            cached=read.cached_tokens,
        )
        _accumulate(self.output_tokens_details, text=written.text_tokens, audio=written.audio_tokens)


def _accumulate(totals: dict[str, int], **amounts: int) -> None:
    for kind, amount in amounts.items():
        totals[kind] = totals.get(kind, 0) + amount
