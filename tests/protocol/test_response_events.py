import json

import pytest

from vivavoce.protocol import (
    ResponseMcpCallArgumentsDelta,
    ResponseOutputAudioDelta,
    decode_server_event,
    encode,
    encode_text,
    to_builtins,
)

SAMPLES = [
    '{"type":"response.created","event_id":"event_1","response":{"object":"realtime.response","id":"resp_1","status":"in_progress","status_details":null,"output":[],"conversation_id":"conv_1","output_modalities":["audio"],"max_output_tokens":"inf","audio":{"output":{"format":{"type":"audio/pcm","rate":24000},"voice":"alloy"}},"usage":null,"metadata":null}}',
    '{"type":"response.content_part.added","event_id":"event_1","response_id":"resp_1","item_id":"item_1","output_index":0,"content_index":0,"part":{"type":"audio","transcript":""}}',
    '{"type":"response.output_audio_transcript.delta","event_id":"event_1","response_id":"resp_1","item_id":"item_1","output_index":0,"content_index":0,"delta":"Hello","obfuscation":"kX1yigxefJb"}',
    '{"type":"response.function_call_arguments.done","event_id":"event_1","response_id":"resp_1","item_id":"item_1","output_index":0,"call_id":"call_uMNE0Myi2tDTPu0w","name":"get_weather","arguments":"{\\"city\\":\\"London\\"}"}',
]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: json.loads(sample)["type"])
def test_frames_of_the_reference_server_round_trip_byte_for_byte(sample: str) -> None:
    assert encode_text(decode_server_event(sample)) == sample


def test_an_audio_delta_is_bytes_here_and_base64_on_the_wire() -> None:
    event = ResponseOutputAudioDelta(
        event_id="event_1",
        response_id="resp_1",
        item_id="item_1",
        output_index=0,
        content_index=0,
        delta=b"\0\1",
    )
    assert to_builtins(event)["delta"] == "AAE="
    assert decode_server_event(encode(event)) == event


def test_mcp_argument_deltas_always_carry_obfuscation() -> None:
    event = ResponseMcpCallArgumentsDelta(
        event_id="event_1", response_id="resp_1", item_id="item_1", output_index=0, delta="{"
    )
    assert to_builtins(event)["obfuscation"] == ""
