"""Which web pages may speak to the server."""

from __future__ import annotations

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.server.origins import Origins


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://app.example.com", True),
        ("https://APP.example.com:443", True),
        ("http://10.0.0.5:3000", True),
        ("http://app.example.com", False),
        ("https://app.example.com:444", False),
        ("https://other.example.com", False),
        ("https://app.example.com.evil.test", False),
        ("http://10.0.0.5", False),
        ("null", False),
        ("", False),
        ("http://[::1", False),
        ("https://app.example.com:port", False),
    ],
)
def test_an_origin_is_compared_by_scheme_host_and_port(origin: str, allowed: bool) -> None:
    assert Origins(["https://app.example.com", "http://10.0.0.5:3000"]).allows(origin) is allowed


def test_a_star_allows_everyone_and_nothing_allows_nobody() -> None:
    assert Origins(["*"]).allows("https://anywhere.test")
    assert Origins(["*", "http://a.test"]).allows("null")
    assert not Origins().allows("https://anywhere.test")
    assert (bool(Origins()), bool(Origins(["*"]))) == (False, True)


@pytest.mark.parametrize(
    "wrong", ["app.example.com", "https://app.example.com/", "ftp://a.test", "https://u@a.test", "null", ""]
)
def test_what_is_no_origin_cannot_be_allowed(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="no origin of web pages") as caught:
        Origins(["https://right.test", wrong])
    assert repr(wrong) in str(caught.value)


def test_one_text_is_no_list_of_origins() -> None:
    with pytest.raises(
        ConfigurationError, match=r"origins is the text .*; give a tuple: \('https://a.test',\)"
    ):
        Origins("https://a.test")
