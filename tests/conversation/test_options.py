"""What an operator decides, and what holds when nothing is decided."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields

import pytest

from vivavoce.conversation.options import SessionOptions


def test_a_session_is_bounded_without_a_word_of_the_operator() -> None:
    options = SessionOptions()
    assert options.max_session_s == 3600
    assert 0 < options.session_warning_s < options.max_session_s
    bounds = (options.max_input_buffer_s, options.max_items, options.max_items_chars, options.context_tokens)
    assert min(bounds) > 0


def test_nothing_is_promised_for_engines_that_are_not_there() -> None:
    options = SessionOptions()
    assert not options.noise_reduction
    assert options.stored_prompt is None
    assert (options.transcription_honours, options.model_honours) == (frozenset(), frozenset())
    assert options.tokens_per_minute == 0


def test_each_is_explained() -> None:
    told = SessionOptions.__doc__ or ""
    assert [each.name for each in fields(SessionOptions) if f"        {each.name}: " not in told] == []


def test_they_hold_for_many_sessions_and_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        SessionOptions().voice = "ash"  # type: ignore[misc]
