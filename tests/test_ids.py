"""Ids of real sessions."""

from __future__ import annotations

import re

import pytest

from vivavoce.ids import RandomIds


@pytest.mark.parametrize(
    ("prefix", "length"), [("sess", 21), ("event", 21), ("item", 21), ("resp", 21), ("call", 16)]
)
def test_ids_have_the_shape_of_the_hosted_api(prefix: str, length: int) -> None:
    ids = RandomIds()
    for _ in range(300):
        assert re.fullmatch(rf"{prefix}_[0-9A-Za-z]{{{length}}}", ids.new(prefix))


def test_no_id_comes_twice_in_a_session_or_in_two() -> None:
    one, other = RandomIds(), RandomIds()
    made = [ids.new(prefix) for ids in (one, other) for prefix in ("event", "call") for _ in range(5000)]
    assert len(set(made)) == len(made)


def test_padding_is_as_long_as_asked_and_differs_from_event_to_event() -> None:
    ids = RandomIds()
    paddings = set()
    for length in (0, 1, 15, 64) * 200:
        ids.new("event")
        padding = ids.padding(length)
        assert re.fullmatch(rf"[0-9A-Za-z]{{{length}}}", padding)
        paddings.add(padding)
    assert len(paddings) > 200
