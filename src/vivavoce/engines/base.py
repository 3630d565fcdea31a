"""The ports: what an engine must offer. Structural types, so that third parties need not import vivavoce.

Audio between the pipeline and an engine is PCM16, little endian, mono, at the engine's own `sample_rate`;
the pipeline resamples. Times are milliseconds. Every method that waits is a coroutine or an async iterator,
never blocks the event loop, and may be cancelled at any await.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from vivavoce.engines.thinking import (
    FunctionCallDelta,
    LanguageModel,
    ModelDone,
    ModelEvent,
    ModelRequest,
    ModelUsage,
    TextDelta,
)
from vivavoce.protocol import LogProb

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vivavoce.engines.noise.base import NoiseReducer
    from vivavoce.engines.prompts import PromptStore
    from vivavoce.engines.turn.base import TurnEndDetector

__all__ = [
    "EngineCost",
    "Engines",
    "FunctionCallDelta",
    "LanguageModel",
    "ModelDone",
    "ModelEvent",
    "ModelRequest",
    "ModelUsage",
    "Prewarmable",
    "SpeechChunk",
    "SpeechOptions",
    "SpokenWord",
    "Synthesizer",
    "TextDelta",
    "Transcriber",
    "Transcript",
    "TranscriptionOptions",
    "TranscriptionStream",
    "VoiceActivityDetector",
]

# --- voice activity ---------------------------------------------------------------------------------------


@runtime_checkable
class VoiceActivityDetector(Protocol):
    """Says how likely each chunk of audio holds speech, for many streams in one computation.

    Synchronous on purpose: a batched step costs microseconds per stream and runs inline on the event loop
    (in a thread the interpreter lock makes it a hundred times slower).

    Attributes:
        sample_rate: rate it hears at, in Hz.
        chunk_samples: length of one chunk, in samples.
    """

    sample_rate: int
    chunk_samples: int

    def open(self) -> int:
        """Reserve a slot for one stream, with fresh state, and return its number."""
        ...

    def close(self, slot: int) -> None:
        """Give the slot back."""
        ...

    def reset(self, slot: int) -> None:
        """Forget what the stream in this slot has heard."""
        ...

    def probabilities(self, slots: Sequence[int], chunks: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return the speech probability of one chunk of each named slot.

        Args:
            slots: n different open slots.
            chunks: array (n, chunk_samples) of int16; row i belongs to `slots[i]`.

        Returns:
            Array (n,) of float32 between 0 and 1.
        """
        ...


