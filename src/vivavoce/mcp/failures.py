"""Why a request to an MCP server came to nothing: a word of its protocol, of HTTP, or neither."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

_STAND_INS = frozenset({"Server returned an error response", "Not Found", "Session terminated"})
"""What the package `mcp` says in the server's name where that gave no more than an HTTP status."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What failed.

    Attributes:
        kind: the server refused by its protocol, by an HTTP status, or there was no answer at all.
        code: of the protocol or of HTTP; 0 where there is neither.
        message: in words.
    """

    kind: Literal["protocol", "http", "other"]
    code: int
    message: str


def failure_of(error: BaseException, statuses: Sequence[int]) -> Failure:
    """Return what an exception of this room means.

    Args:
        error: as it was raised.
        statuses: the HTTP statuses with which the request has failed, in order.
    """
    for cause in _causes(error):
        code, words = getattr(cause, "code", None), getattr(cause, "message", None)
        if isinstance(code, int) and isinstance(words, str) and not (statuses and words in _STAND_INS):
            return Failure("protocol", code, words)
    if statuses:
        return Failure("http", statuses[-1], f"HTTP status {statuses[-1]}")
    return Failure("other", 0, str(error) or type(error).__name__)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__
