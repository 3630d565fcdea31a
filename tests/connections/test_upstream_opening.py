from __future__ import annotations

from vivavoce.connections.upstream_opening import (
    is_transcription,
    named_model,
    opening_patches,
    shown_expiry,
    shown_tools,
    without_identity,
    without_temperature,
)
from vivavoce.conversation.options import SessionOptions
from vivavoce.protocol import (
    AudioOutput,
    RealtimeSession,
    ResponseCreate,
    ResponseCreateParams,
    SessionAudio,
    SessionUpdate,
    TranscriptionSession,
)

UNTOUCHED = SessionOptions()


def test_an_operator_who_says_nothing_leaves_the_upstream_its_defaults() -> None:
    assert opening_patches(UNTOUCHED, None) == []


def test_the_operator_speaks_first_and_the_key_after() -> None:
    options = SessionOptions(instructions="Be brief.", voice="marin")
    key = RealtimeSession(id="sess_x", object="realtime.session", model="m", expires_at=0, instructions="No.")
    assert opening_patches(options, key) == [
        RealtimeSession(instructions="Be brief.", audio=SessionAudio(output=AudioOutput(voice="marin"))),
        RealtimeSession(instructions="No."),
    ]
    assert opening_patches(SessionOptions(voice="marin"), None) == [
        RealtimeSession(audio=SessionAudio(output=AudioOutput(voice="marin")))
    ]
    assert opening_patches(SessionOptions(instructions="Be brief."), None) == [
        RealtimeSession(instructions="Be brief.")
    ]


def test_a_transcription_has_neither_instructions_nor_a_voice() -> None:
    options = SessionOptions(instructions="Be brief.", transcription_only=True)
    assert opening_patches(options, None) == []
    key = TranscriptionSession(id="sess_x")
    assert opening_patches(SessionOptions(instructions="Be brief."), key) == [TranscriptionSession()]
    assert is_transcription(options, None)
    assert is_transcription(UNTOUCHED, key)
    assert not is_transcription(UNTOUCHED, RealtimeSession())


def test_the_model_is_the_clients_then_its_keys_then_the_operators() -> None:
    key = RealtimeSession(model="of-key")
    assert named_model(SessionOptions(model="asked"), key) == "asked"
    assert named_model(SessionOptions(model="mine", model_named=False), key) == "of-key"
    assert named_model(SessionOptions(model="mine", model_named=False), RealtimeSession()) == "mine"
    assert named_model(SessionOptions(model_named=False), None) is None


def test_what_only_a_server_sets_is_left_out() -> None:
    session = TranscriptionSession(
        id="sess_x", object="realtime.transcription_session", expires_at=5, include=None
    )
    assert without_identity(session) == TranscriptionSession(include=None)


def test_no_server_of_the_ga_api_is_asked_for_a_temperature() -> None:
    warm = RealtimeSession(temperature=0.8, instructions="No.")
    assert opening_patches(UNTOUCHED, warm) == [RealtimeSession(instructions="No.")]
    assert without_temperature(SessionUpdate(session=warm)) == SessionUpdate(
        session=RealtimeSession(instructions="No.")
    )
    asked = ResponseCreate(response=ResponseCreateParams(temperature=0.8, instructions="No."))
    assert without_temperature(asked) == ResponseCreate(response=ResponseCreateParams(instructions="No."))
    for event in (ResponseCreate(), SessionUpdate(session=TranscriptionSession())):
        assert without_temperature(event) == event


def test_the_session_ends_at_the_earlier_time() -> None:
    options = SessionOptions(created_at=1000, max_session_s=60.0)
    assert shown_expiry(1030, options) == 1030
    assert shown_expiry(5000, options) == 1060
    assert shown_expiry(0, options) == 1060
    assert shown_expiry(None, options) == 1060


def test_keys_of_mcp_servers_are_not_shown() -> None:
    mcp = {"type": "mcp", "server_label": "shop", "server_url": "https://me:pw@shop.example/mcp?key=1"}
    function = {"type": "function", "name": "f", "parameters": {}}
    assert shown_tools([{**mcp, "authorization": "sk", "headers": {"x": "y"}}, function, "odd"]) == [
        {**mcp, "server_url": "https://shop.example/mcp"},
        function,
        "odd",
    ]
    assert shown_tools([{"type": "mcp", "server_label": "shop"}]) == [{"type": "mcp", "server_label": "shop"}]
    assert shown_tools(None) is None
