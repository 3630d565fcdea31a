from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import CLIENT_EVENT_TYPES, ConversationItemAdded, InputAudioBufferAppend, shapes
from vivavoce.protocol.codec import client_event_from, to_builtins


def check(value: Any, annotation: Any, path: str = "") -> None:
    shapes.check(value, shapes.type_of(annotation), path)


@given(st.text("YQ=+/- é\n", max_size=9))
def test_base64_is_judged_as_the_decoder_judges_it(text: str) -> None:
    def accepts() -> bool:
        try:
            msgspec.convert(text, bytes)
        except msgspec.ValidationError:
            return False
        return True

    if accepts():
        check(text, bytes, "audio")
    else:
        with pytest.raises(RemoteProtocolError):
            check(text, bytes, "audio")


def test_the_first_wrong_thing_is_reported() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        check({"type": "input_audio_buffer.append", "audio": 5, "colour": "red"}, InputAudioBufferAppend)
    assert (caught.value.code, caught.value.param) == ("unknown_parameter", "colour")


def test_a_choice_names_what_is_supported() -> None:
    with pytest.raises(RemoteProtocolError, match=r"^Invalid value: 'b'\. Supported values are: 'a', 1\.$"):
        shapes.refuse_choice("b", ["a", 1], "letter")


def test_null_members_stay_where_they_mean_something() -> None:
    event = shapes.type_of(ConversationItemAdded)
    raw = {"type": "conversation.item.added", "previous_item_id": None, "event_id": None, "extra": None}
    assert shapes.without_stray_nulls(raw, event) == {
        "type": "conversation.item.added",
        "previous_item_id": None,
        "extra": None,
    }
    assert shapes.without_stray_nulls("text", event) == "text"


def test_null_is_taken_for_a_field_that_is_left_out() -> None:
    raw = {"type": "response.create", "response": {"instructions": None, "tools": None, "metadata": None}}
    assert to_builtins(client_event_from(raw))["response"] == {"metadata": None}
    item = {"type": "message", "id": None, "role": "user", "content": [{"type": "input_text", "text": None}]}
    with pytest.raises(RemoteProtocolError) as caught:
        client_event_from({"type": "conversation.item.create", "item": item})
    assert (caught.value.code, caught.value.param) == ("invalid_type", "item.content[0].text")


def test_every_client_event_can_be_described() -> None:
    for name, event in CLIENT_EVENT_TYPES.items():
        with pytest.raises(RemoteProtocolError) as caught:
            check({"type": name, "no such field": 1}, event)
        assert caught.value.param == "no such field"
