"""A data channel as a carrier of a session, with a peer of the test's own, on the clock of the test."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from vivavoce.protocol import (
    ConversationItemRetrieved,
    ConversationItemTruncated,
    FunctionCallItem,
    InputAudioBufferCleared,
    MessageItem,
    OutputAudio,
    RealtimeSession,
    ResponseOutputAudioDelta,
    ResponseOutputTextDelta,
    SessionCreated,
)
from vivavoce.server import Limits
from vivavoce.server.data_channel import EARLY_CHARS, FAREWELL_S, MAX_UNSENT_BYTES, DataChannel
from vivavoce.testing import run

HIGH = 1000
CREATED = SessionCreated(event_id="event_1", session=RealtimeSession(id="sess_1"))
CLEARED = InputAudioBufferCleared(event_id="event_2")


class Peer:
    """Takes messages, and holds as many bytes unsent as the test says."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.max_message_size = 0
        self.buffered = 0
        self.holds = False
        self.carries_text = True
        self.closed_at: float | None = None

    def send(self, text: str) -> bool:
        if not self.carries_text:
            return False
        self.messages.append(text)
        self.buffered += len(text) if self.holds else 0
        return True

    async def aclose(self) -> None:
        self.closed_at = asyncio.get_running_loop().time()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.messages]

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]


def text(characters: int) -> ResponseOutputTextDelta:
    return ResponseOutputTextDelta(
        event_id="e",
        response_id="r",
        item_id="i",
        output_index=0,
        content_index=0,
        delta="x" * characters,
    )


def audio() -> ResponseOutputAudioDelta:
    return ResponseOutputAudioDelta(
        event_id="e", response_id="r", item_id="i", output_index=0, content_index=0, delta=b"\0\0"
    )


def channel(peer: Peer, **limits: Any) -> DataChannel:
    return DataChannel(peer, Limits(**limits), high_water=HIGH)


def opened(peer: Peer, **limits: Any) -> DataChannel:
    made = channel(peer, **limits)
    made.opened()
    return made


# --- what goes out ----------------------------------------------------------------------------------------


def test_events_wait_for_the_channel_and_keep_their_order() -> None:
    peer = Peer()
    made = channel(peer)
    made.send([CREATED])
    made.send([CLEARED])
    assert peer.messages == []
    made.opened()
    made.send([InputAudioBufferCleared(event_id="event_3")])
    assert peer.types == ["session.created", "input_audio_buffer.cleared", "input_audio_buffer.cleared"]
    assert peer.events[0]["session"]["id"] == "sess_1"


def test_audio_does_not_go_this_way() -> None:
    peer = Peer()
    opened(peer).send([audio(), text(2), audio()])
    assert peer.types == ["response.output_text.delta"]


