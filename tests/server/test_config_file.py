"""The configuration file."""

from __future__ import annotations

from pathlib import Path

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.server import ServerConfig
from vivavoce.server.config_file import read_config

TEXT = """\
# a comment: port = 1
[server]
host = "127.0.0.1"
port = 9000

[engines]
preset = "bench"

[engines.llm]
name = "chat-completions"
base_url = "http://127.0.0.1:1/v1"

[[webhooks]]
url = "https://a.test/hook"
secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]

[[webhooks]]
url = "https://b.test/hook"
secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "vivavoce.toml"


def test_no_file_and_no_flags_are_the_defaults() -> None:
    assert read_config(None) == ServerConfig()


def test_a_file_is_read_and_flags_go_before_it(file: Path) -> None:
    file.write_text(TEXT)
    config = read_config(file)
    assert (config.port, config.engines.preset, len(config.webhooks)) == (9000, "bench", 2)
    config = read_config(
        file, {"server": {"port": 1}, "engines": {"llm": "builtin"}, "limits": {"max_sessions": 2}}
    )
    assert (config.port, config.engines.preset, config.limits.max_sessions) == (1, "bench", 2)
    assert config.engines.llm is not None
    assert (config.engines.llm.name, dict(config.engines.llm.options)) == ("builtin", {})


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("port = 9000", "port = true", ", line 4: ", "[server]: port"),
        ("port = 9000", "prot = 1", ", line 4: ", "'prot'; did you mean 'port'?"),
        ("port = 9000", '"prot" = 1', ", line 4: ", "'prot'"),
        ("[engines]", "[engine]", ", line 6: ", "no table [engine]"),
        ('name = "chat-completions"', "model = 5", ", line 9: ", "llm needs a name"),
        ("https://b.test/hook", "http://b.test/hook", ", line 17: ", "not encrypted"),
        ("secrets = [", "secret = [", ", line 15: ", "'secret'; did you mean 'secrets'?"),
        ("[server]", "server = 5\n[sever]", ", line 2: ", "server must be a table"),
    ],
)
def test_the_file_and_the_line_are_named(file: Path, old: str, new: str, place: str, words: str) -> None:
    file.write_text(TEXT.replace(old, new, 1))
    with pytest.raises(ConfigurationError) as caught:
        read_config(file)
    assert str(caught.value).startswith(f"{file}{place}")
    assert words in str(caught.value)


def test_a_key_of_a_later_table_of_the_same_name_is_found(file: Path) -> None:
    file.write_text(TEXT.rstrip() + '\nevent = ["x"]\n')
    with pytest.raises(ConfigurationError, match=r"line 20: .*'event'; did you mean 'events'\?"):
        read_config(file)


def test_instructions_of_a_flag_replace_the_files_file(file: Path) -> None:
    (file.parent / "agent.md").write_text("Be brief.")
    file.write_text('[session]\ninstructions_file = "agent.md"\n')
    assert read_config(file).session.instructions == "Be brief."
    config = read_config(file, {"session": {"instructions": "Be kind."}})
    assert config.session.instructions == "Be kind."


def test_what_a_flag_does_is_not_blamed_on_the_file(file: Path) -> None:
    file.write_text(TEXT)
    with pytest.raises(ConfigurationError) as caught:
        read_config(file, {"server": {"port": 70_000}})
    assert str(file) not in str(caught.value)
    with pytest.raises(ConfigurationError, match="without an API key"):
        read_config(file, {"server": {"host": "0.0.0.0"}})


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot be read: No such file"), (b"\xff", "no UTF-8 text"), (b"[server\n", "no TOML: .*line 1")],
)
def test_a_file_that_is_none_is_named(file: Path, content: bytes | None, words: str) -> None:
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=words) as caught:
        read_config(file)
    assert str(file) in str(caught.value)
