"""`ReplayRealtimeModel`: the model of a recorded session, as it spoke then. No server, no engines, no key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from math import inf
from pathlib import Path
from typing import Any

from vivavoce.connections.base import ConnectionStatus, RealtimeModel, RealtimeModelConfig
from vivavoce.connections.replay_script import (
    Comparison,
    RecordedPlayback,
    ReplayDifference,
    Step,
    steps_of,
)
from vivavoce.errors import ConfigurationError, ConnectionLostError
from vivavoce.observe.recording import Recording, event_form, read_recording
from vivavoce.protocol import ClientEvent
from vivavoce.tasks import Tasks

PATIENCE_S = 30.0
"""Seconds to wait for something that the session sent when it was recorded."""
SETTLE_S = 0.25
"""Seconds after the last event in which the session may still send something that was not recorded."""

PersonAction = Callable[[Mapping[str, Any]], Awaitable[None]]


class ReplayRealtimeModel(RealtimeModel):
    """Delivers the recorded events of a server at their times, and waits where the model waited.

    Tools really run again, with whatever they do: an output that the session sent then must come before the
    replay goes on. What comes otherwise is collected in `differences`. Use it for one session.

    Example:
        model = ReplayRealtimeModel("call.jsonl", speed=math.inf)
        runner = RealtimeRunner(agent, model=model)
        async with await runner.run(model_config=model.model_config) as session:
            await model.finished()
        assert model.differences == []

    Args:
        recording: of a `SessionRecorder`: the path of its ``.jsonl`` file, or what `read_recording` returned.
            Audio that it left out is replaced by silence of the same length.
        speed: 1 is the pace of the recording, 2 twice as fast; ``math.inf`` does not wait at all.
        patience_s: how long to wait for something that the session sent then, in seconds.
        ignore: kinds of events that may differ: ``session.update``, ``function_call_output``,
            ``response.create``, ``system_message``.
        on_person: is called with everything that the person did, in its JSON form, when its time has come:
            a message, an interruption (``response.cancel``); not with their speech. To do it again is up to
            you; the replay goes on when it returns.

    Attributes:
        recording: what is replayed.
        on_person: as given; may be set until the session opens.

    Raises:
        ConfigurationError: there is no such recording, or an argument cannot be used.
    """

    def __init__(
        self,
        recording: Recording | str | Path,
        *,
        speed: float = 1.0,
        patience_s: float = PATIENCE_S,
        ignore: Collection[str] = (),
        on_person: PersonAction | None = None,
    ) -> None:
        super().__init__()
        if not speed > 0:
            raise ConfigurationError(f"speed is {speed!r}; it must be above 0, or math.inf")
        if not 0 <= patience_s < inf:
            raise ConfigurationError(f"patience_s is {patience_s!r}; it must be a number of seconds")
        self.recording = recording if isinstance(recording, Recording) else read_recording(recording)
        self._steps = steps_of(self.recording)
        self._comparison = Comparison(self._steps, ignore)
        self._speed = speed
        self._patience = patience_s
        self.on_person = on_person
        self._tasks = Tasks()
        self._sent = asyncio.Event()
        self._over = asyncio.Event()
        self._state = "new"
        self._start = 0.0
        self._at = 0.0

    @property
    def model_config(self) -> RealtimeModelConfig:
        """Give this to `RealtimeRunner.run`: interruptions then cut where they cut in the recording."""
        return {"playback_tracker": RecordedPlayback(self.recording)}

    @property
    def differences(self) -> list[ReplayDifference]:
        """What the session did otherwise than in the recording; complete once `finished` has returned."""
        return self._comparison.differences

    async def finished(self) -> None:
        """Wait until the recording is over, and the session has had a moment to react to its end."""
        await self._over.wait()
        await asyncio.sleep(SETTLE_S)

    # --- RealtimeModel --------------------------------------------------------------------------------------

    async def connect(self, config: RealtimeModelConfig) -> None:
        """Begin the replay.

        Raises:
            ConfigurationError: it has been used already.
        """
        del config
        if self._state != "new":
            raise ConfigurationError("a replay is for one session; make a new ReplayRealtimeModel")
        self._state = "open"
        self.emit(ConnectionStatus("connecting"))
        self.emit(ConnectionStatus("connected"))
        self._tasks.spawn(self._play(), name="replay")

    async def send_event(self, event: ClientEvent) -> None:
        """Take what the session sends, for comparison.

        Raises:
            ConnectionLostError: the replay was closed.
        """
        if self._state != "open":
            raise ConnectionLostError(f"cannot send {event.type}: the replay is not open")
        self._comparison.arrived(event_form(event), self._at)
        self._sent.set()

    async def close(self) -> None:
        """End the replay."""
        if self._state == "closed":
            return
        before, self._state = self._state, "closed"
        self._over.set()
        await self._tasks.aclose()
        if before == "open":
            self.emit(ConnectionStatus("disconnected"))
        await self._listeners.aclose()

    # --- the replay -----------------------------------------------------------------------------------------

    async def _play(self) -> None:
        self._start = asyncio.get_running_loop().time() - self._steps[0].at / self._speed
        try:
            for step in self._steps:
                self._at = step.at
                if step.say is not None:
                    await self._pace(step.at)
                    self.emit(step.say)
                elif step.key is not None:
                    await self._expect(step)
                elif self.on_person is not None and step.form is not None:
                    await self._act(self.on_person, step.form)
        finally:
            self._over.set()

    async def _pace(self, at: float) -> None:
        """Wait until something is due. What took longer than then shifts all that follows."""
        now = asyncio.get_running_loop().time()
        due = self._start + at / self._speed
        if due < now:
            self._start += now - due
        await asyncio.sleep(max(0.0, due - now))

    async def _expect(self, step: Step) -> None:
        """Wait for something that the session is to send."""
        try:
            async with asyncio.timeout(self._patience):
                while not self._comparison.take(step):
                    self._sent.clear()
                    await self._sent.wait()
        except TimeoutError:
            self._comparison.give_up(step)

    async def _act(self, act: PersonAction, form: Mapping[str, Any]) -> None:
        if form.get("type") == "input_audio_buffer.append":
            return
        await self._pace(self._at)
        await act(form)
