from __future__ import annotations

from typing import Any

import pytest

from vivavoce.engines.base import FunctionCallDelta, ModelDone, ModelRequest, ModelUsage
from vivavoce.engines.scripted import Pause, ScriptedModel
from vivavoce.errors import EngineError
from vivavoce.protocol import FunctionCallItem, MessageItem, OutputText
from vivavoce.testing import run
from vivavoce.text.asking import ask
from vivavoce.text.failures import ModelBehaviorError
from vivavoce.text.items import ModelResponse


def answer(*steps: Any, taken: set[str] | None = None) -> tuple[ModelResponse, list[Any]]:
    """Ask a model of this script; returns its answer and what was told of it on the way."""
    told: list[Any] = []

    async def main() -> ModelResponse:
        return await ask(
            ScriptedModel([steps]), ModelRequest(), timeout_s=10, emit=told.append, taken=taken or ()
        )

    return run(main()), [event.data for event in told]


def test_words_and_calls_are_put_together_and_told_as_they_come() -> None:
    usage = ModelUsage(5, 3, 2)
    response, told = answer(
        "Hel",
        "lo",
        FunctionCallDelta(0, "look", "", "a"),
        FunctionCallDelta(0, None, '{"at":'),
        FunctionCallDelta(0, None, " 1}"),
        FunctionCallDelta(1, "hear", "{}", "b"),
        ModelDone("stop", usage),
    )
    assert response == ModelResponse(
        (
            MessageItem(role="assistant", content=[OutputText(text="Hello")]),
            FunctionCallItem(name="look", arguments='{"at": 1}', call_id="a"),
            FunctionCallItem(name="hear", arguments="{}", call_id="b"),
        ),
        usage,
        "stop",
    )
    assert [event.type for event in told] == [
        "response.created",
        *["response.output_text.delta"] * 2,
        *["response.function_call_arguments.delta"] * 4,
        "response.completed",
    ]
    assert [(event.name, event.delta) for event in told[3:7]] == [
        ("look", ""),
        ("look", '{"at":'),
        ("look", " 1}"),
        ("hear", "{}"),
    ]
    assert told[-1].response is response


def test_an_answer_may_be_empty_or_cut_off() -> None:
    response, _ = answer(ModelDone("max_output_tokens"))
    assert response == ModelResponse((), None, "max_output_tokens")


def test_every_call_has_an_id_of_its_own() -> None:
    response, _ = answer(
        FunctionCallDelta(0, "a", "{}", "old"),
        FunctionCallDelta(1, "b", "{}", "new"),
        FunctionCallDelta(2, "c", "{}", "new"),
        FunctionCallDelta(3, "d", "{}"),
        taken={"old"},
    )
    ids = [str(call.call_id) for call in response.calls]
    assert ids[1] == "new"
    assert len({"old", *ids}) == 5


def test_a_call_without_a_name_is_no_answer() -> None:
    with pytest.raises(ModelBehaviorError, match="without saying which"):
        answer(FunctionCallDelta(0, None, "{}", "a"))


def test_a_model_that_says_nothing_for_too_long_is_given_up() -> None:
    assert answer(Pause(9), "Hi", Pause(9))[0].text == "Hi"
    with pytest.raises(EngineError, match="sent nothing for 10 s"):
        answer("Hi", Pause(11))


def test_the_error_of_a_model_is_passed_on() -> None:
    with pytest.raises(EngineError, match="out of memory"):
        answer("Hi", EngineError("out of memory"))
