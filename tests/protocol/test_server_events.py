import json

import pytest

from vivavoce.protocol import (
    SERVER_EVENT_TYPES,
    InputAudioBufferDtmfEventReceived,
    decode_server_event,
    encode_text,
)

TRANSCRIBED = (
    '{"type":"conversation.item.input_audio_transcription.completed","event_id":"event_1","item_id":"item_1",'
    '"content_index":0,"transcript":"Hello, my name is Marcelo.","usage":{"type":"duration","seconds":3.0}}'
)
SAMPLES = [
    '{"type":"conversation.item.added","event_id":"event_E6U0xwtCESQdF4Pu2JXAe","previous_item_id":"item_E6U0xpLmn5e80rVGpEeKv","item":{"type":"message","id":"item_E6U0xWSFIFri2uw2kTLLq","status":"in_progress","role":"assistant","content":[]}}',
    '{"type":"conversation.item.done","event_id":"event_1","previous_item_id":null,"item":{"type":"message","id":"item_1","status":"completed","role":"user","content":[{"type":"input_audio","transcript":null}]}}',
    '{"type":"input_audio_buffer.speech_started","event_id":"event_1","audio_start_ms":1460,"item_id":"item_1"}',
    '{"type":"input_audio_buffer.committed","event_id":"event_1","previous_item_id":null,"item_id":"item_1"}',
    TRANSCRIBED,
    '{"type":"rate_limits.updated","event_id":"event_1","rate_limits":[{"name":"tokens","limit":15000000,"remaining":14999371,"reset_seconds":0.002}]}',
    '{"type":"output_audio_buffer.started","event_id":"event_fd8cb17ab18a4a3f","response_id":"resp_1"}',
    '{"type":"error","event_id":"event_1","error":{"type":"invalid_request_error","message":"No.","code":"invalid_value","param":"session","event_id":"client_evt_1"}}',
    '{"type":"conversation.item.input_audio_transcription.failed","event_id":"event_1","item_id":"item_1","content_index":0,"error":{"type":"server_error","code":"DeploymentNotFound","message":"No.","param":null}}',
]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: json.loads(sample)["type"])
def test_frames_of_the_reference_server_round_trip_byte_for_byte(sample: str) -> None:
    assert encode_text(decode_server_event(sample)) == sample


def test_there_are_forty_six() -> None:
    assert len(SERVER_EVENT_TYPES) == 46


def test_all_but_the_key_press_must_have_an_id() -> None:
    without = [
        name for name, event in SERVER_EVENT_TYPES.items() if "event_id" not in event.__struct_fields__
    ]
    assert without == ["input_audio_buffer.dtmf_event_received"]
    press = InputAudioBufferDtmfEventReceived(event="#", received_at=1763200000)
    assert decode_server_event(encode_text(press)) == press
    with pytest.raises(TypeError, match="event_id"):
        SERVER_EVENT_TYPES["input_audio_buffer.cleared"]()  # type: ignore[call-arg]  # the test is that this fails
