"""The example of a configuration: it works as it stands, and nothing is missing in it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest

from vivavoce.engines.catalogue import Part
from vivavoce.engines.registry import EngineChoice, build_local_engines, specs
from vivavoce.errors import ConfigurationError
from vivavoce.pipeline import SessionOptions
from vivavoce.server import Limits, ServerConfig, create_app
from vivavoce.server import config_tables as tables
from vivavoce.server.config_file import read_config
from vivavoce.server.config_webrtc import WebRtcSettings
from vivavoce.server.guardrails import Said, make_guardrail
from vivavoce.server.keys import KeyLimits
from vivavoce.server.recording import RecordingPolicy

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "vivavoce.toml"
PAGE = ROOT / "docs" / "serving.md"


def everything() -> str:
    """Return the example with all its settings in force."""
    return re.sub(r"^#(?=\[|[\w-]+ = )", "", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)


def toml_blocks(page: Path) -> list[str]:
    return re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def names(kind: Any) -> set[str]:
    return {field.name for field in fields(kind)}


def test_it_is_read_as_it_stands_and_changes_nothing() -> None:
    assert read_config(EXAMPLE) == ServerConfig()


def test_every_setting_is_in_it() -> None:
    example = tomllib.loads(everything())
    assert set(example) == set(tables._READERS)
    session = names(SessionOptions) - tables.NOT_FOR_OPERATORS | {"instructions_file", "max_minutes"}
    assert set(example["session"]) == session
    assert set(example["server"]) == names(tables._Server)
    assert set(example["limits"]) == names(Limits)
    assert set(example["keys"]["web-shop"]) == names(KeyLimits) | {"hash"}
    assert set(example["engines"]) == {"preset", *get_args(Part)} - {"speech_model"}
    assert set(example["webhooks"][0]) == names(tables._Webhook)
    assert set(example["recording"]) == names(RecordingPolicy)
    assert set(example["metrics"]) == names(tables._Metrics)
    assert set(example["tracing"]) == names(tables._Tracing)
    assert set(example["webrtc"]) == names(WebRtcSettings)


def test_all_of_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIVAVOCE_SECRETS", "a secret of the operator")
    monkeypatch.setenv("VIVAVOCE_WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    monkeypatch.setenv("VIVAVOCE_TURN_CREDENTIAL", "of the relay")
    (tmp_path / "agent.md").write_text("Be brief.")
    file = tmp_path / "vivavoce.toml"
    file.write_text(everything().replace('instructions = "', '# instructions = "'))
    config = read_config(file)
    assert config.session.instructions == "Be brief."
    assert [key.name for key in config.hashed_keys] == ["lab", "web-shop"]
    assert config.engines.llm is not None
    assert config.recording is not None
    assert config.webrtc is not None
    assert config.webrtc.ice_servers[1].credential == "of the relay"


def test_what_it_calls_a_default_is_one() -> None:
    example = tomllib.loads(everything())
    told = ("max_sessions", "max_sessions_per_key", "max_minutes_per_key", "max_audio_s_per_key")
    for name, value in example["limits"].items():
        if name not in told:
            assert getattr(Limits(), name) == value, name
    for name, value in example["session"].items():
        if name not in {"instructions", "instructions_file", "max_minutes"}:
            assert getattr(SessionOptions(), name) == value, name
    assert example["session"]["max_minutes"] * 60 == SessionOptions().max_session_s
    for name in ("host", "port"):
        assert getattr(ServerConfig(), name) == example["server"][name]
    chosen = {part: spec.name for part, spec in specs().items() if part != "llm"}
    assert {part: example["engines"][part] for part in chosen} == chosen
    policy = RecordingPolicy(Path("recordings"))
    for name in ("sessions", "audio_in_events", "max_bytes"):
        assert getattr(policy, name) == example["recording"][name]
    for name in ("enabled", "addresses", "connect_s", "vanish_s"):
        value = getattr(WebRtcSettings(), name)
        assert (list(value) if name == "addresses" else value) == example["webrtc"][name]
    assert tables._Metrics(**example["metrics"]) == tables._Metrics()
    assert tables._Tracing(**example["tracing"] | {"exporter": None}) == tables._Tracing()


def test_the_short_example_of_the_page_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIVAVOCE_SECRETS", "a secret of the operator")
    (tmp_path / "agent.md").write_text("Be brief.")
    text = toml_blocks(PAGE)[0]
    file = tmp_path / "vivavoce.toml"
    file.write_text(text)
    assert read_config(file).session.max_session_s == 900.0
    file.write_text(text.replace("max_minutes", 'voise = "x"\nmax_minutes'))
    with pytest.raises(ConfigurationError) as caught:
        read_config(file)
    message = re.sub(r"line \d+", "line 9", str(caught.value)).removeprefix(f"{tmp_path}/")
    assert f"`{message}`" in PAGE.read_text(encoding="utf-8")


def test_an_upstream_as_the_page_shows_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPSTREAM_KEY", "a key of the operator")
    file = tmp_path / "vivavoce.toml"
    file.write_text(toml_blocks(PAGE)[1])
    upstream = read_config(file).engines.speech_model
    assert upstream is not None
    assert upstream.name == "upstream"
    assert upstream.options["url"] == "wss://voice.example.com/v1"


def test_a_guardrail_as_its_page_shows_it_blocks(tmp_path: Path) -> None:
    (text,) = toml_blocks(PAGE.with_name("guardrails.md"))
    file = tmp_path / "vivavoce.toml"
    file.write_text(text)
    (spec,) = read_config(file).guardrails
    guardrail = make_guardrail(spec.name, spec.options)
    assert guardrail.name == "compliance"
    for words in ("here is a Stock  Tip.", "pay with 4111111111111111, please"):
        assert guardrail.check(Said(words, "agent", final=True, session_id="sess_1"))
        assert not guardrail.check(Said(words, "user", final=True, session_id="sess_1"))


def test_the_page_names_every_path_that_answers() -> None:
    app = create_app(ServerConfig(), build_local_engines(EngineChoice(preset="bench")))
    page = PAGE.read_text(encoding="utf-8")
    for path in app.paths:
        if not path.startswith("/openai"):
            shown = path.replace("{call_id}", "{id}").replace("{model:path}", "{id}")
            shown = shown.replace("{name:path}", "{file}")
            told = shown in page or shown.rpartition("/")[2] in {"sessions", "transcription_sessions"}
            answered_with_an_error = re.search(r"/(accept|reject|refer)$|/translations/", shown)
            assert told or answered_with_an_error, shown
