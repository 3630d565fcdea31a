"""From names to engines: the one place that knows which implementations there are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from vivavoce.engines.base import EngineCost, Engines, LanguageModel
from vivavoce.errors import ConfigurationError

Preset = Literal["embedded", "bench"]


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """Which engines a session runs on.

    Attributes:
        preset: `"embedded"` needs no model, key or download; `"bench"` costs nothing and understands nothing.
        llm_url: base URL of an OpenAI-compatible Chat Completions endpoint, for example
            `"http://127.0.0.1:11434/v1"`; replaces the built-in brain.
        llm_model: the model's name there; `None` asks the endpoint and takes its first.
        llm_api_key: key for that endpoint; left out of the `repr`.
    """

    preset: Preset = "embedded"
    llm_url: str | None = None
    llm_model: str | None = None
    llm_api_key: str | None = field(default=None, repr=False)


def build_engines(choice: EngineChoice | None = None) -> Engines:
    """Make the engines. Loads libraries, so do not call it on an event loop that has other work.

    Raises:
        ConfigurationError: there is no such preset, or an extra is missing.
    """
    choice = choice or EngineChoice()
    if choice.preset not in get_args(Preset):
        known = ", ".join(get_args(Preset))
        raise ConfigurationError(f"No engines are called '{choice.preset}'. There are: {known}.")
    if choice.llm_url is not None and not choice.llm_url.startswith(("http://", "https://")):
        raise ConfigurationError(
            f"'{choice.llm_url}' is no URL of a language model; one looks like http://127.0.0.1:11434/v1."
        )
    if choice.llm_model and not choice.llm_url:
        raise ConfigurationError("A model's name needs the URL of its endpoint (--llm URL).")
    return _bench(choice) if choice.preset == "bench" else _embedded(choice)


def _embedded(choice: EngineChoice) -> Engines:
    from vivavoce.engines.stt.pocketsphinx import PocketsphinxTranscriber
    from vivavoce.engines.tts.espeak import EspeakSynthesizer
    from vivavoce.engines.vad.silero import SileroVad

    llm, name = _language_model(choice)
    return Engines(
        vad=SileroVad(),
        transcriber=PocketsphinxTranscriber(),
        llm=llm,
        synthesizer=EspeakSynthesizer(),
        cost=EngineCost(cores=0.5),  # a decoder for everybody: the transcriber starts two per core
        names={"vad": "silero", "stt": "pocketsphinx", "llm": name, "tts": "espeak-ng"},
    )


def _bench(choice: EngineChoice) -> Engines:
    from vivavoce.engines.bench import BenchModel, BenchSynthesizer, BenchTranscriber
    from vivavoce.engines.vad.silero import SileroVad

    llm, name = _language_model(choice) if choice.llm_url else (BenchModel(), "bench")
    return Engines(
        vad=SileroVad(),
        transcriber=BenchTranscriber(),
        llm=llm,
        synthesizer=BenchSynthesizer(),
        cost=EngineCost(cores=0.005),
        names={"vad": "silero", "stt": "bench", "llm": name, "tts": "bench"},
    )


def _language_model(choice: EngineChoice) -> tuple[LanguageModel, str]:
    if choice.llm_url is None:
        from vivavoce.engines.llm.brain import BuiltinBrain

        return BuiltinBrain(), "built-in brain"
    from vivavoce.engines.llm.chat_completions import ChatCompletions

    model = ChatCompletions(choice.llm_url, choice.llm_model, choice.llm_api_key)
    return model, choice.llm_model or choice.llm_url
