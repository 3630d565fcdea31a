"""Numbers in an utterance, in digits and in words."""

from __future__ import annotations

from dataclasses import dataclass

from vivavoce.engines.llm.words import Words, word_set


def _listed(paragraph: str) -> list[str]:
    return paragraph.split()


_SMALL = _listed(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
UNITS = {word: value for value, word in enumerate(_SMALL)}
TENS = {
    word: value * 10
    for value, word in enumerate(_listed("twenty thirty forty fifty sixty seventy eighty ninety"), start=2)
} | {"fourty": 40}
SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000}
_ORDINAL_UNITS = _listed(
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth"
)
ORDINALS = {word: value for value, word in enumerate(_ORDINAL_UNITS)} | {"twentieth": 20, "thirtieth": 30}
# What a recogniser writes for a bare digit; only trusted where a number was asked for.
HOMOPHONES = {
    "to": 2,
    "too": 2,
    "for": 4,
    "fore": 4,
    "won": 1,
    "ate": 8,
    "tree": 3,
    "free": 3,
    "sex": 6,
    "tan": 10,
}
# After these words "one" is a pronoun: "that one".
_BEFORE_PRONOUN = word_set("this that which the another no any last first other every some")


@dataclass(frozen=True, slots=True)
class Number:
    """A number that was said.

    Attributes:
        start: index of its first word.
        end: index after its last word.
        value: the number.
        digits: the digits as said, so that a leading zero of an order number survives.
    """

    start: int
    end: int
    value: float
    digits: str


def plain(value: float) -> int | float:
    """Return a whole number as `int`, any other rounded to ten decimals."""
    return int(value) if float(value).is_integer() else round(value, 10)


def _digit_token(norm: str) -> float | None:
    text = norm.replace(",", "") if norm.replace(",", "").isdigit() and norm.count(",") else norm
    if not text or not text[0].isdigit() or ":" in text:
        return None
    try:
        return float(text)
    except ValueError:
        return None


def _below_hundred(norms: list[str], at: int) -> tuple[int, int] | None:
    """Read `seven`, `seventeen`, `seventy`, `seventy seven`: (value, next index)."""
    if at >= len(norms):
        return None
    word = norms[at]
    if word in TENS:
        following = UNITS.get(norms[at + 1], 0) if at + 1 < len(norms) else 0
        return (TENS[word] + following, at + 2) if 1 <= following <= 9 else (TENS[word], at + 1)
    if word in UNITS:
        return UNITS[word], at + 1
    return None


def _cardinal(norms: list[str], at: int) -> tuple[int, int] | None:
    """Read a whole number in words, with scales: `two thousand and fifty`."""
    total, current, index, seen = 0, 0, at, False
    last_scale = 10**12
    while index < len(norms):
        word = norms[index]
        if word in SCALES and (seen or (index > 0 and norms[index - 1] == "a")):
            scale = SCALES[word]
            if scale == 100:
                current = max(current, 1) * 100
            elif scale < last_scale:
                total, current, last_scale = total + max(current, 1) * scale, 0, scale
            else:
                break
            seen, index = True, index + 1
            continue
        skip = 1 if seen and word == "and" and norms[index - 1] in SCALES else 0
        part = _below_hundred(norms, index + skip)
        # A second small number belongs to this one only after a scale: "two hundred five", not "two five".
        if part is None or (seen and norms[index - 1] not in SCALES):
            break
        current, index, seen = current + part[0], part[1], True
    return (total + current, index) if seen else None


def _fraction(norms: list[str], at: int) -> tuple[float, int]:
    """Read what may follow a whole number: `point five`, `and a half`."""
    if at + 1 < len(norms) and norms[at] == "point":
        digits, index = "", at + 1
        while index < len(norms) and (UNITS.get(norms[index], 99) <= 9 or norms[index] == "oh"):
            digits += str(UNITS.get(norms[index], 0))
            index += 1
        if digits:
            return float(f"0.{digits}"), index
    if norms[at : at + 3] in (["and", "a", "half"], ["and", "one", "half"]):
        return 0.5, at + 3
    if norms[at : at + 3] == ["and", "a", "quarter"]:
        return 0.25, at + 3
    return 0.0, at


def _special(norms: list[str], at: int) -> Number | None:
    """Read `a dozen`, `half a dozen`, `a couple of`, `double seven`."""
    word, after = norms[at], norms[at + 1 : at + 3]
    if word == "half" and after == ["a", "dozen"]:
        return Number(at, at + 3, 6.0, "6")
    if word in {"a", "one"} and after[:1] == ["dozen"]:
        return Number(at, at + 2, 12.0, "12")
    if word == "dozen":
        return Number(at, at + 1, 12.0, "12")
    if word == "a" and after == ["couple", "of"]:
        return Number(at, at + 3, 2.0, "2")
    if word in {"double", "triple"} and after and (UNITS.get(after[0], 99) <= 9 or after[0] in {"oh", "o"}):
        digits = str(UNITS.get(after[0], 0)) * (2 if word == "double" else 3)
        return Number(at, at + 2, float(digits), digits)
    return None


def _number_at(norms: list[str], at: int) -> Number | None:
    special = _special(norms, at)
    if special is not None:
        return special
    word = norms[at]
    typed = _digit_token(word)
    if typed is not None:
        if at + 1 < len(norms) and norms[at + 1] in SCALES:
            value = typed * SCALES[norms[at + 1]]
            return Number(at, at + 2, value, str(plain(value)))
        extra, end = _fraction(norms, at + 1)
        return Number(at, end, typed + extra, word if not extra else str(plain(typed + extra)))
    if word == "one" and at > 0 and norms[at - 1] in _BEFORE_PRONOUN:
        return None
    start = at
    if word == "a" and at + 1 < len(norms) and norms[at + 1] in SCALES:
        at += 1
    cardinal = _cardinal(norms, at)
    if cardinal is None:
        return None
    extra, end = _fraction(norms, cardinal[1])
    value = float(cardinal[0] + extra)
    return Number(start, end, value, str(plain(value)))


def read_numbers(words: Words) -> list[Number]:
    """Return the numbers of an utterance, in order, none overlapping.

    `oh` counts as a zero beside another number; `minus` and `negative` are a sign at the start of a number
    that does not follow another.
    """
    norms = [word.norm for word in words]
    found: list[Number] = []
    at = 0
    while at < len(norms):
        number = _number_at(norms, at)
        if number is None and norms[at] in {"oh", "o"}:
            beside = bool(found) and found[-1].end == at
            if beside or (at + 1 < len(norms) and _number_at(norms, at + 1) is not None):
                number = Number(at, at + 1, 0.0, "0")
        if number is None:
            at += 1
            continue
        signed = (
            at > 0 and norms[at - 1] in {"minus", "negative", "-"} and (not found or found[-1].end < at - 1)
        )
        if signed:
            number = Number(at - 1, number.end, -number.value, f"-{number.digits}")
        found.append(number)
        at = number.end
    return found


def join_runs(numbers: list[Number]) -> list[Number]:
    """Join numbers said one right after the other into one, digit by digit: `four two seven one` is 4271."""
    joined: list[Number] = []
    for number in numbers:
        last = joined[-1] if joined else None
        if last is not None and last.end == number.start and (last.digits + number.digits).isdigit():
            digits = last.digits + number.digits
            joined[-1] = Number(last.start, number.end, float(digits), digits)
        else:
            joined.append(number)
    return joined


def homophone(norm: str) -> int | None:
    """Return the digit that a recogniser may have meant by a lone word: `to` is 2."""
    return HOMOPHONES.get(norm)
