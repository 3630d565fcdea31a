"""Tokens, counted in the attributes of `openai-agents`."""

from __future__ import annotations

from dataclasses import fields

import pytest

from vivavoce import protocol
from vivavoce.agents import Usage as Counted
from vivavoce.openai_agents.usage import InputTokensDetails, Usage, usage_of_response, usage_of_session

USED = protocol.Usage(
    total_tokens=30,
    input_tokens=20,
    output_tokens=10,
    input_token_details=protocol.InputTokenDetails(text_tokens=5, audio_tokens=15, cached_tokens=7),
    output_token_details=protocol.OutputTokenDetails(text_tokens=2, audio_tokens=8),
)


def test_a_session_is_the_sum_of_its_responses() -> None:
    counted, total = Counted(), Usage()
    for _ in range(2):
        counted.add(USED)
        total.add(usage_of_response(USED))
    assert total == usage_of_session(counted)
    assert total == Usage(2, 40, InputTokensDetails(14), 20, total_tokens=60)


def test_a_session_that_has_said_nothing_has_taken_nothing() -> None:
    assert usage_of_session(Counted()) == Usage()


@pytest.mark.clients
def test_attributes_are_theirs() -> None:
    theirs = pytest.importorskip("agents.usage", reason="needs the package openai-agents").Usage()
    for one in fields(Usage):
        assert hasattr(theirs, one.name)
    assert theirs.input_tokens_details.cached_tokens == Usage().input_tokens_details.cached_tokens
    assert theirs.output_tokens_details.reasoning_tokens == Usage().output_tokens_details.reasoning_tokens
