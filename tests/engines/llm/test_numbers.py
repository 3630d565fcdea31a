from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.engines.llm.numbers import homophone, join_runs, plain, read_numbers
from vivavoce.engines.llm.words import split_words

UNITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def values(text: str) -> list[float]:
    return [plain(number.value) for number in read_numbers(split_words(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("twenty five", [25]),
        ("a dozen eggs", [12]),
        ("half a dozen", [6]),
        ("a couple of beers", [2]),
        ("two and a half", [2.5]),
        ("three point one four", [3.14]),
        ("one hundred and five", [105]),
        ("two thousand three hundred and fifty six", [2356]),
        ("a hundred", [100]),
        ("five hundred thousand", [500_000]),
        ("3 million", [3_000_000]),
        ("1,250", [1250]),
        ("minus five", [-5]),
        ("nine minus five", [9, 5]),
        ("four two seven one", [4, 2, 7, 1]),
        ("one oh five", [1, 0, 5]),
        ("double seven", [77]),
        ("twenty twenty six", [20, 26]),
        ("that one please", []),
        ("no numbers and oh dear", []),
        ("2.5 times 4", [2.5, 4]),
        ("7:30", []),
    ],
)
def test_numbers_are_read(text: str, expected: list[float]) -> None:
    assert values(text) == expected


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("four two seven one", "4271"),
        ("oh seven eight", "078"),
        ("forty two seventeen", "4217"),
        ("nine nine double seven", "9977"),
    ],
)
def test_digits_said_one_after_the_other_are_one_number(text: str, digits: str) -> None:
    assert [number.digits for number in join_runs(read_numbers(split_words(text)))] == [digits]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=12))
def test_any_run_of_spoken_digits_is_read_back(digits: list[int]) -> None:
    spoken = " ".join(UNITS[digit] for digit in digits)
    runs = join_runs(read_numbers(split_words(spoken)))
    assert [run.digits for run in runs] == ["".join(map(str, digits))]


@given(st.text(alphabet="aeno tuwhdrf yhlgzi5.,:", max_size=60))
def test_spans_never_overlap(text: str) -> None:
    words = split_words(text)
    end = 0
    for number in read_numbers(words):
        assert end <= number.start < number.end <= len(words)
        end = number.end


def test_a_lone_word_may_be_a_digit() -> None:
    assert homophone("to") == 2
    assert homophone("table") is None
