"""Fills the arguments of a tool from an utterance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vivavoce.engines.llm import readers
from vivavoce.engines.llm.filling import Filling, Reading
from vivavoce.engines.llm.schema import Parameter, Role, element_of
from vivavoce.engines.llm.spans import SpanFinder, cues_of, free_text, span_text
from vivavoce.engines.llm.words import FILLERS, STOP_WORDS, Word, Words, said, stem, word_set

_DAYS = frozenset((Role.DAY, Role.TIME, Role.MOMENT))
_READ = _DAYS | {Role.EXPRESSION, Role.DURATION}
_SPLITTING = frozenset((Role.PLACE, Role.THING, Role.OTHER))


def fill(parameters: Sequence[Parameter], words: Words, topics: set[int]) -> Filling:
    """Read the arguments out of an utterance.

    Args:
        parameters: what the tool takes.
        words: the utterance.
        topics: indices of the words that named the tool.

    Returns:
        The values found; typed ones first, then texts at their prepositions, then what is left over.
    """
    filling = Filling()
    _fill_enums([p for p in parameters if element_of(p).enum], words, filling)
    plain = [p for p in parameters if not element_of(p).enum]
    for parameter in plain:
        if parameter.role is Role.EXPRESSION and parameter.kind == "string":
            filling.take(parameter, readers.expression(words, filling.taken))
    _fill_moments([p for p in plain if p.role in _DAYS and element_of(p).kind == "string"], words, filling)
    for parameter in plain:
        if parameter.role is Role.IDENTIFIER and element_of(parameter).kind in {"string", "integer"}:
            filling.take(parameter, readers.identifier(words, filling.taken, parameter))
    readers.durations(
        [p for p in plain if p.kind in {"integer", "number"} or p.role is Role.DURATION], words, filling
    )
    readers.quantities([p for p in plain if element_of(p).kind in {"integer", "number"}], words, filling)
    for parameter in plain:
        if parameter.kind == "boolean":
            filling.take(parameter, readers.boolean(words, parameter))
    _fill_texts([p for p in plain if _is_text(p) and p.path not in filling.values], words, topics, filling)
    return filling


def _is_text(parameter: Parameter) -> bool:
    return element_of(parameter).kind == "string" and parameter.role not in _READ


def _fill_enums(parameters: list[Parameter], words: Words, filling: Filling) -> None:
    """Give enum parameters the values that were said; prepositions tell two of a kind apart."""
    for parameter in parameters:
        if parameter.path in filling.values:
            continue
        found = [
            hit
            for hit in readers.enum_values(element_of(parameter), words)
            if not hit.indices & filling.taken
        ]
        if not found:
            continue
        rivals = [
            p for p in parameters if p.path != parameter.path and p.enum == parameter.enum and not p.in_array
        ]
        if parameter.in_array:
            values = list(dict.fromkeys(hit.value for hit in found))
            filling.values[parameter.path] = values
            filling.taken |= set().union(*(hit.indices for hit in found))
            continue
        chosen = _announced(parameter, found, words) if rivals else found[0]
        if chosen is None:
            continue
        filling.values[parameter.path] = chosen.value
        filling.taken |= chosen.indices
        if not rivals:
            _note_others(parameter, chosen, found, words, filling)
    for parameter in parameters:
        # Rivals without a preposition take what is left, in order.
        left = [
            hit
            for hit in readers.enum_values(element_of(parameter), words)
            if not hit.indices & filling.taken
        ]
        if parameter.path not in filling.values and left and parameter.required:
            filling.values[parameter.path] = left[0].value
            filling.taken |= left[0].indices


def _announced(parameter: Parameter, found: list[Reading], words: Words) -> Reading | None:
    for hit in found:
        start = min(hit.indices)
        if start > 0 and words[start - 1].norm in cues_of(parameter):
            return hit
    return None


def _note_others(
    parameter: Parameter, chosen: Reading, found: list[Reading], words: Words, filling: Filling
) -> None:
    """Keep further enum values when `and` or a comma joins them to the first."""
    last = chosen
    for hit in found[found.index(chosen) + 1 :]:
        between = [words[i] for i in range(max(last.indices) + 1, min(hit.indices))]
        if hit.value == chosen.value or not any(w.norm in {"and", ","} for w in between) or len(between) > 4:
            continue
        filling.others.setdefault(parameter.path, []).append(hit.value)
        filling.taken |= hit.indices
        last = hit


def _fill_moments(parameters: list[Parameter], words: Words, filling: Filling) -> None:
    for parameter in parameters:
        filling.take(parameter, readers.moment(words, filling.taken, parameter))


def _fill_texts(parameters: list[Parameter], words: Words, topics: set[int], filling: Filling) -> None:
    """Give text parameters their spans: those with a cue first, then what is left over."""
    # A message runs to the end of the utterance, so names before it are read first; required before optional.
    ordered = sorted(parameters, key=lambda p: (free_text(p) and len(parameters) > 1, not p.required))
    for parameter in ordered:
        if parameter.role is Role.THING and parameter.required:
            continue
        cues = cues_of(parameter)
        finder = SpanFinder(words, filling.taken, topics)
        span = finder.by_cues(cues, free=free_text(parameter))
        if span is None:
            continue
        value = span_text(words, span, parameter.role)
        filling.taken |= span.indices
        further = [] if free_text(parameter) else finder.more(span, cues)
        texts = [span_text(words, other, parameter.role) for other in further]
        if parameter.in_array:
            filling.values[parameter.path] = [value, *texts]
        else:
            filling.values[parameter.path] = value
            if texts and parameter.role in _SPLITTING:
                filling.others[parameter.path] = list(texts)
            elif texts:
                continue
        for other in further:
            filling.taken |= other.indices
    for parameter in ordered:
        if parameter.path in filling.values or not parameter.required or parameter.role is Role.IDENTIFIER:
            continue
        span = SpanFinder(words, filling.taken, topics).leftover(free=free_text(parameter))
        if span is not None:
            text = span_text(words, span, parameter.role)
            filling.values[parameter.path] = [text] if parameter.in_array else text
            filling.taken |= span.indices
            filling.guessed |= span.indices


_LEAD = FILLERS | word_set(
    """i am im it is its my the a an for in at to of on make that thats be will would like want named called
    under by lets say name with put and from"""
)


def answer(parameter: Parameter, words: Words) -> Any | None:
    """Read the answer to a question about one parameter, or `None` when it is not one.

    Args:
        parameter: what was asked for.
        words: the whole answer: "for four people", "Oslo please", "yes".
    """
    element = element_of(parameter)
    filling = fill([parameter], words, set()) if parameter.kind != "boolean" else Filling()
    own = {stem(word) for word in parameter.words}
    if element.kind == "boolean":
        reading = readers.yes_or_no(words) or readers.boolean(words, parameter)
        return None if reading is None else reading.value
    if element.kind in {"integer", "number"} or element.enum or parameter.role in _DAYS | {Role.EXPRESSION}:
        value = filling.values.get(parameter.path)
        if value is None and parameter.role in _DAYS:
            value = readers.bare_time(words) if parameter.role is Role.TIME else None
        if value is None and element.kind in {"integer", "number"}:
            value = readers.misheard_number(words, parameter)
        return value
    if parameter.role is Role.IDENTIFIER and parameter.path in filling.values:
        return filling.values[parameter.path]
    start, end = 0, len(words)
    while start < end and (
        words[start].norm in _LEAD or stem(words[start].norm) in own or words[start].is_separator
    ):
        start += 1
    while end > start and (words[end - 1].norm in FILLERS or words[end - 1].is_separator):
        end -= 1
    rest = words[start:end] or tuple(w for w in words if w.norm not in FILLERS and not w.is_separator)
    if not rest or (len(rest) == 1 and rest[0].norm in STOP_WORDS and not free_text(parameter)):
        return None
    return _answer_text(parameter, rest)


def _answer_text(parameter: Parameter, rest: Words) -> Any:
    if not parameter.in_array:
        text = said(rest)
        return text.title() if text == text.lower() and parameter.role in {Role.PLACE, Role.PERSON} else text
    groups: list[list[Word]] = [[]]
    for word in rest:
        if word.is_separator or word.norm in {"and", "or"}:
            groups.append([])
        else:
            groups[-1].append(word)
    return [said(tuple(group)) for group in groups if group]


def forced_text(parameter: Parameter, words: Words) -> str | None:
    """Return the whole utterance for a text that a forced call must have."""
    return said(words) or None if _is_text(parameter) and not element_of(parameter).enum else None
