"""One session in numbers."""

from __future__ import annotations

from typing import Any

from vivavoce.protocol.codec import server_event_from
from vivavoce.server.tally import Tally


def done(**response: Any) -> dict[str, Any]:
    whole = {"object": "realtime.response", "id": "r", "status": "completed", "output": [], **response}
    return {"type": "response.done", "event_id": "e", "response": whole}


def test_a_session_that_said_nothing_is_empty() -> None:
    assert Tally(10.0).summary(12.04) == {
        "seconds": 2.0,
        "turns": 0,
        "responses": 0,
        "errors": 0,
        "input_tokens": 0,
        "output_tokens": 0,
    }


def test_turns_responses_errors_and_tokens_add_up() -> None:
    tally = Tally(0.0)
    usage = {"total_tokens": 7, "input_tokens": 5, "output_tokens": 2}
    error = {"type": "invalid_request_error", "message": "no"}
    for event in (
        {
            "type": "input_audio_buffer.committed",
            "event_id": "e",
            "item_id": "i",
            "previous_item_id": None,
        },
        done(usage=usage),
        done(usage=usage, status="failed"),
        done(),
        {"type": "error", "event_id": "e", "error": error},
        {"type": "input_audio_buffer.cleared", "event_id": "e"},
    ):
        tally.on_server_event(server_event_from(event), 1.0)
    assert tally.summary(60.0) == {
        "seconds": 60.0,
        "turns": 1,
        "responses": 3,
        "errors": 1,
        "input_tokens": 10,
        "output_tokens": 4,
    }
