from __future__ import annotations

from typing import Any

import pytest
from tests.session.conftest import HandModel

from vivavoce.conversation.client import ClientConversation
from vivavoce.errors import ConnectionLostError
from vivavoce.protocol import InputAudioBufferClear, InputAudioBufferCommit
from vivavoce.session.link import Link
from vivavoce.session.model_settings import ModelSettings
from vivavoce.session.observing import Observers
from vivavoce.session.outlet import Outlet
from vivavoce.session.settings import ReconnectSettings
from vivavoce.session.unheard_audio import UnheardAudio
from vivavoce.testing import run


class Exit(HandModel):
    """An outlet, and the model that refuses some events."""

    def __init__(self) -> None:
        super().__init__()
        self.connected = True
        self.lives.append([])
        self.accepts = False
        self.refused: set[str] = set()
        self.errors: list[str] = []
        self.conversation = ClientConversation()
        self.unheard = UnheardAudio()
        observers = Observers([], lambda: 0.0)
        link = Link(self, {}, ModelSettings(), ReconnectSettings(), observers)
        self.outlet = Outlet(link, self.conversation, self.unheard, self._note)

    def _note(self, event: Any) -> None:
        self.errors.append(str(event.error))

    async def send_event(self, event: Any) -> None:
        if event.type in self.refused:
            raise ValueError(f"no {event.type}")
        await super().send_event(event)

    def say_both(self) -> None:
        for event in (InputAudioBufferClear(), InputAudioBufferCommit()):
            self.conversation.send(event, 0.0)


def test_what_was_decided_is_sent_in_order_and_noted() -> None:
    async def main() -> None:
        there = Exit()
        there.unheard.add(b"ab")
        there.say_both()
        assert await there.outlet.flush(lambda: True) is None
        await there.outlet.send(InputAudioBufferClear())
        clear, commit = "input_audio_buffer.clear", "input_audio_buffer.commit"
        assert there.kinds() == [clear, commit, clear]
        _, kept = there.unheard.events_since(0)
        assert [event.type for event in kept] == ["input_audio_buffer.append", commit]

    run(main())


def test_without_a_connection_everything_stays() -> None:
    async def main() -> None:
        there = Exit()
        there.say_both()
        assert await there.outlet.flush(lambda: False) is None
        there.connected = False
        error = await there.outlet.flush(lambda: True)
        assert isinstance(error, ConnectionLostError)
        with pytest.raises(ConnectionLostError):
            await there.outlet.send(InputAudioBufferClear())
        there.connected = True
        await there.outlet.flush(lambda: True)
        assert there.kinds() == ["input_audio_buffer.clear", "input_audio_buffer.commit"]

    run(main())


@pytest.mark.parametrize("claimed", [True, False])
def test_an_event_that_cannot_be_sent_is_told_to_who_asked_for_it(claimed: bool) -> None:
    async def main() -> None:
        there = Exit()
        there.refused = {"input_audio_buffer.clear"}
        there.say_both()
        if claimed:
            with there.outlet.claiming() as failures:
                await there.outlet.flush(lambda: True)
            assert [str(failure) for failure in failures] == ["no input_audio_buffer.clear"]
        else:
            await there.outlet.flush(lambda: True)
        assert there.errors == ([] if claimed else ["no input_audio_buffer.clear"])
        assert there.kinds() == ["input_audio_buffer.commit"]

    run(main())


def test_what_nobody_asked_for_is_nobodys_failure() -> None:
    async def main() -> None:
        there = Exit()
        there.refused = {"response.cancel"}
        there.conversation.request_response(0.0)
        there.conversation.interrupt(0.0)
        with there.outlet.claiming() as failures:
            await there.outlet.flush(lambda: True)
        assert (failures, there.errors) == ([], ["no response.cancel"])

    run(main())


def test_events_and_kept_speech_go_out_in_order_with_what_comes_meanwhile() -> None:
    class Slow(Exit):
        async def send_event(self, event: Any) -> None:
            if len(self.sent) == 2:
                self.unheard.add(b"late")
            await super().send_event(event)

    async def main() -> None:
        exit_ = Slow()
        for piece in (b"know", b"kept"):
            exit_.unheard.add(piece)
        await exit_.outlet.send_all([InputAudioBufferClear(), InputAudioBufferCommit()])
        await exit_.outlet.send_unheard(4)
        kinds = [event["type"].rpartition(".")[2] for event in exit_.sent]
        assert kinds == ["clear", "commit", "append", "append"]
        assert [event["audio"] for event in exit_.sent[2:]] == ["a2VwdA==", "bGF0ZQ=="]
        exit_.connected = False
        with pytest.raises(ConnectionLostError):
            await exit_.outlet.send_unheard(4)

    run(main())
