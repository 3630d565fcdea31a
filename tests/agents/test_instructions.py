from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from vivavoce.agents import RealtimeAgent, RunContextWrapper
from vivavoce.agents.instructions import check_instructions, check_prompt, write_instructions, write_prompt
from vivavoce.errors import ConfigurationError
from vivavoce.testing import run

ADA = RealtimeAgent[Any]("Ada")
CONTEXT = RunContextWrapper("Kim")
PROMPT = {"id": "pmpt_1", "version": "2", "variables": {"user": "Kim"}}


async def _later(context: RunContextWrapper[str], agent: RealtimeAgent[Any]) -> str:
    return f"{agent.name} helps {context.context}"


class Writer:
    """An object that is called like an async function."""

    async def __call__(self, context: RunContextWrapper[str], agent: RealtimeAgent[Any]) -> str:
        return await _later(context, agent)


@pytest.mark.parametrize(
    ("instructions", "written"),
    [
        ("Be kind.", "Be kind."),
        (_later, "Ada helps Kim"),
        (Writer(), "Ada helps Kim"),
        (lambda context, agent: f"{context.context} talks to {agent.name}", "Kim talks to Ada"),
    ],
)
def test_instructions_are_text_or_written_by_a_function(instructions: Any, written: str) -> None:
    assert asyncio.run(write_instructions(instructions, CONTEXT, ADA)) == written


def test_instructions_that_are_not_text_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="agent 'Ada' must return a text, got 5"):
        asyncio.run(write_instructions(lambda _context, _agent: 5, CONTEXT, ADA))  # type: ignore[arg-type, return-value]  # the mistake under test


def test_no_instructions_are_empty_ones() -> None:
    assert check_instructions(None, "it") == ""
    with pytest.raises(ConfigurationError, match=r"it must be a text or a function .* got 5"):
        check_instructions(5, "it")


async def _prompt(context: RunContextWrapper[str], _agent: object) -> dict[str, Any]:
    return {**PROMPT, "variables": {"user": context.context}}


@pytest.mark.parametrize(
    ("prompt", "written"),
    [(None, None), (PROMPT, PROMPT), (_prompt, PROMPT), (lambda *_: {"id": "a"}, {"id": "a"})],
)
def test_a_prompt_is_a_dictionary_or_written_by_a_function(prompt: Any, written: Any) -> None:
    check_prompt(prompt, "it")
    assert asyncio.run(write_prompt(prompt, CONTEXT, ADA)) == written


def test_a_prompt_is_the_callers_own_copy() -> None:
    assert asyncio.run(write_prompt(PROMPT, CONTEXT, ADA)) is not PROMPT


@pytest.mark.parametrize("bad", ["pmpt_1", {}, {"id": 3}, {"id": "a", "name": "b"}])
def test_what_is_no_prompt_is_refused(bad: object) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(f"got {bad!r}")):
        check_prompt(bad, "it")
    with pytest.raises(ConfigurationError, match="what the prompt function of agent 'Ada' returns must be"):
        asyncio.run(write_prompt(lambda _context, _agent: bad, CONTEXT, ADA))  # type: ignore[arg-type]  # the mistake under test


def test_a_prompt_function_returns_no_function() -> None:
    with pytest.raises(ConfigurationError, match="returns must be a dictionary"):
        asyncio.run(write_prompt(lambda _context, _agent: print, CONTEXT, ADA))  # type: ignore[arg-type]  # the mistake under test


async def _never(_context: object, _agent: object) -> Any:
    await asyncio.Event().wait()


def test_a_function_that_never_ends_is_given_up_by_name() -> None:
    with pytest.raises(ConfigurationError, match="the instructions function of agent 'Ada' took longer than"):
        run(write_instructions(_never, CONTEXT, ADA))
    with pytest.raises(ConfigurationError, match="the prompt function of agent 'Ada' took longer than 30 s"):
        run(write_prompt(_never, CONTEXT, ADA))
