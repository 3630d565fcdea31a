"""What an application can do with a session, and what it is told, on the virtual clock."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from tests.session.conftest import echoing

from vivavoce.agents import RealtimeAgent
from vivavoce.conversation.playback import RealtimePlaybackTracker
from vivavoce.errors import ConfigurationError
from vivavoce.protocol import MessageItem
from vivavoce.session import RealtimeRunner
from vivavoce.testing import run

if TYPE_CHECKING:
    from tests.session.conftest import Stage

Perform = Callable[..., None]
PNG = "data:image/png;base64,AAAA"


def texts(stage: Stage) -> list[str]:
    return [
        str(getattr(part, "text", getattr(part, "transcript", "")))
        for item in stage.session.history
        if isinstance(item, MessageItem)
        for part in item.content
    ]


def user(item_id: str, text: str) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}]
    return {"type": "message", "id": item_id, "role": "user", "content": content}


# --- the user's side ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("audio_format", "silence"),
    [(None, b"\0"), ("audio/pcm", b"\0"), ("audio/pcmu", b"\xff"), ("audio/pcma", b"\xd5")],
)
def test_who_is_muted_sends_silence(perform: Perform, audio_format: str | None, silence: bytes) -> None:
    given = {"type": audio_format, "rate": 24000} if audio_format == "audio/pcm" else {"type": audio_format}
    session = {"audio": {"input": {"format": given}}} if audio_format else {}

    async def play(stage: Stage) -> None:
        stage.session.mute()
        assert stage.session.muted
        await stage.session.send_audio(b"\1" * 480)
        stage.session.mute(False)
        await stage.session.send_audio(b"\1" * 480)
        sent = [base64.b64decode(event["audio"]) for event in stage.model.sent[1:]]
        assert sent == [silence * 480, b"\1" * 480]

    perform(play, model=echoing(**session))


def test_a_turn_is_ended_or_thrown_away_by_hand(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.commit()
        await stage.session.clear()
        assert stage.model.kinds()[1:] == ["input_audio_buffer.commit", "input_audio_buffer.clear"]

    perform(play)


@pytest.mark.parametrize("answer", [True, False])
def test_a_picture_is_shown(perform: Perform, answer: bool) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.add_image(PNG, trigger_response=answer)
        assert stage.model.sent[1]["item"]["content"] == [{"type": "input_image", "image_url": PNG}]
        assert stage.model.kinds()[2:] == (["response.create"] if answer else [])
        with pytest.raises(ConfigurationError, match="must be a data: URL"):
            await stage.session.add_image("https://example.org/a.png")

    perform(play)


def test_a_message_during_the_users_turn_waits_for_its_answer(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        stage.model.say("input_audio_buffer.speech_started", item_id="u", audio_start_ms=0)
        await stage.session.send_message("and this")
        stage.model.say("input_audio_buffer.speech_stopped", item_id="u", audio_end_ms=500)
        await stage.settle()
        assert stage.model.told() == ["user: and this"]
        stage.model.begin("own")
        stage.model.done("own")
        await stage.settle(5)
        assert stage.model.told() == ["user: and this"]

    perform(play, model=echoing())


# --- the agent's side ---------------------------------------------------------------------------------------


def test_the_agent_says_something_when_it_is_free(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.say()
        assert stage.model.kinds()[1:] == ["response.create"]
        await stage.session.say("Hello.")
        assert stage.model.kinds()[2:] == []
        stage.model.done("r1")
        await stage.settle()
        assert stage.model.sent[-1]["response"]["instructions"].endswith("Hello.")
        with pytest.raises(ConfigurationError, match="not empty"):
            await stage.session.say(" ")

    perform(play)


def test_cancelling_lets_what_has_arrived_play_on(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.send_message("hello")
        stage.model.speak("r1", "a", "one two", 1000)
        await stage.session.cancel()
        assert stage.model.kinds()[-1] == "response.cancel"
        stage.model.speak("r1", "a", " three", 1000)
        stage.model.done("r1", status="cancelled")
        await stage.settle(0.5)
        assert len(stage.of("audio")) == 50
        assert stage.of("playback_ended") == []
        await stage.settle(0.6)
        assert [event.item_id for event in stage.of("playback_ended")] == ["a"]
        assert stage.of("audio_interrupted") == []

    perform(play)


@pytest.mark.parametrize("moment", ["before the response", "before its sound", "while it sounds"])
def test_an_interruption_holds_even_if_the_server_goes_on(perform: Perform, moment: str) -> None:
    async def play(stage: Stage) -> None:
        stage.model.accepts = moment != "before the response"
        await stage.session.send_message("hello")
        if moment == "while it sounds":
            stage.model.speak("r1", "a", "One two three four", 1000)
        await stage.settle(0.5)
        heard = len(stage.of("audio"))
        await stage.session.interrupt()
        assert "response.cancel" in stage.model.kinds()
        if moment == "before the response":
            stage.model.begin("r1")
        stage.model.speak("r1", "a", " five six", 1000)
        stage.model.call("r1")
        await stage.settle(2)
        assert len(stage.of("audio")) == heard
        assert len(stage.of("audio_interrupted")) == (1 if heard else 0)
        assert texts(stage)[-1:] == (["One two"] if heard else [])
        assert stage.of("error") == []
        stage.model.accepts = True
        await stage.session.send_message("again")
        assert stage.model.kinds()[-1] == "response.create"

    perform(play)


def test_interrupting_silence_does_nothing(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.interrupt()
        await stage.session.cancel()
        assert stage.model.kinds() == ["session.update"]

    perform(play)


# --- playback -----------------------------------------------------------------------------------------------


def test_the_clock_tells_when_a_message_was_heard(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.send_message("hello")
        stage.model.speak("r1", "a", "one", 1000)
        stage.model.speak("r1", "b", "two", 1000)
        stage.model.done("r1")
        for seconds, ended in [(0.9, []), (0.2, ["a"]), (0.8, ["a"]), (0.2, ["a", "b"])]:
            await stage.settle(seconds)
            assert [event.item_id for event in stage.of("playback_ended")] == ended

    perform(play)


@pytest.mark.parametrize("thread", [False, True])
def test_a_tracker_tells_when_a_message_was_heard(perform: Perform, thread: bool) -> None:
    tracker = RealtimePlaybackTracker()

    def played(ms: float) -> None:
        if thread:
            player = threading.Thread(target=tracker.on_play_ms, args=("a", 0, ms))
            player.start()
            player.join()
        else:
            tracker.on_play_ms("a", 0, ms)

    async def play(stage: Stage) -> None:
        await stage.session.send_message("hello")
        stage.model.speak("r1", "a", "one", 1000)
        stage.model.done("r1")
        played(900)
        await stage.settle(10)
        assert stage.of("playback_ended") == []
        played(100)
        await stage.settle()
        assert [event.item_id for event in stage.of("playback_ended")] == ["a"]

    perform(play, model_config={"playback_tracker": tracker})


# --- the history --------------------------------------------------------------------------------------------


def test_the_history_can_be_changed(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        for text in ("one", "two", "three"):
            await stage.session.send_message(text, respond=False)
        await stage.session.update_history(lambda history: [history[0], history[2]])
        await stage.settle()
        assert texts(stage) == ["one", "three"]
        first, last = stage.session.history_json()
        before = len(stage.model.sent)
        await stage.session.update_history([first, user("new", "two and a half"), stage.session.history[1]])
        await stage.settle()
        (event,) = stage.model.sent[before:]
        assert (event["item"]["id"], event["previous_item_id"]) == ("new", first["id"])
        assert sorted(texts(stage)) == ["one", "three", "two and a half"]
        assert stage.session.history_json()[1] == last
        with pytest.raises(ConfigurationError, match=r"history\[0\]"):
            await stage.session.update_history([{"type": "nonsense"}])
        assert len(stage.of("history_updated")) > 0

    perform(play, model=echoing())


def test_a_conversation_goes_on_elsewhere(perform: Perform) -> None:
    stored: list[str] = []

    async def begin(stage: Stage) -> None:
        await stage.session.send_message("hello")
        stage.model.speak("r1", "a", "Good day.", 200)
        stage.model.done("r1")
        await stage.settle(1)
        stored.append(json.dumps(stage.session.history_json()))

    perform(begin, model=echoing())
    history = json.loads(stored[0])

    async def go_on() -> None:
        model = echoing()
        session = await RealtimeRunner(RealtimeAgent[Any]("Ada"), model=model).run(history=history)
        async with session:
            assert model.told() == ["user: hello", "assistant: Good day."]
            assert json.loads(json.dumps(session.history_json())) == history
            await session.send_message("and now?")
            assert model.told()[2:] == ["user: and now?", "response.create"]

    run(go_on())
