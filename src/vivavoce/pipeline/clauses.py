"""Cutting a stream of text into clauses, so that speech can begin before the answer is complete."""

from __future__ import annotations

import re

FIRST_CLAUSE_CHARS = 12
"""The first clause may end at a comma once it is this long: the sooner it is spoken, the better."""

MAX_CLAUSE_CHARS = 240
"""A clause that never ends is cut at a space here."""

_ABBREVIATIONS = frozenset(
    {"mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "no.", "vs.", "e.g.", "i.e.", "a.m.", "p.m."}
)
_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]]*\s+|\n+")
_CLAUSE_END = re.compile(r"[,;:–—][\"'”’)\]]*\s+")


class ClauseSplitter:
    """Splits text as it streams in.

    The clauses, joined, are the text again, spaces included; white space after the last one is left out.
    """

    def __init__(self) -> None:
        self._text = ""
        self._first = True

    def feed(self, text: str) -> list[str]:
        """Take more text and return the clauses that are complete."""
        self._text += text
        clauses = []
        while (end := self._end()) is not None:
            clauses.append(self._text[:end])
            self._text = self._text[end:]
            self._first = False
        return clauses

    def flush(self) -> list[str]:
        """Return what is left: the last clause, if any."""
        rest, self._text, self._first = self._text, "", True
        return [rest] if rest.strip() else []

    def _end(self) -> int | None:
        for match in _SENTENCE_END.finditer(self._text):
            words = self._text[: match.end()].split()
            if words and words[-1].lower() not in _ABBREVIATIONS:
                return self._earlier_comma(match.end())
        comma = self._earlier_comma(len(self._text) + 1)
        if comma <= len(self._text):
            return comma
        if len(self._text) > MAX_CLAUSE_CHARS:
            return self._text.rfind(" ", 1, MAX_CLAUSE_CHARS) + 1 or MAX_CLAUSE_CHARS
        return None

    def _earlier_comma(self, end: int) -> int:
        if self._first:
            for match in _CLAUSE_END.finditer(self._text, 0, end):
                if match.end() >= FIRST_CLAUSE_CHARS:
                    return match.end()
        return end
