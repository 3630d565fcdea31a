"""What an utterance wishes for: the tools, each with its arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from vivavoce.engines.llm.arguments import fill
from vivavoce.engines.llm.filling import Filling
from vivavoce.engines.llm.matching import THRESHOLD, Match, Profile, content_indices, rank
from vivavoce.engines.llm.words import Words

_LONGEST = 80  # words of one utterance that are looked at: its end
_CANDIDATES = 4  # tools looked at closely
_MOST_CLAUSES = 8
_JOINTS = frozenset(("and", "then", "also"))
_REFUSALS = (
    ("dont",),
    ("do", "not"),
    ("never", "mind"),
    ("forget",),
    ("stop",),
    ("no", "dont"),
    ("please", "dont"),
)


@dataclass(frozen=True, slots=True)
class Wish:
    """A tool that an utterance asks for.

    Attributes:
        profile: the tool.
        filling: its arguments.
        score: how sure this is.
    """

    profile: Profile
    filling: Filling
    score: float


def _weigh(match: Match, words: Words, content: Sequence[int]) -> Wish:
    filling = fill(match.profile.parameters, words, match.topics)
    explained = sum(1 for i in content if i in match.topics or i in filling.taken - filling.guessed)
    coverage = explained / len(content) if content else 0.0
    required = [p for p in match.profile.parameters if p.required and not p.nullable]
    complete = 1 - len(filling.missing(required)) / len(required) if required else 0.5
    return Wish(match.profile, filling, match.score * (0.4 + 0.6 * coverage) + 0.3 * complete * coverage)


def is_refusal(words: Words) -> bool:
    """Whether an utterance says not to do something."""
    norms = tuple(word.norm for word in words if not word.is_separator)
    return any(norms[: len(refusal)] == refusal for refusal in _REFUSALS)


def best_wish(profiles: Sequence[Profile], words: Words, *, floor: float = THRESHOLD) -> Wish | None:
    """Return the one tool that an utterance asks for most, or `None` when nothing is sure enough.

    Args:
        profiles: the tools.
        words: the utterance.
        floor: least score; 0 when some tool must be called.
    """
    content = content_indices(words)
    wishes = [_weigh(match, words, content) for match in rank(profiles, words)[:_CANDIDATES]]
    best = max(wishes, key=lambda wish: wish.score, default=None)
    return best if best is not None and best.score >= floor else None


def _clauses(words: Words) -> list[Words]:
    clauses: list[list[int]] = [[]]
    for index, word in enumerate(words):
        if (word.is_separator or word.norm in _JOINTS) and clauses[-1] and len(clauses) < _MOST_CLAUSES:
            clauses.append([])
        clauses[-1].append(index)
    return [tuple(words[i] for i in clause) for clause in clauses]


def understand(profiles: Sequence[Profile], words: Words) -> list[Wish]:
    """Return what an utterance wishes for, in the order said; empty when it asks for no tool.

    Clauses that name a tool of their own become wishes of their own; the others belong to the one before.
    """
    if not profiles or is_refusal(words):
        return []
    words = words[-_LONGEST:]
    whole = best_wish(profiles, words)
    clauses = _clauses(words)
    heads: list[tuple[Profile | None, Words]] = []
    for clause in clauses:
        wish = best_wish(profiles, clause)
        if wish is not None and (not heads or heads[-1][0] is not None):
            heads.append((wish.profile, clause))
        elif wish is not None:
            heads[-1] = (wish.profile, heads[-1][1] + clause)
        elif heads:
            heads[-1] = (heads[-1][0], heads[-1][1] + clause)
        else:
            heads.append((None, clause))
    segments = [clause for profile, clause in heads if profile is not None]
    if len(segments) < 2:
        return [whole] if whole is not None else []
    wishes = [wish for wish in (best_wish(profiles, segment) for segment in segments) if wish is not None]
    for before, wish in pairwise(wishes):
        # "turn on the kitchen lights and the bedroom lights": what is not said again stays as it was.
        if before.profile is wish.profile:
            for parameter in wish.filling.missing(wish.profile.parameters):
                if parameter.path in before.filling.values:
                    wish.filling.values[parameter.path] = before.filling.values[parameter.path]
    return wishes
