"""Which tool an utterance asks for: weighted words, tolerant of misheard ones."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from vivavoce.engines.llm.schema import Parameter, element_of, read_parameters
from vivavoce.engines.llm.thesaurus import rings
from vivavoce.engines.llm.words import (
    STOP_WORDS,
    Words,
    identifier_words,
    similarity,
    stem,
    word_set,
)
from vivavoce.protocol import FunctionTool

HANDOFF_PREFIX = "transfer_to_"
THRESHOLD = 2.0  # of `Match.score` times coverage: one clear word of a tool's name in a short request

_NAME, _DESCRIPTION, _ENUM, _PARAMETER, _PARAMETER_DESCRIPTION = 3.0, 1.6, 1.3, 0.9, 0.3
_GENERIC = frozenset(
    stem(word)
    for word in word_set(
        """get set check find look lookup show fetch retrieve list make create start run do use call user
        caller customer tool function given current return returns provide provides information info value
        values data when whenever asks ask handle handles handling name type agent assistant new query over
        hand who which example number system request requests particular specific use used using"""
    )
)
# Words that announce a wish and say nothing about which.
_PREAMBLE = word_set("question questions problem problems issue help regarding concerning")
_GENERIC_FACTOR = 0.25
_SYNONYM, _JOINED = 0.7, 0.85
_FUZZY_FLOOR = 0.9  # weight from which a word is worth recognising when misheard


@dataclass(frozen=True, slots=True)
class Profile:
    """A tool with what is needed to recognise it.

    Attributes:
        tool: the tool.
        parameters: its parameters.
        weights: how much each stem says for the tool.
        words: words of weight, for misheard ones.
        rings: how much each ring of the thesaurus says for it.
        evidence: what single words and pairs have been found to say for it; fills as utterances are read.
    """

    tool: FunctionTool
    parameters: tuple[Parameter, ...]
    weights: dict[str, float]
    words: tuple[tuple[str, float], ...]
    rings: dict[int, float]
    evidence: dict[str, float] = field(default_factory=dict, compare=False, repr=False)


@dataclass(slots=True)
class Match:
    """How well an utterance fits a tool.

    Attributes:
        profile: the tool.
        score: sum of the evidence.
        topics: indices of the words that speak for it.
    """

    profile: Profile
    score: float = 0.0
    topics: set[int] = field(default_factory=set)


@lru_cache(maxsize=512)
def _read(
    name: str, description: str, schema: str
) -> tuple[tuple[Parameter, ...], tuple[tuple[str, float], ...]]:
    """Return the parameters of a tool, and its words with their raw weights."""
    parameters = read_parameters(json.loads(schema))
    found: dict[str, float] = {}

    def note(words: Sequence[str], weight: float) -> None:
        for word in words:
            if word in STOP_WORDS and word not in {"open", "say"}:
                continue
            factor = _GENERIC_FACTOR if stem(word) in _GENERIC else 1.0
            found[word] = max(found.get(word, 0.0), weight * factor)

    names = identifier_words(name)
    if name.startswith(HANDOFF_PREFIX):
        found["transfer"] = 1.0
        names = [word for word in names if word not in {"transfer", "to"}]
        for word in names:
            found[word] = _NAME
    note(names, _NAME)
    note(identifier_words(description)[:80], _DESCRIPTION)
    for parameter in parameters:
        note(parameter.words, _PARAMETER)
        note(identifier_words(parameter.description)[:40], _PARAMETER_DESCRIPTION)
        for value in element_of(parameter).enum:
            note([word for word in identifier_words(str(value)) if not word.isdigit()], _ENUM)
    return parameters, tuple(found.items())


def _read_tool(tool: FunctionTool) -> tuple[tuple[Parameter, ...], tuple[tuple[str, float], ...]]:
    schema = dict(tool.parameters) if isinstance(tool.parameters, Mapping) else {}
    description = tool.description if isinstance(tool.description, str) else ""
    return _read(tool.name, description, json.dumps(schema, default=str))


def build_profiles(tools: Sequence[FunctionTool]) -> list[Profile]:
    """Return what is needed to recognise each tool; words that many tools share weigh less."""
    read = [(tool, *_read_tool(tool)) for tool in tools]
    frequency: dict[str, int] = {}
    for _, _, found in read:
        for key in {stem(word) for word, weight in found if weight >= 0.5}:
            frequency[key] = frequency.get(key, 0) + 1
    total = len(read)
    profiles = []
    for tool, parameters, found in read:
        weights: dict[str, float] = {}
        by_ring: dict[int, float] = {}
        for word, raw in found:
            rarity = math.log(1 + total / max(frequency.get(stem(word), 1), 1)) / math.log(1 + total)
            weight = raw * rarity
            weights[stem(word)] = max(weights.get(stem(word), 0.0), weight)
            for ring in rings(word):
                by_ring[ring] = max(by_ring.get(ring, 0.0), weight)
        words = tuple((word, weights[stem(word)]) for word, _ in found if weights[stem(word)] >= _FUZZY_FLOOR)
        profiles.append(Profile(tool, parameters, weights, words, by_ring))
    return profiles


def _word_evidence(profile: Profile, norm: str, *, misheard: bool) -> float:
    exact = profile.weights.get(stem(norm), 0.0)
    synonym = max((profile.rings.get(ring, 0.0) for ring in rings(norm)), default=0.0) * _SYNONYM
    best = max(exact, synonym)
    if misheard:
        for word, weight in profile.words:
            if weight > best:
                best = max(best, weight * similarity(norm, word))
    return best


def content_indices(words: Words) -> list[int]:
    """Return the indices of the words that carry meaning."""
    empty = STOP_WORDS | _PREAMBLE
    return [i for i, word in enumerate(words) if not word.is_separator and word.norm not in empty]


def match_tool(profile: Profile, words: Words, known: frozenset[str]) -> Match:
    """Weigh an utterance against one tool.

    Args:
        profile: the tool.
        words: the utterance.
        known: stems that some tool knows; a word outside them may be a misheard one.
    """
    match = Match(profile)
    best: dict[str, float] = {}
    for index, word in enumerate(words):
        if word.is_separator or (word.norm in STOP_WORDS and stem(word.norm) not in profile.weights):
            continue
        evidence = profile.evidence.get(word.norm)
        if evidence is None:
            evidence = _word_evidence(profile, word.norm, misheard=stem(word.norm) not in known)
            profile.evidence[word.norm] = evidence
        if evidence < _FUZZY_FLOOR and index + 1 < len(words) and stem(words[index + 1].norm) not in known:
            joined = _joined_evidence(profile, word.norm, words[index + 1].norm)
            if joined >= _FUZZY_FLOOR:
                match.topics.add(index + 1)
            evidence = max(evidence, joined)
        if evidence > 0.0:
            key = stem(word.norm)
            best[key] = max(best.get(key, 0.0), evidence)
            match.topics.add(index)
    match.score = sum(best.values())
    return match


def _joined_evidence(profile: Profile, one: str, other: str) -> float:
    """Weigh two words that may be one torn apart by the recogniser: `bill ing`, `time or`."""
    joined = one + other
    if len(joined) < 5:
        return 0.0
    pair = f"{one} {other}"
    if pair not in profile.evidence:
        # A torn word keeps its beginning, so most words need no closer look.
        likely = (
            (w, weight) for w, weight in profile.words if w[0] == one[0] and abs(len(w) - len(joined)) < 3
        )
        scores = (weight * _JOINED * similarity(joined, w) for w, weight in likely)
        profile.evidence[pair] = max(scores, default=0.0)
    return profile.evidence[pair]


def known_stems(profiles: Sequence[Profile]) -> frozenset[str]:
    """Return every stem that some tool knows with some weight."""
    return frozenset(key for profile in profiles for key, weight in profile.weights.items() if weight >= 0.3)


def rank(profiles: Sequence[Profile], words: Words) -> list[Match]:
    """Return the tools that have any evidence for them, best first."""
    known = known_stems(profiles)
    matches = [match_tool(profile, words, known) for profile in profiles]
    return sorted((m for m in matches if m.score > 0), key=lambda m: -m.score)
