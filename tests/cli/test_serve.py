"""`vivavoce serve` as a user starts and stops it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from vivavoce.cli import build_parser, main
from vivavoce.cli.serve import config_from
from vivavoce.engines.choice import EngineSpec
from vivavoce.errors import ConfigurationError
from vivavoce.pipeline import SessionOptions
from vivavoce.server import ServerConfig
from vivavoce.server.metrics import MetricsPolicy
from vivavoce.server.tracing import TracingPolicy
from vivavoce.webrtc.config import RtcConfig


def configured(*options: str) -> ServerConfig:
    return config_from(build_parser(["serve"]).parse_args(["serve", *options]))


@contextmanager
def server(*options: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "vivavoce", "serve", "--port", "0", "--engines", "bench", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | environment
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def url_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().split()[-1]


def test_the_first_words_of_the_help_say_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    words = " ".join(capsys.readouterr().out.split())
    assert "Serve the Realtime API over WebSocket and WebRTC, and a page to talk to it." in words


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--udp-ports", "50000"], "--udp-ports is '50000'; write the first and the last port"),
        (["--advertised-address", "me"], "--advertised-address: 'me' is not an IP address"),
    ],
)
def test_what_is_wrong_with_an_option_is_said_by_its_name(options: list[str], words: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{words}"):
        configured(*options)


def test_defaults_are_this_machine_and_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIVAVOCE_API_KEY", raising=False)
    config = configured()
    assert (config.host, config.port, config.api_keys) == ("127.0.0.1", 8000, ())
    assert config.session.max_session_s == 3600
    assert config.engines.preset == "embedded"


def test_options_reach_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIVAVOCE_API_KEY", "sk-env-1, sk-env-2")
    monkeypatch.setenv("VIVAVOCE_LLM_API_KEY", "llm-env")
    config = configured(
        *("--host", "0.0.0.0", "--port", "9000", "--api-key", "a,b", "--api-key", "c"),
        *(
            "--max-sessions",
            "5",
            "--max-sessions-per-key",
            "2",
            "--max-session-minutes",
            "0.5",
            "--drain-seconds",
            "90",
        ),
        *("--engines", "bench", "--llm", "http://127.0.0.1:1/v1", "--llm-model", "m"),
    )
    assert (config.host, config.port) == ("0.0.0.0", 9000)
    assert config.api_keys == ("a", "b", "c", "sk-env-1", "sk-env-2")
    assert (config.limits.max_sessions, config.limits.max_sessions_per_key) == (5, 2)
    assert config.session.max_session_s == 30
    assert config.drain_s == 90
    assert config.engines.preset == "bench"
    options = {"base_url": "http://127.0.0.1:1/v1", "model": "m", "api_key": "llm-env"}
    assert config.engines.llm == EngineSpec("chat-completions", options)


def test_options_say_who_may_come_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIVAVOCE_SECRET_KEY", "a secret of the variable")
    monkeypatch.chdir(tmp_path)
    config = configured(
        *("--api-key", "shop=sk-1", "--keys-file", "keys.toml", "--secret-key", "a secret of the option"),
        *("--allow-origin", "https://a.test", "--allow-origin", "http://b.test:3000"),
        *("--max-minutes-per-key", "90", "--max-audio-per-key", "120"),
    )
    assert config.keys_file == tmp_path / "keys.toml"
    assert config.secret_keys == ("a secret of the option", "a secret of the variable")
    assert config.origins == ("https://a.test", "http://b.test:3000")
    assert (config.limits.max_minutes_per_key, config.limits.max_audio_s_per_key) == (90, 120)


def test_options_say_what_can_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert (configured().metrics, configured().tracing) == (None, None)
    (tmp_path / "vivavoce.toml").write_text("[metrics]\nenabled = false\nopen = true\n")
    config = configured("--metrics", "--otel")
    assert (config.metrics, config.tracing) == (MetricsPolicy(open=True), TracingPolicy())


def test_options_say_how_calls_come_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert configured().webrtc == RtcConfig()
    assert configured("--no-webrtc").webrtc is None
    (tmp_path / "vivavoce.toml").write_text('[webrtc]\nudp_ports = "1-2"\nvanish_s = 3\n')
    config = configured("--udp-ports", "50000-50100", "--advertised-address", "203.0.113.7")
    assert config.webrtc == RtcConfig(
        udp_ports=(50000, 50100), advertised_address="203.0.113.7", vanish_s=3.0
    )


def test_a_file_is_read_where_the_command_stands_and_options_go_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = '[server]\nport = 1\n[engines]\npreset = "bench"\n[engines.llm]\nname = "builtin"\n'
    (tmp_path / "vivavoce.toml").write_text(text)
    (tmp_path / "other.toml").write_text("[server]\nport = 2\n")
    assert (configured().port, configured("--port", "3").port) == (1, 3)
    assert configured("--config", "other.toml").port == 2
    assert configured().engines.preset == "bench"
    llm = configured("--llm", "http://127.0.0.1:1/v1").engines.llm
    assert llm == EngineSpec("chat-completions", {"base_url": "http://127.0.0.1:1/v1"})
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml cannot be read"):
        configured("--config", "nowhere.toml")


def test_the_agent_is_as_the_options_say(tmp_path: Path) -> None:
    instructions = tmp_path / "instructions.txt"
    instructions.write_text("Du bist höflich.\n", encoding="utf-8")
    session = configured(
        *("--voice", "echo", "--apology", "", "--instructions-file", str(instructions))
    ).session
    assert (session.voice, session.apology, session.instructions) == ("echo", "", "Du bist höflich.")
    assert configured().session == SessionOptions()


def test_instructions_that_are_no_text_are_named(tmp_path: Path) -> None:
    for content in (None, b"\xff\xfe\x00"):
        file = tmp_path / "instructions.txt"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(ConfigurationError, match=r"--instructions-file .*instructions\.txt"):
            configured("--instructions-file", str(file))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--host", "0.0.0.0"), "--api-key"),
        (("--max-sessions", "0"), "max_sessions"),
        (("--max-session-minutes", "-1"), "--max-session-minutes"),
        (("--max-session-minutes", "nan"), "--max-session-minutes is nan"),
        (("--max-session-minutes", "inf"), "--max-session-minutes is inf"),
        (("--drain-seconds", "-1"), "drain_s"),
        (("--llm-model", "m"), "--llm"),
        (("--port", "70000"), "70000"),
    ],
)
def test_what_cannot_be_is_one_clear_line(
    options: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VIVAVOCE_API_KEY", raising=False)
    with pytest.raises(ConfigurationError):
        configured(*options)
    assert main(["serve", *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("vivavoce: ")
    assert error.count("\n") == 1
    assert words in error


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_the_sessions_and_ends_with_code_0(sig: signal.Signals) -> None:
    async def talk(process: subprocess.Popen[str]) -> None:
        async with connect(url_of(process)) as peer:
            await peer.recv()
            process.send_signal(sig)
            with pytest.raises(ConnectionClosed) as caught:
                await asyncio.wait_for(peer.recv(), 10)
            assert caught.value.rcvd is not None
            assert caught.value.rcvd.code == 1001

    with server() as process:
        asyncio.run(talk(process))
        _, log = process.communicate(timeout=10)
        assert process.returncode == 0, log
        assert "only this machine may connect" in log


def test_a_server_says_which_file_it_has_read(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text('[engines]\npreset = "bench"\n')
    with server("--config", str(file)) as process:
        url_of(process)
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=10)
    assert f"settings are from {file}" in log
    assert "calls by WebRTC: media on any free UDP port of every address of this machine" in log


def test_every_line_of_a_log_in_json_is_json(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[engines]\npreset = "bench"\n')
    for keys in ("", "sk-secret"):
        with server("--config", str(file), "--log-format", "json", VIVAVOCE_API_KEY=keys) as process:
            url_of(process)
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=10)
        messages = [json.loads(line)["message"] for line in log.splitlines()]
        assert f"settings are from {file}" in messages
        assert any("may connect" in message for message in messages) == (not keys)
        assert any("client secrets hold" in message for message in messages) == bool(keys)
        assert messages[-1] == "shutting down"


def test_a_second_signal_ends_at_once() -> None:
    async def stay(process: subprocess.Popen[str]) -> None:
        url = url_of(process)
        address = urlsplit(url)
        stubborn = socket.socket()
        stubborn.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        stubborn.connect((address.hostname, address.port))
        content = [{"type": "input_text", "text": "x" * 100_000}]
        item = {"type": "message", "role": "user", "content": content}
        async with connect(url, sock=stubborn, max_queue=1, close_timeout=0) as peer, connect(url) as other:
            # More answers than the way holds, and nobody reads them: a clean end would wait for that.
            for _ in range(10):
                await peer.send(json.dumps({"type": "conversation.item.create", "item": item}))
            await other.recv()
            process.send_signal(signal.SIGTERM)
            assert process.stderr is not None
            while "shutting down" not in process.stderr.readline():
                pass
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == -signal.SIGTERM

    with server() as process:
        asyncio.run(stay(process))


def test_keys_are_never_written() -> None:
    async def visit(process: subprocess.Popen[str]) -> None:
        url = url_of(process)
        async with connect(f"{url}?api-key=sk-secret-1") as peer:
            await peer.recv()
        async with connect(url, additional_headers={"Authorization": "Bearer sk-secret-2"}) as peer:
            await peer.recv()

    with server("--log-level", "debug", VIVAVOCE_API_KEY="sk-secret-1,sk-secret-2") as process:
        asyncio.run(visit(process))
        process.send_signal(signal.SIGTERM)
        output, log = process.communicate(timeout=10)
    assert "session started" in log
    assert "client secrets hold for this process" in log
    assert "sk-secret" not in output + log
