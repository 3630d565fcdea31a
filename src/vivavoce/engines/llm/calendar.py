"""Days, times of day and durations in an utterance. There is no clock here: `tomorrow` stays a word."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vivavoce.engines.llm.numbers import ORDINALS, UNITS, Number, join_runs, plain, read_numbers
from vivavoce.engines.llm.words import Word, Words, word_set

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_CLOCK = re.compile(r"^([01]?\d|2[0-4]):([0-5]\d)(am|pm)?$")
_HOUR = re.compile(r"^(1[0-2]|[1-9])(am|pm)$")
_ORDINAL = re.compile(r"^([12]?\d|3[01])(?:st|nd|rd|th)$")
_BEFORE_HOUR = word_set("at around by until till before after from about")
_PARTS_OF_DAY = {"morning": "am", "afternoon": "pm", "evening": "pm", "night": "pm"}
_PERIODS = frozenset((*WEEKDAYS, "week", "weekend", "month", "year", "morning", "afternoon", "evening"))
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}


@dataclass(frozen=True, slots=True)
class Moment:
    """A day or a time of day.

    Attributes:
        start: index of its first word.
        end: index after its last word.
        text: how to write it: `19:30`, `2027-05-05`, `next friday`.
    """

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time, from word `start` up to `end`, in seconds."""

    start: int
    end: int
    seconds: float


def _half_of_day(norms: list[str], at: int) -> tuple[str, int]:
    """Read `am`, `p m`, `in the evening`, `at night` after an hour: (`am`, `pm` or empty, next index)."""
    following = norms[at : at + 3]
    if following[:1] in (["am"], ["pm"]):
        return following[0], at + 1
    if following[:2] in (["a", "m"], ["p", "m"]):
        return following[0] + "m", at + 2
    if len(following) == 3 and following[:2] == ["in", "the"] and following[2] in _PARTS_OF_DAY:
        return _PARTS_OF_DAY[following[2]], at + 3
    if following[:2] == ["at", "night"]:
        return "pm", at + 2
    return "", at


def _write(hour: int, minute: int, half: str) -> str:
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0) if hour <= 12 else hour
        return f"{hour:02d}:{minute:02d}"
    return f"{hour:02d}:{minute:02d}" if hour == 0 or hour > 12 else f"{hour}:{minute:02d}"


def _small(at: int, numbers: dict[int, Number], limit: int) -> tuple[int, int] | None:
    number = numbers.get(at)
    if number is None or not 0 <= number.value < limit or not number.value.is_integer():
        return None
    return int(number.value), number.end


def _relative_time(norms: list[str], at: int, numbers: dict[int, Number]) -> tuple[int, int, int] | None:
    """Read `half past seven`, `quarter to eight`, `ten past six`: (hour, minute, next index)."""
    index = at
    if norms[index] in {"half", "quarter"}:
        minutes, index = (30 if norms[index] == "half" else 15), index + 1
    else:
        small = _small(at, numbers, 60)
        if small is None:
            return None
        minutes, index = small
        if norms[index : index + 1] in (["minutes"], ["minute"]):
            index += 1
    if index >= len(norms) or norms[index] not in {"past", "to", "after", "before"}:
        return None
    hour = _small(index + 1, numbers, 25)
    if hour is None or (norms[index] in {"after", "before"} and norms[at] != "quarter"):
        return None
    if norms[index] in {"past", "after"}:
        return hour[0], minutes, hour[1]
    return (hour[0] - 1) or 12, 60 - minutes, hour[1]


