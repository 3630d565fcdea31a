"""The port of a language model, as every engine of the house fits it."""

from __future__ import annotations

from vivavoce.engines import base
from vivavoce.engines.llm.brain import BuiltinBrain
from vivavoce.engines.thinking import LanguageModel, ModelDone, ModelRequest


def test_what_is_asked_begins_with_nothing() -> None:
    request = ModelRequest()
    assert (request.items, request.tools, request.tool_choice) == ((), (), "auto")
    assert request.parallel_tool_calls
    assert request.max_output_tokens is None
    assert ModelDone() == ModelDone("stop", None)


def test_the_port_is_found_with_the_other_ports() -> None:
    assert isinstance(BuiltinBrain(), LanguageModel)
    assert base.LanguageModel is LanguageModel
    assert base.ModelRequest is ModelRequest
