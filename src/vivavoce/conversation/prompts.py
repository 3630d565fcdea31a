"""Stored prompts: what `session.prompt` and `response.prompt` stand for.

A stored prompt is a text with variables in double braces. A client names it and gives the variables their
values; what comes out are the instructions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from vivavoce.conversation.refusal import refuse
from vivavoce.protocol import Prompt, present

_VARIABLE = re.compile(r"\{\{\s*([A-Za-z_][\w-]*)\s*\}\}")


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

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the variables in the text, each once, in order."""
        return tuple(dict.fromkeys(_VARIABLE.findall(self.instructions)))


PromptLookup = Callable[[str, str | None], StoredPrompt | None]
"""Finds a stored prompt by its id, in its newest version unless one is named."""


def prompted(wish: Prompt, lookup: PromptLookup | None, param: str) -> str:
    """Return the instructions that a client's prompt stands for.

    Args:
        wish: id, version and variables as the client gave them.
        lookup: the operator's prompts, or `None` when there are none.
        param: where the prompt stands, for errors: `"session.prompt"`.

    Raises:
        RemoteProtocolError: there is no such prompt, a variable has no value or a value no variable, or a
            value is not text.
    """
    if lookup is None:
        raise refuse(
            f"There is no prompt '{wish.id}': this server has no stored prompts. Use instructions.",
            f"{param}.id",
            "prompt_not_found",
        )
    version = present(wish.version, None)
    stored = lookup(wish.id, version)
    if stored is None:
        known = version is not None and lookup(wish.id, None) is not None
        what = f"version '{version}' of the prompt '{wish.id}'" if known else f"prompt '{wish.id}'"
        raise refuse(
            f"There is no {what}.", f"{param}.version" if known else f"{param}.id", "prompt_not_found"
        )
    variables = wish.variables if isinstance(wish.variables, Mapping) else {}
    return _filled(stored, variables, f"{param}.variables")


def _filled(stored: StoredPrompt, given: Mapping[str, Any], param: str) -> str:
    names = stored.variables
    for name in given:
        if name not in names:
            listed = ", ".join(f"'{each}'" for each in names) or "none"
            raise refuse(
                f"The prompt '{stored.id}' has no variable '{name}'. It has: {listed}.",
                f"{param}.{name}",
                "unknown_parameter",
            )
    for name in names:
        if name not in given:
            raise refuse(
                f"The prompt '{stored.id}' needs a value for its variable '{name}'.",
                f"{param}.{name}",
                "missing_required_parameter",
            )
    values = {name: _text_of(given[name], f"{param}.{name}") for name in names}
    return _VARIABLE.sub(lambda found: values[found[1]], stored.instructions)


def _text_of(value: object, param: str) -> str:
    match value:
        case str():
            return value
        case {"type": "input_text", "text": str(text)}:
            return text
        case {"type": str(kind)} if kind != "input_text":
            raise refuse(
                f"Invalid value: '{kind}'. Instructions are text; supported values are: 'input_text'.",
                f"{param}.type",
            )
    raise refuse(
        f"Invalid type for '{param}': expected a string or an object of type 'input_text'.",
        param,
        "invalid_type",
    )
