"""What of a session goes on over another connection: the user's speech, the agent, and the time."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from tests.session.conftest import BACK_S, CUT, echoing, lose

from vivavoce.agents import RealtimeAgent
from vivavoce.conversation.client_history import text_of
from vivavoce.errors import ConnectionLostError, SessionClosedError
from vivavoce.protocol import MessageItem
from vivavoce.session.driver import START_S

if TYPE_CHECKING:
    from tests.session.conftest import Stage

Perform = Callable[..., None]
VAD = {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}


def audio(number: int) -> bytes:
    return bytes([number, 0]) * 480


def appended(*numbers: int) -> str:
    return "append " + base64.b64encode(b"".join(map(audio, numbers))).decode()


def transcribed(stage: Stage, item_id: str, words: str) -> None:
    stage.model.say(
        "conversation.item.input_audio_transcription.completed",
        item_id=item_id,
        content_index=0,
        transcript=words,
        usage={"type": "duration", "seconds": 1},
    )


# --- the user's speech --------------------------------------------------------------------------------------


def test_speech_that_no_server_has_heard_out_is_said_again(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.send_audio(audio(1))
        stage.model.say("input_audio_buffer.speech_started", item_id="u", audio_start_ms=0)
        await stage.session.send_audio(audio(2))
        stage.model.lose(CUT)
        await stage.session.send_audio(audio(3))
        await stage.settle(BACK_S)
        assert stage.model.told() == [appended(1, 2, 3)]
        await lose(stage)
        assert stage.model.told() == [appended(1, 2, 3)]
        stage.model.say("input_audio_buffer.committed", item_id="u")
        stage.model.begin("r1")
        stage.model.done("r1")
        await lose(stage, 3)
        assert len(stage.model.lives) == 4
        assert stage.model.told() == []

    perform(play, model=echoing(**VAD))


def test_the_end_of_a_turn_is_said_again_with_it(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.send_audio(audio(1), commit=True)
        await lose(stage)
        assert stage.model.told() == [appended(1), "input_audio_buffer.commit"]
        stage.model.say("input_audio_buffer.committed", item_id="u")
        heard = {
            "item_id": "u",
            "content_index": 0,
            "transcript": "Hello",
            "usage": {"type": "duration", "seconds": 1},
        }
        stage.model.say("conversation.item.input_audio_transcription.completed", **heard)
        await lose(stage)
        assert stage.model.told() == ["user: Hello"]

    perform(play, model=echoing())


def committed(stage: Stage, item_id: str) -> None:
    stage.model.say("input_audio_buffer.committed", item_id=item_id)
    item = {"type": "message", "id": item_id, "role": "user", "content": [{"type": "input_audio"}]}
    stage.model.say("conversation.item.added", item=item)


def said(stage: Stage) -> list[tuple[str, str]]:
    items = [item for item in stage.session.history if isinstance(item, MessageItem)]
    return [(str(item.id), " ".join(map(text_of, item.content))) for item in items]


def test_a_turn_that_was_not_understood_yet_is_said_again_before_its_answer(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.send_audio(audio(1), commit=True)
        committed(stage, "u")
        await stage.session.send_event({"type": "response.create"})
        await stage.session.send_audio(audio(2))
        assert said(stage) == [("u", "")]
        await lose(stage)
        assert stage.model.told() == [
            appended(1), "input_audio_buffer.commit", appended(2), "response.create",
        ]  # fmt: skip
        assert said(stage) == []
        committed(stage, "again")
        transcribed(stage, "again", "Hello")
        assert said(stage) == [("again", "Hello")]
        stage.model.done("r2")
        await lose(stage)
        assert stage.model.told() == ["user: Hello", appended(2)]

    perform(play, model=echoing(audio={"input": {"turn_detection": None}}))


@pytest.mark.parametrize("found", [True, False])
def test_a_turn_that_the_server_found_is_found_again(perform: Perform, *, found: bool) -> None:
    async def play(stage: Stage) -> None:
        stage.model.say("input_audio_buffer.speech_started", item_id="u", audio_start_ms=0)
        await stage.session.send_audio(audio(1))
        committed(stage, "u")
        await stage.session.send_audio(audio(2))
        await lose(stage)
        assert stage.model.told() == [appended(1, 2)]
        if found:
            stage.model.say("input_audio_buffer.speech_started", item_id="v", audio_start_ms=0)
            committed(stage, "v")
            stage.model.begin("r1")
            transcribed(stage, "v", "Hello")
            stage.model.done("r1")
        await stage.settle(30)
        assert stage.model.told()[1:] == ([] if found else ["response.create"])
        assert said(stage) == ([("v", "Hello")] if found else [])

    perform(play, model=echoing(**VAD))


def test_speech_during_the_very_handshake_is_not_lost(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.send_audio(audio(1))
        send = stage.model.send_event
        spoken: list[int] = []

        async def slow(event: Any) -> None:
            await send(event)
            if event.type == "input_audio_buffer.append" and len(spoken) < 2:
                spoken.append(len(spoken) + 2)
                await stage.session.send_audio(audio(spoken[-1]))

        stage.model.send_event = slow  # type: ignore[method-assign]  # a server that takes its time
        await lose(stage)
        assert stage.model.told() == [appended(1), appended(2), appended(3)]

    perform(play, model=echoing())


# --- the server's time limit --------------------------------------------------------------------------------


@pytest.mark.parametrize("ends", ["response", "playback"])
def test_a_session_is_renewed_in_a_quiet_moment_before_it_expires(perform: Perform, ends: str) -> None:
    model = echoing(expires_at=int(time.time()) + 3600)

    async def play(stage: Stage) -> None:
        await stage.session.send_message("hello")
        await stage.settle(3530)
        stage.model.speak("r1", "a", "A long story", 20_000 if ends == "playback" else 200)
        if ends == "playback":
            stage.model.done("r1")
        await stage.settle(15)
        assert len(stage.model.lives) == 1
        if ends == "response":
            stage.model.done("r1")
        await stage.settle(6)
        assert stage.model.told() == ["user: hello", "assistant: A long story"]
        assert (len(stage.of("reconnected")), stage.of("connection_lost"), stage.of("error")) == (1, [], [])

    perform(play, model=model)


def test_a_session_that_has_expired_goes_on_in_another(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        error = {"type": "invalid_request_error", "code": "session_expired", "message": "60 minutes"}
        stage.model.say("error", error=error)
        stage.model.lose()
        await stage.settle(BACK_S)
        assert len(stage.of("reconnected")) == 1

    perform(play)


# --- settings that change -----------------------------------------------------------------------------------


def test_settings_that_are_changed_without_a_connection_go_to_the_next_one(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        stage.model.lose(CUT)
        await stage.session.update_agent(RealtimeAgent[Any]("Bob", "Be short."))
        assert stage.session.current_agent.name == "Bob"
        assert stage.model.lives[-1][-1]["session"]["instructions"] == "Be short."
        await lose(stage)
        assert stage.model.lives[-1][0]["session"]["instructions"] == "Be short."

    perform(play)


def test_settings_whose_answer_was_lost_are_sent_again(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        stage.model.opens = False
        changing = asyncio.ensure_future(stage.session.update_agent(RealtimeAgent[Any]("Bob")))
        await stage.settle()
        stage.model.opens = True
        stage.model.lose(CUT)
        await changing
        assert stage.session.current_agent.name == "Bob"

    perform(play)


def test_settings_that_get_no_answer_are_given_up(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        stage.model.opens = False
        with pytest.raises(
            ConnectionLostError, match=f"did not accept the new settings within {START_S:g} s"
        ):
            await stage.session.update_agent(RealtimeAgent[Any]("Bob"))
        assert stage.session.current_agent.name == "Ada"

    perform(play)


@pytest.mark.parametrize("attempts", [1, 0])
def test_settings_are_given_up_with_the_session(perform: Perform, attempts: int) -> None:
    async def play(stage: Stage) -> None:
        stage.model.refusals = [ConnectionLostError("no route")]
        stage.model.opens = False
        changing = asyncio.ensure_future(stage.session.update_agent(RealtimeAgent[Any]("Bob")))
        await stage.settle()
        await lose(stage)
        with pytest.raises(SessionClosedError if attempts else ConnectionLostError):
            await changing

    perform(play, config={"reconnect": {"attempts": attempts} if attempts else False})
