"""What is said of a name that is not here."""

from __future__ import annotations

from pathlib import Path

import pytest

import vivavoce.openai_agents
from vivavoce.openai_agents import realtime
from vivavoce.openai_agents.absent import absent

PAGE = "docs/migrating.md"


@pytest.mark.parametrize("module", [vivavoce.openai_agents, realtime], ids=lambda module: module.__name__)
def test_a_name_that_is_not_here_leads_to_the_page(module: object) -> None:
    with pytest.raises(AttributeError, match=f"has no attribute 'SQLiteSession'.*{PAGE}"):
        getattr(module, "SQLiteSession")  # noqa: B009  # type checkers know that it is not there


def test_the_page_is_there() -> None:
    assert PAGE in str(absent("a", "b"))
    assert (Path(__file__).parents[2] / PAGE).is_file()
