"""Whether words make something complete, told by the last of them and by the shape of the whole. English."""

from __future__ import annotations

import re


def _words(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


ARTICLES = _words("a an each every his its my our the their these this those your")
PREPOSITIONS = _words(
    "about above across after against along among around as at before behind below beside between by",
    "during except for from in inside into like near of off onto out over per since than through to",
    "toward towards under until via with within without",
)
CONJUNCTIONS = _words(
    "although and because but if nor or plus so that then though unless whereas whether which while",
    "who",
)
FILLERS = _words("um uh uhm erm er ah hmm hm mm well")
AUXILIARIES = _words(
    "am are aren't be been being can can't could couldn't did didn't do does doesn't don't gonna had",
    "has hasn't have haven't he's i'd i'll i'm i've is isn't it's let's may might must shall she's",
    "should shouldn't that's there's they're wanna was wasn't we'd we'll we're were what's where's",
    "who's will won't would wouldn't you'd you'll you're",
)
SUBJECTS = _words("he i she they we who you")
WANTING = _words(
    "about ask asking book bring buy call dial enter find gave get give going guess hear hope know",
    "looking make mean means need needed needs order prefer press put said say says see send show",
    "take talking tell think thinking thought try trying use want wanted wants",
)
NUMBERS = _words(
    "double eight eighteen eighty eleven fifteen fifty five forty four fourteen hundred nine nineteen",
    "ninety oh one seven seventeen seventy six sixteen sixty ten thirteen thirty thousand three",
    "triple twelve twenty two zero",
)
MODIFIERS = _words(
    "also another any just less maybe more most no not only quite really some too very",
)
ANSWERS = _words(
    "absolutely bye cancel correct definitely exactly fine good goodbye great hello hey hi maybe",
    "never no nope nothing ok okay please right stop sure thanks wait yeah yep yes",
)
CLOSERS = _words(
    "again already anymore else her here him instead it later me now please soon thanks that them",
    "then there today tomorrow tonight too yesterday you",
)
OPENERS = _words("after although because before if once since unless until when while")
QUESTIONS = _words(
    "are can could did do does has have how is may should was were what when where which who whom",
    "whose why will would",
)

NAMES = (
    "unknown",
    "article",
    "preposition",
    "conjunction",
    "filler",
    "auxiliary",
    "subject",
    "wanting",
    "number",
    "modifier",
    "closer",
    "answer",
    "opener",
    "question",
)
"""What the features say, in their order: of the last word, then of the whole."""

_WORD = re.compile(r"[a-z0-9']+")


def syntax_features(transcript: str) -> list[float]:
    """Return a number between 0 and 1 for each of `NAMES`; all but the first are 0 without words."""
    words = _WORD.findall(transcript.lower())
    if not words:
        return [1.0, *[0.0] * (len(NAMES) - 1)]
    last, first = words[-1], words[0]
    numbers = last in NUMBERS or last.isdigit()
    opened = first in OPENERS and len(words) < 8 and not transcript.rstrip().endswith((".", "?", "!"))
    told: list[bool] = [
        False,
        last in ARTICLES,
        last in PREPOSITIONS,
        last in CONJUNCTIONS,
        last in FILLERS and len(words) > 1,
        last in AUXILIARIES,
        last in SUBJECTS,
        last in WANTING,
        numbers,
        last in MODIFIERS and len(words) > 1,
        last in CLOSERS,
        last in ANSWERS and len(words) <= 3,
        opened,
        first in QUESTIONS and len(words) > 2,
    ]
    return [float(each) for each in told]
