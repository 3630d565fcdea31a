"""Exceptions under the names of `openai-agents`."""

from __future__ import annotations

import pytest

from vivavoce.openai_agents import RealtimeAgent, RealtimeRunner, exceptions


def test_a_wrong_setting_is_an_error_of_the_user() -> None:
    with pytest.raises(exceptions.UserError, match="voise"):
        RealtimeRunner(RealtimeAgent("Ada"), config={"model_settings": {"voise": "ash"}})


def test_all_are_of_one_kind() -> None:
    raised = [getattr(exceptions, name) for name in exceptions.__all__ if name != "RunErrorDetails"]
    assert all(issubclass(error, exceptions.AgentsException) for error in raised)
