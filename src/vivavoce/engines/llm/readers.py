"""Reads one typed value out of an utterance: enum values, numbers, moments, booleans, expressions."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from vivavoce.engines.llm.calendar import in_unit, read_days, read_durations, read_times
from vivavoce.engines.llm.filling import Filling, Reading
from vivavoce.engines.llm.numbers import Number, homophone, join_runs, plain, read_numbers
from vivavoce.engines.llm.schema import Parameter, Role, element_of
from vivavoce.engines.llm.thesaurus import rings
from vivavoce.engines.llm.words import (
    FILLERS,
    STOP_WORDS,
    Words,
    alikeness,
    identifier_words,
    phrase_similarity,
    said,
    split_words,
    stem,
    word_set,
)

_NO = word_set("no without not dont skip minus never")
_YES_WORDS = word_set("yes yeah yep yup sure ok okay right correct absolutely definitely please true")
_NO_WORDS = word_set("no nope nah not dont never none false without")
_SWITCHES = word_set("on enabled enable state active power open")
_OPERATORS = {
    "plus": "+", "add": "+", "+": "+", "minus": "-", "-": "-", "times": "*", "x": "*", "*": "*",
    "multiplied": "*", "×": "*", "divided": "/", "/": "/", "÷": "/", "over": "/", "power": "**", "percent":
    "/ 100 *",
}  # fmt: skip
_ENUM_FLOOR = 0.78
_SYNONYM = 0.79


def _free(start: int, end: int, taken: Collection[int]) -> bool:
    return not any(index in taken for index in range(start, end))


def _indices(start: int, end: int) -> frozenset[int]:
    return frozenset(range(start, end))


def _loosely(spoken: list[str], wanted: list[str]) -> float:
    """Compare with an enum value; the set is closed, so a word that sounds nearly the same will do."""
    score = phrase_similarity(spoken, wanted)
    if score or len(spoken) != 1 or len(wanted) != 1 or min(len(spoken[0]), len(wanted[0])) < 4:
        return score
    close = spoken[0][:2] == wanted[0][:2] and alikeness(spoken[0], wanted[0]) >= 0.72
    return _ENUM_FLOOR if close else 0.0


def enum_values(parameter: Parameter, words: Words) -> list[Reading]:
    """Return the enum values that were said, in order; the closest one where several fit."""
    norms = [word.norm for word in words]
    hits: list[tuple[float, int, int, object]] = []
    for value in parameter.enum:
        wanted = identifier_words(str(value)) or [word.norm for word in split_words(str(value))]
        for length in range(max(1, len(wanted) - 1), len(wanted) + 2):
            for start in range(len(norms) - length + 1):
                spoken = norms[start : start + length]
                score = _loosely(spoken, wanted) if "," not in spoken else 0.0
                if score < _ENUM_FLOOR and length == len(wanted) == 1 and spoken[0] not in STOP_WORDS:
                    shared = len(parameter.enum) > 1 and rings(spoken[0]) & rings(wanted[0])
                    score = _SYNONYM if shared else score
                if score >= _ENUM_FLOOR:
                    hits.append((score, start, start + length, value))
    if not hits and {"on", "off"} <= {str(value).lower() for value in parameter.enum} and "of" in norms:
        # "turn of the lights": the recogniser's usual spelling of "off".
        at = norms.index("of")
        off = next(value for value in parameter.enum if str(value).lower() == "off")
        hits.append((1.0, at, at + 1, off))
    chosen: list[tuple[int, Reading]] = []
    used: set[int] = set()
    for _, start, end, value in sorted(hits, key=lambda hit: (-hit[0], hit[1] - hit[2], hit[1])):
        if _free(start, end, used):
            used |= _indices(start, end)
            chosen.append((start, Reading(value, _indices(start, end))))
    return [reading for _, reading in sorted(chosen, key=lambda pair: pair[0])]


def expression(words: Words, taken: Collection[int]) -> Reading | None:
    """Read an arithmetic expression: `twelve times nine` is `12 * 9`."""
    numbers = {number.start: number for number in read_numbers(words)}
    parts: list[str] = []
    used: set[int] = set()
    at = 0
    while at < len(words):
        number, norm = numbers.get(at), words[at].norm
        if number is not None and at not in taken:
            parts.append(str(plain(number.value)))
            used |= _indices(number.start, number.end)
            at = number.end
            continue
        if norm in _OPERATORS and parts and parts[-1] not in _OPERATORS.values():
            parts.append(_OPERATORS[norm])
            used.add(at)
        elif norm == "squared" and parts:
            parts.append("** 2")
            used.add(at)
        at += 1
    while parts and parts[-1] in _OPERATORS.values():
        parts.pop()
    if len(parts) < 2 or not any(part in _OPERATORS.values() or part == "** 2" for part in parts):
        return None
    return Reading(" ".join(parts), frozenset(used))


def moment(words: Words, taken: Collection[int], parameter: Parameter) -> Reading | None:
    """Read a day, a time of day, or both for a parameter that holds both."""
    times = [m for m in read_times(words) if _free(m.start, m.end, taken)]
    # "march third" must not give the hour of "third of march at three" away, so days are read beside times.
    days = [m for m in read_days(words) if _free(m.start, m.end, taken)]
    if parameter.role is Role.DAY:
        return Reading(days[0].text, _indices(days[0].start, days[0].end)) if days else None
    day_words = {i for day in days for i in range(day.start, day.end)}
    times = [m for m in times if _free(m.start, m.end, day_words)]
    if parameter.role is Role.TIME:
        if not times:
            return None
        text = times[0].text.zfill(5) if parameter.format == "time" else times[0].text
        return Reading(text, _indices(times[0].start, times[0].end))
    both = [*days[:1], *times[:1]]
    if not both:
        return None
    return Reading(" ".join(m.text for m in both), frozenset(i for m in both for i in range(m.start, m.end)))


def bare_time(words: Words) -> str | None:
    """Read a time where one was asked for: `seven`, `eight thirty`."""
    times = read_times(words, bare=True)
    # "for four people" is no answer to "at what time": nothing but politeness may follow the hour.
    if not times or any(w.norm not in FILLERS and not w.is_separator for w in words[times[-1].end :]):
        return None
    return times[-1].text


def identifier(words: Words, taken: Collection[int], parameter: Parameter) -> Reading | None:
    """Read an order number, a code, a phone number: digits said one by one belong together."""
    kind = element_of(parameter).kind
    runs = [n for n in join_runs(read_numbers(words)) if _free(n.start, n.end, taken)]
    if kind == "string":
        for index, word in enumerate(words):
            mixed = any(c.isdigit() for c in word.norm) and any(c.isalpha() for c in word.norm)
            if mixed and index not in taken:
                return Reading(word.text, frozenset({index}))
    if not runs:
        return None
    longest = max(runs, key=lambda run: len(run.digits))
    digits = longest.digits.lstrip("+").replace(",", "")
    if kind == "string":
        return Reading(digits, _indices(longest.start, longest.end))
    whole = longest.value.is_integer()
    return Reading(int(longest.value), _indices(longest.start, longest.end)) if whole else None


def durations(parameters: Sequence[Parameter], words: Words, filling: Filling) -> None:
    """Fill numbers whose name or description has a unit of time, and texts that hold a duration."""
    found = [d for d in read_durations(words) if _free(d.start, d.end, filling.taken)]
    for parameter in parameters:
        if not found or parameter.path in filling.values:
            continue
        duration = found[0]
        indices = _indices(duration.start, duration.end)
        if parameter.kind == "string":
            filling.take(parameter, Reading(said(words[duration.start : duration.end]), indices))
            found.pop(0)
            continue
        for word in [*parameter.words, *identifier_words(parameter.description)]:
            value = in_unit(duration, word)
            if value is not None and (parameter.kind == "number" or isinstance(value, int)):
                filling.take(parameter, Reading(value, indices))
                found.pop(0)
                break


def _allowed(parameter: Parameter, number: Number) -> bool:
    element = element_of(parameter)
    if element.kind == "integer" and not number.value.is_integer():
        return False
    low, high = element.minimum, element.maximum
    return (low is None or number.value >= low) and (high is None or number.value <= high)


def _cues(parameter: Parameter) -> set[str]:
    names = [*parameter.words, *identifier_words(parameter.description)]
    return {stem(word) for word in names if word not in STOP_WORDS}


def quantities(parameters: Sequence[Parameter], words: Words, filling: Filling) -> None:
    """Fill numeric parameters: each takes the number beside a word of its own, else the next in order."""
    open_parameters = [p for p in parameters if p.path not in filling.values]
    for parameter in open_parameters:
        numbers = [n for n in read_numbers(words) if _free(n.start, n.end, filling.taken)]
        fitting = [number for number in numbers if _allowed(parameter, number)]
        if not fitting:
            continue
        if parameter.in_array:
            filling.values[parameter.path] = [plain(number.value) for number in fitting]
            filling.taken |= {i for n in fitting for i in range(n.start, n.end)}
            continue
        cues = _cues(parameter)

        def beside(number: Number, cues: set[str] = cues) -> int:
            after = words[number.end].norm if number.end < len(words) else ""
            before = [words[i].norm for i in range(max(0, number.start - 2), number.start)]
            return -2 if stem(after) in cues else -1 if any(stem(w) in cues for w in before) else 0

        best = min(fitting, key=lambda number: (beside(number), number.start))
        if not parameter.required and beside(best) == 0 and len(open_parameters) > 1:
            continue
        value = int(best.value) if element_of(parameter).kind == "integer" else plain(best.value)
        filling.take(parameter, Reading(value, _indices(best.start, best.end)))


def misheard_number(words: Words, parameter: Parameter) -> int | None:
    """Read a lone word that sounds like a digit, where a number was asked for: `to` is 2, `for` is 4."""
    content = [word.norm for word in words if not word.is_separator]
    digits = [homophone(norm) for norm in content[-1:]] if len(content) <= 2 else []
    value = digits[0] if digits else None
    if value is None or not _allowed(parameter, Number(0, 1, float(value), str(value))):
        return None
    return value


def boolean(words: Words, parameter: Parameter) -> Reading | None:
    """Read a wish with or without something: `with breakfast`, `no sugar`, and `on` and `off` of a switch."""
    wanted = [
        word for word in parameter.words if word not in {"is", "has", "with", "include", "includes", "want"}
    ]
    norms = [word.norm for word in words]
    for length in {len(wanted), max(1, len(wanted) - 1)} if wanted else ():
        for start in range(len(norms) - length + 1):
            if phrase_similarity(norms[start : start + length], wanted) >= 0.8:
                denied = any(norm in _NO for norm in norms[max(0, start - 2) : start])
                return Reading(not denied, _indices(max(0, start - 1) if denied else start, start + length))
    if set(wanted) & _SWITCHES:
        for index, norm in enumerate(norms):
            if norm in {"on", "off"}:
                return Reading(norm == "on", frozenset({index}))
    return None


def yes_or_no(words: Words) -> Reading | None:
    """Read `yes` or `no` in any of their forms."""
    for index, word in enumerate(words):
        if word.norm in _NO_WORDS:
            return Reading(value=False, indices=frozenset({index}))
        if word.norm in _YES_WORDS:
            return Reading(value=True, indices=frozenset({index}))
    return None
