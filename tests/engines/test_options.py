from __future__ import annotations

import dataclasses

import pytest

from vivavoce.engines.options import ModelOptions, OutputSchema


def test_a_form_in_words_holds_its_schema() -> None:
    words = OutputSchema(
        "answer", {"type": "object", "properties": {"größe": {"type": "integer"}}}
    ).in_words()
    assert '"properties": {"größe": {"type": "integer"}}' in words
    assert "nothing else" in words


def test_options_wish_for_nothing_by_themselves_and_cannot_change() -> None:
    options = ModelOptions()
    assert [options.temperature, options.output_schema, options.prompt] == [None, None, None]
    assert not options.extra_body
    assert not options.strict_parameters
    with pytest.raises(dataclasses.FrozenInstanceError):
        options.temperature = 1.0  # type: ignore[misc]
