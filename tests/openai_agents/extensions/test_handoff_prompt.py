"""Words for agents that hand off to each other."""

from __future__ import annotations

from vivavoce.agents import default_tool_name
from vivavoce.openai_agents.extensions.handoff_prompt import (
    RECOMMENDED_PROMPT_PREFIX,
    prompt_with_handoff_instructions,
)
from vivavoce.openai_agents.realtime import RealtimeAgent


def test_the_words_name_the_functions_as_they_are_named() -> None:
    start = default_tool_name(RealtimeAgent("Ada")).removesuffix("ada")
    assert f"`{start}`" in RECOMMENDED_PROMPT_PREFIX


def test_own_words_come_after_them() -> None:
    words = prompt_with_handoff_instructions("Be kind.")
    assert words.startswith(RECOMMENDED_PROMPT_PREFIX)
    assert words.endswith("Be kind.")
