from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vivavoce.connections.choice import check_choice, hosted, model_for
from vivavoce.connections.endpoint import resolve_endpoint
from vivavoce.connections.memory import LocalRealtimeModel
from vivavoce.connections.websocket import WebSocketRealtimeModel
from vivavoce.errors import ConfigurationError

AZURE = {"AZURE_OPENAI_ENDPOINT": "https://res.openai.azure.com"}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "AZURE_OPENAI_API_KEY",
        "AZURE_OPENAI_AD_TOKEN",
        *AZURE,
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("choice", ["azur", "host:8000", 3, "", b"local"])
def test_a_choice_that_is_none_is_refused(choice: Any) -> None:
    for refuse in (check_choice, lambda choice: model_for(choice, {})):
        with pytest.raises(
            ConfigurationError, match="is not accepted: use 'local', 'openai', 'azure', a URL"
        ):
            refuse(choice)


def test_whoever_names_a_providers_model_learns_where_it_goes() -> None:
    with pytest.raises(ConfigurationError, match=r"config=\{'model_settings': \{'model_name'"):
        check_choice("gpt-realtime")


OWN = LocalRealtimeModel()


@pytest.mark.parametrize(
    ("choice", "kind"),
    [
        (None, LocalRealtimeModel),
        ("local", LocalRealtimeModel),
        ("openai", WebSocketRealtimeModel),
        ("azure", WebSocketRealtimeModel),
        ("http://host:8000/v1", WebSocketRealtimeModel),
        (LocalRealtimeModel, LocalRealtimeModel),
        (lambda: WebSocketRealtimeModel("ws://host"), WebSocketRealtimeModel),
    ],
)
def test_a_choice_leads_to_a_model(choice: Any, kind: type) -> None:
    check_choice(choice)
    assert isinstance(model_for(choice, {}), kind)


def test_a_model_of_ones_own_is_taken_as_it_is() -> None:
    assert model_for(OWN, {}) is OWN
    with pytest.raises(ConfigurationError, match="must return a RealtimeModel, got 3"):
        model_for(lambda: 3, {})  # type: ignore[arg-type,return-value]  # what users get wrong


@pytest.mark.parametrize(
    ("config", "environment", "whose"),
    [
        ({}, {}, None),
        ({"headers": {}}, {}, None),
        ({"headers": {"X-Own": "1"}}, {}, None),
        ({"headers": {"Authorization": "Bearer k"}}, {}, "openai"),
        ({"api_key": "k"}, {}, "openai"),
        ({"url": "ws://host"}, {}, "openai"),
        ({"base_url": "ws://host"}, {}, "openai"),
        ({"call_id": "rtc_1"}, {}, "openai"),
        ({}, {"OPENAI_API_KEY": "k"}, "openai"),
        ({}, {"OPENAI_API_KEY": ""}, None),
        ({}, {"OPENAI_BASE_URL": "ws://host"}, "openai"),
        ({}, AZURE, None),
        ({}, {"AZURE_OPENAI_API_KEY": "k"}, None),
        ({}, {**AZURE, "AZURE_OPENAI_API_KEY": "k"}, "azure"),
        ({}, {**AZURE, "AZURE_OPENAI_AD_TOKEN": "t"}, "azure"),
        ({}, {**AZURE, "AZURE_OPENAI_API_KEY": "k", "OPENAI_API_KEY": "k"}, "openai"),
        ({"url": "ws://host"}, {**AZURE, "AZURE_OPENAI_API_KEY": "k"}, "openai"),
    ],
)
def test_whose_server_is_meant_where_nothing_was_chosen(
    monkeypatch: pytest.MonkeyPatch, config: Any, environment: dict[str, str], whose: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert hosted(config) == whose
    kind = LocalRealtimeModel if whose is None else WebSocketRealtimeModel
    assert isinstance(model_for(None, config), kind)


def test_the_url_of_a_configuration_leads_to_its_provider() -> None:
    config: Any = {"url": AZURE["AZURE_OPENAI_ENDPOINT"], "api_key": "k"}
    config["initial_model_settings"] = {"model_name": "dep"}
    assert hosted(config) == "openai"  # which is any server but Azure's, unless the URL is Azure's
    assert asyncio.run(resolve_endpoint(config)).headers == {"api-key": "k"}