# --- speech to text ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a transcriber heard in one utterance.

    Attributes:
        text: the words; empty when nothing was said.
        language: ISO-639-1 code when the engine knows it.
        logprobs: how sure it was of each token, when it was asked for that and knows it.
    """

    text: str
    language: str | None = None
    logprobs: tuple[LogProb, ...] = ()


@dataclass(frozen=True, slots=True)
class TranscriptionOptions:
    """Wishes of the session (`session.audio.input.transcription`); an engine uses what it can.

    Attributes:
        model: name of the model the client asked for.
        language: ISO-639-1 code.
        prompt: free text or keywords that guide the transcription.
        languages: ISO-639-1 codes of the languages that may be spoken.
        keywords: words that are likely to be said.
        delay: `minimal` to `xhigh`: how long a streaming engine may wait to be surer of its words.
        logprobs: whether `Transcript.logprobs` is wanted.
    """

    model: str | None = None
    language: str | None = None
    prompt: str | None = None
    languages: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    delay: str | None = None
    logprobs: bool = False


class TranscriptionStream(Protocol):
    """One utterance on its way through a transcriber."""

    def feed(self, pcm: bytes) -> None:
        """Take audio (PCM16 at the transcriber's rate). Never waits; what exceeds the bound is refused.

        Raises:
            EngineError: the stream's queue is full.
        """
        ...

    async def finish(self) -> Transcript:
        """Say that the utterance is over and wait for its transcript.

        Raises:
            EngineError: the engine failed.
        """
        ...

    async def aclose(self) -> None:
        """Drop the utterance at once; safe to call twice and after `finish`."""
        ...


@runtime_checkable
class Transcriber(Protocol):
    """Turns speech into text while the person is still speaking.

    A session may ask only for what its transcriber says that it follows. Both may be left out:
    `honours: frozenset[str]`, of `language`, `languages`, `keywords`, `prompt`, `delay`, `logprobs`; and
    `languages: Sequence[str]`, the ISO-639-1 codes it knows, for one that does not follow `language`.

    One whose final transcript may be other than the words it told before says so: `revises = True`.
    """

    sample_rate: int

    def open(self, options: TranscriptionOptions, on_partial: Callable[[str], None]) -> TranscriptionStream:
        """Begin an utterance.

        Args:
            options: language and other wishes.
            on_partial: called on the event loop with the whole text so far, each time it grows; the text of
                successive calls only ever extends the one before when the engine can promise that.
        """
        ...

    async def aclose(self) -> None:
        """End threads and processes; safe to call twice."""
        ...


# --- text to speech ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """When a word of the text is heard.

    Attributes:
        end: index in the text just after the word, in characters: `text[:end]` is what was said by then.
        end_ms: when the word has been spoken, from the start of this synthesis.
    """

    end: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    """A piece of synthesised speech.

    Attributes:
        pcm: PCM16 at the synthesiser's rate; may be empty.
        words: words known so far that were not in an earlier chunk, in order; a chunk carries a word at the
            latest together with the audio in which it ends.
    """

    pcm: bytes
    words: tuple[SpokenWord, ...] = ()


@dataclass(frozen=True, slots=True)
class SpeechOptions:
    """How to speak.

    Attributes:
        voice: name of a voice of the Realtime API (`alloy`, `marin` …) or of the engine.
        speed: 0.25 to 1.5; 1.0 is the voice's own pace. The pitch stays.
        language: ISO-639-1 code, or `None` for the voice's own.
    """

    voice: str = "alloy"
    speed: float = 1.0
    language: str | None = None


@runtime_checkable
class Synthesizer(Protocol):
    """Speaks: turns text into audio, streamed.

    One that keeps to `SpeechOptions.speed` says so: `honours_speed = True`; the speech of any other is
    stretched, with its pitch as it was.

    Attributes:
        sample_rate: of the audio, in Hz.
    """

    sample_rate: int

    @property
    def voice_names(self) -> tuple[str, ...]:
        """Return the voices to offer to a client; there may be more."""
        ...

    def knows_voice(self, voice: str) -> bool:
        """Return whether it can speak with this voice."""
        ...

    def synthesize(self, text: str, options: SpeechOptions) -> AsyncGenerator[SpeechChunk, None]:
        """Stream the speech of `text` (usually one clause). Closing the generator stops it at once.

        Raises:
            EngineError: the engine failed or knows no such voice.
        """
        ...

    async def aclose(self) -> None:
        """End threads and processes; safe to call twice."""
        ...


# --- together ---------------------------------------------------------------------------------------------


@runtime_checkable
class Prewarmable(Protocol):
    """An engine that can load what its first use needs ahead of it. Not every engine is."""

    async def prewarm(self) -> None:
        """Load it, or find out that it cannot work.

        Raises:
            EngineError: it cannot.
        """
        ...


@dataclass(frozen=True, slots=True)
class EngineCost:
    """What one talking session costs this machine, for admission control.

    Attributes:
        cores: share of one core that a talking session uses while it is being listened to or spoken to.
    """

    cores: float = 0.0


@dataclass(frozen=True, slots=True)
class Engines:
    """One set of engines; shared by all sessions of a process.

    Attributes:
        vad: hears whether somebody speaks.
        transcriber: hears what is said.
        llm: thinks.
        synthesizer: speaks.
        cost: what a talking session costs.
        names: engine names for logs, traces and `vivavoce doctor`.
        turn: says whether somebody who pauses has finished (`semantic_vad`).
        noise: takes noise out of the input (`noise_reduction`).
        prompts: stored prompts (`session.prompt`).
    """

    vad: VoiceActivityDetector
    transcriber: Transcriber
    llm: LanguageModel
    synthesizer: Synthesizer
    cost: EngineCost = field(default_factory=EngineCost)
    names: dict[str, Any] = field(default_factory=dict)
    turn: TurnEndDetector | None = None
    noise: NoiseReducer | None = None
    prompts: PromptStore | None = None

    async def prewarm(self) -> None:
        """Load ahead what the first session would wait for.

        Raises:
            EngineError: an engine cannot work; the message says which and why.
        """
        senses: tuple[object, ...] = (self.vad, self.turn, self.noise, self.transcriber)
        for engine in (*senses, self.llm, self.synthesizer):
            if isinstance(engine, Prewarmable):
                await engine.prewarm()

    async def aclose(self) -> None:
        """Close every engine, also when closing another one fails; safe to call twice."""
        async with AsyncExitStack() as engines:
            for engine in (self.synthesizer, self.llm, self.transcriber, self.turn):
                if engine is not None:
                    engines.push_async_callback(engine.aclose)
