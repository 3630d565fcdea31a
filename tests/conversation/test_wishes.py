"""What is asked of the engines is honoured, or refused in words; what says nothing is no wish."""

from __future__ import annotations

from typing import Any

import pytest

from vivavoce.conversation.options import SessionOptions
from vivavoce.conversation.wishes import (
    check_include,
    check_input,
    check_reasoning,
    check_voice,
    effort_of,
    name_of,
)
from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import (
    UNSET,
    AudioInput,
    CustomVoice,
    Include,
    NoiseReduction,
    Reasoning,
    ServerVad,
    Transcription,
    UnsetType,
)

WHERE = "session.audio.input"
EVERYTHING = frozenset({"language", "languages", "prompt", "keywords", "delay", "logprobs"})
NOTHING: tuple[list[Include] | UnsetType | None, ...] = (None, UNSET, [])
WISHES: list[dict[str, Any]] = [
    {"language": "fr"},
    {"languages": ["fr", "de"]},
    {"prompt": "Names of streets"},
    {"keywords": ["Oslo"]},
    {"delay": "low"},
]


def refusal(heard: AudioInput, **options: Any) -> tuple[str | None, str, str]:
    with pytest.raises(RemoteProtocolError) as refused:
        check_input(heard, SessionOptions(**options))
    return refused.value.param, refused.value.code, refused.value.message


@pytest.mark.parametrize("wish", WISHES)
def test_a_wish_that_the_transcriber_does_not_follow_is_refused(wish: dict[str, Any]) -> None:
    (name,) = wish
    heard = AudioInput(transcription=Transcription(model="w", **wish))
    assert refusal(heard)[:2] == (f"{WHERE}.transcription.{name}", "invalid_value")
    check_input(heard, SessionOptions(transcription_honours=EVERYTHING))


def test_a_transcription_session_has_no_idle_timeout() -> None:
    heard = AudioInput(turn_detection=ServerVad(idle_timeout_ms=5000))
    param, code, _ = refusal(heard, transcription_only=True)
    assert (param, code) == (f"{WHERE}.turn_detection.idle_timeout_ms", "invalid_value")
    check_input(heard, SessionOptions())
    check_input(
        AudioInput(turn_detection=ServerVad(idle_timeout_ms=None)), SessionOptions(transcription_only=True)
    )


def test_a_stock_clients_settings_are_no_wish() -> None:
    silent = Transcription(
        model="gpt-4o-mini-transcribe", language=None, prompt="", keywords=[], languages=None
    )
    for transcription in (silent, None, UNSET):
        check_input(AudioInput(transcription=transcription, noise_reduction=None), SessionOptions())


@pytest.mark.parametrize("code", ["en", "EN", "en-GB"])
def test_the_language_that_an_engine_knows_is_accepted(code: str) -> None:
    heard = AudioInput(transcription=Transcription(language=code, languages=[code]))
    check_input(heard, SessionOptions(transcription_languages=("en",)))


def test_another_language_is_refused_with_those_there_are() -> None:
    heard = AudioInput(transcription=Transcription(language="fr"))
    message = refusal(heard, transcription_languages=("en", "de"))[2]
    assert message == "Invalid value: 'fr'. The transcriber of this server knows: 'en', 'de'."
    assert "cannot be told a language ('fr')" in refusal(heard)[2]


def test_noise_reduction_needs_a_kind_and_something_that_reduces_noise() -> None:
    here = f"{WHERE}.noise_reduction"
    kind = NoiseReduction(type="near_field", strength=1.0)
    assert refusal(AudioInput(noise_reduction=kind))[0] == here
    missing = refusal(AudioInput(noise_reduction=NoiseReduction(strength=1.0)), noise_reduction=True)
    assert missing[:2] == (f"{here}.type", "missing_required_parameter")
    check_input(AudioInput(noise_reduction=kind), SessionOptions(noise_reduction=True))


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_a_strength_lies_between_0_and_1(strength: float) -> None:
    heard = AudioInput(noise_reduction=NoiseReduction(type="far_field", strength=strength))
    assert refusal(heard, noise_reduction=True)[0] == f"{WHERE}.noise_reduction.strength"


def test_a_padding_is_bounded() -> None:
    heard = AudioInput(turn_detection=ServerVad(prefix_padding_ms=5001))
    assert refusal(heard)[0] == f"{WHERE}.turn_detection.prefix_padding_ms"


def test_log_probabilities_are_included_where_there_are_any() -> None:
    wish: list[Include] = ["item.input_audio_transcription.logprobs"]
    with pytest.raises(RemoteProtocolError) as refused:
        check_include(wish, SessionOptions())
    assert refused.value.param == "session.include[0]"
    check_include(wish, SessionOptions(transcription_honours=EVERYTHING))
    for nothing in NOTHING:
        check_include(nothing, SessionOptions())


def test_an_effort_needs_a_model_that_reasons() -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        check_reasoning(Reasoning(effort="low"), SessionOptions(), "response.reasoning")
    assert refused.value.param == "response.reasoning.effort"
    check_reasoning(Reasoning(effort="low"), SessionOptions(model_honours=frozenset({"reasoning"})), "x")


def test_what_says_nothing_of_effort_asks_for_none() -> None:
    assert [effort_of(each) for each in (None, UNSET, Reasoning(), Reasoning(effort="low"))] == [
        None,
        None,
        None,
        "low",
    ]


def test_a_custom_voice_is_known_by_its_id() -> None:
    assert (name_of(CustomVoice(id="v")), name_of("alloy")) == ("v", "alloy")
    check_voice(CustomVoice(id="v"), SessionOptions(knows_voice=lambda name: name == "v"), "p")
    with pytest.raises(RemoteProtocolError, match="'x'"):
        check_voice(CustomVoice(id="x"), SessionOptions(voices=("v",)), "p")
