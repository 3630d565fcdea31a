from __future__ import annotations

import pytest

from vivavoce.urls import shown_url


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("wss://me:pw@host:1/v1/realtime?key=k#f", "wss://host:1/v1/realtime"),
        ("wss://host/a@b//c", "wss://host/a@b//c"),
        ("htps://me:pw@host", "htps://host"),
        ("me:pw@host/v1?key=k", "host/v1"),
        ("host", "host"),
        ("", ""),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, safe: str) -> None:
    assert shown_url(url) == safe
