"""The exceptions form one tree, the tree that the module draws; and they carry what their readers need."""

from __future__ import annotations

import inspect
import re

import pytest

from vivavoce import errors
from vivavoce.errors import MissingExtraError, RemoteProtocolError, VivavoceError


def descendants(cls: type[Exception], depth: int = 1) -> list[tuple[int, str]]:
    """Every exception of the module below a class, with its depth in the tree."""
    found: list[tuple[int, str]] = []
    for child in cls.__subclasses__():
        if child.__module__ == errors.__name__:
            found += [(depth, child.__name__), *descendants(child, depth + 1)]
    return found


def test_the_docstring_draws_the_tree_as_it_is() -> None:
    branches = re.findall(r"^([│ ]*[├└]── )(\w+)", errors.__doc__ or "", re.MULTILINE)
    shown = [(len(branch) // 4, name) for branch, name in branches]
    assert sorted(shown) == sorted(descendants(VivavoceError))


def test_every_exception_of_the_module_is_in_the_tree() -> None:
    classes = [cls for _, cls in inspect.getmembers(errors, inspect.isclass)]
    assert classes
    assert all(issubclass(cls, VivavoceError) for cls in classes)


def test_a_missing_extra_says_how_to_get_it() -> None:
    error = MissingExtraError("local", "the Silero voice activity detector")
    assert str(error) == "the Silero voice activity detector needs an extra: pip install 'vivavoce[local]'"
    assert error.extra == "local"


def test_a_peers_mistake_carries_what_an_error_event_needs() -> None:
    error = RemoteProtocolError(
        "no such voice", code="invalid_value", param="session.voice", event_id="event_1"
    )
    assert str(error) == error.message == "no such voice"
    assert (error.code, error.param, error.event_id) == ("invalid_value", "session.voice", "event_1")
    assert error.kind == "invalid_request_error"
    assert RemoteProtocolError("slower", code="busy", kind="rate_limit_error").kind == "rate_limit_error"
    with pytest.raises(TypeError, match="code"):
        RemoteProtocolError("no code")  # type: ignore[call-arg]  # the mistake under test
