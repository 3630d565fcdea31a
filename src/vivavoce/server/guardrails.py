"""What an operator checks in every session: the port, a list of words, and those of other packages.

A third party writes, in its `pyproject.toml`::

    [project.entry-points."vivavoce.guardrails"]
    "politeness" = "parrot.guard:make_guardrail"

and `make_guardrail(options)` returns a `ServerGuardrail`; `options` is the table that the operator wrote.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Literal, Protocol, runtime_checkable

from vivavoce.engines.configured import configured
from vivavoce.errors import ConfigurationError

__all__ = ["GROUP", "Said", "ServerGuardrail", "WordGuardrail", "make_guardrail"]

GROUP = "vivavoce.guardrails"
"""Group of entry points that other packages declare guardrails in."""

Speaker = Literal["user", "agent"]


@dataclass(frozen=True, slots=True)
class Said:
    """Words to be judged.

    Attributes:
        text: all words so far of one turn of the user, or of one part of an answer.
        by: whose they are.
        final: whether no more will come; until then the last word may be half a word.
        session_id: of the session.
    """

    text: str
    by: Speaker
    final: bool
    session_id: str


@runtime_checkable
class ServerGuardrail(Protocol):
    """Judges what is said in a session.

    Attributes:
        name: for the log.
    """

    name: str

    def check(self, said: Said) -> bool | Awaitable[bool]:
        """Return whether this must not be said.

        A plain method is asked before each piece of an answer is sent, so it must be quick: it runs on the
        event loop. A coroutine method is asked now and then, while the answer goes on.

        Args:
            said: the words.
        """
        ...


class WordGuardrail:
    """Blocks words and patterns, whatever their case.

    Args:
        words: words and phrases; they match as whole words.
        patterns: regular expressions.
        of: whose words are judged.
        label: its name in the log, to tell several of them apart.

    Raises:
        ConfigurationError: there is nothing to look for, or a pattern is no regular expression.
    """

    def __init__(
        self,
        words: Sequence[str] = (),
        patterns: Sequence[str] = (),
        of: Literal["user", "agent", "both"] = "both",
        label: str = "words",
    ) -> None:
        self.name = label
        self._of = of
        phrases = [r"\s+".join(map(re.escape, word.split())) for word in words]
        sources = [rf"(?<!\w)(?:{phrase})(?!\w)" for phrase in phrases if phrase] + list(patterns)
        if not sources:
            raise ConfigurationError(f"guardrail '{label}' looks for nothing: give it words or patterns")
        try:
            self._patterns = [re.compile(source, re.IGNORECASE) for source in sources]
        except re.error as error:
            raise ConfigurationError(
                f"guardrail '{label}': a pattern is no regular expression: {error}"
            ) from error

    def check(self, said: Said) -> bool:
        """Return whether one of the words or patterns is in it.

        As long as more may come, what stands at the very end is not judged: `assist` begins with a word too.
        """
        if self._of not in {"both", said.by}:
            return False
        end = len(said.text) + said.final
        return any(found.end() < end for pattern in self._patterns for found in pattern.finditer(said.text))


def make_guardrail(name: str, options: Mapping[str, Any] | None = None) -> ServerGuardrail:
    """Make a guardrail by name.

    Args:
        name: `"words"`, or the name of an entry point.
        options: its settings, as the operator wrote them.

    Raises:
        ConfigurationError: there is none of this name, or it cannot be made.
    """
    options = dict(options or {})
    where = f"guardrail '{name}'"
    if name == "words":
        return configured(WordGuardrail, options, where)
    points = {point.name: point for point in metadata.entry_points(group=GROUP)}
    if name not in points:
        known = ", ".join(["words", *sorted(points)])
        raise ConfigurationError(f"there is no {where}; there are: {known}")
    try:
        guardrail: object = points[name].load()(options)
    except Exception as error:
        raise ConfigurationError(f"{where} cannot be made: {type(error).__name__}: {error}") from error
    if not isinstance(guardrail, ServerGuardrail):
        raise ConfigurationError(
            f"{where} is no guardrail: a {type(guardrail).__name__} lacks a name or the method check(said)"
        )
    return guardrail