def test_what_waits_for_a_channel_that_does_not_open_is_bounded() -> None:
    peer = Peer()
    made = channel(peer)
    for _ in range(12):
        made.send([text(EARLY_CHARS // 10)])
    assert made.writable
    made.opened()
    assert 8 <= len(peer.messages) <= 10


def test_a_call_without_a_channel_keeps_nothing_for_one() -> None:
    peer = Peer()
    peer.carries_text = False
    made = channel(peer)
    made.send([CREATED])
    peer.carries_text = True
    made.opened()
    assert peer.messages == []


def test_a_beta_client_is_spoken_to_in_its_dialect() -> None:
    peer = Peer()
    made = opened(peer)
    made.speak_beta()
    made.speak_beta()
    made.send([text(1), CLEARED])
    assert peer.types == ["response.text.delta", "input_audio_buffer.cleared"]


@pytest.mark.parametrize("most", [199, 200, 0])
def test_an_event_that_is_too_long_becomes_an_error_that_names_it(most: int) -> None:
    peer = Peer()
    frame = text(1)
    made = opened(peer)
    made.send([frame])
    length = len(peer.messages[0].encode())
    peer.messages.clear()
    peer.max_message_size = most and length - 200 + most
    made.send([frame, CLEARED])
    if most == 199:
        error = peer.events[0]["error"]
        assert (error["type"], error["code"]) == ("server_error", "event_too_large")
        assert "'response.output_text.delta'" in error["message"]
        assert f"{length} bytes" in error["message"]
    else:
        assert peer.types[0] == "response.output_text.delta"
    assert peer.types[1] == "input_audio_buffer.cleared"


@pytest.mark.parametrize("most", [400, 0])
def test_an_item_leaves_its_audio_behind_where_that_is_too_long(most: int) -> None:
    peer = Peer()
    made = opened(peer)
    peer.max_message_size = most
    said = OutputAudio(audio=bytes(3000), transcript="I am only")
    item = MessageItem(id="item_1", role="assistant", content=[said])
    made.send([ConversationItemRetrieved(event_id="e", item=item)])
    (event,) = peer.events
    (part,) = event["item"]["content"]
    assert (event["type"], part["transcript"]) == ("conversation.item.retrieved", "I am only")
    assert ("audio" in part) is (most == 0)


def test_an_item_that_is_too_long_without_audio_is_an_error() -> None:
    peer = Peer()
    made = opened(peer)
    peer.max_message_size = 400
    call = FunctionCallItem(id="item_1", call_id="c", name="f", arguments="x" * 500)
    made.send([ConversationItemRetrieved(event_id="e", item=call)])
    assert peer.types == ["error"]


def test_bytes_count_not_characters() -> None:
    peer = Peer()
    made = opened(peer)
    peer.max_message_size = 300
    made.send([ConversationItemTruncated(event_id="é" * 140, item_id="i", content_index=0, audio_end_ms=0)])
    assert peer.types == ["error"]


# --- a slow reader ----------------------------------------------------------------------------------------


def test_a_slow_reader_is_waited_for_and_then_goes_on() -> None:
    async def scenario() -> None:
        peer, told = Peer(), []
        made = opened(peer, stall_s=30)
        made.on_writable = lambda: told.append("go on")
        peer.holds = True
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(made.run())
            made.send([text(HIGH + 1)])
            assert not made.writable
            await asyncio.sleep(29)
            peer.buffered = 0
            made.drained()
            made.drained()
            assert (made.writable, told) == (True, ["go on"])
            await asyncio.sleep(60)
            assert not running.done()
            made.close(1000)
        assert made.close_code == 1000

    run(scenario())


@pytest.mark.parametrize("before", [True, False])
def test_a_reader_that_stays_slow_is_hung_up(before: bool) -> None:
    async def scenario() -> None:
        peer = Peer()
        made = opened(peer, stall_s=30)
        peer.holds = True
        if before:
            made.send([text(HIGH + 1)])
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(made.run())
            await asyncio.sleep(0)
            made.send([text(HIGH + 1)])
        assert made.closing == (1008, "Too many events are unread; read faster.")
        assert made.close_code == 1008
        assert peer.closed_at == pytest.approx(30 + FAREWELL_S, abs=0.01)

    run(scenario())


def test_too_much_that_is_unread_ends_the_call_at_once() -> None:
    async def scenario() -> None:
        peer = Peer()
        made = opened(peer)
        peer.holds = True
        for _ in range(5):
            made.send([text(MAX_UNSENT_BYTES // 4)])
        assert made.closing is not None
        assert made.closing[0] == 1008
        assert len(peer.messages) == 4
        await made.run()

    run(scenario())


def test_a_channel_that_the_peer_closed_holds_nothing_up() -> None:
    peer = Peer()
    made = opened(peer)
    peer.holds = True
    made.send([text(HIGH + 1)])
    writable = [made.writable]
    peer.carries_text = False
    made.send([CLEARED])
    assert ([*writable, made.writable], made.closing) == ([False, True], None)


# --- what comes in ----------------------------------------------------------------------------------------


def test_messages_are_read_in_order_and_waited_for() -> None:
    async def scenario() -> None:
        made = opened(Peer())
        made.take("1")
        made.take("2")
        assert [await made.receive(), await made.receive()] == [
            {"type": "websocket.receive", "text": "1"},
            {"type": "websocket.receive", "text": "2"},
        ]
        async with asyncio.TaskGroup() as tasks:
            third = tasks.create_task(made.receive())
            await asyncio.sleep(5)
            assert not third.done()
            made.take("3")
        assert third.result()["text"] == "3"

    run(scenario())


def test_a_peer_that_sends_faster_than_it_is_read_is_hung_up() -> None:
    async def scenario() -> None:
        made = opened(Peer(), max_message_bytes=10_000)
        for _ in range(50):
            made.take("{}")
        assert made.closing == (1008, "Too many messages wait to be read; send more slowly.")

    run(scenario())


def test_what_was_read_makes_room() -> None:
    async def scenario() -> None:
        made = opened(Peer(), max_message_bytes=10_000)
        for _ in range(50):
            made.take("{}" * 1000)
            await made.receive()
        assert made.closing is None

    run(scenario())


# --- how it ends ------------------------------------------------------------------------------------------


def test_a_peer_that_hung_up_is_told_nothing_and_its_messages_are_read_to_the_end() -> None:
    async def scenario() -> None:
        peer = Peer()
        made = opened(peer)
        made.take("last")
        made.peer_gone(1000)
        made.peer_gone(1006)
        made.take("too late")
        made.send([CLEARED])
        made.close(1001)
        assert (made.close_code, made.closing, made.writable) == (1000, None, False)
        assert (await made.receive())["text"] == "last"
        assert await made.receive() == {"type": "websocket.disconnect", "code": 1000}
        await made.run()
        assert peer.closed_at == 0
        assert peer.messages == []

    run(scenario())


def test_who_waits_for_a_message_learns_that_the_peer_vanished() -> None:
    async def scenario() -> None:
        made = opened(Peer())
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(made.receive())
            await asyncio.sleep(1)
            made.peer_gone()
        assert waiting.result() == {"type": "websocket.disconnect", "code": 1006}

    run(scenario())


def test_the_last_messages_have_time_to_leave() -> None:
    async def scenario() -> None:
        peer = Peer()
        made = opened(peer)
        made.send([CLEARED])
        made.close(1001, "The server is shutting down.")
        made.close(1000)
        made.send([CLEARED])
        await made.run()
        assert made.closing == (1001, "The server is shutting down.")
        assert peer.types == ["input_audio_buffer.cleared"]
        assert peer.closed_at == pytest.approx(FAREWELL_S)

    run(scenario())


@pytest.mark.parametrize("reason", ["The upstream has gone.", ""])
def test_a_fault_is_told_in_an_event(reason: str) -> None:
    peer = Peer()
    opened(peer).close(1011, reason)
    error = peer.events[0]["error"]
    assert (error["type"], error["code"]) == ("server_error", "session_failed")
    assert error["message"] == (reason or "The session failed.")


def test_a_channel_that_never_opened_is_closed_at_once() -> None:
    async def scenario() -> None:
        peer = Peer()
        made = channel(peer)
        made.send([CREATED])
        made.close(1011, "It failed.")
        await made.run()
        assert (peer.messages, peer.closed_at) == ([], 0)

    run(scenario())
