"""What an utterance says about the parameters of a tool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from vivavoce.engines.llm.schema import Parameter

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """A value and the words it was read from."""

    value: Any
    indices: frozenset[int]


@dataclass(slots=True)
class Filling:
    """Values read from one utterance.

    Attributes:
        values: value by path.
        others: further values of one parameter, each of which asks for a call of its own.
        taken: indices of the words used.
        guessed: indices among them that only a guess explains.
    """

    values: dict[Path, Any] = field(default_factory=dict)
    others: dict[Path, list[Any]] = field(default_factory=dict)
    taken: set[int] = field(default_factory=set)
    guessed: set[int] = field(default_factory=set)

    def take(self, parameter: Parameter, reading: Reading | None) -> None:
        """Keep a reading, unless there is none or the parameter has a value already."""
        if reading is not None and parameter.path not in self.values:
            self.values[parameter.path] = [reading.value] if parameter.in_array else reading.value
            self.taken |= reading.indices

    def missing(self, parameters: Sequence[Parameter]) -> list[Parameter]:
        """Return the required parameters without a value."""
        return [p for p in parameters if p.required and not p.nullable and p.path not in self.values]

    def variants(self) -> list[dict[Path, Any]]:
        """Return the values of each call: one, or one for each further value."""
        result = [dict(self.values)]
        for path, values in self.others.items():
            result += [{**self.values, path: value} for value in values]
        return result
