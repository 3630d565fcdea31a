"""`vivavoce serve --check`."""

from __future__ import annotations

from pathlib import Path

import pytest

from vivavoce.cli import main
from vivavoce.cli.serve_check import webrtc_words
from vivavoce.server import ServerConfig
from vivavoce.server.keys import digest_of
from vivavoce.webrtc.config import RtcConfig

TEXT = f"""\
[server]
host = "0.0.0.0"
port = 9000
origins = ["https://app.test"]
secret_keys = ["a secret of the operator"]

[session]
model = "house-model"
max_minutes = 10

[limits]
max_sessions = 7
max_minutes_per_key = 90

[keys]
shop = "sha256:{digest_of("sk-1").hex()}"

[keys.lab]
hash = "sha256:{digest_of("sk-2").hex()}"
max_sessions = 2

[engines]
preset = "bench"

[voices]
alloy = "bench"

[[webhooks]]
url = "https://hooks.test/in?token=secret-token"
secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]

[[guardrails]]
name = "words"
words = ["nasty"]

[[guardrails]]
name = "words"
words = ["stock tip"]
label = "compliance"

[prompts]
folder = "prompts"

[recording]
folder = "recordings"

[metrics]
open = true

[tracing]
exporter = "console"
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIVAVOCE_API_KEY", raising=False)
    monkeypatch.delenv("VIVAVOCE_SECRET_KEY", raising=False)


def rows(text: str) -> list[tuple[str, str]]:
    return [(line[:16].strip(), line[16:]) for line in text.splitlines()]


def test_what_would_run_is_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "vivavoce.toml").write_text(TEXT)
    (tmp_path / "prompts").mkdir()
    assert main(["serve", "--check", "--port", "9001"]) == 0
    output = capsys.readouterr()
    assert output.err == ""
    assert "secret" not in output.out.replace("client secrets", "").replace("secret key", "")
    table = rows(output.out)
    for row in [
        ("settings", "vivavoce.toml"),
        ("address", "ws://0.0.0.0:9001/v1/realtime"),
        ("keys", "shop"),
        ("", "lab (2 sessions at once)"),
        ("client secrets", "good in every process with the secret key"),
        ("web pages", "https://app.test"),
        ("stt", "bench"),
        ("voices", "alloy is bench"),
        ("sessions", "7 at once, 10 minutes each"),
        ("each key", "90 minutes a day"),
        ("agent", "model house-model, voice alloy"),
        ("guardrails", "words, compliance"),
        ("prompts", "prompts"),
        ("metrics", "/metrics, for everybody"),
        ("traces", "console"),
        ("all is well", ""),
    ]:
        assert row in table, output.out
    assert ("recordings", "sessions that ask for it, in recordings") in table
    assert any(name == "webhooks" and "https://hooks.test/in" in words for name, words in table)


def test_without_a_file_the_defaults_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--check", "--engines", "bench", "--host", "::1"]) == 0
    table = rows(capsys.readouterr().out)
    for row in [
        ("settings", "no file; options and defaults"),
        ("address", "ws://[::1]:8000/v1/realtime"),
        ("page", "http://[::1]:8000/"),
        ("keys", "none: only this machine may connect"),
        ("client secrets", "good in one process"),
        ("web pages", "those of this machine"),
    ]:
        assert row in table


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('model = "house-model"', 'voice = "nobody"\nmodle = "x"', "vivavoce.toml, line 9: [session]"),
        ('preset = "bench"', 'preset = "bench"\nstt = "nobody-has-this"', "nobody-has-this"),
        ("a secret of the operator", "short", "16 characters"),
        ('alloy = "bench"', 'alloy = "bench"\n[voice]', "no table [voice]; did you mean 'voices'?"),
    ],
)
def test_what_is_wrong_is_one_line(
    tmp_path: Path, old: str, new: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "prompts").mkdir()
    file = tmp_path / "my.toml"
    file.write_text(TEXT.replace(old, new))
    assert main(["serve", "--check", "--config", str(file)]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert words.removeprefix("vivavoce.toml") in output.err


def test_an_upstream_without_a_key_is_found_without_asking_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    path = tmp_path / "vivavoce.toml"
    path.write_text('[engines.speech_model]\nname = "upstream"\nprovider = "openai"\n')
    assert main(["serve", "--config", str(path), "--check"]) == 2
    assert "key" in capsys.readouterr().err


ELSEWHERE = """\
[engines]
llm = { name = "chat-completions", base_url = "http://me:secret@127.0.0.1:1/v1" }
tts = { name = "speech", base_url = "http://127.0.0.1:2/v1" }
"""
UPSTREAM = '[engines.speech_model]\nname = "upstream"\napi_key = "sk-secret"\n'


@pytest.mark.parametrize(
    ("text", "variables", "places"),
    [
        (
            ELSEWHERE,
            {},
            "llm at http://127.0.0.1:1/v1, tts at http://127.0.0.1:2/v1",
        ),
        (UPSTREAM + 'url = "ws://127.0.0.1:3/v1"\n', {}, "speech_model at ws://127.0.0.1:3/v1"),
        (UPSTREAM, {}, "speech_model at https://api.openai.com/v1"),
        (
            UPSTREAM,
            {"OPENAI_BASE_URL": "http://127.0.0.1:4/v1"},
            "speech_model at http://127.0.0.1:4/v1",
        ),
        (
            UPSTREAM + 'provider = "azure"\nmodel = "mine"\n',
            {"AZURE_OPENAI_ENDPOINT": "https://mine.openai.azure.com"},
            "speech_model at https://mine.openai.azure.com",
        ),
    ],
)
def test_engines_elsewhere_are_named_as_not_asked(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    text: str,
    variables: dict[str, str],
    places: str,
) -> None:
    for name in ("OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "vivavoce.toml").write_text(text)
    assert main(["serve", "--check"]) == 0
    output = capsys.readouterr().out
    assert rows(output)[-2:] == [
        ("not asked", f"{places}: whether it answers shows when the server runs"),
        ("all is well", ""),
    ]
    assert "secret" not in output.replace("client secrets", "")


def test_where_all_engines_are_here_nobody_was_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--check", "--engines", "bench"]) == 0
    assert "not asked" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "by WebRTC: media on any free UDP port of every address of this machine"),
        (["--no-webrtc"], "none by WebRTC: switched off"),
        (
            ["--udp-ports", "50000-50100", "--max-sessions", "101", "--advertised-address", "203.0.113.7"],
            (
                "by WebRTC: media on UDP ports 50000-50100 of every address of this machine, "
                "known as 203.0.113.7"
            ),
        ),
    ],
)
def test_how_calls_come_in(options: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--check", "--engines", "bench", *options]) == 0
    assert ("calls", words) in rows(capsys.readouterr().out)


def test_what_calls_lack_is_said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert webrtc_words(ServerConfig()) == "none by WebRTC: pip install 'vivavoce[webrtc]'"
    own = RtcConfig(addresses=("10.0.0.5", "10.0.0.6"))
    monkeypatch.undo()
    assert webrtc_words(ServerConfig(webrtc=own)).endswith("any free UDP port of 10.0.0.5, 10.0.0.6")


def test_servers_on_the_way_are_named_and_the_password_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "vivavoce.toml").write_text(
        '[server]\nplayground = false\n[webrtc]\nstun = "stun:stun.test"\nturn = "turn:turn.test"\n'
        'turn_username = "me"\nturn_credential = "hunter2"\n'
    )
    assert main(["serve", "--check", "--engines", "bench"]) == 0
    output = capsys.readouterr().out
    later = ": whether it answers shows with the first call"
    for row in [
        ("stun", f"stun:stun.test{later}"),
        ("turn", f"turn:turn.test{later}"),
        ("page", "none: switched off"),
    ]:
        assert row in rows(output)
    assert "hunter2" not in output


@pytest.mark.parametrize(
    ("ports", "ends"), [("50000-50006", "all is well"), ("50000-50005", "it would run, with a warning")]
)
def test_fewer_ports_than_sessions_are_a_warning(
    ports: str, ends: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--check", "--engines", "bench", "--max-sessions", "7", "--udp-ports", ports]) == 0
    output = capsys.readouterr().out
    assert output.splitlines()[-1] == ends
    assert (
        f"udp_ports {ports} is enough for 6 calls at once, one port each, but 7 sessions may be" in output
    ) == (ends != "all is well")


@pytest.mark.parametrize("options", [[], ["--no-webrtc"], ["--udp-ports", "50000-50001"]])
def test_settings_of_an_extra_that_is_missing_are_a_warning(
    options: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vivavoce.server.webrtc.webrtc_installed", lambda: False)
    assert main(["serve", "--check", "--engines", "bench", *options]) == 0
    warned = "[webrtc] is set, but no calls come in without the extra" in capsys.readouterr().out
    assert warned == ("--udp-ports" in options)


def test_one_is_not_many(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = TEXT.replace("max_sessions = 2", "max_sessions = 1").replace("max_minutes = 10", "max_minutes = 1")
    (tmp_path / "vivavoce.toml").write_text(text)
    (tmp_path / "prompts").mkdir()
    assert main(["serve", "--check"]) == 0
    table = rows(capsys.readouterr().out)
    assert ("", "lab (1 session at once)") in table
    assert ("sessions", "7 at once, 1 minute each") in table


def test_stored_prompts_beside_a_speech_model_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "vivavoce.toml").write_text(UPSTREAM + '[prompts]\nfolder = "prompts"\n')
    assert main(["serve", "--check"]) == 2
    assert "[prompts]" in capsys.readouterr().err


def test_model_files_are_looked_for_beside_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "turn.onnx").write_text("no weights")
    path = tmp_path / "vivavoce.toml"
    path.write_text('[engines.turn]\nname = "smart-turn"\nmodel = "turn.onnx"\n')
    monkeypatch.chdir("/")
    assert main(["serve", "--config", str(path), "--check"]) == 2
    assert str(tmp_path / "turn.onnx") in capsys.readouterr().err
