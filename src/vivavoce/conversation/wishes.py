"""What of a session's settings the engines can follow.

What is asked for is honoured or refused with an error that says so, never accepted and ignored. What a stock
client sends without being told to (names of transcription models, `null`, an empty hint) is no wish.
"""

from __future__ import annotations

from collections.abc import Sequence

from vivavoce.conversation.options import SessionOptions
from vivavoce.conversation.refusal import refuse
from vivavoce.protocol import (
    AudioInput,
    CustomVoice,
    Include,
    NoiseReduction,
    Reasoning,
    ServerVad,
    Transcription,
    UnsetType,
    Voice,
    present,
)

MAX_PREFIX_MS = 5000
"""Longest `prefix_padding_ms`."""


def check_input(heard: AudioInput, options: SessionOptions) -> None:
    """Refuse what the ears of this server cannot do.

    Args:
        heard: the effective `session.audio.input`, as it would be.
        options: what the operator decided.

    Raises:
        RemoteProtocolError: naming the setting.
    """
    where = "session.audio.input"
    detection = heard.turn_detection
    if isinstance(detection, ServerVad) and present(detection.prefix_padding_ms, 0) > MAX_PREFIX_MS:
        raise refuse(
            f"Invalid value: {detection.prefix_padding_ms}; it must be between 0 and {MAX_PREFIX_MS}.",
            f"{where}.turn_detection.prefix_padding_ms",
        )
    if (
        isinstance(detection, ServerVad)
        and options.transcription_only
        and present(detection.idle_timeout_ms, None)
    ):
        raise refuse(
            "A transcription session never speaks, so it has no idle timeout. Set it to null.",
            f"{where}.turn_detection.idle_timeout_ms",
        )
    if isinstance(heard.noise_reduction, NoiseReduction):
        _check_noise_reduction(heard.noise_reduction, options, f"{where}.noise_reduction")
    if isinstance(heard.transcription, Transcription):
        _check_transcription(heard.transcription, options, f"{where}.transcription")


def _check_noise_reduction(wish: NoiseReduction, options: SessionOptions, where: str) -> None:
    if isinstance(wish.type, UnsetType):
        raise refuse(
            f"Missing required parameter: '{where}.type'.", f"{where}.type", "missing_required_parameter"
        )
    if not options.noise_reduction:
        raise refuse("This server has no noise reduction. Set it to null.", where)
    strength = present(wish.strength, 1.0)
    if not 0 <= strength <= 1:
        raise refuse(f"Invalid value: {strength}. Expected a value between 0 and 1.", f"{where}.strength")


def _check_transcription(wish: Transcription, options: SessionOptions, where: str) -> None:
    honoured = options.transcription_honours
    languages = {"language": [present(wish.language, None)], "languages": present(wish.languages, None) or ()}
    for name, codes in languages.items():
        for code in codes:
            if code and name not in honoured and not _knows(options.transcription_languages, code):
                raise refuse(_no_language(options, code), f"{where}.{name}")
    for name in ("prompt", "keywords", "delay"):
        if name not in honoured and present(getattr(wish, name), None):
            raise refuse(
                f"The transcriber of this server does not follow '{name}'. Leave it out.", f"{where}.{name}"
            )


def _knows(languages: Sequence[str], code: str) -> bool:
    """Whether a language is among those; "en-GB" is English, too."""
    return code.lower().partition("-")[0] in languages


def _no_language(options: SessionOptions, code: str) -> str:
    listed = ", ".join(f"'{each}'" for each in options.transcription_languages)
    if not listed:
        return f"The transcriber of this server cannot be told a language ('{code}'). Leave it out."
    return f"Invalid value: '{code}'. The transcriber of this server knows: {listed}."


def check_include(include: Sequence[Include] | UnsetType | None, options: SessionOptions) -> None:
    """Refuse log probabilities where the transcriber has none.

    Raises:
        RemoteProtocolError: naming the entry.
    """
    if present(include, None) and "logprobs" not in options.transcription_honours:
        raise refuse("The transcriber of this server has no log probabilities.", "session.include[0]")


def check_reasoning(reasoning: Reasoning | UnsetType | None, options: SessionOptions, param: str) -> None:
    """Refuse an effort where the model does not reason.

    Raises:
        RemoteProtocolError: naming the setting.
    """
    if effort_of(reasoning) is not None and "reasoning" not in options.model_honours:
        raise refuse("The model of this server has no reasoning effort. Leave it out.", f"{param}.effort")


def effort_of(reasoning: Reasoning | UnsetType | None) -> str | None:
    """Return the effort that is asked for, or `None` when none is."""
    return present(reasoning.effort, None) if isinstance(reasoning, Reasoning) else None


def temperature_of(
    wished: float | UnsetType | None, setting: float | UnsetType | None, options: SessionOptions
) -> float | None:
    """Return the temperature of a response, or `None` where none is asked for or the model has none."""
    if "temperature" not in options.model_honours:
        return None
    temperature = present(wished, None)
    return present(setting, None) if temperature is None else temperature


def name_of(voice: Voice | UnsetType) -> str:
    """Return the name of a voice; that of a custom voice is its id."""
    return voice.id if isinstance(voice, CustomVoice) else str(voice)


def check_voice(voice: Voice | UnsetType, options: SessionOptions, param: str) -> None:
    """Refuse a voice that the server does not have.

    Raises:
        RemoteProtocolError: naming the voices it has.
    """
    voices, knows, name = options.voices, options.knows_voice, name_of(voice)
    if not (knows(name) if knows else not voices or name in voices):
        listed = ", ".join(f"'{each}'" for each in voices)
        raise refuse(f"Invalid value: '{name}'. Supported values are: {listed}.", param)
