from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

from vivavoce.agents import BackgroundResult, background_result, to_text


class Colour(enum.Enum):
    RED = "red"


class Booking(BaseModel):
    number: int
    colour: Colour


@dataclass
class Place:
    city: str
    when: dt.date


class Strange:
    def __str__(self) -> str:
        return "something strange"


CIRCULAR: list[Any] = []
CIRCULAR.append(CIRCULAR)


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("as it is", "as it is"),
        ("cut in an emoji: \ud83d", "cut in an emoji: ?"),
        (["\ud83d"], "['\\ud83d']"),
        (None, "null"),
        (True, "true"),
        (7, "7"),
        ({"a": [1, "ü"]}, '{"a":[1,"ü"]}'),
        (Booking(number=3, colour=Colour.RED), '{"number":3,"colour":"red"}'),
        (Place("Oslo", dt.date(2026, 1, 2)), '{"city":"Oslo","when":"2026-01-02"}'),
        ([Place("Oslo", dt.date(2026, 1, 2))], '[{"city":"Oslo","when":"2026-01-02"}]'),
        (Strange(), '"something strange"'),
        (CIRCULAR, "[[...]]"),
    ],
)
def test_a_result_becomes_text(result: object, text: str) -> None:
    assert to_text(result) == text


def test_a_result_for_the_background_is_told_like_any_other() -> None:
    result = background_result({"a": 1})
    assert result == BackgroundResult({"a": 1})
    assert to_text(result) == '{"a":1}'
