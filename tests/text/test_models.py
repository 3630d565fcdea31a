from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vivavoce.engines.base import LanguageModel, ModelRequest
from vivavoce.engines.llm.brain import BuiltinBrain
from vivavoce.engines.llm.chat_completions import ChatCompletions
from vivavoce.engines.options import ModelOptions, OutputSchema
from vivavoce.engines.scripted import ScriptedModel
from vivavoce.errors import ConfigurationError, EngineError
from vivavoce.testing import run
from vivavoce.text import Agent, RunConfig, Runner
from vivavoce.text.models import (
    ModelProvider,
    OpenAIProvider,
    RunModels,
    check_model,
    check_request,
    takes_strict_schemas,
)

Server = Any
Script = Any


class Fixed:
    """A provider with one model for every name."""

    def __init__(self) -> None:
        self.model = ScriptedModel([["Hi."]] * 3)
        self.asked: list[str | None] = []
        self.closed = 0

    def get_model(self, model_name: str | None) -> LanguageModel:
        self.asked.append(model_name)
        return self.model

    async def aclose(self) -> None:
        self.closed += 1


def chosen(choice: Any, provider: Any = None, **settings: Any) -> LanguageModel:
    async def main() -> LanguageModel:
        models = RunModels(provider, **settings)
        try:
            return await models.get(choice)
        finally:
            await models.aclose()

    return run(main())


