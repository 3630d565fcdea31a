"""Prompts in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from vivavoce.engines.prompts import PromptFolder, PromptStore, StoredPrompt
from vivavoce.errors import ConfigurationError


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")


def test_the_name_of_a_file_is_id_and_version(tmp_path: Path) -> None:
    write(
        tmp_path,
        **{
            "hello.md": "Hello {{name}}.\n",
            "hello@1.md": "Hi.",
            "bye@9.md": "Bye.",
            "bye@10.toml": 'instructions = "Goodbye."',
            "read.me": "Not a prompt.",
            ".hidden.md": "Not one either.",
        },
    )
    prompts = PromptFolder(str(tmp_path))
    assert isinstance(prompts, PromptStore)
    assert len(prompts) == 2
    assert prompts.get("hello", None) == StoredPrompt("hello", "", "Hello {{name}}.")
    assert prompts.get("hello", "1") == StoredPrompt("hello", "1", "Hi.")
    assert prompts.get("bye", None) == StoredPrompt("bye", "10", "Goodbye.")
    assert (prompts.get("bye", "8"), prompts.get("other", None), prompts.get("../hello", None)) == (None,) * 3


def test_a_file_may_name_its_version(tmp_path: Path) -> None:
    write(tmp_path, **{"hello.toml": 'version = 3\ninstructions = "Hi."', "hello@4.md": "Not yet."})
    prompts = PromptFolder(tmp_path)
    assert prompts.get("hello", None) == prompts.get("hello", "3") == StoredPrompt("hello", "3", "Hi.")


def test_what_has_changed_is_read_again(tmp_path: Path) -> None:
    prompts = PromptFolder(tmp_path)
    write(tmp_path, **{"hello.md": "Hi."})
    assert prompts.get("hello", None) is None
    prompts.reload()
    write(tmp_path, **{"hello.toml": "="})
    with pytest.raises(ConfigurationError, match="cannot be read"):
        prompts.reload()
    assert prompts.get("hello", None) == StoredPrompt("hello", "", "Hi.")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a.toml": "instructions ="}, "cannot be read"),
        ({"a.toml": "text = 'Hi.'"}, "under 'instructions'"),
        ({"a.toml": "instructions = 'Hi.'\nversion = 1.5"}, "must be a string"),
        ({"a@2.toml": "instructions = 'Hi.'\nversion = '3'"}, "says that it is version '3'"),
        ({"a@2.toml": "instructions = 'Hi.'", "a@2.md": "Hi."}, "version '2' of the prompt 'a' twice"),
    ],
)
def test_what_is_no_prompt_is_named(tmp_path: Path, files: dict[str, str], words: str) -> None:
    write(tmp_path, **files)
    with pytest.raises(ConfigurationError, match=words):
        PromptFolder(tmp_path)


def test_a_folder_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no folder of prompts"):
        PromptFolder(tmp_path / "gone")
