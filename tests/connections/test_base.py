from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vivavoce.connections.base import RealtimeModel, RealtimeModelConfig, check_model_config, model_name_of
from vivavoce.connections.transport import TransportOptions
from vivavoce.conversation.playback import RealtimePlaybackTracker
from vivavoce.errors import ConfigurationError, RemoteProtocolError
from vivavoce.protocol import ClientEvent, ResponseCreate


def test_a_configuration_that_is_fit_comes_back() -> None:
    config = {
        "api_key": lambda: "k",
        "url": "ws://host",
        "base_url": "https://host/v1",
        "headers": {"a": "b"},
        "call_id": "rtc_1",
        "initial_model_settings": {"model_name": "m"},
        "playback_tracker": RealtimePlaybackTracker(),
        "transport": {"ping_interval": None},
    }
    checked = check_model_config(config)
    assert checked == config
    assert checked is not config
    assert model_name_of(checked) == "m"
    assert model_name_of(check_model_config(None)) is None


def test_keys_may_be_in_camel_case_and_none_is_left_out() -> None:
    options = TransportOptions(close_s=0.1)
    assert check_model_config(
        {"apiKey": "k", "baseUrl": "http://host", "callId": None, "headers": None, "transport": options}
    ) == {"api_key": "k", "base_url": "http://host", "transport": options}


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ([], "model_config must be a dictionary, got []"),
        ({"colour": 1}, "model_config.colour is not known; known are: api_key, url, base_url"),
        ({"apikey": "k"}, "model_config.apikey is not known; did you mean 'api_key'? known are: "),
        ({"model": "m"}, "model_config.model is not accepted here: name it as initial_model_settings="),
        ({"context": 1}, "model_config.context is not accepted here: it is an argument of its own"),
        ({"url": 3}, "model_config.url must be a text, got 3"),
        ({"url": "host"}, "'host' is no URL of a realtime server"),
        ({"baseUrl": "host"}, "'host' is no URL of a realtime server"),
        ({"call_id": ""}, "model_config.call_id must be a text that is not empty, got ''"),
        ({"headers": {"a": 1}}, "model_config.headers['a'] must be a text"),
        ({"initial_model_settings": 1}, "model_config.initial_model_settings must be a dictionary, got 1"),
        ({"playback_tracker": 1}, "model_config.playback_tracker must be a RealtimePlaybackTracker, got 1"),
        ({"transport": 1}, "model_config.transport must be TransportOptions or a dictionary, got 1"),
        ({"transport": {"max_size": 0}}, "model_config.transport.max_size must be bytes above 0, or None"),
    ],
)
def test_a_configuration_that_is_not_fit_is_refused(config: Any, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_model_config(config)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    "config", [{"api_key": b"sk-secret"}, {"headers": "secret"}, {"headers": {"a": b"secret"}}]
)
def test_a_bad_key_is_refused_without_being_shown(config: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_model_config(config)
    assert "secret" not in str(caught.value)


class Model(RealtimeModel):
    def __init__(self) -> None:
        super().__init__()
        self.sent: list[ClientEvent] = []

    async def connect(self, config: RealtimeModelConfig) -> None: ...

    async def send_event(self, event: ClientEvent) -> None:
        self.sent.append(event)

    async def close(self) -> None: ...


def test_a_model_that_carries_structs_takes_raw_events_that_fit_into_them() -> None:
    model = Model()
    asyncio.run(model.send_raw({"type": "response.create"}))
    assert model.sent == [ResponseCreate()]
    with pytest.raises(RemoteProtocolError, match=r"Unknown parameter: 'theirs'"):
        asyncio.run(model.send_raw({"type": "response.create", "theirs": 1}))
