"""`ScriptedRealtimeModel`: a realtime model that says what a test tells it to, and checks what it is sent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from vivavoce.connections import ConnectionFailed, ConnectionStatus, RealtimeModel, RealtimeModelConfig
from vivavoce.conversation.ids import CountingIds
from vivavoce.errors import ConfigurationError, ConnectionLostError, VivavoceError
from vivavoce.protocol import ClientEvent, ResponseCreate, ServerEvent, UnsetType, replace
from vivavoce.protocol.base import Tagged
from vivavoce.protocol.codec import server_event_from, to_builtins
from vivavoce.tasks import Tasks
from vivavoce.testing.answers import Answer, Pause, UserTurn, spoken
from vivavoce.testing.clock import VirtualClockLoop
from vivavoce.testing.server_side import ServerSide, Stream

Matcher: TypeAlias = str | type[ClientEvent] | ClientEvent | Mapping[str, Any] | Callable[[ClientEvent], bool]
"""What a step waits for: a wire name, a struct or one event, a part of the JSON form, a function."""

Scripted: TypeAlias = Answer | UserTurn | Pause | ServerEvent | Mapping[str, Any]
"""What a script may let happen: whole answers and turns, pauses, single events as structs or JSON."""


class RealtimeScriptError(VivavoceError):
    """A script and what really happened do not go together."""


class UnexpectedRealtimeSend(RealtimeScriptError):  # noqa: N818  # the name that users know from the Agents SDK
    """The session sent something that the script does not have.

    Args:
        message: what and what was expected.
        actual: what was sent.
        expected: what the next step waits for; ``None`` where no step is left.
    """

    def __init__(self, message: str, *, actual: ClientEvent, expected: Matcher | None) -> None:
        super().__init__(message)
        self.actual = actual
        self.expected = expected


class UnconsumedRealtimeSteps(RealtimeScriptError):  # noqa: N818  # as above
    """The test is over and steps of the script are left.

    Args:
        message: how many, and the first of them.
        remaining_steps: how many.
    """

    def __init__(self, message: str, *, remaining_steps: int) -> None:
        super().__init__(message)
        self.remaining_steps = remaining_steps


@dataclass(frozen=True, slots=True)
class RealtimeStep:
    """Something that the session is expected to send, and what then happens.

    Attributes:
        expect: what to wait for.
        emit: what happens then, in order.
        error: raised to the session in place of that, as when the connection breaks.

    Raises:
        ConfigurationError: both `emit` and `error` were given.
    """

    expect: Matcher
    emit: Iterable[Scripted] = ()
    error: Exception | None = None

    def __post_init__(self) -> None:
        emit = tuple(self.emit)
        if emit and self.error is not None:
            raise ConfigurationError("a RealtimeStep has either emit or error, not both")
        object.__setattr__(self, "emit", emit)


@dataclass(frozen=True, slots=True)
class ConnectCall:
    """How the model was connected, without what is secret.

    Attributes:
        api_key_provided: whether there was a key.
        headers_provided: whether there were headers.
        url: of the server, or ``None``.
        model_name: the model that was asked for, or ``None``.
    """

    api_key_provided: bool
    headers_provided: bool
    url: str | None
    model_name: str | None


class ScriptedRealtimeModel(RealtimeModel):
    """A model that follows a script, for tests of applications: no network, no audio device, no waiting.

        model = ScriptedRealtimeModel([tool_call("get_weather", {"city": "Oslo"}), spoken("It is sunny.")])
        runner = RealtimeRunner(agent, model=model)

    What a server does by itself it does by itself: it opens the session, takes settings and items in,
    cuts messages, cancels responses, and refuses a second response while one is being made. What nobody
    can guess comes from the script: an answer for every `response.create`. `emit` lets anything else happen,
    such as a user who speaks.

    Args:
        steps: in order. A bare answer (or a text, which is spoken) is the answer to the next
            `response.create`.
        connect_events: what happens right after the session has opened.
        connect_error: raised by `connect`.
        close_error: raised by `close`, which closes all the same.
        strict: a `response.create` that is not the next step is an `UnexpectedRealtimeSend`: it is raised
            where it was sent, becomes an `error` event, and `assert_complete` raises it again. Otherwise it
            stays without an answer.

    Attributes:
        connected: whether a session uses it.
        close_calls: how often it was closed.

    Raises:
        ConfigurationError: both `connect_events` and `connect_error` were given.
    """

    def __init__(
        self,
        steps: Iterable[RealtimeStep | Answer | str] = (),
        *,
        connect_events: Iterable[Scripted] = (),
        connect_error: Exception | None = None,
        close_error: Exception | None = None,
        strict: bool = True,
    ) -> None:
        super().__init__()
        self._connect_events = tuple(connect_events)
        if self._connect_events and connect_error is not None:
            raise ConfigurationError(
                "a ScriptedRealtimeModel has either connect_events or connect_error, not both"
            )
        self._steps = deque(_step(step) for step in steps)
        self._connect_error = connect_error
        self._close_error = close_error
        self._strict = strict
        self._ids = CountingIds()
        self._server = ServerSide(self._ids)
        self._tasks = Tasks()
        self._sent: list[ClientEvent] = []
        self._connect_calls: list[ConnectCall] = []
        self._failure: UnexpectedRealtimeSend | None = None
        self.connected = False
        self.close_calls = 0

    # --- what tests ask --------------------------------------------------------------------------------

    @property
    def sent_events(self) -> tuple[ClientEvent, ...]:
        """What the session has sent, in order, over all connections."""
        return tuple(self._sent)

    @property
    def sent_types(self) -> list[str]:
        """The same, by wire names; without audio, of which there is much."""
        return [str(event.type) for event in self._sent if event.type != "input_audio_buffer.append"]

    @property
    def connect_calls(self) -> tuple[ConnectCall, ...]:
        """How the model was connected, each time."""
        return tuple(self._connect_calls)

    @property
    def remaining_steps(self) -> int:
        """How many steps are left."""
        return len(self._steps)

    def assert_complete(self) -> None:
        """Check that everything went by the script.

        Raises:
            UnexpectedRealtimeSend: the session sent something that the script does not have.
            UnconsumedRealtimeSteps: steps are left.
        """
        if self._failure is not None:
            raise self._failure
        if self._steps:
            raise UnconsumedRealtimeSteps(
                f"{len(self._steps)} step(s) of the script were not reached; the next one waits for "
                f"{_name(self._steps[0].expect)}",
                remaining_steps=len(self._steps),
            )

    # --- what tests do ---------------------------------------------------------------------------------

    def emit(self, event: Any, *more: Scripted) -> None:
        """Let something happen: what has no pauses has happened when this returns.

        What comes after a pause happens in a task of the model. Several calls run side by side, so that
        ``emit(user_says("Stop"))`` interrupts an answer that is still arriving.

        Args:
            event: an answer, a turn of the user, a pause, or an event, as a struct or in its JSON form.
            more: what happens after that.

        Raises:
            RemoteProtocolError: a JSON form is no event of a server.
        """
        self._play(self._stream((event, *more)))

    def lose(self, error: Exception | None = None) -> None:
        """Break the connection, as a network does.

        Args:
            error: why; ``None`` is a server that leaves in order.
        """
        if error is not None:
            failure = error if isinstance(error, VivavoceError) else ConnectionLostError(str(error))
            super().emit(ConnectionFailed(failure))
        self._disconnect()

    # --- what sessions do ------------------------------------------------------------------------------

    async def connect(self, config: RealtimeModelConfig) -> None:
        """Open a session.

        Raises:
            ConfigurationError: it is open already.
            Exception: `connect_error`.
        """
        if self.connected:
            raise ConfigurationError("this model is connected already")
        settings = config.get("initial_model_settings", {})
        self._connect_calls.append(
            ConnectCall(
                "api_key" in config, "headers" in config, config.get("url"), settings.get("model_name")
            )
        )
        if self._connect_error is not None:
            raise self._connect_error
        self._server = ServerSide(self._ids)
        self._tasks = Tasks()
        self.connected = True
        super().emit(ConnectionStatus("connecting"))
        super().emit(ConnectionStatus("connected"))
        self._play(self._server.opens())
        self._play(self._stream(self._connect_events))

    async def send_event(self, event: ClientEvent) -> None:
        """Take one event of the session.

        Raises:
            ConnectionLostError: there is no connection.
            UnexpectedRealtimeSend: the script is strict and does not have it.
            Exception: the step's `error`.
        """
        if not self.connected:
            raise ConnectionLostError(f"cannot send {event.type}: the scripted model is not connected")
        self._sent.append(event)
        refused = isinstance(event, ResponseCreate) and self._server.busy
        step = None if refused else self._take(event)
        if step is not None and step.error is not None:
            raise step.error
        self._play(self._server.reacts(event))
        if step is not None:
            self._play(self._stream(step.emit))

    async def close(self) -> None:
        """Close the connection.

        Raises:
            Exception: `close_error`.
        """
        self.close_calls += 1
        was_open = self.connected
        self._disconnect()
        await self._tasks.aclose()
        await self._listeners.aclose()
        if was_open and self._close_error is not None:
            raise self._close_error

    # --- inside ----------------------------------------------------------------------------------------

    def _disconnect(self) -> None:
        if self.connected:
            self.connected = False
            super().emit(ConnectionStatus("disconnected"))

    def _take(self, event: ClientEvent) -> RealtimeStep | None:
        """Return the step that this event is, if it is the next one."""
        if self._steps and _matches(self._steps[0].expect, event):
            return self._steps.popleft()
        if self._strict and isinstance(event, ResponseCreate):
            expected = self._steps[0].expect if self._steps else None
            waits = f"the next step waits for {_name(expected)}" if self._steps else "no step is left"
            self._failure = UnexpectedRealtimeSend(
                f"the session sent {event.type}, but {waits}", actual=event, expected=expected
            )
            loop = asyncio.get_running_loop()
            if isinstance(loop, VirtualClockLoop):
                loop.hint(str(self._failure))
            super().emit(ConnectionFailed(self._failure))
            raise self._failure
        return None

    def _stream(self, script: Iterable[Scripted]) -> Stream:
        for entry in script:
            match entry:
                case Answer():
                    yield from self._server.answers(entry)
                case UserTurn():
                    yield from self._server.hears(entry)
                case Mapping():
                    yield self._event_from(entry)
                case _:
                    yield entry

    def _event_from(self, form: Mapping[str, Any]) -> ServerEvent:
        event = server_event_from({"event_id": self._ids.new("event"), **form})
        return cast("ServerEvent", event)  # one that the protocol does not know is passed on like any other

    def _play(self, stream: Stream) -> None:
        """Let a stream happen up to its first pause, and the rest in a task."""
        for event in stream:
            if isinstance(event, Pause):
                self._tasks.spawn(self._go_on(event, stream), name="scripted answer")
                return
            if self.connected:
                super().emit(event)

    async def _go_on(self, pause: Pause, stream: Stream) -> None:
        await asyncio.sleep(pause.seconds)
        self._play(stream)


def _step(step: RealtimeStep | Answer | str) -> RealtimeStep:
    if isinstance(step, RealtimeStep):
        return step
    return RealtimeStep("response.create", [spoken(step) if isinstance(step, str) else step])


def _matches(expect: Matcher, event: ClientEvent) -> bool:
    if isinstance(expect, str):
        return event.type == expect
    if isinstance(expect, type):
        return isinstance(event, expect)
    if isinstance(expect, Mapping):
        return _holds(to_builtins(event), expect)
    if isinstance(expect, Tagged):
        given = not isinstance(expect.event_id, UnsetType)
        return expect == (event if given else replace(event, event_id=expect.event_id))
    return expect(event)


def _holds(whole: Any, part: Any) -> bool:
    """Tell whether a JSON form holds all that another one says."""
    if isinstance(part, Mapping):
        return isinstance(whole, Mapping) and all(
            key in whole and _holds(whole[key], value) for key, value in part.items()
        )
    if isinstance(part, list | tuple):
        return isinstance(whole, list | tuple) and len(whole) == len(part) and all(map(_holds, whole, part))
    return bool(whole == part)


def _name(expect: Matcher | None) -> str:
    if isinstance(expect, type) and issubclass(expect, Tagged):
        return str(expect.type)
    return str(getattr(expect, "__name__", expect))
