"""Which stretch of an utterance is the text of a string parameter."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from vivavoce.engines.llm.schema import Parameter, Role
from vivavoce.engines.llm.words import FILLERS, STOP_WORDS, Words, said, stem, word_set

_ARTICLES = frozenset(("the", "a", "an", "some", "my", "our"))
_NAME_CUES = ("named", "called", "titled")
_CUES: dict[Role, tuple[str, ...]] = {
    Role.PLACE: ("in", "at", "near", "around", "for", "to", "of", "from"),
    Role.PERSON: ("name", *_NAME_CUES, "am", "under", "to", "with", "for", "call", "text"),
    Role.TEXT: ("saying", "says", "that", "reading", *_NAME_CUES, "about", "to", "for", "on"),
    Role.THING: ("of", "for", "about", "on", "in", *_NAME_CUES),
    Role.IDENTIFIER: ("number", "id", "code", "reference"),
    Role.OTHER: ("for", "of", "about", "in", "to", "on", "with", "by", *_NAME_CUES),
}
# Cues that a parameter's own name asks for: `destination` comes after "to".
_NAMED_CUES: dict[str, tuple[str, ...]] = {
    "destination": ("to", "for"),
    "to": ("to", "into", "in"),
    "target": ("to", "into", "in"),
    "arrival": ("to",),
    "dropoff": ("to",),
    "origin": ("from",),
    "from": ("from",),
    "source": ("from",),
    "departure": ("from",),
    "pickup": ("from",),
    "artist": ("by",),
    "author": ("by",),
    "language": ("into", "to", "in"),
}
_ENDERS = word_set(
    """in at for to from on by with and or but into near around under about then named called saying that
    because please today tonight tomorrow now thanks thank"""
)
_BEGINNING = re.compile(r"(?<![^\s-])\w")
_TITLED = frozenset((Role.PLACE, Role.PERSON))
_LONGEST = 4  # words of a name or place


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of words, from `start` up to `end`, and the cue before it (-1 when there is none)."""

    start: int
    end: int
    cue: int = -1

    @property
    def indices(self) -> set[int]:
        """The words it covers, its cue included."""
        return set(range(self.start, self.end)) | ({self.cue} if self.cue >= 0 else set())


def cues_of(parameter: Parameter) -> tuple[str, ...]:
    """Return the words that announce a parameter's value, the surest first."""
    for word in parameter.words:
        if word in _NAMED_CUES:
            return _NAMED_CUES[word]
    own = tuple(word for word in parameter.words if word not in STOP_WORDS and len(word) > 2)
    roles = _CUES.get(parameter.role, _CUES[Role.OTHER])
    if not parameter.required and parameter.role in {Role.OTHER, Role.THING}:
        # A wish that nobody voiced is not read out of any preposition that happens to stand there.
        return own
    return (*roles, *(word for word in own if word not in roles))


def free_text(parameter: Parameter) -> bool:
    """Whether the value may run to the end of the utterance."""
    return parameter.role is Role.TEXT


class SpanFinder:
    """Finds spans in one utterance.

    Args:
        words: the utterance.
        taken: indices that other values have used.
        topics: indices of the words that named the tool.
    """

    def __init__(self, words: Words, taken: Collection[int], topics: Collection[int]) -> None:
        self._words = words
        self._taken = taken
        self._topics = topics

    def _is_free(self, index: int) -> bool:
        return index < len(self._words) and index not in self._taken and not self._words[index].is_separator

    def _extent(self, start: int, *, free: bool) -> int:
        end = start
        while self._is_free(end):
            norm = self._words[end].norm
            if not free and (end - start >= _LONGEST or (norm in _ENDERS and end > start)):
                break
            if not free and end == start and norm in _ENDERS | FILLERS:
                break
            end += 1
        while end > start and self._words[end - 1].norm in FILLERS | {
            "today",
            "now",
            "right",
            "there",
            "you",
            "is",
        }:
            end -= 1
        return end

    def after(self, cue: int, *, free: bool) -> Span | None:
        """Return the span after the word at `cue`, or `None` when nothing usable stands there."""
        start = cue + 1
        while self._is_free(start) and self._words[start].norm in FILLERS | {"is", "of", "name"}:
            start += 1
        if self._is_free(start) and self._words[start].norm in _ARTICLES:
            start += 1
        end = self._extent(start, free=free)
        if end <= start or start in self._topics:
            return None
        if not free:
            if all(self._words[i].norm in STOP_WORDS or i in self._topics for i in range(start, end)):
                return None
            while end > start and (end - 1 in self._topics):
                end -= 1
        return Span(start, end, cue)

    def by_cues(self, cues: Sequence[str], *, free: bool) -> Span | None:
        """Return the span after the first cue, in the order of the cues, that has a usable one."""
        for cue in cues:
            for index, word in enumerate(self._words):
                if index in self._taken or stem(word.norm) != stem(cue) or word.is_separator:
                    continue
                span = self.after(index, free=free)
                if span is not None:
                    return span
        return None

    def leftover(self, *, free: bool) -> Span | None:
        """Return the longest run of words that nothing else explains."""
        runs: list[Span] = []
        index = 0
        while index < len(self._words):
            if not self._unexplained(index):
                index += 1
                continue
            start = index
            while self._unexplained(index) or (self._bridges(index) and self._unexplained(index + 1)):
                index += 1
            runs.append(Span(start, index))
        if free and runs:
            start = runs[0].start
            return Span(start, max(self._extent(start, free=True), start + 1))
        return max(runs, key=lambda run: run.end - run.start, default=None)

    def _unexplained(self, index: int) -> bool:
        return (
            self._is_free(index) and index not in self._topics and self._words[index].norm not in STOP_WORDS
        )

    def _bridges(self, index: int) -> bool:
        return self._is_free(index) and self._words[index].norm in {"of", "de", "la", "and", "the"}

    def more(self, span: Span, cues: Collection[str]) -> list[Span]:
        """Return further values joined to a span by `and`, `or` or a comma: "Oslo, Paris and New York"."""
        found: list[Span] = []
        at = span.end
        while at < len(self._words) and (
            self._words[at].is_separator or self._words[at].norm in {"and", "or"}
        ):
            while at < len(self._words) and (
                self._words[at].is_separator or self._words[at].norm in {"and", "or"}
            ):
                at += 1
            start = at + 1 if at < len(self._words) and self._words[at].norm in cues else at
            end = self._extent(start, free=False)
            if end <= start or start in self._topics or self._words[start].norm in STOP_WORDS:
                break
            found.append(Span(start, end, start - 1 if start > at else -1))
            at = end
        return found


def span_text(words: Words, span: Span, role: Role) -> str:
    """Return the text of a span; names and places said without capitals get them."""
    text = said(words[span.start : span.end])
    if role in _TITLED and text == text.lower():
        return _BEGINNING.sub(lambda found: found[0].upper(), text)
    return text
