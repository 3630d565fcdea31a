"""Which calls of a server's tools a person has to approve first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from vivavoce.errors import ConfigurationError

ApprovalCallable: TypeAlias = Callable[[Any, Any, Any], bool | Awaitable[bool]]
"""``(run_context, agent, tool)``, plain or async."""

RequireApproval: TypeAlias = "str | bool | Mapping[str, Any] | ApprovalCallable | None"
"""``"always"``, ``"never"``, a bool, ``{tool name: one of those}``,
``{"always": {"tool_names": […]}, "never": {…}}``, or a function; ``None`` is never."""

ApprovalPolicy: TypeAlias = "bool | Mapping[str, bool] | ApprovalCallable"

_ACCEPTED = (
    '"always", "never", True, False, {tool name: "always" | "never"}, '
    '{"always": {"tool_names": […]}, "never": {"tool_names": […]}} or a function (context, agent, tool)'
)


def approval_policy(require_approval: object) -> ApprovalPolicy:
    """Return the setting in one form: a bool, a bool per tool name, or the function.

    Args:
        require_approval: a `RequireApproval`.

    Raises:
        ConfigurationError: it is something else; the message says what is accepted.
    """
    if isinstance(require_approval, Mapping):
        if any(_is_list(require_approval.get(word)) for word in ("always", "never")):
            return _lists(require_approval)
        return {str(name): _verdict(value, f"[{name!r}]") for name, value in require_approval.items()}
    if callable(require_approval):
        return require_approval
    return _verdict(require_approval, "")


def _is_list(value: object) -> bool:
    return isinstance(value, Mapping) and "tool_names" in value


def _lists(setting: Mapping[str, Any]) -> dict[str, bool]:
    policy: dict[str, bool] = {}
    for word, entry in setting.items():
        if word not in {"always", "never"} or not _is_list(entry) or not _are_names(entry["tool_names"]):
            raise ConfigurationError(f"require_approval[{word!r}] is {entry!r}; accepted: {_ACCEPTED}")
        for name in entry["tool_names"]:
            if policy.setdefault(name, word == "always") != (word == "always"):
                raise ConfigurationError(f"require_approval: {name!r} is in both 'always' and 'never'")
    return policy


def _are_names(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(name, str) for name in value)


def _verdict(value: object, where: str) -> bool:
    if value is None:
        return False
    if isinstance(value, bool):
        return value
    if value in {"always", "never"}:
        return value == "always"
    raise ConfigurationError(f"require_approval{where} is {value!r}; accepted: {_ACCEPTED}")
