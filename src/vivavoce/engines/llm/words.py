"""Words of an utterance: splitting, stemming, sound, and how alike two words are.

Tolerant on purpose: the text comes from a small speech recogniser, so a word may be a neighbour of what was
said ("whether" for "weather", "bed room" for "bedroom").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

_WORD = re.compile(r"\d+(?:[.,:]\d+)+|\w+(?:['’\-]\w+)*|[,.;:?!]|[+*/×÷=-]|[€$£%]")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_VOWELS = frozenset("aeiouy")


def word_set(paragraph: str) -> frozenset[str]:
    """Return the words of a paragraph: long sets of words read better so than as quoted lists."""
    return frozenset(paragraph.split())


STOP_WORDS = word_set(
    """a an the this that these those it its is are was were be been being am do does did done have has had
    will would shall should can could may might must i me my mine you your yours he him his he she her we us
    our they them their there here and or but if so then than as at by for from in into of off on onto out
    over to up down with without about after before what whats which who whose whom when where why how please
    just really very much now right today some any all no not yes ok okay um uh er hmm well like want wants
    wish need needs let lets get gets got give gives go going know tell say says make makes also too hi hello
    hey thanks thank good ill id im thats something someone somebody one ive dont doing"""
)
FILLERS = word_set("uh um er ah hmm hm mm erm please thanks oh well so okay ok just like")
SEPARATORS = frozenset(",;.?!:")


@dataclass(frozen=True, slots=True)
class Word:
    """One word or mark of an utterance.

    Attributes:
        text: as it was said or typed.
        norm: lower case, without apostrophes; a separator is `","`.
        hyphened: whether a hyphen ties it to the next word.
    """

    text: str
    norm: str
    hyphened: bool = False

    @property
    def is_separator(self) -> bool:
        """Whether this is punctuation between words."""
        return self.norm == ","


Words = tuple[Word, ...]


def split_words(text: str) -> Words:
    """Split an utterance into words; punctuation becomes separators, hyphens and underscores spaces."""
    words: list[Word] = []
    for match in _WORD.finditer(text.replace("_", " ")[:2000]):
        raw = match.group()
        if raw in SEPARATORS:
            if words and not words[-1].is_separator:
                words.append(Word(raw, ","))
        elif "-" in raw and len(raw) > 1 and not any(letter.isdigit() for letter in raw):
            *tied, last = [part for part in raw.split("-") if part]
            words += [*(Word(part, part.lower(), hyphened=True) for part in tied), Word(last, last.lower())]
        else:
            words.append(Word(raw, raw.lower().replace("'", "").replace("’", "")))
    while words and words[-1].is_separator:
        words.pop()
    return tuple(words)


def identifier_words(name: str) -> list[str]:
    """Split an identifier (`get_weather`, `getWeather`, `get-weather`) into lower-case words."""
    return [part.lower() for part in re.split(r"[^0-9A-Za-z]+", _CAMEL.sub(" ", name)) if part]


def readable(name: str) -> str:
    """Return an identifier as words: `party_size` becomes `party size`."""
    return " ".join(identifier_words(name))


def said(words: Words) -> str:
    """Return words as the text they came from, without separators."""
    spoken = "".join(word.text + ("-" if word.hyphened else " ") for word in words if not word.is_separator)
    return spoken[:-1]


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """Cut the common English endings: `lights` and `light`, `booking` and `book` become one."""
    result = word
    if len(result) > 4 and result.endswith("ies"):
        result = result[:-3] + "y"
    elif len(result) > 4 and result.endswith(("sses", "shes", "ches", "xes", "zes")):
        result = result[:-2]
    elif len(result) > 3 and result.endswith("s") and not result.endswith(("ss", "us", "is")):
        result = result[:-1]
    for ending in ("ing", "ed"):
        if (
            len(result) > len(ending) + 2
            and result.endswith(ending)
            and set(result[: -len(ending)]) & _VOWELS
        ):
            result = result[: -len(ending)]
            if result[-1] == result[-2] and result[-1] not in "lsz":
                result = result[:-1]
            break
    if len(result) > 3 and result.endswith("e"):
        result = result[:-1]
    return result


_SOUNDS = (
    (re.compile(r"^(kn|gn|pn)"), "n"),
    (re.compile(r"^wr"), "r"),
    (re.compile(r"^wh"), "w"),
    (re.compile(r"gh(?![aeiouy])|(?<=m)b$"), ""),
    (re.compile(r"ph"), "f"),
    (re.compile(r"tch|sh|ch|ti(?=o)"), "X"),
    (re.compile(r"th"), "0"),
    (re.compile(r"dg|g(?=[eiy])|j"), "X"),
    (re.compile(r"c(?=[eiy])"), "s"),
    (re.compile(r"ck|c|q"), "k"),
    (re.compile(r"x"), "ks"),
    (re.compile(r"z"), "s"),
    (re.compile(r"^[aeiou]"), "A"),
    (re.compile(r"[aeiouyh]|(?<=.)w"), ""),
    (re.compile(r"(.)\1+"), r"\1"),
)


@lru_cache(maxsize=8192)
def sound(word: str) -> str:
    """Return a key of how an English word sounds: `weather` and `whether` share one."""
    key = word
    for pattern, replacement in _SOUNDS:
        key = pattern.sub(replacement, key)
    return key


@lru_cache(maxsize=65536)
def similarity(one: str, other: str) -> float:
    """Return how alike two lower-case words are, from 0 to 1; 1 for the same stem.

    Short words must be equal, since nearly every short word resembles some other.
    """
    if one == other or stem(one) == stem(other):
        return 1.0
    key, other_key = sound(one), sound(other)
    same_sound = key == other_key and len(key) >= 2
    # Cheap tests first: the ratio costs fifty times as much, and unlike words are the common case.
    short = min(len(one), len(other)) < 4 or one.isdigit() or other.isdigit()
    unlike = not same_sound and one[0] != other[0] and one[1:3] != other[1:3]
    if short or unlike or abs(len(one) - len(other)) > 3:
        return 0.0
    ratio = alikeness(stem(one), stem(other))
    if same_sound and ratio >= 0.5:
        return max(0.85, ratio * 0.95)
    if ratio >= 0.8:
        return ratio * 0.95
    near_sound = min(len(key), len(other_key)) >= 3 and ratio >= 0.6 and alikeness(key, other_key) >= 0.85
    return 0.8 if near_sound else 0.0


def alikeness(one: str, other: str) -> float:
    """Return the share of letters that two words have in common, in order."""
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def phrase_similarity(spoken: list[str], wanted: list[str]) -> float:
    """Return how alike two short phrases are, word by word or run together (`bed room`, `bedroom`)."""
    if not spoken or not wanted:
        return 0.0
    joined_one, joined_other = "".join(spoken), "".join(wanted)
    if joined_one == joined_other:
        return 1.0
    if len(spoken) == len(wanted):
        scores = [similarity(a, b) for a, b in zip(spoken, wanted, strict=True)]
        return sum(scores) / len(scores) if min(scores) > 0 else 0.0
    return similarity(joined_one, joined_other)
