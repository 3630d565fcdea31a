"""How much a response costs: token counts of items, context truncation, usage.

Audio follows the documented rates: "1 token per 100 ms of audio" of the user, "1 token per 50 ms of audio" of
the assistant. Text is estimated at four characters a token, as no tokenizer is at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vivavoce.conversation.items import Record
from vivavoce.protocol import (
    CachedTokensDetails,
    FunctionCallItem,
    FunctionCallOutputItem,
    FunctionTool,
    InputAudio,
    InputText,
    InputTokenDetails,
    MessageItem,
    OutputAudio,
    OutputText,
    OutputTokenDetails,
    RetentionRatio,
    TokenLimits,
    Usage,
)

CHARS_PER_TOKEN = 4
AUDIO_TOKEN_MS = 50
"""Length of one token of the assistant's audio."""


def text_tokens(text: str) -> int:
    """Estimate the tokens of a text."""
    return tokens_of_chars(len(text))


def tokens_of_chars(chars: int) -> int:
    """Estimate the tokens of so many characters."""
    return -(-chars // CHARS_PER_TOKEN)


def input_audio_tokens(ms: float) -> int:
    """Return the tokens of the user's audio."""
    return -(-int(ms) // 100)


def output_audio_tokens(ms: float) -> int:
    """Return the tokens of the assistant's audio."""
    return -(-int(ms) // AUDIO_TOKEN_MS)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens by modality."""

    text: int = 0
    audio: int = 0
    image: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(self.text + other.text, self.audio + other.audio, self.image + other.image)

    @property
    def total(self) -> int:
        """All modalities together."""
        return self.text + self.audio + self.image


def tokens_of(record: Record) -> Tokens:
    """Count what an item costs as context."""
    item = record.item
    if isinstance(item, FunctionCallItem):
        return Tokens(text=text_tokens(item.name) + text_tokens(item.arguments))
    if isinstance(item, FunctionCallOutputItem):
        return Tokens(text=text_tokens(item.output))
    if not isinstance(item, MessageItem):
        return Tokens()
    total = Tokens(image=record.image_tokens)
    for part in item.content:
        match part:
            case InputText() | OutputText():
                total += Tokens(text=text_tokens(part.text))
            case InputAudio():
                total += Tokens(audio=input_audio_tokens(record.audio_ms))
            case OutputAudio():
                total += Tokens(audio=output_audio_tokens(record.audio_ms))
    return total


@dataclass(frozen=True, slots=True)
class CountedTokens:
    """Tokens of text as a language model counted them.

    Attributes:
        read: of the input.
        written: of the output.
        cached: of the input, from a cache.
    """

    read: int
    written: int
    cached: int = 0


@dataclass(frozen=True, slots=True)
class ContextFit:
    """Which of the newest items fit into the model's input.

    Attributes:
        first: index of the first item that stays.
        tokens: what the items that stay cost.
    """

    first: int
    tokens: Tokens


def fit_context(costs: Sequence[Tokens], fixed: int, limit: int, truncation: object) -> ContextFit | None:
    """Decide what stays in the model's context.

    Args:
        costs: tokens of the items, oldest first.
        fixed: tokens of instructions and tools, which always stay.
        limit: input tokens that the model takes.
        truncation: `"auto"`, `"disabled"`, or a `RetentionRatio`: "when the conversation exceeds the input
            token limit, … retain this fraction of post-instruction conversation tokens", so that the cache
            of the rest stays warm.

    Returns:
        What fits, the newest item in any case: a model that cannot read what it is asked has nothing to
        answer. `None` when not even that fits, or not everything does and truncation is disabled.
    """
    room = whole = max(0, limit - fixed)
    ratio = 1.0
    if isinstance(truncation, RetentionRatio):
        ratio = truncation.retention_ratio
        limits = truncation.token_limits
        if isinstance(limits, TokenLimits) and isinstance(limits.post_instructions, int):
            room = min(room, limits.post_instructions)
    total = sum((cost for cost in costs), Tokens())
    if total.total <= room:
        return ContextFit(0, total)
    if truncation == "disabled" or costs[-1].total > whole:
        return None
    room = int(room * ratio)
    first = 0
    while first < len(costs) - 1 and total.total > room:
        cost = costs[first]
        total = Tokens(total.text - cost.text, total.audio - cost.audio, total.image - cost.image)
        first += 1
    return ContextFit(first, total)


def fixed_tokens(instructions: str, tools: Sequence[FunctionTool]) -> int:
    """Count instructions and tools."""
    described = sum(
        text_tokens(tool.name) + text_tokens(str(tool.description)) + text_tokens(str(tool.parameters))
        for tool in tools
    )
    return text_tokens(instructions) + described


def usage(given: Tokens, made: Tokens, counted: CountedTokens | None = None) -> Usage:
    """Return the `usage` of a response.

    Args:
        given: what the model read.
        made: what it wrote and spoke.
        counted: what the model itself counted, or `None` where it does not; it knows its text better.
    """
    if counted is not None:
        # The model counts its pictures among what it read; here they have a figure of their own.
        given = Tokens(text=max(0, counted.read - given.image), audio=given.audio, image=given.image)
        made = Tokens(text=counted.written, audio=made.audio)
    cached = min(counted.cached, given.text + given.image) if counted is not None else 0
    cached_text = min(cached, given.text)
    return Usage(
        total_tokens=given.total + made.total,
        input_tokens=given.total,
        output_tokens=made.total,
        input_token_details=InputTokenDetails(
            text_tokens=given.text,
            audio_tokens=given.audio,
            image_tokens=given.image,
            cached_tokens=cached,
            cached_tokens_details=CachedTokensDetails(
                text_tokens=cached_text, audio_tokens=0, image_tokens=cached - cached_text
            ),
        ),
        output_token_details=OutputTokenDetails(text_tokens=made.text, audio_tokens=made.audio),
    )
