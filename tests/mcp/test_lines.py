from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.mcp.lines import LineSplitter


@given(st.lists(st.binary(max_size=20)), st.lists(st.integers(0, 200)))
def test_lines_come_out_whole_however_they_arrive(lines: list[bytes], cuts: list[int]) -> None:
    wanted = [line.replace(b"\n", b"").replace(b"\r", b"") for line in lines]
    stream = b"".join(line + b"\r\n" for line in wanted) + b"the rest"
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    splitter = LineSplitter(100)
    assert [line for start, end in pairwise(places) for line in splitter.feed(stream[start:end])] == wanted


@given(st.integers(0, 30), st.integers(1, 10))
def test_a_line_that_is_too_long_is_dropped_whole(length: int, step: int) -> None:
    stream = b"a\n" + b"x" * length + b"\nb\n"
    splitter = LineSplitter(10)
    came = [line for at in range(0, len(stream), step) for line in splitter.feed(stream[at : at + step])]
    assert came == ([b"a", b"x" * length, b"b"] if length <= 10 else [b"a", b"b"])


def test_a_line_without_end_is_not_kept(caplog: pytest.LogCaptureFixture) -> None:
    splitter = LineSplitter(10)
    for _ in range(1000):
        assert splitter.feed(b"xxx") == []
    assert sum(map(len, splitter._parts)) == 0
    assert [record.message for record in caplog.records] == ["A line is too long: it is dropped"]
