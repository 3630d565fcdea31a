"""The unmodified `openai` package of npm as a client of this project's server."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.clients.javascript import tls_scene

from vivavoce.engines.scripted import scripted_engines
from vivavoce.server import ServerConfig

pytestmark = pytest.mark.clients


def test_a_written_turn(tmp_path: Path) -> None:
    told = tls_scene("openaiWritten", scripted_engines(answers=[["Good day."]]), tmp_path)
    assert told["errors"] == []
    assert told["text"] == "Good day."


def test_a_transcription(tmp_path: Path) -> None:
    told = tls_scene("openaiTranscription", scripted_engines(hears=["hello there"]), tmp_path)
    assert told["errors"] == []
    assert told["transcript"] == "hello there"
    assert not [kind for kind in told["raw"] if kind.startswith("response.")]


def test_the_models(tmp_path: Path) -> None:
    told = tls_scene("openaiModels", scripted_engines(), tmp_path, key="sk-any")
    assert told["models"] == ["vivavoce-local"]


def test_a_client_secret_carries_the_settings_of_its_session(tmp_path: Path) -> None:
    config = ServerConfig(api_keys=("sk-operator",))
    told = tls_scene("openaiClientSecret", scripted_engines(), tmp_path, config, key="sk-operator")
    assert told["errors"] == []
    assert told["secret"]["value"].startswith("ek_")
    assert told["instructions"] == "Minted."
