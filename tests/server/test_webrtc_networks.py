"""Calls by WebRTC over networks that lose and delay: words, positions and events survive."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("aiortc", reason="needs vivavoce[webrtc]")

from bench.marks import RATE, heard_ms, sweep
from bench.network_call import Notebook, calling, house
from bench.networks import Exchange, barge_in, exchange, many_events

from vivavoce.engines.scripted import LoudnessVad
from vivavoce.testing.lossy_link import LinkConditions, LossyLink

BAD = LinkConditions(loss=0.05, jitter_ms=80)
WORSE = LinkConditions(loss=0.15)
WORST = LinkConditions(loss=0.15, jitter_ms=80)
SENTENCES = (
    "can you tell me when the next train leaves for chicago",
    "my brother lives in a small house near the river",
)


@pytest.mark.local
@pytest.mark.timeout(180)
def test_speech_is_understood_at_both_ends() -> None:
    pytest.importorskip("pocketsphinx", reason="needs vivavoce[local]")
    from vivavoce.engines.stt.pocketsphinx import PocketsphinxTranscriber

    async def scenario() -> None:
        notebook, ears = Notebook(), PocketsphinxTranscriber(workers=1)

        async def call(conditions: LinkConditions, sentence: str) -> Exchange:
            async with LossyLink(conditions, seed=5) as link, calling(url, link) as caller:
                found = await exchange(caller, notebook, sentence)
                assert link.lost > 10
                return found

        try:
            async with house(LoudnessVad(300), notebook) as url:
                exchanges = await asyncio.gather(call(WORSE, SENTENCES[0]), call(BAD, SENTENCES[1]))
            words = [await each.words(ears) for each in exchanges]
        finally:
            await ears.aclose()
        # Without loss not one of ten words is wrong; in a voice that breaks up half of them are.
        assert sum(each.up + each.down for each in words) / 4 <= 0.3, words

    asyncio.run(scenario())


@pytest.mark.parametrize("conditions", [WORSE, BAD, WORST], ids=["15 %", "5 % and jitter", "15 % and jitter"])
def test_the_conversation_is_cut_where_the_ear_was(conditions: LinkConditions) -> None:
    async def scenario() -> None:
        async def call(seed: int) -> float:
            async with LossyLink(conditions, seed=seed) as link, calling(url, link) as caller:
                cut = await barge_in(caller, 20, 2.0 + 0.7 * seed)
            assert cut.truncated > 1000
            return cut.truncated - cut.heard

        async with house(LoudnessVad()) as url:
            drifts = await asyncio.gather(*(call(seed) for seed in range(3)))
        assert max(map(abs, drifts)) <= 100, drifts

    asyncio.run(scenario())


def test_every_event_arrives_in_its_order() -> None:
    async def scenario() -> None:
        async with house(LoudnessVad()) as url, LossyLink(WORST, seed=1) as link:
            ready_s, told = await many_events(url, link, 40)
            assert told.complete
            assert ready_s < 15
            assert link.lost > 20

    asyncio.run(scenario())


@pytest.mark.parametrize("end_ms", [480, 3980, 4020, 7760, 11_000])
def test_a_sweep_tells_how_much_of_it_was_heard(end_ms: int) -> None:
    heard = sweep(15)[: end_ms * RATE // 1000 * 2]
    found = heard_ms(bytes(RATE) + heard + bytes(RATE))
    assert found == pytest.approx(end_ms, abs=20)
    assert heard_ms(bytes(RATE)) is None