def _clock_time(norms: list[str], at: int, numbers: dict[int, Number], *, bare: bool) -> Moment | None:
    """Read `seven thirty`, `seven pm`, `eight o'clock`, and a bare hour where one is expected."""
    hour = _small(at, numbers, 25)
    if hour is None:
        return None
    minute, end, certain = 0, hour[1], False
    zero = norms[end : end + 1] in (["oh"], ["o"])
    small = _small(end + (1 if zero else 0), numbers, 60)
    if small is not None and (zero or small[0] >= 10):
        minute, end, certain = small[0], small[1], True
    if norms[end : end + 1] == ["oclock"]:
        end, certain = end + 1, True
    elif norms[end : end + 2] == ["o", "clock"]:
        end, certain = end + 2, True
    half, end = _half_of_day(norms, end)
    expected = bare or (at > 0 and norms[at - 1] in _BEFORE_HOUR)
    if not (
        half or (certain and hour[0] <= 24 and expected) or expected or norms[end - 1] in {"oclock", "clock"}
    ):
        return None
    if end < len(norms) and _unit_seconds(norms[end]) is not None:
        return None
    return Moment(at, end, _write(hour[0], minute, half))


def _time_at(norms: list[str], at: int, numbers: dict[int, Number], *, bare: bool) -> Moment | None:
    word = norms[at]
    if word in {"noon", "midday"}:
        return Moment(at, at + 1, "12:00")
    if word == "midnight":
        return Moment(at, at + 1, "00:00")
    clock = _CLOCK.match(word)
    if clock:
        half, end = (clock[3], at + 1) if clock[3] else _half_of_day(norms, at + 1)
        return Moment(at, end, _write(int(clock[1]), int(clock[2]), half))
    hour = _HOUR.match(word)
    if hour:
        return Moment(at, at + 1, _write(int(hour[1]), 0, hour[2]))
    relative = _relative_time(norms, at, numbers)
    if relative is not None:
        half, end = _half_of_day(norms, relative[2])
        return Moment(at, end, _write(relative[0], relative[1], half))
    return _clock_time(norms, at, numbers, bare=bare)


def read_times(words: Words, *, bare: bool = False) -> list[Moment]:
    """Return the times of day.

    Without `am`, `pm` or a part of the day the hour stays as said (`7:30`), else it is on 24 hours (`19:30`).

    Args:
        words: the utterance.
        bare: take a lone number as an hour, because a time was asked for.
    """
    norms = [word.norm for word in words]
    numbers = {number.start: number for number in read_numbers(words)}
    found: list[Moment] = []
    at = 0
    while at < len(norms):
        moment = _time_at(norms, at, numbers, bare=bare)
        if moment is not None:
            found.append(moment)
        at = moment.end if moment is not None else at + 1
    return found


def _day_number(norms: list[str], at: int) -> tuple[int, int] | None:
    """Read a day of the month: `third`, `3rd`, `3`, `twenty first`."""
    if at >= len(norms):
        return None
    word = norms[at]
    typed = _ORDINAL.match(word)
    if typed:
        return int(typed[1]), at + 1
    if ORDINALS.get(word):
        return ORDINALS[word], at + 1
    if word in {"twenty", "thirty"} and at + 1 < len(norms) and 1 <= ORDINALS.get(norms[at + 1], 0) <= 9:
        return (20 if word == "twenty" else 30) + ORDINALS[norms[at + 1]], at + 2
    if word.isdigit() and 1 <= int(word) <= 31:
        return int(word), at + 1
    return (UNITS[word], at + 1) if 1 <= UNITS.get(word, 0) <= 31 else None


def _absolute_day(words: Words, norms: list[str], at: int) -> Moment | None:
    """Read `march third`, `the third of march`, with or without a year."""
    if norms[at] in MONTHS:
        name, day = at, _day_number(norms, at + 1)
        end = day[1] if day else at
    else:
        begin = at + 1 if norms[at] == "the" else at
        day = _day_number(norms, begin)
        if day is None:
            return None
        end = day[1] + (1 if norms[day[1] : day[1] + 1] == ["of"] else 0)
        if end >= len(norms) or norms[end] not in MONTHS:
            return None
        name, end = end, end + 1
    if day is None:
        return None
    skip = 1 if end < len(words) and words[end].is_separator else 0
    for number in join_runs(read_numbers(words[end + skip :])):
        if number.start == 0 and 1900 <= number.value <= 2199:
            text = f"{int(number.value)}-{MONTHS.index(norms[name]) + 1:02d}-{day[0]:02d}"
            return Moment(at, end + skip + number.end, text)
    return Moment(at, end, f"{_as_said(words[name])} {day[0]}")


