from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.protocol import Item
from vivavoce.session import streams
from vivavoce.session.events import (
    AudioChunk,
    RealtimeAudio,
    RealtimeAudioEnd,
    RealtimeError,
    RealtimeHistoryUpdated,
)
from vivavoce.session.streams import EventStream, EventStreams
from vivavoce.testing import run


def audio(size: int, item: str = "a") -> RealtimeAudio:
    return RealtimeAudio(AudioChunk(bytes(size), "r", item, 0), item, 0)


def end(item: str) -> RealtimeAudioEnd:
    return RealtimeAudioEnd(item, 0)


async def rest(stream: EventStream) -> list[Any]:
    stream.end()
    return [event async for event in stream]


def test_a_reader_gets_events_in_order_and_waits_for_more() -> None:
    async def main() -> None:
        stream = EventStream()
        stream.put(end("1"))
        asyncio.get_running_loop().call_later(1, stream.put, end("2"))
        assert [await anext(stream), await anext(stream)] == [end("1"), end("2")]
        asyncio.get_running_loop().call_later(1, stream.end)
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        stream.put(end("3"))
        assert len(stream) == 0

    run(main())


def test_unread_audio_is_dropped_oldest_first_and_nothing_else_is() -> None:
    stream = EventStream(audio_bytes=100)
    for number in range(10):
        stream.put(audio(40, str(number)))
        stream.put(end(str(number)))
    read = run(rest(stream))
    assert [event.item_id for event in read if event.type == "audio"] == ["8", "9"]
    assert [event.item_id for event in read if event.type == "audio_end"] == [
        str(number) for number in range(10)
    ]
    assert (stream.dropped_audio_bytes, stream.dropped_events) == (320, 0)


def test_one_chunk_larger_than_the_bound_still_gets_through() -> None:
    stream = EventStream(audio_bytes=10)
    stream.put(audio(40))
    assert len(run(rest(stream))) == 1


def test_audio_that_nobody_reads_takes_no_room() -> None:
    stream = EventStream(audio_bytes=100)
    for _ in range(streams.EVENTS * 3):
        stream.put(audio(50))
    assert len(stream) == 2
    assert len(stream._slots) <= streams.EVENTS + 3


def test_unread_history_updates_fall_together() -> None:
    history: list[Item] = []
    stream = EventStream()
    for _ in range(5):
        stream.put(RealtimeHistoryUpdated(lambda: history))

    async def main() -> None:
        event = await anext(stream)
        assert isinstance(event, RealtimeHistoryUpdated)
        assert event.history is history
        assert len(stream) == 0
        stream.put(RealtimeHistoryUpdated(lambda: history))
        assert len(stream) == 1

    run(main())


