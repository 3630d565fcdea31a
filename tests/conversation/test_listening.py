"""Hearing: the buffer, the person's turns, commits, and what does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vivavoce.conversation.effects import (
    BeginUtterance,
    DropUtterance,
    EndUtterance,
    FeedUtterance,
    Listen,
    ReduceNoise,
)
from vivavoce.protocol import (
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    InputAudioBufferTimeoutTriggered,
    NoiseReduction,
    PcmFormat,
    PcmuFormat,
)

if TYPE_CHECKING:
    from tests.conversation.conftest import Talk

STARTED, STOPPED = "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"


def test_a_turn_with_its_padding(talk: Talk) -> None:
    talk.listen_with(turn_detection={"type": "server_vad", "create_response": False})
    assert talk.hear(0.0, 640) == []
    assert talk.hear(1.0, 320) == [STARTED]
    assert talk.hear(0.0, 480) == []
    assert talk.hear(0.0, 64) == [STOPPED, *talk.COMMIT]
    started, stopped = talk.last(InputAudioBufferSpeechStarted), talk.last(InputAudioBufferSpeechStopped)
    assert (started.audio_start_ms, stopped.audio_end_ms) == (340, 640 + 320 + 512)
    assert started.item_id == stopped.item_id == talk.json["item"]["id"]
    assert talk.json["item"] == {
        "type": "message",
        "id": "item_1",
        "status": "completed",
        "role": "user",
        "content": [{"type": "input_audio", "transcript": None}],
    }


@pytest.mark.parametrize(("eagerness", "silence_ms"), [("high", 416), ("auto", 800), ("low", 1504)])
def test_semantic_turns_wait_by_eagerness(talk: Talk, eagerness: str, silence_ms: int) -> None:
    talk.listen_with(turn_detection={"type": "semantic_vad", "eagerness": eagerness})
    talk.hear(1.0, 320)
    assert talk.hear(0.0, silence_ms - 32) == []
    assert talk.hear(0.0, 32)[0] == STOPPED


def test_push_to_talk(button_talk: Talk) -> None:
    talk = button_talk
    assert talk.hear(1.0, 320) == []  # nobody asks the detector
    assert talk.send("input_audio_buffer.commit") == [*talk.COMMIT]
    assert talk.send("input_audio_buffer.commit") == ["error"]
    audio = talk.of(BeginUtterance)[0].audio + b"".join(effect.audio for effect in talk.of(FeedUtterance))
    assert audio == bytes(320 * 48)
    assert talk.of(EndUtterance) == [EndUtterance("item_1")]


@pytest.mark.parametrize(("ms", "shown"), [(0, "0.00"), (99, "99.00")])
def test_less_than_a_tenth_of_a_second_is_not_committed(button_talk: Talk, ms: int, shown: str) -> None:
    button_talk.append(ms)
    assert button_talk.send("input_audio_buffer.commit", event_id="mine") == ["error"]
    assert button_talk.complaint == (
        "input_audio_buffer_commit_empty",
        None,
        (
            "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, "
            f"but buffer only has {shown}ms of audio."
        ),
    )
    assert button_talk.json["error"]["event_id"] == "mine"
    button_talk.append(100 - ms)
    assert button_talk.send("input_audio_buffer.commit") == [*button_talk.COMMIT]


def test_a_client_may_commit_a_turn_that_is_still_open(talk: Talk) -> None:
    talk.hear(1.0, 320)
    assert talk.send("input_audio_buffer.commit") == [*talk.COMMIT]
    assert talk.json["item"]["id"] == "item_1"
    assert talk.hear(0.0, 960) == []


def test_a_client_may_commit_before_anybody_spoke(talk: Talk) -> None:
    talk.append(200)
    assert talk.send("input_audio_buffer.commit") == [*talk.COMMIT]


def test_clearing_in_the_middle_of_speech_forgets_it(talk: Talk) -> None:
    talk.hear(1.0, 320)
    assert talk.send("input_audio_buffer.clear") == ["input_audio_buffer.cleared"]
    assert talk.of(DropUtterance) == [DropUtterance("item_1")]
    assert talk.transcript("item_1") == []
    assert talk.hear(0.0, 960) == []
    assert talk.speak()[0] == STARTED
    assert talk.last(InputAudioBufferSpeechStarted).item_id == "item_2"


def test_clearing_in_push_to_talk(button_talk: Talk) -> None:
    button_talk.append(200)
    assert button_talk.send("input_audio_buffer.clear") == ["input_audio_buffer.cleared"]
    assert button_talk.send("input_audio_buffer.commit") == ["error"]


def test_probabilities_of_audio_that_is_gone_are_ignored(talk: Talk) -> None:
    talk.append(640)
    talk.send("input_audio_buffer.clear")
    for start in range(0, 640, 32):
        talk.server.receive_voice(1.0, start, start + 32, talk.now)
    assert talk.take() == []


def test_a_full_buffer_is_told_once_until_there_is_room(talk_with: type[Talk]) -> None:
    talk = talk_with(max_input_buffer_s=1.0)
    talk.listen_with(turn_detection=None)
    assert talk.append(1000) == []
    taken = [talk.server.takes_audio]
    assert talk.append(20) == ["error"]
    assert talk.complaint[:2] == ("input_audio_buffer_full", "audio")
    assert "at most 1 seconds" in talk.complaint[2]
    assert talk.append(20) == []
    taken.append(talk.server.takes_audio)
    talk.send("input_audio_buffer.commit")
    assert talk.append(1000) == []
    taken.append(talk.server.takes_audio)
    assert taken == [True, False, True]
    assert talk.append(1) == ["error"]
    talk.send("input_audio_buffer.clear")
    assert talk.append(1) == []


@pytest.mark.parametrize("spoken_ms", [0, 320])
def test_a_client_that_outruns_the_detector_is_told(talk_with: type[Talk], spoken_ms: int) -> None:
    talk = talk_with(max_input_buffer_s=6.0)
    talk.hear(1.0, spoken_ms)
    assert talk.append(5600) == []
    assert talk.append(480) == ["error"]
    assert talk.complaint[:2] == ("input_audio_buffer_full", "audio")
    assert talk.of(EndUtterance) == []


def test_a_line_that_is_never_silent_goes_on_hearing_turns(talk_with: type[Talk]) -> None:
    talk = talk_with(max_input_buffer_s=2.0)
    talk.listen_with(turn_detection={"type": "server_vad", "create_response": False})
    said = talk.hear(1.0, 20_480)
    turn = [STARTED, STOPPED, *talk.COMMIT]
    assert said == turn * 10 + [STARTED]
    starts = [event.audio_start_ms for event in talk.all(InputAudioBufferSpeechStarted)]
    stops = [event.audio_end_ms for event in talk.all(InputAudioBufferSpeechStopped)]
    assert starts == [0, *stops]  # nothing is lost between them
    assert max(stop - start for start, stop in zip(starts, stops, strict=False)) <= 2000
    fed = [effect.audio for effect in talk.effects if isinstance(effect, BeginUtterance | FeedUtterance)]
    assert sum(map(len, fed)) > 20_000 * 48
    assert talk.hear(0.0, 640) == [STOPPED, *talk.COMMIT]


def test_a_detector_that_lags_a_little_does_not_keep_a_turn_from_ending(talk_with: type[Talk]) -> None:
    talk = talk_with(max_input_buffer_s=6.0)
    talk.hear(1.0, 1600)
    assert talk.append(4400) == []
    assert talk.append(100) == [STOPPED, *talk.COMMIT, "response.created"]
    assert talk.last(InputAudioBufferSpeechStopped).audio_end_ms == 6000
    assert talk.of(FeedUtterance)[-1].audio == bytes(4400 * 48)
    for start in range(1600, 6000, 32):  # what it makes of the rest is of no account any more
        talk.server.receive_voice(1.0, start, start + 32, talk.now)
    assert talk.take() == []


def test_listening_for_hours_holds_little(talk: Talk) -> None:
    for _ in range(100):
        talk.hear(0.0, 640)
    assert talk.server._listener._buffer.duration_ms <= 300 + 500 + 1000 + 32


def test_another_format_in_the_middle_of_speech_begins_anew(talk: Talk) -> None:
    talk.hear(1.0, 320)
    events = talk.listen_with(format={"type": "audio/pcmu"})
    assert sorted(events) == ["input_audio_buffer.cleared", "session.updated"]
    assert talk.of(DropUtterance) == [DropUtterance("item_1")]
    assert talk.of(Listen)[-1] == Listen(True, PcmuFormat(), 320)
    assert talk.hear(0.0, 960) == []


def test_turn_detection_off_and_on_in_the_middle_of_speech(talk: Talk) -> None:
    talk.hear(1.0, 320)
    talk.listen_with(turn_detection=None)
    talk.append(200)
    assert talk.of(FeedUtterance)[-1].item_id == "item_1"
    talk.send("input_audio_buffer.commit")
    assert talk.of(DropUtterance) == []
    assert talk.of(EndUtterance) == [EndUtterance("item_1")], "the client ends what the detector began"
    talk.append(200)
    talk.listen_with(turn_detection={"type": "server_vad"})
    assert talk.of(DropUtterance) == [DropUtterance("item_2")]
    assert talk.speak()[0] == STARTED


def test_a_finer_ear_in_the_middle_of_speech_keeps_the_turn(talk: Talk) -> None:
    talk.hear(1.0, 320)
    talk.listen_with(turn_detection={"type": "server_vad", "silence_duration_ms": 100})
    assert talk.hear(0.0, 128)[0] == STOPPED
    assert talk.of(DropUtterance) == []


def test_doubtful_speech_is_speech_for_the_clock_too(talk: Talk) -> None:
    talk.hear(1.0, 128)
    talk.hear(0.4, 640)
    assert talk.server._listener.last_voiced == talk.now


IDLE = {"type": "server_vad", "idle_timeout_ms": 5000}
TRIGGERED = "input_audio_buffer.timeout_triggered"


def test_silence_after_an_answer_prompts_the_model_once_per_period(talk: Talk) -> None:
    talk.listen_with(turn_detection=IDLE)
    assert talk.tick(60) == []  # nothing was answered yet
    talk.ask()
    talk.clause("Hi.", 2000)
    talk.finish()
    done_at = talk.now
    talk.tick(1.6)  # the response is done once the last audio has left, half a second ahead
    assert talk.tick(done_at + 7.0 - 0.01 - talk.now) == []
    assert talk.tick(0.02) == [TRIGGERED, *talk.COMMIT, "response.created"]
    event = talk.last(InputAudioBufferTimeoutTriggered)
    assert event.item_id == talk.started.items[-1].id
    assert event.audio_end_ms == talk.heard_ms
    assert talk.tick(60) == []
    talk.clause("Still there?", 100)
    talk.finish()
    assert talk.tick(60) == [TRIGGERED, *talk.COMMIT, "response.created"]


def test_the_silence_is_as_long_as_what_was_heard_of_it(talk: Talk) -> None:
    talk.listen_with(turn_detection=IDLE)
    talk.ask()
    talk.text("Hi.")
    talk.finish()
    said = talk.hear(0.0, 5120)
    assert said[0] == TRIGGERED
    event = talk.last(InputAudioBufferTimeoutTriggered)
    assert event.audio_end_ms - event.audio_start_ms == pytest.approx(5000, abs=40)


@pytest.mark.parametrize("activity", ["speech", "item", "commit", "update"])
def test_activity_ends_the_idle_period(talk: Talk, activity: str) -> None:
    talk.listen_with(turn_detection={**IDLE, "create_response": False})
    talk.ask()
    talk.finish()
    talk.append(200)
    match activity:
        case "speech":
            talk.speak()
        case "item":
            talk.write()
        case "commit":
            talk.send("input_audio_buffer.commit")
        case _:
            talk.listen_with(turn_detection=None)
    assert talk.tick(60) == []


def test_a_response_beside_the_conversation_does_not_end_the_idle_period(talk: Talk) -> None:
    talk.listen_with(turn_detection=IDLE)
    talk.ask()
    talk.finish()
    talk.ask(conversation="none")
    talk.finish()
    assert talk.tick(60)[0] == TRIGGERED


def test_noise_is_reduced_as_the_client_wishes(talk_with: type[Talk]) -> None:
    talk = talk_with(noise_reduction=True)
    assert talk.of(ReduceNoise) == []
    near = {"type": "near_field"}
    talk.listen_with(noise_reduction=near)
    talk.listen_with(noise_reduction=near)  # nothing new
    talk.listen_with(turn_detection=None)
    talk.listen_with(noise_reduction={"type": "far_field", "strength": 0.5})
    talk.listen_with(format={"type": "audio/pcmu"})
    talk.listen_with(noise_reduction=None)
    talk.listen_with(format={"type": "audio/pcm", "rate": 24000})  # off stays off
    far = NoiseReduction(type="far_field", strength=0.5)
    assert talk.of(ReduceNoise) == [
        ReduceNoise(NoiseReduction(type="near_field", strength=1.0), PcmFormat(rate=24000)),
        ReduceNoise(far, PcmFormat(rate=24000)),
        ReduceNoise(far, PcmuFormat()),
        ReduceNoise(None, PcmuFormat()),
    ]


def test_silence_prompts_the_model_also_when_it_is_sent(talk: Talk) -> None:
    talk.listen_with(turn_detection=IDLE)
    talk.ask()
    talk.clause("Hi.", 1000)
    talk.finish()
    said = [kind for kind in talk.hear(0.0, 1024 + 4960) if not kind.endswith("delta")]
    assert TRIGGERED not in said
    assert [kind for kind in talk.hear(0.0, 64) if not kind.endswith("delta")] == [
        TRIGGERED,
        *talk.COMMIT,
        "response.created",
    ]
