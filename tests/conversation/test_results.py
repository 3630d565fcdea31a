"""Results of the engines that come when nobody waits for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vivavoce.conversation.results import EngineResults

if TYPE_CHECKING:
    from tests.conversation.conftest import Talk


@pytest.mark.parametrize("response", ["resp_1", "resp_9"])
def test_what_is_made_for_a_response_that_is_over_is_dropped(talk: Talk, response: str) -> None:
    talk.ask()
    talk.send("response.cancel")
    server: EngineResults = talk.server
    server.receive_first_token(response, 0.0)
    server.receive_text(response, "Hi", 0.0)
    server.receive_message(response, 0)
    server.receive_clause(response, "Hi", 0.0)
    server.receive_speech(response, b"\0\0", [], 0.0)
    server.receive_clause_end(response, 0.0)
    server.receive_message_end(response, 0, 0.0)
    server.receive_function_call(response, 0, "look", "{}", None, 0.0)
    server.receive_calls_end(response)
    server.receive_finish(response, "stop", None, 0.0)
    server.receive_failure(response, "engine_error", "No.", 0.0)
    assert talk.take() == []


def test_the_way_of_a_result_is_noted_once(talk: Talk) -> None:
    talk.ask()
    response = talk.started.response_id
    talk.server.receive_first_token(response, 1.0)
    talk.server.receive_first_token(response, 2.0)
    talk.finish()
    assert talk.json["stage_times"] == {"asked": 0.0, "first_token": 1000.0}
