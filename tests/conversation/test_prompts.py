"""What a stored prompt becomes, and what is said of one that cannot be filled."""

from __future__ import annotations

from typing import Any

import pytest

from vivavoce.conversation.prompts import StoredPrompt, prompted
from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import Prompt

GREETING = StoredPrompt("greeting", "2", "Greet {{ name }} of {{town}}. Say {{name}} twice, and {{ 1 }}.")


def lookup(prompt_id: str, version: str | None) -> StoredPrompt | None:
    return GREETING if prompt_id == "greeting" and version in (None, "2") else None


def instructions(**prompt: Any) -> str:
    return prompted(Prompt(**{"id": "greeting", **prompt}), lookup, "session.prompt")


def test_variables_are_filled_wherever_they_stand() -> None:
    town = {"type": "input_text", "text": "Oslo"}
    filled = instructions(variables={"name": "Kim {{town}}", "town": town}, version="2")
    assert filled == "Greet Kim {{town}} of Oslo. Say Kim {{town}} twice, and {{ 1 }}."


def test_a_text_without_variables_needs_none() -> None:
    plain = StoredPrompt("p", "", "Be plain.")
    assert plain.variables == ()
    assert prompted(Prompt(id="p", variables=None), lambda *_: plain, "session.prompt") == "Be plain."


@pytest.mark.parametrize(
    ("prompt", "code", "param", "words"),
    [
        ({"id": "other"}, "prompt_not_found", ".id", "no prompt 'other'"),
        ({"id": "other", "version": "2"}, "prompt_not_found", ".id", "no prompt 'other'"),
        ({"version": "7"}, "prompt_not_found", ".version", "no version '7' of the prompt 'greeting'"),
        ({}, "missing_required_parameter", ".variables.name", "variable 'name'"),
        (
            {"variables": {"name": "Kim", "city": "Rome"}},
            "unknown_parameter",
            ".variables.city",
            "It has: 'name', 'town'.",
        ),
        (
            {"variables": {"name": "Kim", "town": {"type": "input_image", "image_url": "data:"}}},
            "invalid_value",
            ".variables.town.type",
            "'input_image'",
        ),
        ({"variables": {"name": "Kim", "town": 7}}, "invalid_type", ".variables.town", "a string"),
        (
            {"variables": {"name": "Kim", "town": {"type": "input_text"}}},
            "invalid_type",
            ".variables.town",
            "a string",
        ),
    ],
)
def test_what_cannot_be_filled_is_refused(prompt: dict[str, Any], code: str, param: str, words: str) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        instructions(**prompt)
    assert (refused.value.code, refused.value.param) == (code, f"session.prompt{param}")
    assert words in refused.value.message


def test_a_variable_of_a_prompt_without_any_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="It has: none"):
        prompted(
            Prompt(id="p", variables={"a": "b"}), lambda *_: StoredPrompt("p", "", "Hi."), "session.prompt"
        )


def test_a_server_without_prompts_says_so() -> None:
    with pytest.raises(RemoteProtocolError, match="no stored prompts") as refused:
        prompted(Prompt(id="p"), None, "response.prompt")
    assert refused.value.param == "response.prompt.id"
