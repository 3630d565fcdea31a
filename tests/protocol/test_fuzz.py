"""Noise and damage: the decoders answer with an event or with the one promised exception."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import decode_client_event, decode_server_event, encode

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.just("type"), inner, max_size=3)
    ),
    max_leaves=8,
)


def refusal(decode: Callable[[str | bytes], Any], data: str | bytes) -> RemoteProtocolError | None:
    """Decode and encode again; any exception but the promised one fails the test."""
    try:
        encode(decode(data))
    except RemoteProtocolError as error:
        return error
    return None


def survives(data: str | bytes) -> None:
    for decode in (decode_client_event, decode_server_event):
        error = refusal(decode, data)
        assert error is None or error.code
    # The decoder's own words would mean that the check missed something.
    error = refusal(decode_client_event, data)
    assert error is None or error.code == "invalid_json" or " - at `$" not in error.message


@settings(deadline=None, database=None)
@given(st.text() | st.binary() | JSON.map(json.dumps))
def test_nothing_but_a_protocol_error_ever_comes_out_of_noise(data: str | bytes) -> None:
    survives(data)


SEEDS: list[dict[str, Any]] = [
    {
        "type": "session.update",
        "session": {
            "type": "realtime",
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm"},
                    "noise_reduction": None,
                    "transcription": {"model": "m", "delay": "low"},
                    "turn_detection": {"type": "server_vad", "threshold": 0.5, "idle_timeout_ms": 6000},
                }
            },
            "tools": [{"type": "mcp", "server_label": "l", "allowed_tools": ["a"]}],
            "tool_choice": {"type": "function", "name": "f"},
        },
    },
    {
        "type": "conversation.item.create",
        "item": {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_audio", "audio": "YWI=", "transcript": None}],
        },
    },
    {
        "type": "conversation.item.create",
        "item": {
            "type": "mcp_call",
            "id": "a",
            "server_label": "b",
            "name": "c",
            "arguments": "{}",
            "error": {"type": "http_error", "code": 1, "message": "m"},
        },
    },
    {
        "type": "response.create",
        "response": {
            "metadata": {"a": "b"},
            "max_output_tokens": "inf",
            "input": [{"type": "item_reference", "id": "a"}],
        },
    },
    {"type": "conversation.item.truncate", "item_id": "a", "content_index": 0, "audio_end_ms": 100},
    {
        "type": "response.output_item.added",
        "event_id": "e",
        "response_id": "r",
        "output_index": 0,
        "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "t"}]},
    },
]


def places(value: Any) -> list[tuple[Any, ...]]:
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [(), *((key, *rest) for key, member in members for rest in places(member))]


def planted(value: Any, place: tuple[Any, ...], other: Any) -> Any:
    if not place:
        return other
    copy = value.copy()
    copy[place[0]] = planted(value[place[0]], place[1:], other)
    return copy


@settings(max_examples=400, deadline=None, database=None)
@given(
    st.sampled_from(SEEDS).flatmap(lambda seed: st.tuples(st.just(seed), st.sampled_from(places(seed)), JSON))
)
def test_nothing_but_a_protocol_error_comes_out_of_damaged_events(
    damage: tuple[Any, tuple[Any, ...], Any],
) -> None:
    survives(json.dumps(planted(*damage)))
