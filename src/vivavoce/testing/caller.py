"""`SimulatedCaller`: a person at the other end, made of clips and a script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from vivavoce.audio.frames import PCM16_BYTES
from vivavoce.conversation.playback import RealtimePlaybackTracker
from vivavoce.errors import ConfigurationError
from vivavoce.lines import Heard, PlaybackBuffer, PlayedPiece, Tape, Voice, bridge
from vivavoce.tasks import Tasks
from vivavoce.testing.agent_words import AgentWords
from vivavoce.testing.caller_script import CallerScript, Clip, Say, Step
from vivavoce.testing.tones import WORD_MS, tone

if TYPE_CHECKING:
    from vivavoce.engines.base import Synthesizer

FRAME_MS = 20

_WORDS = "response.output_audio_transcript.delta"


def tone_clip(text: str) -> Clip:
    """Return a clip that is as long as the text, and sounds like nothing: for models with scripted ears."""
    return Clip(text, tone(len(text.split()) * WORD_MS), 24_000, text)


async def speak_clip(synthesizer: Synthesizer, text: str, voice: str | None = None) -> Clip:
    """Have a synthesizer of `vivavoce.engines` speak a text.

    Args:
        synthesizer: what speaks.
        text: the words.
        voice: one of its voices; ``None`` is its own choice.

    Raises:
        EngineError: it cannot.
    """
    from vivavoce.engines.base import SpeechOptions

    options = SpeechOptions(voice=voice) if voice else SpeechOptions()
    pcm = b"".join([chunk.pcm async for chunk in synthesizer.synthesize(text, options)])
    return Clip(text, pcm, synthesizer.sample_rate, text)


@dataclass(frozen=True, slots=True)
class Said:
    """Something the caller said.

    Attributes:
        clip: what, at the line's sample rate.
        start: its first sample, counted from the beginning of the call.
        samples: how many of it were said.
    """

    clip: Clip
    start: int
    samples: int


class SimulatedCaller:
    """A `Line` with somebody at its end who speaks, hears the agent, and can interrupt.

    Like an open microphone it sends a frame of 20 ms every 20 ms, silence between the clips; like a
    loudspeaker it plays what it gets at the speed of time, and reports to `tracker` what was played.

        caller = SimulatedCaller(
            [
                Say(Clip.load("hello.wav"), After(0.5)),
                Say("Stop, please.", AgentSaid("terms and conditions")),
                HangUp(AgentFinished(0.6)),
            ]
        )
        async with await runner.run(model_config={"playback_tracker": caller.tracker}) as session:
            await caller.call(session)
        Path("call.wav").write_bytes(caller.tape.wav())

    On a virtual clock (`vivavoce.testing.run`) a call takes no time.

    Args:
        steps: what to do, in order.
        sample_rate: of the session's audio, in both directions.
        speak: makes a clip of each text that is to be said; by default a tone for every word, which is enough
            for a model with scripted ears (`local_test_model`).

    Attributes:
        tracker: for `model_config`.
        tape: both sides of the call, sample by sample.
        said: what was said so far.
        heard: the agent's words that were heard so far.
        played: what was heard so far, in pieces without a gap.
        cleared: the samples at which the agent was silenced.
        started: when the call began on the event loop's clock, or ``None``.
    """

    def __init__(
        self,
        steps: Iterable[Step],
        *,
        sample_rate: int = 24_000,
        speak: Callable[[str], Clip] = tone_clip,
    ) -> None:
        if sample_rate * FRAME_MS % 1000:
            raise ConfigurationError(
                f"sample_rate {sample_rate} has no whole number of samples in {FRAME_MS} ms"
            )
        self.sample_rate = sample_rate
        self.tracker = RealtimePlaybackTracker()
        self.tape = Tape(sample_rate)
        self.said: list[Said] = []
        self.played: list[PlayedPiece] = []
        self.cleared: list[int] = []
        self.started: float | None = None
        self.heard = ""
        self._agent = AgentWords()
        self._script = CallerScript(_spoken(step, sample_rate, speak) for step in steps)
        self._frame_bytes = sample_rate * FRAME_MS // 1000 * PCM16_BYTES
        self._frames = 0
        self._words = b""
        self._hung_up = False
        self._playback: PlaybackBuffer | None = None

    async def call(self, session: Voice) -> None:
        """Call, and follow the script until its end or the session's.

        Raises:
            CallerTimeoutError: the agent did not do what a step waits for.
        """
        following = Tasks()
        following.spawn(self._follow(session.events("audio", "audio_end", _WORDS)), name="caller's ear")
        try:
            await bridge(self, session)
        finally:
            await following.aclose()

    async def hear(self) -> bytes:
        """Return the next 20 ms of the microphone when they have passed; nothing after hanging up."""
        loop = asyncio.get_running_loop()
        if self._hung_up:
            return b""
        ear = self._ear(loop.time())
        assert self.started is not None
        frame = self._speak()
        self._frames += 1
        passed_s = self._frames * FRAME_MS / 1000
        await asyncio.sleep(max(0.0, self.started + passed_s - loop.time()))
        self.tape.record(human=frame)
        self._listen(ear.read(self.started + passed_s))
        if not self._words:
            self._decide(passed_s)
        return frame

    def play(self, item_id: str, content_index: int, pcm: bytes) -> None:
        """Queue speech of the agent."""
        now = asyncio.get_running_loop().time()
        self._ear(now).write(item_id, content_index, pcm, now)

    def clear(self) -> None:
        """Drop what is queued."""
        now = asyncio.get_running_loop().time()
        ear = self._ear(now)
        ear.clear(now)
        self.cleared.append(ear.position)

    # --- inside -------------------------------------------------------------------------------------------

    def _ear(self, now: float) -> PlaybackBuffer:
        """Return what the caller hears with; the call begins when it is first needed."""
        if self._playback is None:
            self.started = now
            self._playback = PlaybackBuffer(self.sample_rate, now)
        return self._playback

    def _speak(self) -> bytes:
        frame, self._words = self._words[: self._frame_bytes], self._words[self._frame_bytes :]
        if frame:
            said = self.said[-1]
            self.said[-1] = replace(said, samples=said.samples + len(frame) // PCM16_BYTES)
            if not self._words:
                self._script.wait_from((self._frames + 1) * FRAME_MS / 1000)
        return frame.ljust(self._frame_bytes, b"\0")

    async def _follow(self, events: AsyncIterator[Any]) -> None:
        """Learn which words the agent's audio holds."""
        async for event in events:
            if event.type == "audio":
                ms = len(event.audio.data) / PCM16_BYTES / self.sample_rate * 1000
                self._agent.audio(event.item_id, event.content_index, ms)
            elif event.type == "audio_end":
                self._agent.finish(event.item_id, event.content_index)
            else:
                self._agent.words(event.item_id, event.content_index, event.delta)

    def _listen(self, heard: Heard) -> None:
        self.tape.record(agent=heard.pcm)
        samples, words = 0, ""
        for piece in heard.pieces:
            samples += piece.samples
            self._note(piece)
            ms = piece.samples * 1000 / self.sample_rate
            self.tracker.on_play_ms(piece.item_id, piece.content_index, ms)
            words += self._agent.played(piece.item_id, piece.content_index, ms)
        self.heard = (self.heard + words).lstrip()
        if not self._words:
            self._script.hear(samples / self.sample_rate, FRAME_MS / 1000, words)

    def _note(self, piece: PlayedPiece) -> None:
        if self.played:
            last = self.played[-1]
            same = (last.item_id, last.content_index) == (piece.item_id, piece.content_index)
            if same and last.start + last.samples == piece.start:
                self.played[-1] = replace(last, samples=last.samples + piece.samples)
                return
        self.played.append(piece)

    def _decide(self, passed_s: float) -> None:
        step = self._script.due(passed_s)
        if isinstance(step, Say):
            assert isinstance(step.clip, Clip)  # texts were spoken at the beginning
            self._words = step.clip.pcm
            self.said.append(Said(step.clip, self._frames * self._frame_bytes // PCM16_BYTES, 0))
        elif step is not None:
            self._hung_up = True


def _spoken(step: Step, sample_rate: int, speak: Callable[[str], Clip]) -> Step:
    """Return a step with its clip ready to be said."""
    if not isinstance(step, Say):
        return step
    clip = speak(step.clip) if isinstance(step.clip, str) else step.clip
    return replace(step, clip=clip.at(sample_rate))
