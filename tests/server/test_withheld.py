from __future__ import annotations

from typing import Any

from vivavoce.protocol import (
    FunctionCallItem,
    FunctionCallOutputItem,
    McpCallItem,
    MessageItem,
    OutputAudio,
    OutputText,
)
from vivavoce.server import withheld
from vivavoce.server.withheld import Withheld


def message(name: str, *content: Any) -> MessageItem:
    return MessageItem(id=name, role="assistant", status="completed", content=list(content))


def test_words_grow_and_only_what_was_sent_is_seen() -> None:
    words = Withheld()
    assert words.heard("i", 0, "Good ") == "Good "
    words.sent("i", 0, "Good ")
    assert words.heard("i", 0, "grief.") == "Good grief."
    assert words.text("i", 0) == "Good "
    assert words.text("i", 1) == ""
    item = message("i", OutputAudio(transcript="Good grief.", audio=b"\0\0"), OutputText(text="More."))
    assert words.shown(item) is item
    words.hide(item)
    seen = message("i", OutputAudio(transcript="Good "), OutputText(text=""))
    assert words.shown(item) == MessageItem(
        id="i", role="assistant", status="incomplete", content=seen.content
    )


def test_what_it_looked_like_first_stays() -> None:
    words = Withheld()
    item = message("i", OutputText(text="Bad."))
    words.hide(item)
    words.heard("i", 0, "x")
    words.sent("i", 0, "x")
    words.hide(item)
    words.forget(item)
    assert words.text("i", 0) == ""
    shown = words.shown(item)
    assert isinstance(shown, MessageItem)
    assert shown.content == [OutputText(text="")]


def test_calls_lose_their_arguments_and_other_items_stay() -> None:
    words = Withheld()
    call = FunctionCallItem(id="c", call_id="call_1", name="f", arguments='{"a":1}', status="completed")
    mcp = McpCallItem(id="m", server_label="s", name="f", arguments='{"a":1}', output="out")
    output = FunctionCallOutputItem(id="o", call_id="call_1", output="out")
    for item in (call, mcp, output):
        words.hide(item)
    shown: Any = words.shown(call)
    assert (shown.arguments, shown.status) == ("", "incomplete")
    shown = words.shown(mcp)
    assert (shown.arguments, shown.output) == ("", None)
    assert words.shown(output) == output


def test_an_item_without_an_id_is_nobodys() -> None:
    words = Withheld()
    item = MessageItem(role="assistant", content=[OutputText(text="x")])
    words.hide(item)
    assert words.shown(item) is item


def test_the_oldest_are_forgotten() -> None:
    words = Withheld()
    items = [message(str(number), OutputText(text="x")) for number in range(withheld.REMEMBERED + 1)]
    for item in items:
        words.hide(item)
    assert words.shown(items[0]) is items[0]
    assert words.shown(items[1]) is not items[1]
