"""What a set of engines can do, as the conversation knows it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from vivavoce.conversation.options import SessionOptions
from vivavoce.conversation.prompts import StoredPrompt
from vivavoce.engines.scripted import ScriptedModel, ScriptedTranscriber, scripted_engines
from vivavoce.pipeline.equipment import equipped


class Ears(ScriptedTranscriber):
    honours = frozenset({"prompt"})
    revises = True
    languages = ("de", "en")


class Thinker(ScriptedModel):
    honours = frozenset({"reasoning"})


class Prompts:
    def get(self, prompt_id: str, version: str | None) -> StoredPrompt | None:
        return StoredPrompt(prompt_id, version or "", "Hi.")


def test_engines_that_say_nothing_can_do_nothing_beyond_their_port() -> None:
    options = equipped(SessionOptions(), scripted_engines())
    assert options.voices == ("alloy", "echo")
    assert options.knows_voice is not None
    assert not options.knows_voice("marin")
    assert (options.transcription_honours, options.model_honours) == (frozenset(), frozenset())
    assert options.stored_prompt is None
    assert not options.noise_reduction
    assert not options.transcription_revised


def test_engines_say_what_they_follow() -> None:
    noise = cast(Any, object())
    engines = replace(scripted_engines(), transcriber=Ears(), llm=Thinker(), noise=noise, prompts=Prompts())
    options = equipped(SessionOptions(), engines)
    assert options.transcription_honours == {"prompt"}
    assert options.transcription_languages == ("de", "en")
    assert options.model_honours == {"reasoning"}
    assert options.noise_reduction
    assert options.transcription_revised
    assert options.stored_prompt is not None
    assert options.stored_prompt("p", None) == StoredPrompt("p", "", "Hi.")


def test_what_the_operator_decided_stays() -> None:
    def find(prompt_id: str, version: str | None) -> StoredPrompt | None:
        del prompt_id, version
        return None

    chosen = SessionOptions(voices=("bob",), stored_prompt=find)
    options = equipped(chosen, replace(scripted_engines(), prompts=Prompts()))
    assert (options.voices, options.knows_voice, options.stored_prompt) == (("bob",), None, find)
