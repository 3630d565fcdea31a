from __future__ import annotations

from importlib import metadata
from typing import Any

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.server import guardrails
from vivavoce.server.guardrails import Said, ServerGuardrail, WordGuardrail, make_guardrail


def blocked(guardrail: WordGuardrail, text: str, by: Any = "agent", *, final: bool = True) -> bool:
    return guardrail.check(Said(text, by, final, "sess_1"))


@pytest.mark.parametrize(
    ("text", "final", "expected"),
    [
        ("Take the BOMB.", True, True),
        ("bomb", True, True),
        ("bomb", False, False),
        ("bomb ", False, True),
        ("bombastic", True, False),
        ("carbomb", True, False),
        ("a red   herring, perhaps", False, True),
        ("a red\nherring", True, True),
        ("a red", True, False),
        ("call 555-1234 now", False, True),
        ("call 555-1234", False, False),
        ("", True, False),
    ],
)
def test_whole_words_and_patterns(text: str, final: bool, expected: bool) -> None:
    guardrail = WordGuardrail(words=["bomb", "red herring"], patterns=[r"\d{3}-\d{4}"])
    assert blocked(guardrail, text, final=final) is expected


def test_whose_words_are_judged_can_be_said() -> None:
    agents = WordGuardrail(["bomb"], of="agent")
    assert blocked(agents, "bomb", "agent")
    assert not blocked(agents, "bomb", "user")
    both = WordGuardrail(["bomb"])
    assert blocked(both, "bomb", "user")
    assert blocked(both, "bomb", "agent")


@pytest.mark.parametrize("fields", [{}, {"words": ["  "]}, {"patterns": ["("]}])
def test_a_list_that_cannot_work_is_refused(fields: Any) -> None:
    with pytest.raises(ConfigurationError, match="guardrail 'words'"):
        WordGuardrail(**fields)


def test_words_that_look_like_patterns_are_words() -> None:
    assert not blocked(WordGuardrail(["a.b"]), "axb")
    assert blocked(WordGuardrail(["c++"]), "I like C++ a lot")


def test_it_is_made_by_name() -> None:
    guardrail = make_guardrail("words", {"words": ["bomb"], "of": "user", "label": "arms"})
    assert isinstance(guardrail, WordGuardrail)
    assert guardrail.name == "arms"
    assert blocked(guardrail, "bomb", "user")
    with pytest.raises(ConfigurationError, match="has no option 'word'"):
        make_guardrail("words", {"word": ["bomb"]})
    with pytest.raises(ConfigurationError, match="looks for nothing"):
        make_guardrail("words")


class Polite:
    name = "polite"

    def __init__(self, options: Any) -> None:
        self.options = options

    async def check(self, said: Said) -> bool:
        return self.options["rude"] in said.text


def make_broken(_options: object) -> object:
    raise RuntimeError("no weights")


def make_nothing(_options: object) -> object:
    return 5


@pytest.fixture
def others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packages that bring guardrails."""
    here = {"polite": Polite, "broken": make_broken, "nothing": make_nothing}
    points = []
    for name, factory in here.items():
        point = metadata.EntryPoint(name, f"somewhere:{name}", guardrails.GROUP)
        monkeypatch.setitem(FACTORIES, point.value, factory)
        points.append(point)
    monkeypatch.setattr(metadata.EntryPoint, "load", lambda point: FACTORIES[point.value])
    monkeypatch.setattr(metadata, "entry_points", lambda group: points if group == guardrails.GROUP else [])


FACTORIES: dict[str, Any] = {}


@pytest.mark.usefixtures("others")
def test_other_packages_bring_their_own() -> None:
    guardrail = make_guardrail("polite", {"rude": "idiot"})
    assert isinstance(guardrail, Polite)
    assert isinstance(guardrail, ServerGuardrail)
    assert guardrail.options == {"rude": "idiot"}


@pytest.mark.usefixtures("others")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unknown", "there is no guardrail 'unknown'; there are: words, broken, nothing, polite"),
        ("broken", "guardrail 'broken' cannot be made: RuntimeError: no weights"),
        ("nothing", "guardrail 'nothing' is no guardrail: a int lacks"),
    ],
)
def test_what_cannot_be_made_is_said(name: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_guardrail(name)
    assert words in str(caught.value)
