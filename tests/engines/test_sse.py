"""Server-sent events out of a stream of bytes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.engines.sse import EventStream
from vivavoce.errors import EngineError

TEXT = b": hello\r\nevent: x\r\ndata: one\r\n\r\ndata:two\ndata: lines\n\nid: 1\n\ndata: \xc3\xa4\n\n"


@given(st.lists(st.integers(0, len(TEXT))))
def test_data_comes_whole_however_the_bytes_are_cut(cuts: list[int]) -> None:
    stream, places = EventStream(), sorted({0, *cuts, len(TEXT)})
    found = [d for a, b in pairwise(places) for d in stream.feed(TEXT[a:b])]
    assert found == ["one", "two\nlines", "ä"]


def test_the_last_event_may_lack_its_end() -> None:
    stream = EventStream()
    assert stream.feed(b"data: one") == []
    assert stream.finish() == ["one"]
    assert stream.finish() == []


def test_a_line_without_end_is_refused() -> None:
    with pytest.raises(EngineError, match="longer than"):
        EventStream().feed(b"x" * (4 * 1024 * 1024 + 1))
