"""The items of a response while the model is making them, with the exact order of their events.

response.output_item.added → conversation.item.added → response.content_part.added → deltas …
→ *.done → response.content_part.done → conversation.item.done → response.output_item.done
"""

from __future__ import annotations

from collections.abc import Sequence

from vivavoce.conversation.items import Items, Record
from vivavoce.conversation.outbox import Outbox
from vivavoce.conversation.playout import Playout
from vivavoce.protocol import (
    AudioFormat,
    AudioPart,
    ConversationItemAdded,
    ConversationItemDone,
    FunctionCallItem,
    Item,
    ItemStatus,
    MessageItem,
    OutputAudio,
    OutputText,
    ResponseContentPartAdded,
    ResponseContentPartDone,
    ResponseFunctionCallArgumentsDelta,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
    TextPart,
    replace,
)


class OutputItem:
    """One item of a response; the base of what a model can make.

    Args:
        outbox: where events go.
        items: the conversation to write into, or `None` for an out-of-band response: "Items of a response
            with conversation `none` are not added to the default conversation".
        response_id: the response.
        output_index: place in the response's output.
        item: the item as it begins.
    """

    def __init__(
        self, outbox: Outbox, items: Items | None, response_id: str, output_index: int, item: Item
    ) -> None:
        self._outbox = outbox
        self._items = items
        self.record = Record(item)
        self.item_id = str(item.id)
        self._where = {"response_id": response_id, "output_index": output_index}
        self.open = True
        outbox.emit(ResponseOutputItemAdded, **self._where, item=item)
        if items is not None:
            previous = items.append(self.item_id, self.record)
            outbox.emit(ConversationItemAdded, previous_item_id=previous, item=item)

    def _finish(self, item: Item) -> None:
        self.open = False
        self.record.item = item
        # One that was deleted while it was being made is final already, see `Editor.remove`.
        if self._items is not None and self._items.get(self.item_id) is self.record:
            previous = self._items.before(self.item_id)
            self._outbox.emit(ConversationItemDone, previous_item_id=previous, item=item)
        self._outbox.emit(ResponseOutputItemDone, **self._where, item=item)


class FunctionCallOutput(OutputItem):
    """A function call whose arguments stream in."""

    def __init__(
        self,
        outbox: Outbox,
        items: Items | None,
        response_id: str,
        output_index: int,
        *,
        name: str,
        call_id: str,
    ) -> None:
        item = FunctionCallItem(
            id=outbox.ids.new("item"), status="in_progress", call_id=call_id, name=name, arguments=""
        )
        super().__init__(outbox, items, response_id, output_index, item)
        self._item = item
        self._arguments = ""

    def add(self, arguments: str) -> None:
        """Add characters of the arguments."""
        self._arguments += arguments
        self._outbox.emit(
            ResponseFunctionCallArgumentsDelta,
            **self._where,
            item_id=self.item_id,
            call_id=self._item.call_id,
            delta=arguments,
        )

    def close(self, status: ItemStatus) -> None:
        """End the call."""
        self._outbox.emit(
            ResponseFunctionCallArgumentsDone,
            **self._where,
            item_id=self.item_id,
            call_id=self._item.call_id,
            name=self._item.name,
            arguments=self._arguments,
        )
        self._finish(replace(self._item, status=status, arguments=self._arguments))


class MessageOutput(OutputItem):
    """A message with one content part; what the kinds of message share."""

    def __init__(
        self,
        outbox: Outbox,
        items: Items | None,
        response_id: str,
        output_index: int,
        part: TextPart | AudioPart,
    ) -> None:
        item = MessageItem(id=outbox.ids.new("item"), status="in_progress", role="assistant", content=[])
        super().__init__(outbox, items, response_id, output_index, item)
        self._item = item
        self._part = {**self._where, "item_id": self.item_id, "content_index": 0}
        outbox.emit(ResponseContentPartAdded, **self._part, part=part)

    def _finish_message(
        self, part: TextPart | AudioPart, content: Sequence[OutputText | OutputAudio], status: ItemStatus
    ) -> None:
        self._outbox.emit(ResponseContentPartDone, **self._part, part=part)
        self._finish(replace(self._item, status=status, content=content))


class TextMessage(MessageOutput):
    """A written answer."""

    def __init__(self, outbox: Outbox, items: Items | None, response_id: str, output_index: int) -> None:
        super().__init__(outbox, items, response_id, output_index, TextPart(text=""))
        self._text: list[str] = []

    def add(self, delta: str) -> None:
        """Add text."""
        self._text.append(delta)
        self._outbox.emit(ResponseOutputTextDelta, **self._part, delta=delta)

    def close(self, status: ItemStatus) -> None:
        """End the message."""
        text = "".join(self._text)
        self._outbox.emit(ResponseOutputTextDone, **self._part, text=text)
        self._finish_message(TextPart(text=text), [OutputText(text=text)], status)


class AudioMessage(MessageOutput):
    """A spoken answer: audio and transcript leave together, paced by a `Playout`.

    Args:
        fmt: format of the audio.
        playout: its pacer.
    """

    def __init__(
        self,
        outbox: Outbox,
        items: Items | None,
        response_id: str,
        output_index: int,
        *,
        fmt: AudioFormat,
        playout: Playout,
    ) -> None:
        super().__init__(outbox, items, response_id, output_index, AudioPart(transcript=""))
        self.playout = playout
        self.record.fmt = fmt
        self.record.spoken = playout.spoken
        self.record.item = replace(self._item, content=[OutputAudio(transcript="")])

    def release(self, now: float) -> bool:
        """Send what is due; return whether any audio was among it."""
        audible = False
        for piece in self.playout.release(now):
            if piece.text:
                self._outbox.emit(ResponseOutputAudioTranscriptDelta, **self._part, delta=piece.text)
            if piece.audio:
                audible = True
                self._outbox.emit(ResponseOutputAudioDelta, **self._part, delta=piece.audio)
                if self._items is not None and self._items.get(self.item_id) is self.record and not self._cut:
                    self._items.audio.add(self.item_id, piece.audio)
        if not self._cut:
            self.record.audio_ms = self.playout.sent_ms
        if audible and self._items is not None:
            self._items.voice_locked = True
        return audible

    @property
    def _cut(self) -> bool:
        """Whether the client has truncated the item while it was being spoken: the rest was not heard."""
        return self.record.heard_ms is not None

    def close(self, status: ItemStatus) -> None:
        """End the message with what was sent; what was not sent was not said, nor what was not heard."""
        said = self.playout.said()
        heard = said if self.record.heard_ms is None else self.playout.spoken.until(self.record.heard_ms)
        self._outbox.emit(ResponseOutputAudioDone, **self._part)
        self._outbox.emit(ResponseOutputAudioTranscriptDone, **self._part, transcript=said)
        self._finish_message(AudioPart(transcript=said), [OutputAudio(transcript=heard)], status)
