import json
from typing import Any

import pytest

from vivavoce.protocol import (
    UNSET,
    AudioInput,
    RealtimeSession,
    ServerVad,
    SessionAudio,
    decode_server_event,
    encode_text,
    session_from,
    to_builtins,
)

SESSION_OF_GPT_REALTIME = """
{"type":"realtime","object":"realtime.session","id":"sess_1","model":"gpt-realtime","output_modalities":["audio"],
 "instructions":"Your knowledge cutoff is 2023-10. You are a helpful, witty, and friendly AI.",
 "tools":[],"tool_choice":"auto","max_output_tokens":"inf","tracing":null,"truncation":"auto","prompt":null,
 "expires_at":1785217650,"audio":{"input":{"format":{"type":"audio/pcm","rate":24000},"transcription":null,
 "noise_reduction":null,"turn_detection":{"type":"server_vad","threshold":0.5,"prefix_padding_ms":300,
 "silence_duration_ms":200,"idle_timeout_ms":null,"create_response":true,"interrupt_response":true}},
 "output":{"format":{"type":"audio/pcm","rate":24000},"voice":"alloy","speed":1.0}},"include":null}
"""


def test_the_session_of_the_reference_server_round_trips_in_its_order() -> None:
    session = json.loads(SESSION_OF_GPT_REALTIME)
    frame = json.dumps({"type": "session.created", "event_id": "event_1", "session": session})
    event = decode_server_event(frame)
    assert json.loads(encode_text(event)) == json.loads(frame)
    assert list(to_builtins(event)["session"]) == list(session)
    assert to_builtins(session_from(session)) == session


def test_turning_detection_off_differs_from_not_mentioning_it() -> None:
    off = session_from({"type": "realtime", "audio": {"input": {"turn_detection": None}}})
    kept = session_from({"type": "realtime", "audio": {"input": {}}})
    assert off == RealtimeSession(audio=SessionAudio(input=AudioInput(turn_detection=None)))
    assert kept == RealtimeSession(audio=SessionAudio(input=AudioInput(turn_detection=UNSET)))


@pytest.mark.parametrize(
    "session",
    [
        {
            "type": "transcription",
            "object": "realtime.transcription_session",
            "id": "sess_1",
            "expires_at": 1,
        },
        {
            "type": "transcription",
            "audio": {"input": {"transcription": {"model": "whisper-1"}}},
            "include": None,
        },
        {"type": "realtime", "truncation": {"type": "retention_ratio", "retention_ratio": 0.8}},
        {"type": "realtime", "audio": {"output": {"voice": {"id": "voice_1"}}}},
        {"type": "realtime", "tracing": {"workflow_name": "w", "metadata": {"deep": [{"er": None}]}}},
        {
            "type": "realtime",
            "prompt": {"id": "p", "variables": {"city": {"type": "input_text", "text": "Oslo"}}},
        },
        {"type": "realtime", "reasoning": {"effort": "xhigh"}, "parallel_tool_calls": False},
        {"type": "realtime", "audio": {"input": {"noise_reduction": {"strength": 0.5}}}},
        {"type": "realtime", "output_modalities": ["text", "audio"]},
    ],
)
def test_partial_sessions_keep_their_form(session: dict[str, Any]) -> None:
    assert to_builtins(session_from(session)) == session


def test_servers_may_have_wider_limits_than_clients_may_ask_for() -> None:
    wide = {"type": "server_vad", "threshold": 2.0, "idle_timeout_ms": 60000}
    frame = {"type": "realtime", "audio": {"input": {"turn_detection": wide}}, "max_output_tokens": 100000}
    event = decode_server_event(json.dumps({"type": "session.updated", "event_id": "e", "session": frame}))
    assert to_builtins(event)["session"] == frame
    assert ServerVad(threshold=0.5).type == "server_vad"
