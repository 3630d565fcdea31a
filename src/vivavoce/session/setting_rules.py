"""Rules for plain values in a configuration, and the reading of a dictionary by them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vivavoce.connections.spelling import unknown
from vivavoce.errors import ConfigurationError
from vivavoce.session.settings_keys import Spelled


@dataclass(frozen=True, slots=True)
class Rule:
    """What a value must be.

    Attributes:
        accepts: whether a value is accepted.
        wanted: what is accepted, in words that follow "must be".
    """

    accepts: Callable[[Any], bool]
    wanted: str

    def check(self, value: Any, where: str) -> Any:
        """Return the value.

        Raises:
            ConfigurationError: it is not accepted; names `where`, the value and what is.
        """
        if not self.accepts(value):
            raise ConfigurationError(f"{where} must be {self.wanted}, got {value!r}")
        return value


def is_number(value: object) -> bool:
    """Return whether a value is a number that one can count with."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_count(value: object) -> bool:
    """Return whether a value is a whole number from 1."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def or_none(rule: Rule) -> Rule:
    """Return the rule that accepts ``None`` too."""
    return Rule(lambda value: value is None or rule.accepts(value), f"{rule.wanted}, or None")


def one_of(*choices: str) -> Rule:
    """Return the rule that accepts these texts."""
    return Rule(lambda value: value in choices, " or ".join(map(repr, choices)))


def list_of(kinds: type | tuple[type, ...], words: str) -> Rule:
    """Return the rule that accepts a list of instances.

    Args:
        kinds: their class, or classes.
        words: what they are called.
    """
    return Rule(
        lambda value: (
            isinstance(value, Sequence)
            and not isinstance(value, str)
            and all(isinstance(entry, kinds) for entry in value)
        ),
        f"a list of {words}",
    )


FLAG = Rule(lambda value: isinstance(value, bool), "True or False")
SECONDS = Rule(lambda value: is_number(value) and value > 0, "seconds above 0")
COUNT = Rule(is_count, "a whole number from 1")
FUNCTION = Rule(callable, "a function")
TEXT = Rule(lambda value: isinstance(value, str) and bool(value), "a text that is not empty")
OBJECT = Rule(lambda value: isinstance(value, Mapping), "a dictionary")


def read_record(spelled: Spelled, name: str, rules: Mapping[str, Rule]) -> dict[str, Any]:
    """Read a dictionary that stands under a key, by a rule for each of its keys.

    Args:
        spelled: what holds it.
        name: its key; ``None`` there, or nothing, is an empty dictionary.
        rules: key -> rule.

    Raises:
        ConfigurationError: a key is not known or a value is not accepted.
    """
    record = spelled.values.get(name)
    if record is None:
        return {}
    OBJECT.check(record, spelled.where(name))
    for key, value in record.items():
        where = spelled.where(f"{name}.{key}")
        if key not in rules:
            raise unknown(where, key, list(rules))
        rules[key].check(value, where)
    return dict(record)
