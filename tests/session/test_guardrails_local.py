"""Guardrails in a whole session with the local model on scripted engines, on the virtual clock."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from vivavoce.agents import RealtimeAgent
from vivavoce.agents.guardrails import GuardrailFunctionOutput, input_guardrail, output_guardrail
from vivavoce.connections.memory import LocalRealtimeModel
from vivavoce.conversation.client_history import text_of
from vivavoce.engines.scripted import scripted_engines
from vivavoce.protocol import MessageItem
from vivavoce.session import RealtimeRunner, RealtimeSession
from vivavoce.testing import run

LONG = ["One two three four five. ", "Six seven secret eight nine. ", "Ten eleven twelve thirteen fourteen."]


@output_guardrail(policy_hint="Keep the secret.")
async def no_secret(_context: Any, _agent: Any, text: Any) -> GuardrailFunctionOutput:
    return GuardrailFunctionOutput(None, "secret" in text)


@input_guardrail
async def no_politics(_context: Any, _agent: Any, text: Any) -> GuardrailFunctionOutput:
    return GuardrailFunctionOutput(None, "politics" in text)


def words(session: RealtimeSession) -> list[str]:
    """What the history holds, message by message."""
    return [
        f"{item.role}: " + " ".join(text_of(part) for part in item.content)
        for item in session.history
        if isinstance(item, MessageItem)
    ]


class Call:
    """A session whose events are kept."""

    def __init__(self, engines: Any, agent: RealtimeAgent[Any], config: Any = None) -> None:
        self._run = RealtimeRunner(agent, model=LocalRealtimeModel(engines), config=config).run()
        self.events: list[Any] = []

    async def talk(self, *messages: str, seconds: float = 20.0) -> RealtimeSession:
        session = await self._run
        async with session:

            async def read() -> None:
                async for event in session:
                    self.events.append(event)

            async with asyncio.TaskGroup() as group:
                group.create_task(read())
                for message in messages:
                    await session.send_message(message)
                    await asyncio.sleep(seconds)
                await session.close()
        return session

    def of(self, kind: str) -> list[Any]:
        return [event for event in self.events if event.type == kind]

    def audio_ms(self, response_id: str) -> float:
        return sum(len(e.audio.data) / 48 for e in self.of("audio") if e.audio.response_id == response_id)


@pytest.mark.parametrize("hold_back", [False, True])
def test_an_answer_is_stopped_and_given_again(hold_back: bool) -> None:
    engines = scripted_engines(answers=[LONG, ["I may not say."]])
    agent = RealtimeAgent[Any]("Ada", "Be kind.", output_guardrails=[no_secret])
    settings = {"debounce_text_length": 30, "hold_back": hold_back}
    call = Call(engines, agent, {"guardrails_settings": settings})
    session = run(call.talk("tell me"))
    [tripped] = call.of("guardrail_tripped")
    assert "secret" in tripped.message
    assert not call.of("error")
    said = words(session)
    assert said[0] == "user: tell me"
    assert "Ten" not in said[1]
    assert "Keep the secret." in said[2]
    assert said[3:] == ["assistant: I may not say."]
    if hold_back:
        # Seven words of 200 ms come before the secret.
        assert 0 < call.audio_ms(tripped.response_id) <= 7 * 200
        assert "secret" not in said[1]
    spoken = [event.response_id for event in call.of("agent_start")]
    assert call.audio_ms(spoken[-1]) == 4 * 200


def test_held_back_speech_comes_whole_when_it_passes() -> None:
    engines = scripted_engines(answers=[["One two. ", "Three four five."], ["Short."]])
    agent = RealtimeAgent[Any]("Ada", "Be kind.", output_guardrails=[no_secret])
    call = Call(engines, agent, {"guardrails_settings": {"hold_back": True}})
    session = run(call.talk("tell me", "more"))
    assert [call.audio_ms(event.response_id) for event in call.of("agent_start")] == [1000, 200]
    assert len(call.of("audio_end")) == 2
    assert words(session)[1::2] == ["assistant: One two. Three four five.", "assistant: Short."]
    assert not call.of("error")


def test_what_the_user_may_not_ask_is_declined() -> None:
    engines = scripted_engines(answers=[["No, sorry."], ["Sunny."]])
    agent = RealtimeAgent[Any]("Ada", "Be kind.", input_guardrails=[no_politics])
    call = Call(engines, agent)
    session = run(call.talk("talk politics", "the weather?"))
    [tripped] = call.of("input_guardrail_tripped")
    assert tripped.message == "talk politics"
    said = words(session)
    assert said[0] == "user: talk politics"
    assert "no_politics" in said[1]
    assert said[2:] == ["assistant: No, sorry.", "user: the weather?", "assistant: Sunny."]
    assert len(call.of("agent_start")) == 2
    assert not call.of("error")


async def speak(session: RealtimeSession) -> None:
    """Say something, then be silent long enough for an answer, in real time."""
    tone = (np.sin(2 * np.pi * 400 * np.arange(480) / 24000) * 8000).astype("<i2").tobytes()
    for frame in [tone] * 40 + [bytes(960)] * 150:
        await session.send_audio(frame)
        await asyncio.sleep(0.02)


def test_what_the_user_says_aloud_is_checked_before_it_is_answered() -> None:
    engines = scripted_engines(hears=["talk politics", "the weather"], answers=[["No, sorry."], ["Sunny."]])
    agent = RealtimeAgent[Any]("Ada", "Be kind.", input_guardrails=[no_politics])
    settings: Any = {"input_audio_transcription": {"model": "any"}}

    async def main() -> None:
        runner = RealtimeRunner(agent, model=LocalRealtimeModel(engines), config={"model_settings": settings})
        async with await runner.run() as session:
            tripped = session.events("input_guardrail_tripped", "error")
            await speak(session)
            await speak(session)
            said = words(session)
            assert [said[0], *said[2:]] == [
                "user: talk politics",
                "assistant: No, sorry.",
                "user: the weather",
                "assistant: Sunny.",
            ]
        assert [event.type async for event in tripped] == ["input_guardrail_tripped"]

    run(main())
