"""Which engines to run on: what a user writes in a program or in `vivavoce.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Preset = Literal["embedded", "bench"]


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """One engine, by name.

    Attributes:
        name: as `vivavoce doctor` lists it, for example `"faster-whisper"`.
        options: its settings by name; left out of the `repr`, as a key may be among them. Where there is
            an `api_key` there is `api_key_env` as well: the name of the environment variable that holds it.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """Which engines a session runs on.

    Attributes:
        preset: `"embedded"` needs no model, key or download; `"bench"` costs nothing and understands nothing.
            What is chosen below replaces single engines of it.
        llm_url: base URL of an OpenAI-compatible Chat Completions endpoint, for example
            `"http://127.0.0.1:11434/v1"`; replaces the built-in brain. Short for `llm`.
        llm_model: the model's name there; `None` asks the endpoint and takes its first.
        llm_api_key: key for that endpoint; left out of the `repr`.
        vad: hears whether somebody speaks.
        turn: says whether somebody who pauses has finished; the name `"none"` is no such engine.
        noise: takes noise out of the input; the name `"none"` is no such engine.
        stt: hears what is said.
        llm: thinks.
        tts: speaks.
        speech_model: hears, thinks and speaks in one, in place of all the others.
        voices: names that clients may use for voices, for example those of the Realtime API, and the engine's
            voices that they stand for. Names that are not here keep their meaning.
        prompts: folder of stored prompts, or `None`.
    """

    preset: Preset = "embedded"
    llm_url: str | None = None
    llm_model: str | None = None
    llm_api_key: str | None = field(default=None, repr=False)
    vad: EngineSpec | None = None
    turn: EngineSpec | None = None
    noise: EngineSpec | None = None
    stt: EngineSpec | None = None
    llm: EngineSpec | None = None
    tts: EngineSpec | None = None
    speech_model: EngineSpec | None = None
    voices: Mapping[str, str] = field(default_factory=dict)
    prompts: str | None = None
