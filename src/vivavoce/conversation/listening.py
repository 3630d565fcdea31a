"""The listening half of the server: the input buffer, the person's turns, and the items they become."""

from __future__ import annotations

from vivavoce.conversation.effects import (
    BeginUtterance,
    DropUtterance,
    EndUtterance,
    FeedUtterance,
    JudgePause,
    Listen,
    ReduceNoise,
)
from vivavoce.conversation.input_buffer import InputBuffer
from vivavoce.conversation.items import Items, Record
from vivavoce.conversation.outbox import Outbox
from vivavoce.conversation.patience import PATIENCE, Patience
from vivavoce.conversation.refusal import refuse
from vivavoce.conversation.settings import Settings
from vivavoce.conversation.transcripts import Transcripts
from vivavoce.conversation.turns import (
    SpeechPaused,
    SpeechStarted,
    SpeechStopped,
    TurnDecision,
    TurnDetection,
)
from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import (
    AudioFormat,
    ConversationItemAdded,
    ConversationItemDone,
    InputAudio,
    InputAudioBufferCleared,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    InputAudioBufferTimeoutTriggered,
    MessageItem,
    NoiseReduction,
    SemanticVad,
    ServerVad,
    UnsetType,
    present,
)

MIN_COMMIT_MS = 100
DEFAULT_PREFIX_MS = 300
FEED_MS = 100
"""A transcriber gets an utterance in strides of at least this length, and the rest at its end: each costs a
resampling and a way through the driver, and recognisers work in such blocks anyway."""
UNHEARD_MS = 5000
"""A detector that is further behind than this is being outrun by the client."""
_LOOKBACK_MS = 500
"""Kept beyond the padding, because a turn is noticed a little after it began."""


