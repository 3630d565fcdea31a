from __future__ import annotations

import pytest

from vivavoce.engines.llm.calendar import in_unit, read_days, read_durations, read_times
from vivavoce.engines.llm.words import split_words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at seven thirty", ["7:30"]),
        ("at seven thirty pm", ["19:30"]),
        ("at half past seven in the evening", ["19:30"]),
        ("quarter to eight", ["7:45"]),
        ("quarter to one", ["12:45"]),
        ("ten minutes past six", ["6:10"]),
        ("7pm", ["19:00"]),
        ("8 p m", ["20:00"]),
        ("19:30", ["19:30"]),
        ("7:30am", ["07:30"]),
        ("twelve am", ["00:00"]),
        ("noon or midnight", ["12:00", "00:00"]),
        ("eight o'clock", ["8:00"]),
        ("at nine at night", ["21:00"]),
        ("at eight oh five", ["8:05"]),
        ("for four people", []),
        ("after ten minutes", []),
        ("seven thirty", []),
    ],
)
def test_times_are_read(text: str, expected: list[str]) -> None:
    assert [moment.text for moment in read_times(split_words(text))] == expected


def test_a_bare_hour_counts_where_it_was_asked_for() -> None:
    assert [moment.text for moment in read_times(split_words("seven thirty"), bare=True)] == ["7:30"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tomorrow", ["tomorrow"]),
        ("next friday and this weekend", ["next friday", "this weekend"]),
        ("Next Friday or on Sunday", ["next Friday", "Sunday"]),
        ("Friday's menu", ["fridays"]),
        ("March 3rd", ["March 3"]),
        ("Tomorrow", ["tomorrow"]),
        ("the day after tomorrow", ["the day after tomorrow"]),
        ("march third", ["march 3"]),
        ("the third of march", ["march 3"]),
        ("may 5th, 2027", ["2027-05-05"]),
        ("twenty first of june twenty twenty six", ["2026-06-21"]),
        ("on 2026-12-24", ["2026-12-24"]),
        ("i may march", []),
        ("last", []),
    ],
)
def test_days_are_read_without_a_clock(text: str, expected: list[str]) -> None:
    assert [moment.text for moment in read_days(split_words(text))] == expected


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("twenty five minutes", 25),
        ("half an hour", 30),
        ("quarter of an hour", 15),
        ("an hour and a half", 90),
        ("two and a half hours", 150),
        ("one hour and ten minutes", 70),
        ("90 secs", 1.5),
    ],
)
def test_durations_are_read(text: str, minutes: float) -> None:
    (duration,) = read_durations(split_words(text))
    assert in_unit(duration, "minutes") == minutes
    assert in_unit(duration, "city") is None


def test_a_number_without_a_unit_is_no_duration() -> None:
    assert read_durations(split_words("five apples and a pear")) == []
