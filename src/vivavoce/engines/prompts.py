"""`PromptStore`: the port to stored prompts (`session.prompt`), and prompts in a folder."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Protocol, runtime_checkable

from vivavoce.conversation.prompts import StoredPrompt
from vivavoce.errors import ConfigurationError

__all__ = ["PromptFolder", "PromptStore", "StoredPrompt"]

_KINDS = (".md", ".toml")
_NUMBER = re.compile(r"(\d+)")


@runtime_checkable
class PromptStore(Protocol):
    """Finds stored prompts."""

    def get(self, prompt_id: str, version: str | None) -> StoredPrompt | None:
        """Return a prompt, in its newest version unless one is named, or `None`."""
        ...


class PromptFolder:
    """The prompts in the files of a folder: `greeting.md`, `greeting@2.md`, `greeting.toml`.

    The file's name is the prompt's id; what follows an `@` is the version. A `.md` file is the text; a
    `.toml` file has the text under `instructions` and may name its `version`. Where a client names no
    version it gets the file without one, or else the highest version. The folder is read once, here, so
    that no session waits for a disk; call `reload` after a change.

    Args:
        path: the folder.

    Raises:
        ConfigurationError: there is no such folder, or a file in it is no prompt; the message names it.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._prompts: dict[str, dict[str, StoredPrompt]] = {}
        self.reload()

    def __len__(self) -> int:
        return len(self._prompts)

    def reload(self) -> None:
        """Read the folder again. What is wrong with it leaves the prompts as they were.

        Raises:
            ConfigurationError: as when it was first read.
        """
        if not self._path.is_dir():
            raise ConfigurationError(f"There is no folder of prompts at {self._path}.")
        prompts: dict[str, dict[str, StoredPrompt]] = {}
        for file in sorted(self._path.iterdir()):
            if file.suffix in _KINDS and file.is_file() and not file.name.startswith("."):
                prompt_id, _, version = file.stem.partition("@")
                prompt = _read(file, prompt_id, version)
                versions = prompts.setdefault(prompt_id, {})
                if prompt.version in versions:
                    raise ConfigurationError(
                        f"{self._path} holds version '{prompt.version}' of the prompt '{prompt_id}' twice."
                    )
                versions[prompt.version] = prompt
                if not version:
                    versions.setdefault("", prompt)
        self._prompts = prompts

    def get(self, prompt_id: str, version: str | None) -> StoredPrompt | None:
        """Return a prompt, in its newest version unless one is named, or `None`."""
        versions = self._prompts.get(prompt_id)
        if versions is None:
            return None
        if version is not None:
            return versions.get(version)
        return versions.get("") or versions[max(versions, key=_in_order)]


def _in_order(version: str) -> list[tuple[int, str]]:
    """Return a key that puts version 10 after version 9."""
    pieces = _NUMBER.split(version)
    return [(int(piece), "") if place % 2 else (-1, piece) for place, piece in enumerate(pieces)]


def _read(file: Path, prompt_id: str, version: str) -> StoredPrompt:
    try:
        text = file.read_text("utf-8")
        if file.suffix == ".md":
            return StoredPrompt(prompt_id, version, text.strip())
        held = tomllib.loads(text)
    except (OSError, ValueError) as error:  # TOML and UTF-8 errors are ValueErrors
        raise ConfigurationError(f"The prompt in {file} cannot be read: {error}") from None
    instructions, named = held.get("instructions"), held.get("version", version)
    if not isinstance(instructions, str):
        raise ConfigurationError(f"The prompt in {file} needs its text under 'instructions'.")
    if not isinstance(named, str | int):
        raise ConfigurationError(f"The version of the prompt in {file} must be a string.")
    if version and str(named) != version:
        raise ConfigurationError(f"{file} says that it is version '{named}'.")
    return StoredPrompt(prompt_id, str(named), instructions.strip())
