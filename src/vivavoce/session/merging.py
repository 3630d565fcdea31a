"""How settings are laid over one another: deeply, and ``None`` is a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_NAMES_THE_KIND = ("type", "id")


def overlay(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one settings tree over another; neither is changed.

    An object is merged key by key. ``None`` is a value and replaces, so do lists. An object of another `type`
    or `id` replaces too: the settings of one kind of turn detection mean nothing to another kind.
    """
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping) and not _differs(old, value):
            merged[key] = overlay(old, value)
        else:
            merged[key] = value
    return merged


def _differs(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return any(name in old and name in new and old[name] != new[name] for name in _NAMES_THE_KIND)


def nest(path: Sequence[str], value: object) -> dict[str, Any]:
    """Return the tree that has a value at a path and nothing else.

    Args:
        path: at least one key, the outermost first.
        value: what stands there.
    """
    for step in reversed(path[1:]):
        value = {step: value}
    return {path[0]: value}


def at(tree: Mapping[str, Any], path: Sequence[str]) -> Any:
    """Return what stands at a path of a tree, or ``None``."""
    value: Any = tree
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def without(tree: Mapping[str, Any], path: Sequence[str]) -> dict[str, Any]:
    """Return a tree without what stands at a path; the tree itself is not changed."""
    step, rest = path[0], path[1:]
    inner = tree.get(step)
    if rest and isinstance(inner, Mapping):
        return {**tree, step: without(inner, rest)}
    return {key: value for key, value in tree.items() if rest or key != step}
