"""Whole calls: connecting, hearing, being heard, interrupting; what the application has of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.web.pages import LOCAL, Page
from tests.web.scenes import COUNTING, PATH, SHORT, WORD_MS, House, house, play, said

from vivavoce.session.session import RealtimeSession
from vivavoce.testing import ScriptedRealtimeModel, spoken, user_says
from vivavoce.testing.tones import tone
from vivavoce.web import CallOptions

# --- connecting, hearing, being heard -----------------------------------------------------------------------


def test_a_page_connects_as_the_sdk_does_and_types_and_hears() -> None:
    async def scene(place: House, browser: Page) -> None:
        await browser.until("session.created")
        browser.send("session.update", session={"type": "realtime", "tracing": "auto"})
        browser.send("session.update", session={"type": "realtime", "instructions": "Give me a discount."})
        await browser.until(lambda: len(browser.all("session.updated")) == 3)
        shown = browser.all("session.updated")[-1]["session"]
        assert "instructions" not in shown
        assert shown["audio"]["output"]["format"] == {"type": "audio/pcm", "rate": 24000}
        browser.type("Hello")
        await browser.until("output_audio_buffer.stopped")
        types = browser.types
        assert types[0] == "session.created"
        started = types.index("output_audio_buffer.started")
        assert types.index("response.created") < started < types.index("output_audio_buffer.stopped")
        assert types.index("response.done") < types.index("output_audio_buffer.stopped")
        assert "response.output_audio.delta" not in {event["type"] for event in browser.events}
        assert browser.loud_frames == pytest.approx(4 * WORD_MS / 20, abs=2)
        assert place.sessions[0].current_agent.instructions == "Never give discounts."
        assert said(place.sessions[0]) == [SHORT]

    play(scene)


def test_a_page_is_heard_and_answered() -> None:
    async def scene(place: House, browser: Page) -> None:
        browser.speak(tone(600))
        done = await browser.until("conversation.item.input_audio_transcription.completed")
        assert done["transcript"] == "what time is it"
        await browser.until("output_audio_buffer.stopped")
        assert said(place.sessions[0]) == [SHORT]
        # What the SDK for browsers asks after each transcript:
        browser.send("conversation.item.retrieve", item_id=done["item_id"])
        item = (await browser.until("conversation.item.retrieved"))["item"]
        assert item["content"] == [{"type": "input_audio", "transcript": "what time is it"}]

    play(scene, hears=["what time is it"])


def test_who_interrupts_leaves_in_the_conversation_what_was_heard() -> None:
    async def scene(place: House, browser: Page) -> None:
        browser.type("Count.")
        await browser.until(lambda: browser.loud_frames >= 25)
        browser.speak(tone(1200))
        await browser.until("output_audio_buffer.cleared")
        heard_frames = browser.loud_frames
        cut = await browser.until("conversation.item.truncated")
        await browser.until(lambda: len(browser.all("response.done")) == 2)
        order = [
            "input_audio_buffer.speech_started",
            "output_audio_buffer.cleared",
            "conversation.item.truncated",
        ]
        assert [name for name in browser.types if name in order] == order
        # What was pulled is what was cut, and what reached the page is no more than a few frames behind.
        assert abs(cut["audio_end_ms"] - heard_frames * 20) <= 100
        words = said(place.sessions[0])[0].split()
        assert words == COUNTING.split()[: len(words)]
        assert abs(len(words) * WORD_MS - cut["audio_end_ms"]) <= WORD_MS
        browser.send("conversation.item.retrieve", item_id=cut["item_id"])
        item = (await browser.until("conversation.item.retrieved"))["item"]
        assert item["content"][0]["transcript"].split() == words

    play(scene, COUNTING, "Yes?", hears=["stop"])


def test_what_arrives_at_once_is_heard_at_its_own_pace_and_cut_at_the_frame() -> None:
    model = ScriptedRealtimeModel([spoken(COUNTING, audio_ms=3000), spoken("Yes?")])

    async def scene(place: House, browser: Page) -> None:
        browser.type("Count.")
        await browser.until("response.done")
        await browser.until(lambda: browser.loud_frames >= 20)
        model.emit(user_says("Stop"))
        cut = await browser.until("conversation.item.truncated")
        silent_from = len(browser.heard) + 15
        await browser.until(lambda: len(browser.heard) > silent_from + 5)
        assert not any(browser.heard[silent_from:])
        # The codec may smear a frame at either end.
        assert abs(browser.loud_frames * 20 - cut["audio_end_ms"]) <= 40
        assert cut["audio_end_ms"] % 20 == 0

    play(scene, model=model)


def test_a_page_interrupts_by_hand() -> None:
    async def scene(place: House, browser: Page) -> None:
        browser.type("Count.")
        await browser.until(lambda: browser.loud_frames >= 15)
        browser.send("response.cancel")
        browser.send("output_audio_buffer.clear")
        cleared = await browser.until("output_audio_buffer.cleared")
        assert cleared["response_id"] == browser.all("output_audio_buffer.started")[0]["response_id"]
        cut = await browser.until("conversation.item.truncated")
        assert cut["audio_end_ms"] < 15 * WORD_MS
        silent_from = len(browser.heard) + 15
        await browser.until(lambda: len(browser.heard) > silent_from + 10)
        assert not any(browser.heard[silent_from:])
        assert not browser.all("error")
        assert len(said(place.sessions[0])[0].split()) < 15

    play(scene, COUNTING)


def test_the_program_interrupts() -> None:
    async def scene(place: House, browser: Page) -> None:
        browser.type("Count.")
        await browser.until(lambda: browser.loud_frames >= 10)
        await place.sessions[0].interrupt()
        await browser.until("output_audio_buffer.cleared")

    play(scene, COUNTING)


def test_a_call_may_have_no_data_channel() -> None:
    import aiortc

    async def story() -> None:
        async with house(on_session=lambda session, _user: session.say(SHORT)) as place:
            peer = aiortc.RTCPeerConnection()
            ended = asyncio.Event()
            heard: asyncio.Queue[Any] = asyncio.Queue()

            @peer.on("track")
            async def listen(track: Any) -> None:
                try:
                    while True:
                        heard.put_nowait((await track.recv()).to_ndarray().astype(int))
                except aiortc.mediastreams.MediaStreamError:
                    ended.set()

            peer.addTransceiver("audio", direction="recvonly")
            await peer.setLocalDescription(await peer.createOffer())
            files = {"sdp": (None, peer.localDescription.sdp)}
            answer = await place.web.post(PATH, files=files)
            assert answer.status_code == 201, answer.text
            await peer.setRemoteDescription(aiortc.RTCSessionDescription(answer.text, "answer"))
            async with asyncio.timeout(8):
                while abs(await heard.get()).max() < 500:
                    pass
                await peer.close()
                await place.gone()

    asyncio.run(story())


# --- the application's part ---------------------------------------------------------------------------------


def test_the_application_says_hello_listens_and_looks_back_afterwards() -> None:
    looked_back = asyncio.Event()
    seen: list[Any] = []

    async def attend(session: RealtimeSession, user: str) -> None:
        await session.say(SHORT)
        seen.append([user async for event in session if event.type == "agent_end"])
        seen.append(said(session))
        looked_back.set()

    async def scene(place: House, browser: Page) -> None:
        await browser.until("output_audio_buffer.stopped")
        assert (await place.web.delete(browser.location)).status_code == 204
        await browser.until(lambda: browser.ended)
        await asyncio.wait_for(looked_back.wait(), 5)
        assert seen == [["ada"], [SHORT]]

    play(scene, on_session=attend)


def test_an_application_that_fails_is_logged_and_the_call_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(_session: RealtimeSession, _user: str) -> None:
        raise KeyError("a bug")

    async def scene(place: House, browser: Page) -> None:
        browser.type("Hello")
        await browser.until("output_audio_buffer.stopped")
        assert "on_session raised" in caplog.text

    play(scene, on_session=broken)


def test_when_the_session_ends_the_page_is_hung_up_on() -> None:
    async def scene(place: House, browser: Page) -> None:
        (call,) = place.calls.calls
        await place.sessions[0].close()
        await browser.until(lambda: browser.ended)
        await place.gone()
        assert call.ended == "the session ended"

    play(scene)


def test_when_the_model_is_gone_for_good_so_is_the_call() -> None:
    model = ScriptedRealtimeModel()

    async def scene(place: House, browser: Page) -> None:
        model.lose()
        await browser.until(lambda: browser.ended)
        await place.gone()

    play(scene, model=model)


def test_when_the_page_is_closed_the_session_ends() -> None:
    async def scene(place: House, browser: Page) -> None:
        (call,) = place.calls.calls
        await browser.peer.aclose()
        await place.gone()
        assert call.ended == "the peer hung up"

    play(scene)


def test_a_call_lasts_as_long_as_it_may() -> None:
    async def scene(place: House, browser: Page) -> None:
        (call,) = place.calls.calls
        await browser.until(lambda: browser.ended)
        await place.gone()
        assert call.ended == "the call lasted 1 s"

    play(scene, options=CallOptions(rtc=LOCAL, max_s=1))
