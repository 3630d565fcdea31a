"""How keys of configurations are spelled, and what an unknown one was probably meant to be."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from vivavoce.errors import ConfigurationError

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def snake(name: str) -> str:
    """Return a camelCase name in snake_case; any other name as it is."""
    return _HUMP.sub("_", name).lower() if name[:1].islower() else name


def closest(name: object, known: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """Return the known name that this one is probably meant to be, or ``None``.

    Args:
        name: in snake_case or camelCase.
        known: the names that are known.
        likeness: how alike two names must be, 0 to 1.
    """
    matches = difflib.get_close_matches(snake(str(name)), list(known), 1, likeness)
    return matches[0] if matches else None


def unknown(where: str, name: object, known: Sequence[str]) -> ConfigurationError:
    """Return the error for a key that nobody knows.

    Args:
        where: path of the key, for the message.
        name: the key itself.
        known: keys that stand there.
    """
    near = closest(name, known)
    hint = f"did you mean {near!r}? " if near is not None else ""
    return ConfigurationError(f"{where} is not known; {hint}known are: {', '.join(known)}")
