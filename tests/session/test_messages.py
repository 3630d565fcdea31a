from __future__ import annotations

from typing import Any

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.protocol import InputImage, InputText, MessageItem
from vivavoce.session.messages import PIECE_BYTES, audio_pieces, merged, user_message


@pytest.mark.parametrize(
    ("message", "content"),
    [
        ("hello", (InputText(text="hello"),)),
        ("half an emoji: \ud83d", (InputText(text="half an emoji: ?"),)),
        ({"content": [{"type": "input_text", "text": "hello"}]}, [InputText(text="hello")]),
        (
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_image", "image_url": "data:,", "detail": "low"}],
            },
            [InputImage(image_url="data:,", detail="low")],
        ),
    ],
)
def test_what_a_user_may_say(message: Any, content: Any) -> None:
    item = user_message(message)
    assert isinstance(item, MessageItem)
    assert (item.role, list(item.content)) == ("user", list(content))


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (3, "a message is a text or a dictionary, got 3"),
        ({"content": "hello"}, "the message is not accepted: "),
        ({"type": "function_call", "name": "x", "arguments": "{}"}, "the message is not accepted: "),
    ],
)
def test_what_is_no_message(message: Any, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        user_message(message)
    assert complaint in str(caught.value)


def test_audio_is_sent_in_pieces_that_tear_no_sample() -> None:
    audio = bytes(PIECE_BYTES * 2 + 10)
    assert [len(piece) for piece in audio_pieces(audio)] == [PIECE_BYTES, PIECE_BYTES, 10]
    assert audio_pieces(memoryview(b"ab")) == [b"ab"]  # type: ignore[arg-type]  # accepted, if not advertised
    assert audio_pieces(b"") == []
    assert PIECE_BYTES % 2 == 0


def test_audio_must_be_bytes() -> None:
    with pytest.raises(ConfigurationError, match="audio must be bytes, got list"):
        audio_pieces([1, 2])  # type: ignore[arg-type]  # the mistake under test


def test_other_data_becomes_part_of_a_client_message() -> None:
    raw = {"type": "response.create", "other_data": {"response": {"metadata": {"k": "v"}}}}
    assert merged(raw) == {"type": "response.create", "response": {"metadata": {"k": "v"}}}
    assert merged({"type": "response.cancel", "other_data": 3}) == {"type": "response.cancel"}
