from __future__ import annotations

import math
from typing import Any

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.session.setting_rules import (
    COUNT,
    FLAG,
    FUNCTION,
    OBJECT,
    SECONDS,
    TEXT,
    Rule,
    list_of,
    one_of,
    or_none,
    read_record,
)
from vivavoce.session.settings_keys import spell

WORDS = list_of(str, "words")


@pytest.mark.parametrize(
    ("rule", "accepted", "refused"),
    [
        (FLAG, [True, False], [0, 1, "yes", None]),
        (SECONDS, [1, 0.5], [0, -1, True, math.nan, math.inf, "1", None]),
        (COUNT, [1, 10], [0, -1, 1.0, True, None]),
        (FUNCTION, [len, lambda: None], ["len", None]),
        (TEXT, ["x"], ["", 1, None]),
        (OBJECT, [{}, {"a": 1}], [[], "x", None]),
        (WORDS, [[], ["a"], ("a", "b")], ["ab", [1], None, {"a"}]),
        (one_of("skip", "trip"), ["skip"], ["Skip", None, 1]),
        (or_none(TEXT), [None, "x"], ["", 1]),
    ],
)
def test_what_a_rule_accepts(rule: Rule, accepted: list[Any], refused: list[Any]) -> None:
    for value in accepted:
        assert rule.check(value, "config.x") is value
    for value in refused:
        with pytest.raises(ConfigurationError) as caught:
            rule.check(value, "config.x")
        assert str(caught.value) == f"config.x must be {rule.wanted}, got {value!r}"


RULES = {"attempts": COUNT, "first_delay_s": SECONDS}


@pytest.mark.parametrize(
    ("settings", "record"),
    [
        ({}, {}),
        ({"reconnect": None}, {}),
        ({"reconnect": {}}, {}),
        ({"reconnect": {"attempts": 3, "firstDelayS": 1}}, {"attempts": 3, "first_delay_s": 1}),
    ],
)
def test_a_record_is_read_by_its_rules(settings: dict[str, Any], record: dict[str, Any]) -> None:
    assert read_record(spell(settings, "config"), "reconnect", RULES) == record


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (3, "config.reconnect must be a dictionary, got 3"),
        ({"attempts": 0}, "config.reconnect.attempts must be a whole number from 1, got 0"),
        ({"firstDelayS": 0}, "config.reconnect.firstDelayS must be seconds above 0, got 0"),
        (
            {"attempt": 1},
            "config.reconnect.attempt is not known; did you mean 'attempts'? known are: attempts",
        ),
    ],
)
def test_a_record_that_is_not_accepted(value: Any, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_record(spell({"reconnect": value}, "config"), "reconnect", RULES)
    assert str(caught.value).startswith(complaint)