def _as_said(word: Word) -> str:
    """Return the name of a day or month in the speaker's letters."""
    return word.text if word.text.lower() == word.norm else word.norm


def _day_at(words: Words, norms: list[str], at: int) -> Moment | None:
    word, after = norms[at], norms[at + 1 : at + 2]
    lead = 1 if word == "the" else 0
    if norms[at + lead : at + lead + 3] == ["day", "after", "tomorrow"]:
        return Moment(at, at + lead + 3, "the day after tomorrow")
    if word in {"today", "tomorrow", "yesterday", "tonight"} or re.fullmatch(r"\d{4}-\d{2}-\d{2}", word):
        return Moment(at, at + 1, word)
    if word.removesuffix("s") in WEEKDAYS:
        return Moment(at, at + 1, _as_said(words[at]))
    if word in {"next", "this", "coming", "last"} and after and after[0] in _PERIODS:
        return Moment(at, at + 2, f"{word} {_as_said(words[at + 1])}")
    return _absolute_day(words, norms, at)


def read_days(words: Words) -> list[Moment]:
    """Return the days: ISO dates where day, month and year were said, otherwise the words themselves."""
    norms = [word.norm for word in words]
    found: list[Moment] = []
    at = 0
    while at < len(norms):
        moment = _day_at(words, norms, at)
        if moment is not None:
            found.append(moment)
        at = moment.end if moment is not None else at + 1
    return found


def _unit_seconds(norm: str) -> int | None:
    return _SECONDS.get(norm.removesuffix("s")) or {"sec": 1, "secs": 1, "min": 60, "mins": 60}.get(norm)


def _duration_at(norms: list[str], at: int, numbers: dict[int, Number]) -> Duration | None:
    if norms[at : at + 3] == ["half", "an", "hour"]:
        return Duration(at, at + 3, 1800)
    if norms[at : at + 4] == ["quarter", "of", "an", "hour"]:
        return Duration(at, at + 4, 900)
    number = numbers.get(at)
    value, end = (number.value, number.end) if number is not None else (1.0, at + 1)
    if number is None and norms[at] not in {"a", "an"}:
        return None
    unit = _unit_seconds(norms[end]) if end < len(norms) else None
    return None if unit is None else _with_rest(norms, Duration(at, end + 1, value * unit), unit, numbers)


def _with_rest(norms: list[str], read: Duration, unit: int, numbers: dict[int, Number]) -> Duration:
    """Add what may follow a length of time: `and a half`, `and ten minutes`."""
    end = read.end
    if norms[end : end + 3] == ["and", "a", "half"]:
        return Duration(read.start, end + 3, read.seconds + unit / 2)
    skip = 1 if norms[end : end + 1] == ["and"] else 0
    if end + skip < len(norms) and unit > 1:
        rest = _duration_at(norms, end + skip, numbers)
        if rest is not None and rest.seconds < unit:
            return Duration(read.start, rest.end, read.seconds + rest.seconds)
    return read


def read_durations(words: Words) -> list[Duration]:
    """Return the lengths of time: `twenty five minutes`, `an hour and a half`."""
    norms = [word.norm for word in words]
    numbers = {number.start: number for number in read_numbers(words)}
    found: list[Duration] = []
    at = 0
    while at < len(norms):
        duration = _duration_at(norms, at, numbers)
        if duration is not None:
            found.append(duration)
        at = duration.end if duration is not None else at + 1
    return found


def in_unit(duration: Duration, norm: str) -> int | float | None:
    """Return a duration in the unit that a word names (`minutes`), or `None` when it names none."""
    unit = _unit_seconds(norm)
    return plain(duration.seconds / unit) if unit else None
