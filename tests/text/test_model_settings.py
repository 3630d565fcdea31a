from __future__ import annotations

from typing import Any

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.text.model_settings import ModelSettings, check_model_settings


def test_headers_are_not_shown_for_one_may_hold_a_key() -> None:
    assert "hush" not in repr(ModelSettings(extra_headers={"Authorization": "hush"}))


def test_what_is_set_goes_before_and_extras_are_merged() -> None:
    own = ModelSettings(temperature=0.2, max_tokens=5, extra_body={"a": 1, "b": 1}, metadata={"x": "1"})
    other = ModelSettings(
        temperature=0.0, extra_body={"b": 2}, extra_headers={"H": "1"}, metadata={"y": "2"}, store=False
    )
    merged = own.resolve(other)
    assert merged == ModelSettings(
        temperature=0.0,
        max_tokens=5,
        extra_body={"a": 1, "b": 2},
        extra_headers={"H": "1"},
        metadata={"y": "2"},
        store=False,
    )
    assert own.resolve(None) == own
    assert own.extra_body == {"a": 1, "b": 1}


def test_what_has_no_field_of_its_own_goes_into_the_body() -> None:
    settings = ModelSettings(
        temperature=1.0,
        reasoning={"effort": "low", "summary": "auto"},
        verbosity="low",
        metadata={"team": "blue"},
        store=False,
        extra_args={"seed": 1, "top_k": 3},
        extra_body={"seed": 2},
    )
    assert settings.body() == {
        "reasoning_effort": "low",
        "verbosity": "low",
        "metadata": {"team": "blue"},
        "store": False,
        "top_k": 3,
        "seed": 2,
    }
    assert ModelSettings().body() == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", 2.1),
        ("temperature", "hot"),
        ("temperature", True),
        ("top_p", -0.1),
        ("frequency_penalty", 3),
        ("presence_penalty", -3),
        ("tool_choice", ""),
        ("tool_choice", 3),
        ("parallel_tool_calls", 1),
        ("max_tokens", 0),
        ("max_tokens", 1.5),
        ("max_tokens", True),
        ("verbosity", "loud"),
        ("reasoning", "low"),
        ("extra_headers", []),
        ("store", "yes"),
    ],
)
def test_a_bad_value_is_refused_with_its_name(field: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"model_settings\.{field} must be") as caught:
        ModelSettings(**{field: value})
    assert repr(value) in str(caught.value)


def test_a_dictionary_is_read_and_an_unknown_key_refused() -> None:
    assert check_model_settings({"top_p": 0.5}, owner="X") == ModelSettings(top_p=0.5)
    assert check_model_settings(None, owner="X") == ModelSettings()
    own = ModelSettings()
    assert check_model_settings(own, owner="X") is own
    with pytest.raises(ConfigurationError, match=r"X\.topp is not known; there are: temperature"):
        check_model_settings({"topp": 1}, owner="X")
    with pytest.raises(ConfigurationError, match="X must be ModelSettings"):
        check_model_settings(3, owner="X")
