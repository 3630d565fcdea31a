"""Bytes in, milliseconds out."""

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.conversation.input_buffer import InputBuffer
from vivavoce.protocol import AudioFormat, PcmaFormat, PcmFormat, PcmuFormat

FORMATS: list[AudioFormat] = [PcmFormat(), PcmuFormat(), PcmaFormat()]


def filled(ms: int = 100) -> InputBuffer:
    buffer = InputBuffer(PcmFormat(), 60_000)
    buffer.append(b"".join(bytes([index % 256]) * 48 for index in range(ms)))
    return buffer


def test_positions_count_from_the_start_of_the_session() -> None:
    buffer = filled()
    assert (buffer.start, buffer.end, buffer.duration_ms) == (0, 100, 100)
    buffer.drop_before(40)
    assert (buffer.start, buffer.end, buffer.duration_ms) == (40, 100, 60)
    buffer.clear()
    assert (buffer.start, buffer.end, buffer.duration_ms) == (100, 100, 0)


def test_reading_leaves_and_taking_drops() -> None:
    buffer = filled()
    buffer.drop_before(10)
    assert buffer.read(20, 22) == b"\x14" * 48 + b"\x15" * 48
    assert buffer.read(0, 11) == b"\x0a" * 48
    assert buffer.read(99, 200) == b"\x63" * 48
    assert buffer.take(11) == b"\x0a" * 48
    assert buffer.start == 11


def test_it_forgets_in_strides() -> None:
    buffer = filled(3000)
    buffer.forget_before(1000)
    assert buffer.start == 0
    buffer.forget_before(1001)
    assert buffer.start == 1001


def test_it_has_a_bound() -> None:
    buffer = InputBuffer(PcmuFormat(), 100)
    assert buffer.has_room_for(bytes(800))
    assert not buffer.has_room_for(bytes(801))
    buffer.append(bytes(400))
    assert not buffer.has_room_for(bytes(401))


def test_another_format_begins_anew_where_the_first_ended() -> None:
    buffer = filled()
    buffer.change_format(PcmuFormat())
    assert (buffer.fmt, buffer.start, buffer.end) == (PcmuFormat(), 100, 100)
    buffer.append(bytes(80))
    assert buffer.end == 110


STEPS = st.lists(
    st.one_of(
        st.integers(0, 5000).map(lambda size: ("append", size)),
        st.floats(0, 300).map(lambda ms: ("drop", ms)),
        st.floats(0, 300).map(lambda ms: ("take", ms)),
        st.sampled_from(FORMATS).map(lambda fmt: ("format", fmt)),
    ),
    max_size=30,
)


@given(STEPS)
def test_positions_never_run_backwards_and_samples_stay_whole(steps: list[tuple[str, object]]) -> None:
    buffer = InputBuffer(PcmFormat(), 60_000)
    for step, value in steps:
        start, end = buffer.start, buffer.end
        if isinstance(value, int):
            buffer.append(bytes(value * buffer.fmt.bytes_per_sample))
        elif isinstance(value, float):
            if step == "drop":
                buffer.drop_before(buffer.start + value)
            else:
                assert len(buffer.take(buffer.start + value)) % buffer.fmt.bytes_per_sample == 0
        else:
            assert isinstance(value, PcmFormat | PcmuFormat | PcmaFormat)
            buffer.change_format(value)
        assert buffer.start >= start
        assert buffer.end >= end
        assert buffer.end - buffer.start - buffer.duration_ms < 1e-6
