import msgspec
import pytest

from vivavoce.protocol import UNSET, SessionUpdate, Transcription, present, replace, to_builtins
from vivavoce.protocol.base import Tagged


def test_absent_and_null_differ_on_the_wire() -> None:
    assert to_builtins(Transcription(model="m")) == {"model": "m"}
    assert to_builtins(Transcription(model="m", language=None)) == {"model": "m", "language": None}


def test_present_replaces_only_what_is_absent() -> None:
    assert present(UNSET, "fallback") == "fallback"
    assert present("value", "fallback") == "value"
    assert present(None, "fallback") is None
    assert present(0, 5) == 0


def test_the_wire_name_is_readable_on_class_and_instance_and_cannot_be_set() -> None:
    event = SessionUpdate(
        session=msgspec.convert({"type": "realtime"}, SessionUpdate.__annotations__["session"])
    )
    assert SessionUpdate.type == event.type == "session.update"
    with pytest.raises(AttributeError):
        event.type = "other"  # type: ignore[misc]  # the test is that this fails
    assert issubclass(SessionUpdate, Tagged)


def test_structs_are_immutable_and_replace_copies() -> None:
    old = Transcription(model="m", language="en")
    with pytest.raises(AttributeError):
        old.model = "n"  # type: ignore[misc]  # the test is that this fails
    assert replace(old, language=None) == Transcription(model="m", language=None)
    assert old.language == "en"


def test_repr_shows_only_what_is_present() -> None:
    assert repr(Transcription(model="m")) == "Transcription(model='m')"
