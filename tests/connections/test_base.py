from __future__ import annotations

import re
from typing import Any

import pytest

from vivavoce.connections.base import check_model_config, model_name_of
from vivavoce.conversation.playback import RealtimePlaybackTracker
from vivavoce.errors import ConfigurationError


def test_a_configuration_that_is_fit_comes_back() -> None:
    config = {
        "api_key": lambda: "k",
        "url": "ws://host",
        "headers": {"a": "b"},
        "initial_model_settings": {"model_name": "m"},
        "playback_tracker": RealtimePlaybackTracker(),
    }
    checked = check_model_config(config)
    assert checked == config
    assert model_name_of(checked) == "m"
    assert model_name_of(check_model_config(None)) is None


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ([], "model_config must be a dictionary, got []"),
        ({"call_id": "rtc_1"}, "model_config.call_id is not supported; supported are: api_key, url"),
        ({"url": 3}, "model_config.url cannot be 3"),
        ({"headers": "x"}, "model_config.headers cannot be 'x'"),
        ({"initial_model_settings": 1}, "model_config.initial_model_settings cannot be 1"),
        ({"playback_tracker": 1}, "model_config.playback_tracker cannot be 1"),
    ],
)
def test_a_configuration_that_is_not_fit_is_refused(config: Any, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(complaint)):
        check_model_config(config)


def test_a_bad_key_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_model_config({"api_key": b"sk-secret"})
    assert "secret" not in str(caught.value)
