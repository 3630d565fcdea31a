from __future__ import annotations

import logging
from typing import Any

import pytest
from pyee import EventEmitter

from vivavoce.webrtc.channel import HIGH_WATER, LABEL, LOW_WATER, MAX_BUFFERED, MAX_MESSAGE, TextChannel


class Pipe(EventEmitter):
    """A data channel whose bytes leave when the test says so."""

    def __init__(self, label: str = LABEL, state: str = "open") -> None:
        super().__init__()
        self.label = label
        self.readyState = state
        self.bufferedAmount = 0
        self.bufferedAmountLowThreshold = 0
        self.sent: list[str] = []

    def send(self, text: str) -> None:
        assert self.readyState == "open"
        self.sent.append(text)
        self.bufferedAmount += len(text.encode())

    def drain(self, size: int) -> None:
        above = self.bufferedAmount > self.bufferedAmountLowThreshold
        self.bufferedAmount = max(0, self.bufferedAmount - size)
        if above and self.bufferedAmount <= self.bufferedAmountLowThreshold:
            self.emit("bufferedamountlow")

    def open(self) -> None:
        self.readyState = "open"
        self.emit("open")

    def close(self) -> None:
        self.readyState = "closed"
        self.emit("close")


class Ear:
    def __init__(self) -> None:
        self.told: list[str] = []

    def on_text(self, text: str) -> None:
        self.told.append(text)

    def on_open(self) -> None:
        self.told.append("<open>")

    def on_drained(self) -> None:
        self.told.append("<drained>")

    def on_fault(self, reason: str) -> None:
        self.told.append(f"<fault> {reason}")


def channel_and_ear() -> tuple[TextChannel, Ear]:
    ear = Ear()
    channel = TextChannel(ear, ear.on_fault)
    channel.max_message_size = 0
    return channel, ear


def use(channel: TextChannel, pipe: Any) -> None:
    channel.use(pipe)


def test_messages_wait_for_the_channel_and_keep_their_order() -> None:
    channel, ear = channel_and_ear()
    pipe = Pipe(state="connecting")
    assert channel.send("one")
    use(channel, pipe)
    assert channel.send("zwei ü")
    assert channel.buffered == 10
    assert pipe.sent == []
    pipe.open()
    assert channel.send("three")
    assert pipe.sent == ["one", "zwei ü", "three"]
    assert channel.buffered == 15
    assert ear.told == ["<open>"]


def test_text_is_told_and_anything_else_is_not(caplog: pytest.LogCaptureFixture) -> None:
    channel, ear = channel_and_ear()
    pipe = Pipe()
    use(channel, pipe)
    with caplog.at_level(logging.INFO):
        for message in ("hello", b"secret bytes", ""):
            pipe.emit("message", message)
    assert ear.told == ["<open>", "hello", ""]
    assert "A binary message is ignored" in caplog.text
    assert "secret" not in caplog.text


def test_a_channel_of_another_name_is_closed() -> None:
    channel, ear = channel_and_ear()
    other, pipe, second = Pipe("chat"), Pipe(), Pipe()
    for each in (other, pipe, second):
        use(channel, each)
    assert (other.readyState, pipe.readyState, second.readyState) == ("closed", "open", "closed")
    other.emit("message", "x")
    assert channel.send("y")
    assert pipe.sent == ["y"]
    assert ear.told == ["<open>"]


def test_a_channel_may_be_closed_and_opened_again() -> None:
    channel, ear = channel_and_ear()
    first, second = Pipe(), Pipe()
    use(channel, first)
    first.close()
    assert not channel.send("nobody hears this")
    assert channel.buffered == 0
    use(channel, second)
    assert channel.send("again")
    assert second.sent == ["again"]
    assert ear.told == ["<open>"], "only the first time"


def test_who_sends_much_is_told_when_it_has_left() -> None:
    channel, ear = channel_and_ear()
    pipe = Pipe()
    use(channel, pipe)
    channel.send("x" * LOW_WATER * 2)
    pipe.drain(LOW_WATER * 2)
    assert ear.told == ["<open>"], "it was never much"
    channel.send("x" * (HIGH_WATER + 1))
    pipe.drain(HIGH_WATER - LOW_WATER)
    assert ear.told == ["<open>"]
    pipe.drain(1)
    assert ear.told == ["<open>", "<drained>"]
    channel.send("x" * LOW_WATER * 2)
    pipe.drain(LOW_WATER * 2)
    assert ear.told == ["<open>", "<drained>"], "once each time"


def test_much_that_waited_for_the_channel_counts_too() -> None:
    channel, ear = channel_and_ear()
    channel.send("x" * (HIGH_WATER + 1))
    pipe = Pipe()
    use(channel, pipe)
    pipe.drain(HIGH_WATER)
    assert ear.told == ["<open>", "<drained>"]


def test_who_does_not_read_is_dropped() -> None:
    channel, ear = channel_and_ear()
    use(channel, Pipe())
    assert channel.send("x" * MAX_BUFFERED)
    assert not channel.send("y")
    assert ear.told == ["<open>", f"<fault> does not read: {MAX_BUFFERED} bytes wait on its data channel"]


def test_a_message_that_the_peer_does_not_take_is_not_sent() -> None:
    channel, _ = channel_and_ear()
    pipe = Pipe()
    use(channel, pipe)
    channel.max_message_size = 4
    assert channel.send("four")
    assert not channel.send("fünf!")
    assert not channel.send("üüü"), "bytes count, not characters"
    assert pipe.sent == ["four"]


@pytest.mark.parametrize(
    "message", ["x" * (MAX_MESSAGE + 1), "ü" * (MAX_MESSAGE // 2 + 1), bytes(MAX_MESSAGE + 1)]
)
def test_a_message_that_is_longer_than_we_said_ends_the_call(message: str | bytes) -> None:
    channel, ear = channel_and_ear()
    pipe = Pipe()
    use(channel, pipe)
    pipe.emit("message", "x" * MAX_MESSAGE)
    assert len(ear.told.pop()) == MAX_MESSAGE
    pipe.emit("message", message)
    assert ear.told == ["<open>", f"<fault> sent a message of more than {MAX_MESSAGE} bytes"]


def test_when_it_is_over_nothing_is_sent_or_told() -> None:
    channel, ear = channel_and_ear()
    pipe, late = Pipe(), Pipe()
    channel.send("waits")
    use(channel, opening := Pipe(state="connecting"))
    channel.close()
    opening.open()
    pipe.emit("message", "x")
    opening.emit("message", "x")
    opening.emit("bufferedamountlow")
    use(channel, late)
    assert not channel.send("x")
    assert channel.buffered == 0
    assert opening.sent == []
    assert late.readyState == "closed"
    assert ear.told == []
