"""From tables to settings."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from vivavoce.engines.choice import EngineChoice, EngineSpec
from vivavoce.pipeline import SessionOptions
from vivavoce.server import Limits
from vivavoce.server.config import GuardrailSpec
from vivavoce.server.config_tables import NOT_FOR_OPERATORS, MisplacedError, settings_from
from vivavoce.server.keys import ApiKey, KeyLimits, digest_of
from vivavoce.server.metrics import MetricsPolicy
from vivavoce.server.tracing import TracingPolicy

HASH = f"sha256:{digest_of('sk-1').hex()}"
HERE = Path("/etc/vivavoce")


def test_no_tables_are_all_defaults() -> None:
    assert settings_from({}, HERE) == {"engines": EngineChoice()}


def test_where_and_who(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETS", "first secret key, second secret key")
    table = {
        "host": "0.0.0.0",
        "port": 9000,
        "keys_file": "keys.toml",
        "secret_keys": ["another secret key"],
        "secret_keys_env": "SECRETS",
        "origins": ["https://app.test"],
        "drain_seconds": 30,
    }
    settings = settings_from({"server": table}, HERE)
    del settings["engines"]
    assert settings == {
        "host": "0.0.0.0",
        "port": 9000,
        "api_keys": (),
        "keys_file": HERE / "keys.toml",
        "secret_keys": ("another secret key", "first secret key", "second secret key"),
        "origins": ("https://app.test",),
        "drain_s": 30.0,
        "playground": True,
    }


def test_the_agent_and_the_limits(tmp_path: Path) -> None:
    (tmp_path / "agent.md").write_text("Sei höflich.\n", encoding="utf-8")
    session = {"voice": "cedar", "instructions_file": "agent.md", "max_minutes": 10, "apology": ""}
    settings = settings_from({"session": session, "limits": {"max_sessions": 3}}, tmp_path)
    assert settings["session"] == SessionOptions(
        voice="cedar", instructions="Sei höflich.", max_session_s=600.0, apology=""
    )
    assert settings["limits"] == Limits(max_sessions=3)


def test_every_option_of_a_session_is_for_operators_or_is_not() -> None:
    names = {field.name for field in fields(SessionOptions)}
    assert names > NOT_FOR_OPERATORS
    plain = {bool, int, float, str}
    defaults = {name: getattr(SessionOptions(), name) for name in names - NOT_FOR_OPERATORS}
    assert {type(default) for default in defaults.values()} <= plain
    settings = settings_from({"session": defaults}, HERE)
    assert settings["session"] == SessionOptions()


def test_keys_of_the_file() -> None:
    keys = {"shop": HASH, "lab": {"hash": f"sha256:{'0' * 64}", "max_sessions": 1}}
    assert settings_from({"keys": keys}, HERE)["hashed_keys"] == (
        ApiKey("shop", digest_of("sk-1")),
        ApiKey("lab", bytes(32), KeyLimits(max_sessions=1)),
    )


def test_engines_voices_and_prompts() -> None:
    tables = {
        "engines": {
            "preset": "bench",
            "stt": "pocketsphinx",
            "llm": {"name": "chat-completions", "base_url": "http://127.0.0.1:1/v1"},
        },
        "voices": {"alloy": "en-us"},
        "prompts": {"folder": "prompts"},
    }
    assert settings_from(tables, HERE)["engines"] == EngineChoice(
        preset="bench",
        stt=EngineSpec("pocketsphinx"),
        llm=EngineSpec("chat-completions", {"base_url": "http://127.0.0.1:1/v1"}),
        voices={"alloy": "en-us"},
        prompts="/etc/vivavoce/prompts",
    )


def test_webhooks_and_recordings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    tables = {
        "webhooks": [
            {"url": "https://a.test/hook", "secrets_env": "HOOK", "events": ["realtime.call.incoming"]}
        ],
        "recording": {"folder": "rec", "sessions": "all"},
    }
    settings = settings_from(tables, HERE)
    (endpoint,) = settings["webhooks"]
    assert endpoint.secrets == ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",)
    assert endpoint.events == ("realtime.call.incoming",)
    assert (settings["recording"].folder, settings["recording"].sessions) == (HERE / "rec", "all")


@pytest.mark.parametrize(
    ("table", "settings"),
    [
        (
            {"metrics": {}, "tracing": {}},
            {"metrics": MetricsPolicy(), "tracing": TracingPolicy()},
        ),
        (
            {
                "metrics": {"open": True},
                "tracing": {"exporter": "console", "capture_content": True},
            },
            {"metrics": MetricsPolicy(open=True), "tracing": TracingPolicy("console", True)},
        ),
        (
            {"metrics": {"enabled": False, "open": True}, "tracing": {"enabled": False}},
            {"metrics": None, "tracing": None},
        ),
    ],
)
def test_metrics_and_traces(table: dict[str, Any], settings: dict[str, Any]) -> None:
    assert settings.items() <= settings_from(table, HERE).items()


def test_an_event_that_no_webhook_has_is_named() -> None:
    hook = {"url": "https://a.test", "secrets": ["whsec_c2VjcmV0"], "events": ["vivavoce.session.start"]}
    with pytest.raises(MisplacedError, match=r"did you mean 'vivavoce\.session\.started'") as caught:
        settings_from({"webhooks": [hook]}, HERE)
    assert (caught.value.table, caught.value.key, caught.value.index) == (("webhooks",), "events", 0)


def test_guardrails() -> None:
    tables = {"guardrails": [{"name": "words", "words": ["secret"], "of": "agent"}]}
    (spec,) = settings_from(tables, HERE)["guardrails"]
    assert spec == GuardrailSpec("words", {"words": ["secret"], "of": "agent"})


@pytest.mark.parametrize(
    ("tables", "words", "place"),
    [
        ({"guardrails": [{"words": ["a"]}]}, "[[guardrails]] needs a name", (("guardrails",), None, 0)),
        (
            {"guardrails": [{"name": "words", "words": ["a"]}, {"name": "words"}]},
            "looks for nothing",
            (("guardrails",), None, 1),
        ),
        ({"prompts": 5}, "prompts must be a table: [prompts]", ((), "prompts", 0)),
        ({"recording": {"folder": 5}}, "[recording]: folder is of type int", (("recording",), "folder", 0)),
        ({"serve": {}}, "no table [serve]; did you mean 'server'?", (("serve",), None, 0)),
        ({"server": 5}, "server must be a table: [server]", ((), "server", 0)),
        ({"webhooks": {}}, "webhooks must be [[webhooks]] tables", ((), "webhooks", 0)),
        ({"webhooks": [5]}, "[webhooks] must be a table", (("webhooks",), None, 0)),
        (
            {"server": {"hosts": 1}},
            "[server] has no setting 'hosts'; did you mean",
            (("server",), "hosts", 0),
        ),
        ({"server": {"port": "1"}}, "[server]: port is of type str", (("server",), "port", 0)),
        (
            {"server": {"secret_keys_env": "NOBODY"}},
            "'NOBODY', which is not set",
            (("server",), "secret_keys_env", 0),
        ),
        ({"session": {"model_named": True}}, "[session] has no setting", (("session",), "model_named", 0)),
        ({"session": {"max_minutes": 0}}, "max_minutes is 0", (("session",), "max_minutes", 0)),
        ({"session": {"max_minutes": True}}, "max_minutes is True", (("session",), "max_minutes", 0)),
        (
            {"session": {"instructions": "a", "instructions_file": "b"}},
            "keep one of them",
            (("session",), "instructions_file", 0),
        ),
        (
            {"session": {"instructions_file": "nowhere.md"}},
            "'nowhere.md' cannot be read as UTF-8 text: No such file",
            (("session",), "instructions_file", 0),
        ),
        ({"session": {"instructions_file": 5}}, "cannot be read", (("session",), "instructions_file", 0)),
        ({"limits": {"max_sessions": 0}}, "max_sessions is 0", (("limits",), "max_sessions", 0)),
        (
            {"limits": {"low_water_bytes": 200_000, "high_water_bytes": 100_000}},
            "send queue",
            (("limits",), None, 0),
        ),
        ({"keys": {"shop": "sk-1"}}, "[keys] the hash of key 'shop'", (("keys",), "shop", 0)),
        (
            {"engines": {"ttts": "x"}},
            "[engines] has no setting 'ttts'; did you mean",
            (("engines",), "ttts", 0),
        ),
        ({"engines": {"preset": "none"}}, "'embedded' or 'bench'", (("engines",), "preset", 0)),
        ({"engines": {"stt": {"model": "x"}}}, "[engines] stt needs a name", (("engines",), "stt", 0)),
        ({"voices": {"alloy": 1}}, "[voices] alloy must be", (("voices",), "alloy", 0)),
        ({"prompts": {}}, "[prompts] needs the option 'folder'", (("prompts",), None, 0)),
        (
            {"recording": {"folder": "r", "sessions": "few"}},
            "[recording]: sessions is 'few'",
            (("recording",), "sessions", 0),
        ),
        (
            {
                "webhooks": [
                    {"url": "https://a.test", "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]},
                    {"url": "ftp://a"},
                ]
            },
            "no URL of a webhook",
            (("webhooks",), None, 1),
        ),
    ],
)
def test_what_cannot_be_accepted_is_named_with_its_place(tables: Any, words: str, place: Any) -> None:
    with pytest.raises(MisplacedError) as caught:
        settings_from(tables, HERE)
    assert words in str(caught.value)
    assert (caught.value.table, caught.value.key, caught.value.index) == place
