import re

from vivavoce.protocol import (
    CLIENT_EVENT_TYPES,
    SERVER_EVENT_TYPES,
    InputAudioBufferAppend,
    decode_client_event,
    encode,
)


def test_an_event_class_is_named_after_its_wire_type() -> None:
    for name, event in {**CLIENT_EVENT_TYPES, **SERVER_EVENT_TYPES}.items():
        camel = "".join(word.capitalize() for word in re.split(r"[._]", name))
        assert event.__name__ == ("ErrorEvent" if name == "error" else camel)
        assert event.type == name


def test_there_are_eleven() -> None:
    assert len(CLIENT_EVENT_TYPES) == 11


def test_audio_is_bytes_here_and_base64_on_the_wire() -> None:
    event = InputAudioBufferAppend(audio=b"\x00\x01\xff")
    assert encode(event) == b'{"type":"input_audio_buffer.append","audio":"AAH/"}'
    assert decode_client_event(encode(event)) == event
