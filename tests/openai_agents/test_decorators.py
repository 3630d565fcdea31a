"""The decorators under the names of `agents.decorators`."""

from __future__ import annotations

import vivavoce
from vivavoce.openai_agents import decorators


def test_tool_is_function_tool() -> None:
    @decorators.tool(name_override="peek")
    def look() -> str:
        return "Nothing."

    assert isinstance(look, vivavoce.FunctionTool)
    assert look.name == "peek"


def test_the_others_are_those_of_vivavoce() -> None:
    names = set(decorators.__all__) - {"tool"}
    assert all(getattr(decorators, name) is getattr(vivavoce, name) for name in names)
