from vivavoce.protocol import (
    CustomVoice,
    ItemReference,
    Response,
    ResponseCreate,
    Usage,
    client_event_from,
    present,
    to_builtins,
)


def test_a_new_response_writes_what_is_not_known_yet_as_null() -> None:
    assert to_builtins(Response(id="resp_1", status="in_progress")) == {
        "object": "realtime.response",
        "id": "resp_1",
        "status": "in_progress",
        "status_details": None,
        "output": (),
        "conversation_id": None,
        "usage": None,
        "metadata": None,
    }


def test_usage_is_zero_in_every_detail_by_default() -> None:
    zeros = {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0}
    assert to_builtins(Usage()) == {
        "total_tokens": 0,
        "input_tokens": 0,
        "output_tokens": 0,
        "input_token_details": {**zeros, "cached_tokens": 0, "cached_tokens_details": zeros},
        "output_token_details": {"text_tokens": 0, "audio_tokens": 0},
    }


def test_a_client_may_ask_for_an_answer_outside_the_conversation() -> None:
    event = client_event_from(
        {
            "type": "response.create",
            "response": {
                "conversation": "none",
                "input": [{"type": "item_reference", "id": "item_1"}],
                "audio": {"output": {"voice": {"id": "voice_1"}}},
                "metadata": {"topic": "weather"},
            },
        }
    )
    assert isinstance(event, ResponseCreate)
    params = present(event.response, None)
    assert params is not None
    assert params.input == [ItemReference(id="item_1")]
    assert to_builtins(event)["response"]["audio"]["output"]["voice"] == to_builtins(
        CustomVoice(id="voice_1")
    )
