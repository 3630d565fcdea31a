"""`PromptStore`: the port to stored prompts (`session.prompt`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class StoredPrompt:
    """A prompt that an operator keeps on the server.

    Attributes:
        id: its name.
        version: of its text.
        instructions: the text; `{{name}}` stands for a variable.
    """

    id: str
    version: str
    instructions: str


@runtime_checkable
class PromptStore(Protocol):
    """Finds stored prompts."""

    def get(self, prompt_id: str, version: str | None) -> StoredPrompt | None:
        """Return a prompt, in its newest version unless one is named, or `None`."""
        ...
