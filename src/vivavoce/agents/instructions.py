"""Instructions and prompts: a fixed value, or a function that writes it when it is needed."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from vivavoce.agents.context import RunContextWrapper
from vivavoce.agents.limits import TookTooLongError, within
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from vivavoce.agents.base import AgentBase

Instructions: TypeAlias = str | Callable[[RunContextWrapper[Any], Any], str | Awaitable[str]]
"""A text, or ``(context, agent) -> str``, plain (runs on the event loop) or async."""

Prompt: TypeAlias = (
    Mapping[str, Any]
    | Callable[[RunContextWrapper[Any], Any], Mapping[str, Any] | Awaitable[Mapping[str, Any]]]
)
"""A stored prompt, ``{"id": …, "version": …, "variables": {…}}``, or a function like `Instructions`."""

WRITING_S = 30.0
"""Seconds that a function may take to write instructions or name a prompt."""

_PROMPT = ("id", "version", "variables")


def check_instructions(value: object, owner: str) -> Instructions:
    """Return instructions; ``None`` becomes empty.

    Args:
        value: what the user gave.
        owner: the setting, for the message.

    Raises:
        ConfigurationError: they are neither a text nor a function.
    """
    if value is None:
        return ""
    if not isinstance(value, str) and not callable(value):
        raise ConfigurationError(
            f"{owner} must be a text or a function (context, agent) -> text, got {value!r}"
        )
    return value


def check_prompt(value: object, owner: str) -> None:
    """Check a prompt.

    Raises:
        ConfigurationError: it is neither a function, nor ``None``, nor a dictionary with an ``id``.
    """
    if value is None or callable(value):
        return
    if not isinstance(value, Mapping) or not isinstance(value.get("id"), str) or set(value) - {*_PROMPT}:
        raise ConfigurationError(
            f"{owner} must be a dictionary {{'id', 'version', 'variables'}} or a function (context, agent) "
            f"-> such a dictionary, got {value!r}"
        )


async def write_instructions(
    instructions: Instructions, context: RunContextWrapper[Any], agent: AgentBase[Any]
) -> str:
    """Return instructions as text, calling the function that writes them if there is one.

    Raises:
        ConfigurationError: the function returned something that is not a text, or took longer than
            `WRITING_S`.
        Exception: whatever the function raised.
    """
    if isinstance(instructions, str):
        return instructions
    written: object = instructions(context, agent)
    if inspect.isawaitable(written):
        written = await _in_time(written, f"the instructions function of agent {agent.name!r}")
    if not isinstance(written, str):
        raise ConfigurationError(
            f"the instructions function of agent {agent.name!r} must return a text, got {written!r}"
        )
    return written


async def write_prompt(
    prompt: Prompt | None, context: RunContextWrapper[Any], agent: AgentBase[Any]
) -> dict[str, Any] | None:
    """Return a prompt as a dictionary, calling the function that writes it if there is one.

    Raises:
        ConfigurationError: the function returned something that is not a prompt, or took longer than
            `WRITING_S`.
        Exception: whatever the function raised.
    """
    written: object = prompt
    if callable(prompt):
        written = prompt(context, agent)
        if inspect.isawaitable(written):
            written = await _in_time(written, f"the prompt function of agent {agent.name!r}")
        owner = f"what the prompt function of agent {agent.name!r} returns"
        if callable(written):
            raise ConfigurationError(f"{owner} must be a dictionary, got {written!r}")
        check_prompt(written, owner)
    return dict(written) if isinstance(written, Mapping) else None


async def _in_time(work: Awaitable[Any], whose: str) -> Any:
    try:
        return await within(WRITING_S, work)
    except TookTooLongError as error:
        raise ConfigurationError(f"{whose} took longer than {WRITING_S:g} s") from error
