"""Guardrails of what the agent says, in sessions over calls: the server plays, and must stop."""

from __future__ import annotations

from typing import Any

import pytest
from tests.connections.rtc_session import Ear, said, voiced_ms, with_server

from vivavoce import GuardrailFunctionOutput, RealtimeAgent, RealtimeSession, output_guardrail

LONG = ["One two three four five. ", "Six seven secret eight nine. ", "Ten eleven twelve thirteen fourteen."]
WORD_MS = 200


@output_guardrail(policy_hint="Keep the secret.")
async def no_secret(_context: Any, _agent: Any, text: Any) -> GuardrailFunctionOutput:
    return GuardrailFunctionOutput(None, "secret" in text)


AGENT = RealtimeAgent[Any]("Ada", "Be kind.", output_guardrails=[no_secret])


def of_response(ear: Ear, response_id: str) -> bytes:
    return b"".join(event.audio.data for event in ear.all("audio") if event.audio.response_id == response_id)


@pytest.mark.parametrize("hold_back", [False, True])
def test_an_answer_is_stopped_and_given_again(hold_back: bool) -> None:
    async def scene(session: RealtimeSession, ear: Ear) -> None:
        await session.send_message("tell me")
        tripped = await ear.hears("guardrail_tripped")
        await ear.until(lambda: bool(said(session)) and said(session)[-1] == "I may not say.")
        again = (await ear.hears("agent_start", 2)).response_id
        await ear.until(lambda: voiced_ms(of_response(ear, again)) >= 4 * WORD_MS - 40)
        assert "Ten" not in said(session)[0]
        if hold_back:
            assert "secret" not in said(session)[0]
            assert voiced_ms(of_response(ear, tripped.response_id)) <= 7 * WORD_MS
        assert not ear.all("error")

    settings = {"debounce_text_length": 30, "hold_back": hold_back}
    config = {"guardrails_settings": settings}
    with_server(scene, LONG, ["I may not say."], word_ms=WORD_MS, config=config, agent=AGENT)


def test_held_back_speech_comes_whole_when_it_passes() -> None:
    async def scene(session: RealtimeSession, ear: Ear) -> None:
        for number, (message, words) in enumerate([("tell me", 5), ("more", 1)], 1):
            await session.send_message(message)
            await ear.hears("audio_end", number)
            response_id = ear.all("agent_start")[-1].response_id
            assert voiced_ms(of_response(ear, response_id)) == pytest.approx(words * WORD_MS, abs=60)
        assert said(session) == ["One two. Three four five.", "Short."]
        assert not ear.all("error")

    answers = ["One two. ", "Three four five."], ["Short."]
    config = {"guardrails_settings": {"hold_back": True}}
    with_server(scene, *answers, word_ms=WORD_MS, config=config, agent=AGENT)
