from __future__ import annotations

import logging
import threading
from typing import Any

import pytest

from vivavoce.observe import writer as module_writer
from vivavoce.observe.writer import WriterThread

PATIENCE_S = 10.0


class Slow:
    """Work that waits until it may go on."""

    def __init__(self, *, fails: bool = False) -> None:
        self.may = threading.Event()
        self.busy = threading.Event()
        self.fails = fails
        self.done: list[Any] = []
        self.finished = 0

    def do(self, entries: list[Any]) -> None:
        self.busy.set()
        assert self.may.wait(PATIENCE_S)
        if self.fails:
            raise OSError("disk full")
        self.done += [entry[0] for entry in entries]

    def finish(self) -> None:
        self.finished += 1


def test_everything_is_done_in_order_and_then_finished() -> None:
    work = Slow()
    work.may.set()
    writer = WriterThread(work, "w")
    for number in range(100):
        writer.put((number,))
    writer.end(("last",))
    writer.end(("never",))
    writer.put(("too late",))
    assert writer.join(PATIENCE_S)
    assert work.done == [*range(100), "last"]
    assert work.finished == 1


def test_a_slow_disk_costs_audio_first_and_then_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_writer, "ENTRIES", 8)
    work = Slow()
    writer = WriterThread(work, "w")
    writer.put(("first",))
    assert work.busy.wait(PATIENCE_S)  # taken off the queue, which is empty now
    for number in range(10):
        writer.put((f"audio {number}",), audio=100)
    assert writer.dropped_audio == 4
    for number in range(10):
        writer.put((f"event {number}",))
    assert (writer.dropped_audio, writer.dropped_events) == (4, 8)
    writer.end(("end",))
    work.may.set()
    assert writer.join(PATIENCE_S)
    assert work.done == [
        "first",
        *(f"audio {number}" for number in range(6)),
        "event 0",
        "event 1",
        "end",
    ]


def test_waiting_audio_is_bounded_by_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_writer, "AUDIO_BYTES", 1000)
    work = Slow()
    writer = WriterThread(work, "w")
    writer.put(("first",))
    assert work.busy.wait(PATIENCE_S)
    writer.put(("a",), audio=900)
    writer.put(("b",), audio=200)
    writer.put(("c",), audio=100)
    writer.end()
    work.may.set()
    assert writer.join(PATIENCE_S)
    assert work.done == ["first", "a", "c"]
    assert writer.dropped_audio == 1


def test_a_failure_ends_the_work_and_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    work = Slow(fails=True)
    writer = WriterThread(work, "w")
    writer.put(("first",))
    work.may.set()
    assert writer.join(PATIENCE_S)
    writer.put(("second",))
    writer.end(("end",))
    assert isinstance(writer.error, OSError)
    assert work.finished == 1
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == [
        "Writing failed; the rest is not kept"
    ]


def test_one_that_takes_too_long_is_not_waited_for() -> None:
    work = Slow()
    writer = WriterThread(work, "w")
    writer.end(("end",))
    assert not writer.join(0.0)
    work.may.set()
    assert writer.join(PATIENCE_S)


def test_the_end_of_the_program_finishes_what_nobody_ended() -> None:
    work = Slow()
    work.may.set()
    writer = WriterThread(work, "w")
    writer.put(("first",))
    module_writer._finish_all()
    assert work.done == ["first"]
    assert work.finished == 1
