"""From a table of options to a constructor's call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from vivavoce.engines.configured import configured
from vivavoce.errors import ConfigurationError


@dataclass(frozen=True)
class Waits:
    connect: float = 1.0
    answer: float = 2.0


def engine(
    place: str,
    *,
    api_key: str | None = None,
    device: Literal["cpu", "cuda"] = "cpu",
    threads: int = 1,
    speed: float = 1.0,
    strict: bool = False,
    voices: Mapping[str, str] | None = None,
    words: Sequence[str] = (),
    folder: Path | str | None = None,
    file: Path | None = None,
    waits: Waits | None = None,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What an engine would be made with."""
    return locals()


class Choosy:
    """A class, whose constructor is what options are held against."""

    def __init__(self, place: str, *, waits: Waits | None = None) -> None:
        self.place, self.waits = place, waits


def test_values_take_the_form_of_their_annotations() -> None:
    options = {
        "place": "here",
        "device": "cuda",
        "threads": 2,
        "speed": 1,
        "strict": True,
        "voices": {"alloy": "amy"},
        "words": ["a", "b"],
        "folder": "models",
        "file": "a.bin",
        "waits": {"connect": 3},
        "extra": {"temperature": 0.3, "stop": ["x"]},
        "api_key": None,
    }
    given = configured(engine, options, "stt 'x'")
    assert given == options | {"words": ("a", "b"), "file": Path("a.bin"), "waits": Waits(connect=3.0)}
    assert isinstance(given["speed"], float)


def test_a_record_made_already_is_taken_as_it_is() -> None:
    waits = Waits(5.0)
    assert configured(engine, {"place": "", "waits": waits}, "x")["waits"] is waits


def test_a_key_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-1")
    assert configured(engine, {"place": "", "api_key_env": "SOME_KEY"}, "x")["api_key"] == "sk-1"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"plaice": "here"}, "stt 'x' has no option 'plaice'; its options are: place, api_key, device"),
        ({}, "stt 'x' needs the option 'place'"),
        ({"place": 1}, "stt 'x': place is of type int; it must be text"),
        ({"place": "", "device": "tpu"}, "device is 'tpu'; it must be one of 'cpu', 'cuda'"),
        ({"place": "", "threads": 1.5}, "threads is of type float; it must be a whole number"),
        ({"place": "", "threads": True}, "threads is of type bool; it must be a whole number"),
        ({"place": "", "speed": "1"}, "speed is of type str; it must be a number"),
        ({"place": "", "strict": 1}, "strict is of type int; it must be true or false"),
        ({"place": "", "voices": "amy"}, "voices is of type str; it must be a table"),
        ({"place": "", "voices": {"alloy": 1}}, "voices.alloy is of type int; it must be text"),
        ({"place": "", "words": "a"}, "words is of type str; it must be a list"),
        ({"place": "", "words": [1]}, "words is of type int; it must be text"),
        ({"place": "", "waits": 1}, "waits is of type int; it must be a table"),
        ({"place": "", "waits": {"konnect": 1}}, "waits has no option 'konnect'.*: connect, answer"),
        ({"place": "", "folder": 1}, "folder is of type int; it must be text"),
        ({"place": "", "api_key_env": "NO_SUCH_KEY"}, "names the variable 'NO_SUCH_KEY', which is not set"),
        ({"place": "", "api_key_env": 1}, "which is not set"),
    ],
)
def test_what_is_wrong_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        configured(engine, options, "stt 'x'")


def test_a_value_of_a_wrong_type_is_not_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        configured(engine, {"place": "", "threads": "sk-1"}, "x")
    assert "sk-1" not in str(caught.value)


def test_classes_are_made() -> None:
    made = configured(Choosy, {"place": "here", "waits": {"answer": 1}}, "x")
    assert (made.place, made.waits) == ("here", Waits(answer=1.0))


def test_a_constructor_without_options_says_so() -> None:
    class Bare:
        pass

    assert isinstance(configured(Bare, {}, "x"), Bare)
    with pytest.raises(ConfigurationError, match="its options are: none"):
        configured(Bare, {"a": 1}, "x")
