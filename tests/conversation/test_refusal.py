"""The errors with which a client is answered."""

from __future__ import annotations

from vivavoce.conversation.refusal import refuse, voice_is_locked


def test_a_refusal_names_the_setting() -> None:
    error = refuse("No.", "session.voice")
    assert (error.message, error.param, error.code, error.event_id) == (
        "No.",
        "session.voice",
        "invalid_value",
        None,
    )
    assert refuse("No.", None, "prompt_not_found").code == "prompt_not_found"


def test_a_locked_voice_is_refused_in_the_words_of_the_api() -> None:
    error = voice_is_locked()
    assert (error.code, error.param) == ("cannot_update_voice", None)
    assert error.message == "Cannot update a conversation's voice if assistant audio is present."
