from __future__ import annotations

import struct

import numpy as np

from vivavoce.cli.demo import picture
from vivavoce.cli.demo.picture import compose, draw
from vivavoce.cli.demo.timeline import Timeline
from vivavoce.lines import Tape


def tape(seconds: float) -> Tape:
    rate = 8000
    t = np.arange(int(seconds * rate)) / rate
    made = Tape(rate)
    human = np.sin(2 * np.pi * 200 * t) * 8000 * (t < seconds / 2)
    agent = np.sin(2 * np.pi * 300 * t) * 8000 * (t >= seconds / 2)
    made.record(human=human.astype("<i2").tobytes(), agent=agent.astype("<i2").tobytes())
    return made


def size_of(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def test_a_longer_call_is_a_wider_picture(timeline: Timeline) -> None:
    width, height = size_of(draw(tape(10.0), timeline, title="A call", subtitle="of ten seconds"))
    longer, same = size_of(
        draw(tape(40.0), Timeline(40.0, timeline.turns), title="A call", subtitle="of forty")
    )
    assert height == same == round(picture.HEIGHT * picture.DPI)
    assert longer > width


def test_every_turn_is_written_and_every_gap_measured(timeline: Timeline) -> None:
    figure = compose(tape(10.0), timeline, title="A call", subtitle="in short")
    written = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]
    text = "\n".join(entry.get_text() for entry in written)
    for words in (
        "A call",
        "in short",
        "which trains",
        "There are four …",
        "1000 ms",
        "500 ms",
        'find_trains(city="London")',
        "interrupted:\nsilent after 130 ms",
    ):
        assert words in text


def test_a_call_in_which_nothing_happened_is_drawn_too() -> None:
    assert size_of(draw(Tape(8000), Timeline(0.0, ()), title="", subtitle=""))