class Listener:
    """What the server hears.

    Args:
        outbox: where events and effects go.
        items: the conversation.
        settings: the session's.
        transcripts: what is being transcribed.
        max_ms: how much uncommitted audio it holds.
    """

    def __init__(
        self, outbox: Outbox, items: Items, settings: Settings, transcripts: Transcripts, max_ms: int
    ) -> None:
        self._outbox = outbox
        self._items = items
        self._settings = settings
        self._transcripts = transcripts
        self._max_ms = max_ms
        self._buffer = InputBuffer(self._format(), max_ms)
        self._turn: TurnDetection | None = None
        self._patience: Patience | None = None
        self._noise: tuple[NoiseReduction | None, AudioFormat] | None = None
        self._utterance: str | None = None
        self._fed = 0.0
        self.full = False  # the last audio was refused
        self.last_voiced = 0.0
        self.configure(first=True)

    @property
    def position_ms(self) -> int:
        """Milliseconds of input since the session began."""
        return int(self._buffer.end)

    @property
    def speaking(self) -> bool:
        """Whether turn detection has an open turn."""
        return self._turn is not None and self._turn.speaking

    def _format(self) -> AudioFormat:
        fmt = self._settings.input.format
        assert not isinstance(fmt, UnsetType)
        return fmt

    def configure(self, *, first: bool = False) -> None:
        """Take over the session's input settings after they changed."""
        fmt, detection = self._format(), self._settings.turn_detection
        changed = first
        if fmt != self._buffer.fmt:
            if self._utterance is not None:
                self.clear()  # what was being said is lost, so the client is told
            self._buffer.change_format(fmt)
            changed = True
        if (self._turn is None) != (detection is None):
            if detection is not None:
                self._drop_utterance()  # else the client commits what was being said
            self._turn = None if detection is None else TurnDetection()
            changed = True
        if self._turn is not None and detection is not None:
            self._tune(self._turn, detection)
            if changed:
                self._turn.reset()
        self._reduce_noise(fmt)
        if changed:
            self._outbox.effect(Listen(detection is not None, fmt, self.position_ms))

    def _tune(self, turn: TurnDetection, detection: ServerVad | SemanticVad) -> None:
        if isinstance(detection, ServerVad):
            assert isinstance(detection.threshold, int | float)
            assert isinstance(detection.silence_duration_ms, int)
            self._patience = None
            turn.threshold = detection.threshold
            turn.silence_ms = detection.silence_duration_ms
        else:
            self._patience = PATIENCE[str(detection.eagerness)]
            turn.threshold = 0.5
            turn.silence_ms = self._patience.unknown_ms
        turn.judges = self._patience is not None

    def _reduce_noise(self, fmt: AudioFormat) -> None:
        wishes = present(self._settings.input.noise_reduction, None)
        before = None if self._noise is None else self._noise[0]
        if (wishes, fmt) == self._noise or wishes is before is None:
            return
        self._noise = (wishes, fmt)
        self._outbox.effect(ReduceNoise(wishes, fmt))

    @property
    def _prefix_ms(self) -> int:
        detection = self._settings.turn_detection
        if isinstance(detection, ServerVad) and isinstance(detection.prefix_padding_ms, int):
            return detection.prefix_padding_ms
        return DEFAULT_PREFIX_MS

    # --- the client's events ------------------------------------------------------------------------------

    def overlong_turn(self, audio: bytes) -> SpeechStopped | None:
        """Return the end of an open turn that leaves no room for `audio`, to be given to `turn_ended`.

        On a noisy line a turn may never end by itself; the session must not go deaf for that. A client that
        sends faster than the detector hears is another matter: its audio is refused by `append`.
        """
        if self._turn is None or self._utterance is None or self._buffer.has_room_for(audio):
            return None
        if self._buffer.end - self._fed > UNHEARD_MS:
            return None
        self._turn.reset()
        self._listen_on(self._buffer.end)
        return SpeechStopped(int(self._buffer.end), int(self._buffer.end))

    def append(self, audio: bytes) -> None:
        """Take audio.

        Raises:
            RemoteProtocolError: the buffer is full; told once until there is room again.
        """
        if not self._buffer.has_room_for(audio):
            if self.full:
                return
            self.full = True
            raise refuse(
                f"The input audio buffer is full: it holds at most {self._max_ms // 1000} seconds. "
                "Commit or clear it.",
                "audio",
                "input_audio_buffer_full",
            )
        self.full = False
        self._buffer.append(audio)
        if self._turn is None and audio and self._due(self._buffer.end):
            self._listen_on(self._buffer.end)

    def commit(self) -> None:
        """Make a user message of the buffer, at the client's wish.

        Raises:
            RemoteProtocolError: there are less than 100 ms in it.
        """
        held = self._buffer.duration_ms
        if held < MIN_COMMIT_MS:
            raise RemoteProtocolError(
                "Error committing input audio buffer: buffer too small. Expected at least "
                f"{MIN_COMMIT_MS}ms of audio, but buffer only has {held:.2f}ms of audio.",
                code="input_audio_buffer_commit_empty",
            )
        if self._turn is not None:
            self._turn.reset()
        self._listen_on(self._buffer.end)
        self._commit(self._buffer.end)

    def clear(self) -> None:
        """Throw the buffer away."""
        self._drop_utterance()
        self._buffer.clear()
        self.full = False
        if self._turn is not None:
            self._turn.reset()
        self._outbox.emit(InputAudioBufferCleared)

    # --- turns --------------------------------------------------------------------------------------------

    def voice(
        self, probability: float, start_ms: int, end_ms: int, now: float, clarity: float | None = None
    ) -> TurnDecision | None:
        """Take the speech probability of a chunk and say what it means for the turn.

        A start has been announced when this returns; for a stop, `turn_ended` announces and commits.
        """
        if self._turn is None or end_ms <= self._buffer.start:
            return None  # the audio was committed or cleared before its probability was known
        decision = self._turn.receive(probability, start_ms, end_ms, clarity)
        if self._turn.voiced:
            self.last_voiced = now
        if isinstance(decision, SpeechStarted):
            begin = max(self._buffer.start, decision.at_ms - self._prefix_ms)
            self._buffer.drop_before(begin)
            self._listen_on(end_ms)
            assert self._utterance is not None
            self._outbox.emit(
                InputAudioBufferSpeechStarted, audio_start_ms=int(begin), item_id=self._utterance
            )
        elif self._utterance is not None:
            if decision is not None or self._due(end_ms):
                self._listen_on(end_ms)
            if isinstance(decision, SpeechPaused):
                self._outbox.effect(JudgePause(self._utterance, decision.since_ms))
        else:
            self._buffer.forget_before(end_ms - self._prefix_ms - _LOOKBACK_MS)
        return decision

    def hesitate(self, onset_ms: int) -> None:
        """Let speech count from now on when it has lasted so long."""
        if self._turn is not None:
            self._turn.onset_ms = onset_ms

    def partial_transcript(self, item_id: str, text: str) -> None:
        """Take a guess at everything said so far in an utterance; a pause in it is judged anew."""
        self._transcripts.partial(item_id, text)
        if item_id == self._utterance and self._turn is not None and (since := self._turn.pause) is not None:
            self._outbox.effect(JudgePause(item_id, since))

    def turn_judged(self, item_id: str, since_ms: int, completeness: float) -> None:
        """Take how likely the person has finished who paused at `since_ms`; late answers change nothing."""
        if item_id == self._utterance and self._turn is not None and self._patience is not None:
            self._turn.judged(since_ms, self._patience.hold_ms(completeness))

    def turn_ended(self, decision: SpeechStopped) -> None:
        """Announce the end of the turn and make a user message of it."""
        assert self._utterance is not None
        self._outbox.emit(InputAudioBufferSpeechStopped, audio_end_ms=decision.at_ms, item_id=self._utterance)
        self._commit(decision.at_ms)

    def silence_became_item(self, silent_ms: int) -> None:
        """Make a user message of a silence that lasted too long (`idle_timeout_ms`)."""
        item_id = self._outbox.ids.new("item")
        end = self.position_ms
        start = max(0, end - silent_ms)
        self._outbox.emit(
            InputAudioBufferTimeoutTriggered, audio_start_ms=start, audio_end_ms=end, item_id=item_id
        )
        self._buffer.clear()
        self._add_item(item_id, Record(_user_item(item_id, ""), audio_ms=end - start, fmt=self._format()))

    # --- inside -------------------------------------------------------------------------------------------

    def _due(self, until: float) -> bool:
        """Whether there is enough audio before `until` for another stride."""
        return self._utterance is None or until - self._fed >= FEED_MS

    def _listen_on(self, until: float) -> None:
        """Hand the audio before `until` that was not handed out yet to the utterance; open one first."""
        if self._utterance is None:
            self._utterance = self._outbox.ids.new("item")
            self._transcripts.begin(self._utterance, announced=self._settings.transcription is not None)
            audio = self._buffer.read(self._buffer.start, until)
            self._outbox.effect(BeginUtterance(self._utterance, audio, self._buffer.fmt))
        elif audio := self._buffer.read(self._fed, until):
            self._outbox.effect(FeedUtterance(self._utterance, audio))
        self._fed = until

    def _drop_utterance(self) -> None:
        if self._utterance is not None:
            self._transcripts.drop(self._utterance)
            self._outbox.effect(DropUtterance(self._utterance))
            self._utterance = None

    def _commit(self, end: float) -> None:
        item_id, self._utterance = self._utterance, None
        assert item_id is not None
        begin = self._buffer.start
        self._items.audio.add(item_id, self._buffer.take(end))
        audio_ms = int(self._buffer.start - begin)
        record = Record(_user_item(item_id, None), audio_ms=audio_ms, fmt=self._buffer.fmt)
        self.full = False
        self._transcripts.attach(item_id, record)
        self._add_item(item_id, record)
        self._outbox.effect(EndUtterance(item_id))

    def _add_item(self, item_id: str, record: Record) -> None:
        previous = self._items.append(item_id, record)
        self._outbox.emit(InputAudioBufferCommitted, previous_item_id=previous, item_id=item_id)
        self._outbox.emit(ConversationItemAdded, previous_item_id=previous, item=record.item)
        self._outbox.emit(ConversationItemDone, previous_item_id=previous, item=record.item)


def _user_item(item_id: str, transcript: str | None) -> MessageItem:
    return MessageItem(
        id=item_id, status="completed", role="user", content=[InputAudio(transcript=transcript)]
    )
