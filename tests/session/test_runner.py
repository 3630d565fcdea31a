from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vivavoce.agents import RealtimeAgent
from vivavoce.connections import RealtimeModel
from vivavoce.connections.memory import LocalRealtimeModel
from vivavoce.connections.websocket import WebSocketRealtimeModel
from vivavoce.engines.scripted import scripted_engines
from vivavoce.errors import ConfigurationError
from vivavoce.session import RealtimeRunner
from vivavoce.testing import run

AGENT = RealtimeAgent[Any]("Ada")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def model_of(choice: Any, **run_options: Any) -> RealtimeModel:
    return asyncio.run(RealtimeRunner(AGENT, model=choice).run(**run_options)).model


@pytest.mark.parametrize(
    ("choice", "options", "kind"),
    [
        (None, {}, LocalRealtimeModel),
        (None, {"model_config": {"api_key": "k"}}, WebSocketRealtimeModel),
        (None, {"model_config": {"url": "ws://host"}}, WebSocketRealtimeModel),
        ("local", {}, LocalRealtimeModel),
        ("openai", {}, WebSocketRealtimeModel),
        ("http://host:8000/v1", {}, WebSocketRealtimeModel),
        (LocalRealtimeModel, {}, LocalRealtimeModel),
    ],
)
def test_a_choice_leads_to_a_model(choice: Any, options: dict[str, Any], kind: type) -> None:
    assert isinstance(model_of(choice, **options), kind)


def test_a_key_in_the_environment_chooses_openai(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    assert isinstance(model_of(None), WebSocketRealtimeModel)
    assert isinstance(model_of("local"), LocalRealtimeModel)


@pytest.mark.parametrize("choice", ["azur", "host:8000", 3, ""])
def test_a_choice_that_is_none_is_refused(choice: Any) -> None:
    with pytest.raises(ConfigurationError, match="is not accepted: use 'local', 'openai', 'azure', a URL"):
        RealtimeRunner(AGENT, model=choice)


def test_what_a_model_function_returns_is_checked() -> None:
    with pytest.raises(ConfigurationError, match="must return a RealtimeModel, got 3"):
        model_of(lambda: 3)


def test_an_agent_is_needed() -> None:
    with pytest.raises(ConfigurationError, match="starting_agent must be a RealtimeAgent, got 'Ada'"):
        RealtimeRunner("Ada")  # type: ignore[arg-type]  # the mistake under test


def test_settings_are_refused_before_anything_is_connected() -> None:
    with pytest.raises(ConfigurationError, match=r"config\.model_settings\.voice"):
        RealtimeRunner(AGENT, config={"model_settings": {"voice": 3}})
    with pytest.raises(
        ConfigurationError, match=r"model_config\.initial_model_settings\.colour is not known"
    ):
        model_of("local", model_config={"initial_model_settings": {"colour": 1}})


def test_one_runner_serves_many_sessions_on_the_same_engines() -> None:
    async def main() -> None:
        runner = RealtimeRunner(AGENT, model="local")
        runner._engines = _Shared()
        one, two = await runner.run(), await runner.run()
        async with one, two:
            assert one.model is not two.model
            assert runner._engines.users == 2
        assert runner._engines.users == 0

    from vivavoce.connections.memory import SharedEngines

    class _Shared(SharedEngines):
        users = 0

        async def acquire(self) -> Any:
            self.users += 1
            return scripted_engines()

        async def release(self) -> None:
            self.users -= 1

    run(main())


def test_one_model_serves_one_session_at_a_time() -> None:
    async def main() -> None:
        runner = RealtimeRunner(AGENT, model=LocalRealtimeModel(scripted_engines()))
        one, two = await runner.run(), await runner.run()
        async with one:
            with pytest.raises(ConfigurationError, match="a session uses it; close that session first"):
                await two.enter()
            with pytest.raises(ConfigurationError, match="a session uses it; close that session first"):
                await runner.run()
        async with two:
            pass
        three = await runner.run()
        async with three:
            assert len(three.model._listeners._direct) == 1  # the sessions before have let go

    run(main())
