"""Whole conversations through `LocalSession`, on scripted engines and a virtual clock."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from vivavoce.audio.g711 import decode_alaw, decode_ulaw
from vivavoce.audio.levels import rms_dbfs
from vivavoce.engines.base import FunctionCallDelta, ModelDone, ModelUsage
from vivavoce.engines.scripted import Pause, ScriptedModel, ScriptedSynthesizer, scripted_engines
from vivavoce.errors import RemoteProtocolError
from vivavoce.pipeline import LocalSession, SessionOptions
from vivavoce.protocol import (
    AudioFormat,
    ConversationItemCreate,
    ErrorEvent,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    InputAudioBufferClear,
    InputAudioBufferCommit,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    InputText,
    MessageItem,
    OutputAudio,
    OutputText,
    PcmaFormat,
    PcmuFormat,
    ResponseCreate,
    ResponseCreateParams,
    ResponseDone,
    ResponseOutputAudioDelta,
    ResponseOutputItemAdded,
    ResponseOutputTextDelta,
    ServerVad,
    SessionUpdated,
)
from vivavoce.testing import run

if TYPE_CHECKING:
    from tests.pipeline.conftest import Client, Stage

CALL = FunctionCallDelta(0, "get_weather", '{"city": "Oslo"}')


def message(text: str) -> ConversationItemCreate:
    return ConversationItemCreate(item=MessageItem(role="user", content=[InputText(text=text)]))


def names(client: Client) -> list[str]:
    """The events in order, each run of the same kind as one."""
    types = [event.type for _, event in client.events]
    return [kind for kind, before in zip(types, ["", *types], strict=False) if kind != before]


def test_a_spoken_turn_is_answered_by_voice(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        await client.turn(600)
        response = await client.response()
        assert response.status == "completed"

    engines = scripted_engines(
        hears=["hello there"],
        answers=[[Pause(0.2), "Good day to you. "]],
        hearing_delay=0.1,
        speaking_delay=0.05,
    )
    client = run(stage.play(scenario, engines))
    started, stopped = (
        client.times(InputAudioBufferSpeechStarted),
        client.times(InputAudioBufferSpeechStopped),
    )
    assert started == [pytest.approx(0.088)]  # two chunks of 32 ms fill at 80 ms, and one tick
    assert stopped == [pytest.approx(1.128)]  # 608 ms of speech, 512 of silence, and one tick
    (done,) = client.of(ResponseDone)
    assert done.stage_times == {
        "end_of_speech": 0,
        "end_of_turn": 500,
        "transcript": 600,
        "first_token": 800,
        "first_audio": 850,
    }
    assert client.times(ResponseOutputAudioDelta)[0] == pytest.approx(1.128 + 0.1 + 0.2 + 0.05)
    assert len(client.audio) == 4 * 200 * 48
    assert client.transcript == "Good day to you."
    assert names(client)[:9] == [
        "session.created",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
    ]
    model = engines.llm
    assert isinstance(model, ScriptedModel)
    (request,) = model.requests
    (heard,) = request.items
    assert isinstance(heard, MessageItem)
    assert [part.transcript for part in heard.content if isinstance(part, InputAudio)] == ["hello there"]
    assert request.user == client.session.id


def test_audio_leaves_at_the_pace_at_which_it_is_heard(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.do(ResponseCreate())
        await client.response()

    client = run(stage.play(scenario, scripted_engines(answers=[["word " * 20 + ". "]])))
    sent = 0.0
    for at, event in client.events:
        if isinstance(event, ResponseOutputAudioDelta):
            assert at >= sent - 0.5 - 1e-6, "sent further ahead than the lead"
            assert at <= sent + 1e-6, "sent after it should have been heard"
            sent += len(event.delta) / 48000
    assert sent == pytest.approx(4.2)


def test_a_written_turn_is_answered_in_writing(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.do(message("Hi"))
        client.do(ResponseCreate(response=ResponseCreateParams(output_modalities=["text"])))
        await client.response()

    client = run(stage.play(scenario, scripted_engines(answers=[["Hel", "lo."]])))
    assert [event.delta for event in client.of(ResponseOutputTextDelta)] == ["Hel", "lo."]
    (item,) = client.of(ResponseDone)[0].response.output
    assert isinstance(item, MessageItem)
    assert item.content == [OutputText(text="Hello.")]
    assert client.audio == b""


@pytest.mark.parametrize(
    ("script", "kinds"),
    [
        ([CALL], ["function_call"]),
        (["Let me look. ", CALL], ["message", "function_call"]),
        (["Let me look", CALL], ["message", "function_call"]),
        ([CALL, "I have asked. "], ["function_call", "message"]),
        (["Let me look. ", CALL, "One moment. "], ["message", "function_call", "message"]),
        ([CALL, FunctionCallDelta(1, "get_time", "{}")], ["function_call", "function_call"]),
        (
            ["Let me look. ", CALL, "And the time. ", FunctionCallDelta(1, "get_time", "{}"), "So. "],
            ["message", "function_call", "message", "function_call", "message"],
        ),
    ],
)
def test_a_call_keeps_its_place_among_what_is_said(
    stage: Stage, script: list[str | FunctionCallDelta], kinds: list[str]
) -> None:
    async def scenario(client: Client) -> None:
        client.do(ResponseCreate())
        response = await client.response()
        assert response.status == "completed"
        assert [item.type for item in response.output] == kinds
        assert [event.output_index for event in client.of(ResponseOutputItemAdded)] == list(range(len(kinds)))
        calls = [item for item in response.output if isinstance(item, FunctionCallItem)]
        assert calls[0].arguments == '{"city": "Oslo"}'
        assert calls[0].name == "get_weather"

    client = run(stage.play(scenario, scripted_engines(answers=[script])))
    assert client.transcript == "".join(step.rstrip() for step in script if isinstance(step, str))


def test_the_output_of_a_call_reaches_the_model(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.do(message("How is the weather?"))
        client.do(ResponseCreate())
        call = (await client.response()).output[0]
        assert isinstance(call, FunctionCallItem)
        assert isinstance(call.call_id, str)
        client.do(ConversationItemCreate(item=FunctionCallOutputItem(call_id=call.call_id, output="sunny")))
        client.do(ResponseCreate())
        (answer,) = (await client.response(2)).output
        assert isinstance(answer, MessageItem)
        assert answer.content == [OutputAudio(transcript="It is sunny.")]

    engines = scripted_engines(answers=[[CALL], ["It is sunny."]])
    run(stage.play(scenario, engines))
    model = engines.llm
    assert isinstance(model, ScriptedModel)
    assert [item.type for item in model.requests[1].items] == [
        "message",
        "function_call",
        "function_call_output",
    ]


@pytest.mark.parametrize(
    ("counted", "told"), [(ModelUsage(321, 54, 300), (321, 300, 54)), (None, (10, 0, 1))]
)
def test_what_the_model_counted_is_the_usage(
    stage: Stage, counted: ModelUsage | None, told: tuple[int, ...]
) -> None:
    async def scenario(client: Client) -> None:
        client.do(ResponseCreate(response=ResponseCreateParams(output_modalities=["text"])))
        usage = (await client.response()).usage
        assert usage
        read, written = usage.input_token_details, usage.output_token_details
        assert (read.text_tokens, read.cached_tokens, written.text_tokens) == told

    engines = scripted_engines(answers=[["Yes.", ModelDone(usage=counted)]])
    run(stage.play(scenario, engines, SessionOptions(instructions="x" * 40)))


def test_a_line_that_is_never_silent_is_answered_all_the_same(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        await client.speak(11_000)
        await client.pause()
        await client.wait(ResponseDone, 6)

    engines = scripted_engines(hears=["x"] * 6, answers=[["Yes."]] * 6)
    client = run(stage.play(scenario, engines, SessionOptions(max_input_buffer_s=2.0)))
    assert len(client.of(InputAudioBufferCommitted)) == 6
    assert client.of(ResponseDone)[-1].response.status == "completed"
    assert not client.of(ErrorEvent)


def test_push_to_talk(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.set_input(turn_detection=None)
        await client.speak(500)
        client.do(InputAudioBufferClear())
        await client.turn(500)
        client.do(InputAudioBufferCommit())
        client.do(ResponseCreate())
        await client.response()
        assert not client.of(InputAudioBufferSpeechStarted)

    client = run(stage.play(scenario, scripted_engines(hears=["push to talk"], answers=[["Yes."]])))
    assert len(client.of(InputAudioBufferCommitted)) == 1
    assert client.transcript == "Yes."


@pytest.mark.parametrize("fmt", [PcmuFormat(), PcmaFormat()], ids=lambda fmt: fmt.type)
def test_g711_in_and_out(stage: Stage, fmt: AudioFormat) -> None:
    async def scenario(client: Client) -> None:
        client.set_input(format=fmt)
        client.set_output(format=fmt)
        await client.turn(600)
        await client.response()

    client = run(stage.play(scenario, scripted_engines(hears=["x"], answers=[["Four words of it."]])))
    assert len(client.audio) == pytest.approx(4 * 200 * 8, abs=4)
    decode = decode_ulaw if isinstance(fmt, PcmuFormat) else decode_alaw
    assert rms_dbfs(decode(client.audio)) == pytest.approx(-17.8, abs=1)  # a tone with amplitude 6000
    assert client.of(InputAudioBufferSpeechStopped)[0].audio_end_ms == pytest.approx(1100, abs=64)


def test_a_change_of_format_or_of_turn_detection_mid_stream_keeps_positions(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        await client.pause(1000)
        client.set_input(format=PcmuFormat())
        await client.pause(1000)
        client.set_input(turn_detection=None)
        await client.speak(1000)
        client.set_input(turn_detection=ServerVad(silence_duration_ms=200))
        await client.pause(1000)
        await client.speak(400)
        await client.pause(700)
        await client.response()

    client = run(stage.play(scenario, scripted_engines(hears=["x"], answers=[["Yes."]])))
    (started,) = client.of(InputAudioBufferSpeechStarted)
    assert started.audio_start_ms == pytest.approx(4000 - 300, abs=40)
    (stopped,) = client.of(InputAudioBufferSpeechStopped)
    assert stopped.audio_end_ms == pytest.approx(4400 + 200, abs=64)


def test_a_frame_that_could_not_be_decoded_is_answered(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.session.receive_error(RemoteProtocolError("No JSON.", code="invalid_json"))
        client.do(ResponseCreate())
        await client.response()

    client = run(stage.play(scenario, scripted_engines(answers=[["Yes."]])))
    assert [event.error.message for event in client.of(ErrorEvent)] == ["No JSON."]


class Willing(ScriptedSynthesizer):
    honours_speed = True


def test_the_voice_and_the_speed_of_the_session_reach_the_synthesizer(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.set_output(voice="echo", speed=1.25)
        await client.wait(SessionUpdated)
        client.do(ResponseCreate())
        await client.response()

    mouth = Willing()
    run(stage.play(scenario, replace(scripted_engines(answers=[["Yes."]]), synthesizer=mouth)))
    assert [(text, how.voice, how.speed) for text, how in mouth.spoken] == [("Yes.", "echo", 1.25)]


def test_a_slow_reader_gets_everything_in_order_when_it_reads_again(stage: Stage) -> None:
    words = " ".join(f"word{number}" for number in range(40)) + ". "

    async def scenario(client: Client) -> None:
        client.do(ResponseCreate())
        await client.wait(ResponseOutputAudioDelta, 10)
        client.writable = False
        await asyncio.sleep(0.3)
        held = len(client.audio)
        await asyncio.sleep(30)
        assert len(client.audio) == held
        assert not client.of(ResponseDone)
        client.writable = True
        client.session.resume()
        client.session.resume()
        assert len(client.audio) > held
        await client.response()

    engines = scripted_engines(answers=[[words]])
    client = run(stage.play(scenario, engines))
    assert len(client.audio) == 40 * 200 * 48
    assert client.transcript == words.rstrip()
    assert client.events[-1][1].type == "response.done"


def test_audio_that_is_made_while_the_reader_is_slow_waits_too(stage: Stage) -> None:

    async def scenario(client: Client) -> None:
        client.writable = False
        client.do(ResponseCreate())
        await asyncio.sleep(30)
        held = len(client.audio)
        client.writable = True
        client.session.resume()
        response = await client.response()
        assert held == 0
        assert response.status == "completed"

    script = [step for word in ("One. ", "Two. ", "Three. ") for step in (word, Pause(2.0))]
    client = run(stage.play(scenario, scripted_engines(answers=[script])))
    assert client.transcript == "One. Two. Three."
    assert len(client.audio) == 3 * 200 * 48


def test_a_turn_after_another_is_remembered(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        for count in (1, 2, 3):
            await client.turn(400)
            await client.response(count)

    engines = scripted_engines(hears=["a", "b", "c"], answers=[["A."], ["B."], ["C."]])
    run(stage.play(scenario, engines, SessionOptions(instructions="Be brief.")))
    model = engines.llm
    assert isinstance(model, ScriptedModel)
    assert [len(request.items) for request in model.requests] == [1, 3, 5]
    assert model.requests[0].instructions == "Be brief."


class Unread:
    """A sink for events that nobody reads."""

    writable = True

    def send(self, events: object) -> None:
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not for Windows")
def test_a_deadline_that_is_now_can_be_armed_again_on_uvloop() -> None:
    import uvloop

    async def scenario() -> list[object]:
        # Where a time is as good as now, uvloop gives a handle that cannot say when it is due.
        now = asyncio.get_running_loop().time()
        session = LocalSession(scripted_engines(), Unread())
        session._conversation.next_deadline = lambda: now  # type: ignore[method-assign]
        handles: list[object] = []
        for _ in range(2):
            session._arm()
            handles.append(session._timer)
        await session.aclose()
        return handles

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        first, second = runner.run(scenario())
    assert first is second
    assert not hasattr(first, "when")