def test_an_engine_is_taken_as_it_is_and_local_is_the_brain(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = ScriptedModel()
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    assert chosen(engine) is engine
    assert isinstance(chosen("local"), BuiltinBrain)
    with pytest.raises(ConfigurationError, match="must be a name, a LanguageModel"):
        chosen(3)


def test_without_a_key_the_brain_answers_and_a_named_model_is_missed() -> None:
    assert isinstance(chosen(None), BuiltinBrain)
    assert isinstance(chosen(""), BuiltinBrain)
    with pytest.raises(ConfigurationError, match=r"'o4-mini' is at no .*OPENAI_API_KEY or OPENAI_BASE_URL"):
        chosen("o4-mini")


def test_the_brain_says_what_a_program_has_to_set() -> None:
    result = run(Runner.run(Agent("A"), "I like trains"))
    assert "OPENAI_API_KEY or OPENAI_BASE_URL" in result.final_output
    assert "--llm" not in result.final_output


@pytest.mark.parametrize(
    ("environment", "settings"),
    [
        ({"OPENAI_API_KEY": "sk-test"}, {}),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}, {}),
        ({}, {"api_key": "sk-test"}),
        ({}, {"base_url": "http://127.0.0.1:9/v1"}),
    ],
)
def test_a_key_or_a_url_leads_to_an_endpoint(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], settings: dict[str, str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert isinstance(chosen(None, **settings), ChatCompletions)


def test_a_providers_models_are_used_and_stay_open() -> None:
    provider = Fixed()
    assert isinstance(provider, ModelProvider)
    assert chosen("big", provider) is provider.model
    assert chosen(Agent.DEFAULT_MODEL_PLACEHOLDER, provider) is provider.model
    assert isinstance(chosen("local", provider), BuiltinBrain)
    assert provider.asked == ["big", None]
    result = run(Runner.run(Agent("A", model="x"), "Hi", run_config=RunConfig(model_provider=provider)))
    assert result.final_output == "Hi."
    assert provider.closed == 0


def test_runs_inside_share_the_provider_of_the_run() -> None:
    async def main() -> None:
        given = Fixed()
        assert RunModels(given).provider is given
        models = RunModels(api_key="sk-test")
        asked_before = models.provider
        model = await models.get("m")
        provider = models.provider
        assert asked_before is None
        assert provider is not None
        assert provider.get_model("m") is model
        await models.aclose()
        keyless = RunModels()
        await keyless.get(None)
        assert keyless.provider is None

    run(main())


def requested(chat_server: Server, script: Script, model: str | None) -> str:
    """The name under which a model was asked for."""

    async def main() -> str:
        async with chat_server(script.says("Hi.")) as server, OpenAIProvider(base_url=server.url) as provider:
            await Runner.run(Agent("A", model=model), "Hi", run_config={"model_provider": provider})
            name: str = server.requests[0]["model"]
            return name

    return asyncio.run(main())


def test_which_model_an_endpoint_is_asked_for(
    chat_server: Server, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert requested(chat_server, script, "named") == "named"
    assert requested(chat_server, script, None) == "m"  # the first that it lists
    monkeypatch.setenv("OPENAI_DEFAULT_MODEL", "usual")
    assert requested(chat_server, script, None) == "usual"


def test_a_server_without_a_list_of_models_needs_a_name(
    chat_server: Server, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_DEFAULT_MODEL", raising=False)

    async def main() -> None:
        async with chat_server(script.says("Hi."), lists_models=False) as server:
            await Runner.run(Agent("A"), "Hi", run_config={"base_url": server.url})

    with pytest.raises(EngineError, match=r"its models; set OPENAI_DEFAULT_MODEL or RunConfig\(model"):
        asyncio.run(main())


def test_a_provider_opens_each_model_once() -> None:
    async def main() -> None:
        provider = OpenAIProvider(api_key="sk-test")
        assert provider.get_model("a") is provider.get_model("a")
        assert provider.get_model("a") is not provider.get_model("b")
        assert provider.get_model(None) is provider.get_model("gpt-4.1")
        await provider.aclose()
        await provider.aclose()

    run(main())


def test_a_url_must_be_one() -> None:
    with pytest.raises(ConfigurationError, match="'localhost:1234' is no URL"):
        OpenAIProvider(base_url="localhost:1234")


@pytest.mark.parametrize("bad", [BuiltinBrain, object(), "name"])
def test_what_is_no_engine_is_refused(bad: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"Agent\.model must be"):
        check_model(bad, owner="Agent.model")


def test_the_brain_is_asked_for_nothing_it_cannot_do() -> None:
    brain = BuiltinBrain()
    form = ModelOptions(output_schema=OutputSchema("x", {}))
    prompt = ModelOptions(prompt={"id": "p"})
    with pytest.raises(ConfigurationError, match="cannot write structured output"):
        check_request(brain, ModelRequest(options=form))
    with pytest.raises(ConfigurationError, match="stored prompts belong to the Responses API"):
        check_request(brain, ModelRequest(options=prompt))
    for options in (None, ModelOptions()):
        check_request(brain, ModelRequest(options=options))
    for options in (form, prompt):
        check_request(ScriptedModel(), ModelRequest(options=options))
    assert not takes_strict_schemas(brain)
    assert takes_strict_schemas(ScriptedModel())


@pytest.mark.parametrize("broken", ["sk-1\nsk-2", "sk-1\x00"])
def test_a_key_that_no_header_can_hold_is_refused_unseen(broken: str) -> None:
    with pytest.raises(ConfigurationError, match="the api_key cannot be sent") as refused:
        OpenAIProvider(api_key=broken)
    assert "sk-" not in str(refused.value)


@pytest.mark.parametrize("own", [True, False])
def test_the_key_in_the_environment_is_shown_only_to_its_own_server(
    chat_server: Any, script: Any, monkeypatch: pytest.MonkeyPatch, own: bool
) -> None:
    async def main() -> None:
        async with chat_server(script.says("Hello.")) as server:
            monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
            monkeypatch.setenv("OPENAI_BASE_URL", server.url if own else "http://127.0.0.1:9/v1")
            await Runner.run(Agent("A", model="m"), "Hi", run_config={"base_url": server.url})
            assert ("sk-mine" in server.headers[0].get("authorization", "")) is own

    asyncio.run(main())


def test_space_around_a_key_is_dropped(chat_server: Any, script: Any) -> None:
    async def main() -> None:
        async with chat_server(script.says("Hello.")) as server:
            await Runner.run(
                Agent("A", model="m"), "Hi", run_config={"base_url": server.url, "api_key": " sk-1\n"}
            )
            assert server.headers[0]["authorization"] == "Bearer sk-1"

    asyncio.run(main())
