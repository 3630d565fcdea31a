"""From a choice to engines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from vivavoce.engines.base import (
    EngineCost,
    Engines,
    LanguageModel,
    Synthesizer,
    Transcriber,
    VoiceActivityDetector,
)
from vivavoce.engines.catalogue import EngineEntry, Part, catalogue, find_engine
from vivavoce.engines.choice import EngineChoice, EngineSpec, Preset
from vivavoce.engines.noise.base import NoiseReducer
from vivavoce.engines.speech_model import SpeechModel
from vivavoce.engines.turn.base import TurnEndDetector
from vivavoce.engines.voices import MappedVoices
from vivavoce.errors import ConfigurationError
from vivavoce.urls import shown_url

if TYPE_CHECKING:
    from vivavoce.engines.prompts import PromptStore

__all__ = ["EngineChoice", "EngineSpec", "Preset", "build_engines", "build_local_engines", "placed", "specs"]

NONE = "none"
"""Name of the engine that is not there, for parts that a session does without."""

PRESETS: Mapping[str, Mapping[Part, EngineSpec]] = {
    "embedded": {
        "vad": EngineSpec("silero"),
        "turn": EngineSpec("builtin"),
        "stt": EngineSpec("pocketsphinx"),
        "llm": EngineSpec("builtin"),
        "tts": EngineSpec("espeak-ng"),
    },
    "bench": {
        "vad": EngineSpec("silero"),
        "stt": EngineSpec("bench"),
        "llm": EngineSpec("bench"),
        "tts": EngineSpec("bench"),
    },
}
"""Whole sets of engines."""

_PORTS: Mapping[Part, type] = {
    "vad": VoiceActivityDetector,
    "turn": TurnEndDetector,
    "noise": NoiseReducer,
    "stt": Transcriber,
    "llm": LanguageModel,
    "tts": Synthesizer,
    "speech_model": SpeechModel,
}
_NOT_NEEDED: tuple[Part, ...] = ("turn", "noise")
_HEARING: tuple[Part, ...] = ("vad", "turn", "noise", "stt")
_ANSWERING: tuple[Part, ...] = ("llm", "tts")


def specs(choice: EngineChoice | None = None) -> dict[Part, EngineSpec]:
    """Return the engines that a choice comes to, without making them.

    Args:
        choice: what was chosen; ``None`` is the embedded preset.

    Returns:
        Each part that has an engine, and which. With a speech model it is the only part.

    Raises:
        ConfigurationError: there is no such preset or engine, or choices contradict each other.
    """
    choice = choice or EngineChoice()
    if choice.preset not in get_args(Preset):
        known = ", ".join(get_args(Preset))
        raise ConfigurationError(f"No engines are called '{choice.preset}'. There are: {known}.")
    chosen: dict[Part, EngineSpec] = {**PRESETS[choice.preset], **_language_model(choice)}
    if choice.preset == "embedded" and not find_engine("noise", "webrtc").missing:
        chosen["noise"] = EngineSpec("webrtc")
    for part in get_args(Part):
        spec = getattr(choice, part)
        if spec is not None:
            chosen[part] = spec
    if "speech_model" in chosen:
        if beside := _beside_speech_model(choice):
            raise ConfigurationError(
                "a speech model hears, thinks and speaks by itself, with prompts of its own: leave out "
                f"either it or {beside}"
            )
        chosen = {"speech_model": chosen["speech_model"]}
    for part in _NOT_NEEDED:
        if part in chosen and chosen[part].name == NONE:
            del chosen[part]
    for part, spec in chosen.items():
        find_engine(part, spec.name)
    return chosen


def _beside_speech_model(choice: EngineChoice) -> str:
    """Return what else was chosen and would have no effect, in words; empty where there is nothing."""
    named = [part for part in get_args(Part) if part != "speech_model" and getattr(choice, part) is not None]
    others = {
        "llm_url (--llm)": choice.llm_url,
        "[prompts]": choice.prompts,
        "[voices]": choice.voices or None,
    }
    return ", ".join([*named, *(name for name, value in others.items() if value is not None)])


def placed(part: Part, spec: EngineSpec, folder: Path) -> EngineSpec:
    """Return an engine's spec with its files seen from a folder, as in a settings file that stands there.

    Args:
        part: what the engine is for.
        spec: as it was written.
        folder: where relative paths begin; what is not there is left as it is, as it may be a name.
    """
    paths = next((e.paths for e in catalogue() if (e.part, e.name) == (part, spec.name)), ())
    here = {
        name: str(folder / value)
        for name in paths
        if isinstance(value := spec.options.get(name), str) and (folder / value).exists()
    }
    return EngineSpec(spec.name, {**spec.options, **here})


def build_engines(choice: EngineChoice | None = None) -> Engines | SpeechModel:
    """Make the engines, or the speech model in their place.

    Loads libraries, so do not call it on an event loop that has other work.

    Args:
        choice: which; ``None`` is the embedded preset.

    Raises:
        ConfigurationError: there is no such preset, engine or option, or an extra is missing.
    """
    choice = choice or EngineChoice()
    chosen = specs(choice)
    entries = {part: find_engine(part, spec.name) for part, spec in chosen.items()}
    made = {part: _make(entries[part], spec) for part, spec in chosen.items()}
    if "speech_model" in made:
        model: SpeechModel = made["speech_model"]
        return model
    return Engines(
        vad=made["vad"],
        transcriber=made["stt"],
        llm=made["llm"],
        synthesizer=MappedVoices(made["tts"], choice.voices) if choice.voices else made["tts"],
        cost=_cost(entries, made),
        names={part: _shown(spec) for part, spec in chosen.items()},
        turn=made.get("turn"),
        noise=made.get("noise"),
        prompts=_prompts(choice.prompts),
    )


def build_local_engines(choice: EngineChoice | None = None) -> Engines:
    """Make the engines, see `build_engines`, where a speech model will not do.

    Raises:
        ConfigurationError: as `build_engines`, or the choice is a speech model.
    """
    engines = build_engines(choice)
    if not isinstance(engines, Engines):
        raise ConfigurationError(
            "a speech model was chosen where single engines are needed (vad, stt, llm, tts)"
        )
    return engines


def _language_model(choice: EngineChoice) -> dict[Part, EngineSpec]:
    """Return what the short options say."""
    if choice.llm_url is None:
        if choice.llm_model:
            raise ConfigurationError("A model's name needs the URL of its endpoint (--llm URL).")
        return {}
    if not choice.llm_url.startswith(("http://", "https://")):
        raise ConfigurationError(
            f"'{choice.llm_url}' is no URL of a language model; one looks like http://127.0.0.1:11434/v1."
        )
    if choice.llm is not None:
        raise ConfigurationError(
            "two language models are chosen: by llm_url (--llm) and by llm; keep one of them"
        )
    options = {"base_url": choice.llm_url, "model": choice.llm_model, "api_key": choice.llm_api_key}
    return {"llm": EngineSpec("chat-completions", options)}


def _make(entry: EngineEntry, spec: EngineSpec) -> Any:
    engine = entry.make(spec.options)
    if not isinstance(engine, _PORTS[entry.part]):
        raise ConfigurationError(
            f"{entry.full_name} is no {entry.part} engine: a {type(engine).__name__} lacks what the port "
            f"{_PORTS[entry.part].__name__} asks for"
        )
    return engine


def _cost(entries: Mapping[Part, EngineEntry], made: Mapping[Part, Any]) -> EngineCost:
    """Return what a session costs: somebody who talks is not answered at the same time, nor the other way."""

    def cores(parts: tuple[Part, ...]) -> float:
        return sum(
            getattr(made[part], "cost", EngineCost(entries[part].cores)).cores
            for part in parts
            if part in made
        )

    return EngineCost(max(cores(_HEARING), cores(_ANSWERING)))


def _shown(spec: EngineSpec) -> str:
    """Return an engine's name for logs: its model's where that has one."""
    model, url = spec.options.get("model"), spec.options.get("base_url")
    if url:
        return str(model) if model else shown_url(str(url))
    return f"{spec.name} {Path(str(model)).name}" if model else spec.name


def _prompts(folder: str | None) -> PromptStore | None:
    if folder is None:
        return None
    from vivavoce.engines.prompts import PromptFolder

    return PromptFolder(folder)
