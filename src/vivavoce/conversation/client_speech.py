"""What the agent says, on the client's side: what arrived, what of it is playing, what was cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, TypeAlias, get_args

from vivavoce.conversation.client_history import ClientHistory, SpokenKind
from vivavoce.conversation.client_notices import (
    AudioFinished,
    AudioReceived,
    ItemChanged,
    Notice,
    PlaybackEnded,
    PlaybackInterrupted,
)
from vivavoce.conversation.held_audio import HeldAudio, HeldChunk
from vivavoce.conversation.playback import Cut, Playback, RealtimePlaybackTracker
from vivavoce.protocol import (
    AudioFormat,
    OutputAudioBufferCleared,
    OutputAudioBufferStarted,
    OutputAudioBufferStopped,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
)

PartEvent: TypeAlias = (
    ResponseOutputAudioDelta
    | ResponseOutputAudioDone
    | ResponseOutputAudioTranscriptDelta
    | ResponseOutputAudioTranscriptDone
    | ResponseOutputTextDelta
    | ResponseOutputTextDone
)
SpeechEvent: TypeAlias = (
    PartEvent | OutputAudioBufferStarted | OutputAudioBufferStopped | OutputAudioBufferCleared
)


class AgentSpeech:
    """What the agent says in one conversation, aloud and in writing.

    Late pieces of a cancelled response are not passed on, and of its words only those are believed that were
    heard.

    Args:
        history: keeps the words.
        tracker: says what was played; without one the clock does.
    """

    EVENTS: ClassVar[tuple[type, ...]] = get_args(SpeechEvent)
    """Types of the events that `hear` takes."""

    def __init__(self, history: ClientHistory, tracker: RealtimePlaybackTracker | None = None) -> None:
        self._history = history
        self._held = HeldAudio()
        self._playback = Playback(tracker)
        self._sounded: dict[str, dict[str, bool]] = {}
        self._cancelled: set[str] = set()
        self._live: str | None = None
        self._notices: list[Notice] = []

    def take_notices(self) -> list[Notice]:
        """Return what the driver should know, in order, and forget it."""
        notices, self._notices = [*self._notices, *self._held.withheld()], []
        return notices

    def set_format(self, audio_format: AudioFormat) -> None:
        """Set what the received bytes are."""
        self._playback.set_format(audio_format)

    # --- a response ---------------------------------------------------------------------------------------

    def began(self, response_id: str) -> None:
        """Note that a response began."""
        self._sounded[response_id] = {}

    def hold(self, response_id: str) -> None:
        """Let no speech of a response be heard before `passed` was told of its words."""
        self._held.hold(response_id, live=self._live)

    def message_began(self, response_id: str, item_id: str) -> None:
        """Note that a response that runs has a new item."""
        if response_id in self._sounded:
            self._sounded[response_id][item_id] = False

    def cancel(self, response_id: str | None) -> None:
        """Let nothing of a running response through from now on."""
        if response_id is not None:
            self._cancelled.add(response_id)

    def withhold(self, response_id: str, now: float) -> None:
        """Throw away what is kept back of a response."""
        self._play(self._held.drop(response_id), now)

    def passed(self, item_id: str, content_index: int, characters: int, now: float) -> None:
        """Note that the first characters of a part may be heard."""
        self._play(self._held.passed(item_id, content_index, characters), now)

    def ended(self, response_id: str, now: float) -> None:
        """Note that a response is over: no more audio of it will come, but for what the server plays itself.

        Over WebRTC that comes at the pace of the ear, long after the response is made.
        """
        self._play(self._held.finish(response_id), now)
        for item_id in self._sounded.pop(response_id, {}):
            if response_id != self._live:
                self._playback.finish(item_id)
        self._cancelled.discard(response_id)
        self._note_ended(now)

    # --- what arrives -------------------------------------------------------------------------------------

    def hear(self, event: SpeechEvent, now: float) -> None:
        """Take in something that the agent says."""
        match event:
            case ResponseOutputAudioDelta():
                self._receive(event, now)
            case ResponseOutputAudioDone():
                self._finish(event, now)
            case ResponseOutputAudioTranscriptDelta():
                self._spoke(event)
            case ResponseOutputAudioTranscriptDone():
                self._set_words(event, "output_audio", event.transcript)
                place = (event.response_id, event.item_id, event.content_index)
                self._play(self._held.finish_text(*place, event.transcript), now)
            case ResponseOutputTextDelta():
                self._add_words(event, "output_text", event.delta)
            case OutputAudioBufferStarted():
                self._live = event.response_id
            case OutputAudioBufferStopped() | OutputAudioBufferCleared():
                self._live = None if self._live == event.response_id else self._live
            case _:
                self._set_words(event, "output_text", event.text)

    def _receive(self, event: ResponseOutputAudioDelta, now: float) -> None:
        if event.response_id in self._cancelled:
            return
        place = (event.response_id, event.item_id, event.content_index)
        if self._held.holds(event.response_id):
            self._play(self._held.receive_audio(*place, event.delta), now)
        else:
            self._sound(*place, event.delta, now)

    def _finish(self, event: ResponseOutputAudioDone, now: float) -> None:
        place = (event.response_id, event.item_id, event.content_index)
        if self._held.holds(event.response_id):
            self._play(self._held.finish_audio(*place), now)
        else:
            self._sound_end(*place)
        self._note_ended(now)

    def _play(self, chunks: Sequence[HeldChunk], now: float) -> None:
        for chunk in chunks:
            place = (chunk.response_id, chunk.item_id, chunk.content_index)
            if chunk.last:
                self._sound_end(*place)
            else:
                self._sound(*place, chunk.data, now)

    def _sound(self, response_id: str, item_id: str, content_index: int, data: bytes, now: float) -> None:
        if (messages := self._sounded.get(response_id)) is not None:
            messages[item_id] = True
        self._playback.receive(item_id, content_index, len(data), now)
        self._notices.append(AudioReceived(item_id, content_index, response_id, data))

    def _sound_end(self, response_id: str, item_id: str, content_index: int) -> None:
        self._playback.finish(item_id, content_index)
        if response_id not in self._cancelled:
            self._notices.append(AudioFinished(item_id, content_index))

    def _spoke(self, event: ResponseOutputAudioTranscriptDelta) -> None:
        if event.response_id in self._cancelled:
            self._silence_unheard(event.response_id, event.item_id)
        if self._held.holds(event.response_id):
            self._held.receive_text(event.response_id, event.item_id, event.content_index, event.delta)
        self._add_words(event, "output_audio", event.delta)

    def _add_words(self, event: PartEvent, kind: SpokenKind, words: str) -> None:
        if self._history.append(event.item_id, event.content_index, kind, words):
            self._notices.append(ItemChanged(event.item_id))

    def _set_words(self, event: PartEvent, kind: SpokenKind, words: str) -> None:
        if self._history.set_text(event.item_id, event.content_index, kind, words):
            self._notices.append(ItemChanged(event.item_id))

    # --- playback -----------------------------------------------------------------------------------------

    def is_sounding(self, now: float) -> bool:
        """Say whether the person hears the agent, or is about to."""
        return self._playback.playing(now)

    def is_playing(self, item_id: str, now: float) -> bool:
        """Say whether a message is in the queue at the person's end."""
        return self._playback.holds(item_id, now)

    def stop(self, now: float) -> list[Cut]:
        """Stop what is playing, keep of every message what was heard, and return where each was cut."""
        cuts = self._playback.interrupt(now) if self._playback.playing(now) else []
        self._note_ended(now)
        if cuts:
            first = cuts[0]
            self._notices.append(PlaybackInterrupted(first.item_id, first.content_index, first.heard_ms))
        self._held.clear()
        withheld = {(cut.item_id, cut.content_index): cut for cut in self._withheld()}
        for index, cut in enumerate(cuts):
            if (end := withheld.pop((cut.item_id, cut.content_index), None)) is not None:
                cuts[index] = replace(cut, received_ms=end.received_ms, finished=end.finished)
        cuts += withheld.values()
        self._cut(cuts)
        for response_id in self._cancelled:
            for item_id in self._sounded.get(response_id, {}):
                self._silence_unheard(response_id, item_id)
        return cuts

    def cut_withheld(self) -> list[Cut]:
        """Keep of every message that was thrown away what was let out of it; return where each was cut."""
        cuts = self._withheld()
        self._cut(cuts)
        return cuts

    def _withheld(self) -> list[Cut]:
        ms = self._playback.ms_of
        return [
            Cut(part.item_id, part.content_index, ms(part.played), ms(part.played + part.size), part.finished)
            for part in self._held.unplayed()
        ]

    def _cut(self, cuts: Sequence[Cut]) -> None:
        for cut in cuts:
            place = (cut.item_id, cut.content_index)
            if self._history.cut(*place, cut.heard_ms, cut.received_ms, finished=cut.finished):
                self._notices.append(ItemChanged(cut.item_id))

    def lose_connection(self) -> dict[str, list[str]]:
        """Expect no more of what was on its way; what has arrived is still played.

        What of it was held back is thrown away: the answer is given anew.

        Returns:
            Ids of the items that each running response had begun.
        """
        begun = {response_id: list(messages) for response_id, messages in self._sounded.items()}
        for response_id, messages in self._sounded.items():
            if self._held.holds(response_id):
                self._held.drop(response_id)
                for item_id in messages:
                    self._silence_unheard(response_id, item_id)
        self._held.unplayed()  # the server that should be told is gone
        self._cut([replace(cut, finished=False) for cut in self._playback.finish_all()])
        self._sounded = {}
        self._cancelled = set()
        self._live = None
        return begun

    def _silence_unheard(self, response_id: str, item_id: str) -> None:
        """Believe no words of a cancelled response's message of which not a sound arrived."""
        if self._sounded.get(response_id, {}).get(item_id):
            return
        if self._history.silence(item_id):
            self._notices.append(ItemChanged(item_id))

    def next_deadline(self) -> float | None:
        """Return when the message that is playing will have been heard to its end, or ``None``."""
        return self._playback.next_end()

    def handle_deadline(self, now: float) -> None:
        """Note what has been heard to its end."""
        self._note_ended(now)

    def _note_ended(self, now: float) -> None:
        self._notices += [PlaybackEnded(item_id, index) for item_id, index in self._playback.ended(now)]
