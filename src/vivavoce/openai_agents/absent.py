"""What is said of a name that `openai-agents` may have and that is not here."""

from __future__ import annotations


def absent(module: str, name: str) -> AttributeError:
    """Return the error for a name that a module of this room does not have.

    Args:
        module: the module that was asked.
        name: what it was asked for.
    """
    return AttributeError(
        f"module {module!r} has no attribute {name!r}: what takes the place of names of openai-agents that "
        "are not here is told in docs/migrating.md"
    )
