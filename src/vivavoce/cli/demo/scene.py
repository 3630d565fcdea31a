"""What the terminal shows of a call that goes on: lines that grow while somebody speaks. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from vivavoce.cli.demo.wording import call_text
from vivavoce.protocol import FunctionCallItem, FunctionCallOutputItem, Item, MessageItem, present

Speaker = Literal["caller", "agent", "tool"]


@dataclass(slots=True)
class Line:
    """One line.

    Attributes:
        item_id: the item it shows.
        speaker: whose it is.
        at: when it began, in seconds of the call.
        text: the words so far.
        note: what happened to it.
    """

    item_id: str
    speaker: Speaker
    at: float
    text: str = ""
    note: str = ""


class Scene:
    """The lines of a call, in the order in which they began."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}
        self._shown = 0

    def update(self, history: Iterable[Item], at: float) -> None:
        """Take the conversation as it is now."""
        items = list(history)
        outputs = {item.call_id: item.output for item in items if isinstance(item, FunctionCallOutputItem)}
        for item in items:
            item_id = present(item.id, "")
            if isinstance(item, MessageItem):
                speaker: Speaker = "agent" if item.role == "assistant" else "caller"
                line = self._lines.setdefault(item_id, Line(item_id, speaker, at))
                line.text = _words(item)
            elif isinstance(item, FunctionCallItem):
                line = self._lines.setdefault(item_id, Line(item_id, "tool", at))
                line.text = call_text(item.name, item.arguments)
                line.note = outputs.get(present(item.call_id, ""), "")

    def spoke(self, item_id: str, at: float) -> None:
        """Take note that the caller has begun to speak; the words will come with this item."""
        self._lines.setdefault(item_id, Line(item_id, "caller", at))

    def interrupted(self, item_id: str, heard_ms: float) -> None:
        """Take note that an answer was cut."""
        if item_id in self._lines:
            self._lines[item_id].note = f"interrupted after {heard_ms / 1000:.1f} s"

    def finished(self, *, all_of_it: bool = False) -> list[Line]:
        """Return the lines that will not change any more and were not returned yet.

        A line may change until the caller's next words begin to appear: its transcript may come late, and an
        interruption shortens an answer.

        Args:
            all_of_it: nothing will change any more.
        """
        lines = list(self._lines.values())
        end = len(lines)
        if not all_of_it:
            callers = [i for i, line in enumerate(lines) if line.speaker == "caller" and line.text]
            end = callers[-1] if callers else 0
        done = lines[self._shown : end]
        self._shown = max(self._shown, end)
        return [line for line in done if line.text]

    def growing(self) -> list[Line]:
        """Return the lines that may still change."""
        return [line for line in list(self._lines.values())[self._shown :] if line.text]


def _words(item: MessageItem) -> str:
    texts = (getattr(part, "transcript", None) or getattr(part, "text", None) for part in item.content)
    return " ".join(text for text in texts if isinstance(text, str)).strip()