def test_everything_is_bounded(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(streams, "EVENTS", 3)
    stream = EventStream()
    stream.put(audio(10))
    stream.put(RealtimeHistoryUpdated(list))
    for number in range(5):
        stream.put(end(str(number)))
    stream.put(RealtimeHistoryUpdated(list))
    read = run(rest(stream))
    assert [event.type for event in read] == ["audio", "audio_end", "audio_end", "history_updated"]
    assert stream.dropped_events == 4
    assert caplog.text.count("too slow") == 1


def test_a_reader_may_ask_for_some_types_only() -> None:
    stream = EventStream(frozenset({"audio_end"}))
    stream.put(audio(4))
    stream.put(end("1"))
    assert run(rest(stream)) == [end("1")]


async def loop(everybody: EventStreams, most: int = 10_000) -> list[Any]:
    """Run one ``async for``, and break out of it after `most` events."""
    read: list[Any] = []
    async for event in everybody.iterate():
        read.append(event)
        if len(read) == most:
            break
    return read


def items(events: list[Any]) -> list[str]:
    return [event.item_id for event in events]


def test_one_loop_after_another_goes_on_where_the_last_one_stopped() -> None:
    async def main() -> None:
        everybody = EventStreams()
        for number in range(4):
            everybody.publish(end(str(number)))
        assert items(await loop(everybody, 2)) == ["0", "1"]
        everybody.publish(end("4"))
        everybody.end()
        assert items(await loop(everybody)) == ["2", "3", "4"]
        assert await loop(everybody) == []

    run(main())


def test_loops_side_by_side_each_get_every_event() -> None:
    async def main() -> None:
        everybody = EventStreams()
        everybody.publish(end("0"))
        loops = [asyncio.ensure_future(loop(everybody)) for _ in range(3)]
        await asyncio.sleep(0.1)
        everybody.publish(end("1"))
        everybody.end()
        assert [items(events) for events in await asyncio.gather(*loops)] == [["0", "1"]] * 3

    run(main())


def test_a_second_loop_that_comes_late_begins_where_the_session_is() -> None:
    async def main() -> None:
        everybody = EventStreams()
        first = asyncio.ensure_future(loop(everybody))
        await asyncio.sleep(0.1)
        for number in range(streams.OPENING_EVENTS + 1):
            everybody.publish(end(str(number)))
        second = asyncio.ensure_future(loop(everybody))
        await asyncio.sleep(0.1)
        everybody.publish(end("last"))
        everybody.end()
        assert len(await first) == streams.OPENING_EVENTS + 2
        assert items(await second) == ["last"]

    run(main())


def test_a_first_loop_gets_the_past_however_late_it_comes() -> None:
    everybody = EventStreams()
    for number in range(streams.OPENING_EVENTS + 10):
        everybody.publish(end(str(number)))
    everybody.end()
    assert len(run(loop(everybody))) == streams.OPENING_EVENTS + 10


def test_a_reader_of_ones_own_gets_what_happens_from_now_on() -> None:
    everybody = EventStreams()
    everybody.publish(end("0"))
    everything, some = everybody.open(), everybody.open(frozenset({"audio"}))
    everybody.publish(end("1"))
    everybody.end()
    assert items(run(rest(everything))) == ["1"]
    assert run(rest(some)) == []
    assert run(rest(everybody.open())) == []


def test_a_reader_that_nobody_holds_is_forgotten() -> None:
    everybody = EventStreams()
    reader = everybody.open()
    assert len(everybody._others) == 1
    del reader
    assert len(everybody._others) == 0


def test_audio_that_waits_for_a_first_reader_is_bounded_more_tightly() -> None:
    async def main() -> None:
        everybody = EventStreams()
        chunk = streams.OPENING_AUDIO_BYTES // 2 + 1
        for number in range(4):
            everybody.publish(audio(chunk, str(number)))
        assert items(await loop(everybody, 1)) == ["3"]
        for number in range(4):
            everybody.publish(audio(chunk, str(number)))
        everybody.end()
        assert items(await loop(everybody)) == ["0", "1", "2", "3"]

    run(main())


def test_callbacks_plain_and_async_are_called_in_order_until_they_are_ended() -> None:
    heard: list[Any] = []

    async def slow(event: Any) -> None:
        await asyncio.sleep(1)
        heard.append(("slow", event.item_id))

    async def main() -> None:
        everybody = EventStreams()
        off = everybody.on(
            "audio_end", lambda event: heard.append(("quick", event.item_id)), lambda _error: None
        )
        everybody.on("audio_end", slow, lambda _error: None)
        everybody.publish(audio(4))
        everybody.publish(end("1"))
        everybody.publish(end("2"))
        await asyncio.sleep(1.5)
        off()
        off()
        everybody.publish(end("3"))
        await asyncio.sleep(5)
        await everybody.aclose()

    run(main())
    assert heard == [("quick", "1"), ("quick", "2"), ("slow", "1"), ("slow", "2"), ("slow", "3")]


def test_callbacks_take_their_last_events_when_the_session_ends_but_do_not_hold_it_up() -> None:
    heard: list[str] = []

    async def brief(event: Any) -> None:
        await asyncio.sleep(0.01)
        heard.append(event.item_id)

    async def endless(_event: Any) -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        everybody = EventStreams()
        everybody.on("audio_end", brief, lambda _error: None)
        everybody.on("audio_end", endless, lambda _error: None)
        for number in range(3):
            everybody.publish(end(str(number)))
        await everybody.aclose()
        assert asyncio.get_running_loop().time() < 0.3
        assert heard == ["0", "1", "2"]
        everybody.on("audio_end", brief, lambda _error: None)
        await everybody.aclose()

    run(main())


def test_a_callback_that_raises_is_reported_and_called_again() -> None:
    failures: list[str] = []

    def broken(event: Any) -> None:
        raise ValueError(event.item_id)

    async def main() -> None:
        everybody = EventStreams()
        everybody.on("audio_end", broken, lambda error: failures.append(str(error)))
        everybody.publish(end("1"))
        everybody.publish(end("2"))
        await asyncio.sleep(0.1)
        await everybody.aclose()

    run(main())
    assert failures == ["1", "2"]


@pytest.mark.parametrize(
    ("name", "callback", "complaint"),
    [
        ("audoi", print, r"there is no event 'audoi'; did you mean 'audio'\? there are: agent_start"),
        ("xyz", print, "there is no event 'xyz'; there are: agent_start"),
        ("audio", 3, "must be a function, got 3"),
    ],
)
def test_a_callback_for_nothing_is_refused(name: str, callback: Any, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        EventStreams().on(name, callback, lambda _error: None)


def test_wire_names_that_are_not_known_yet_can_be_heard() -> None:
    async def main() -> None:
        everybody = EventStreams()
        off: Callable[[], None] = everybody.on("brand.new", print, lambda _error: None)
        off()
        everybody.publish(RealtimeError("x"))
        await everybody.aclose()

    run(main())


def test_a_callback_may_be_named_as_in_the_javascript_sdk() -> None:
    async def main() -> None:
        streams = EventStreams()
        heard: list[Any] = []
        streams.on("audio_stopped", heard.append, lambda _: None)
        event = RealtimeAudioEnd("item", 0)
        streams.publish(event)
        await streams.aclose()
        assert heard == [event]

    run(main())


def test_a_reader_of_nothing_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match="there is no event 'tool_started'; did you mean 'tool_start'"
    ):
        EventStreams().open(frozenset({"audio", "tool_started"}))


def test_a_reader_may_wait_for_what_only_a_vendor_knows() -> None:
    async def main() -> None:
        streams = EventStreams()
        stream = streams.open(frozenset({"over", "their.event"}))
        event: Any = SimpleNamespace(type="over")
        streams.publish(event)
        assert await anext(stream) is event
        await streams.aclose()

    run(main())


def test_a_reader_may_use_the_names_of_the_javascript_sdk() -> None:
    async def main() -> None:
        streams = EventStreams()
        stream = streams.open(frozenset({"audio_stopped"}))
        event = RealtimeAudioEnd("item", 0)
        streams.publish(event)
        assert await anext(stream) is event
        await streams.aclose()

    run(main())
