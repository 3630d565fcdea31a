"""`RealtimeModel`: the port through which a session speaks to a realtime model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, TypedDict

from vivavoce.connections.listeners import Listeners
from vivavoce.connections.spelling import snake, unknown
from vivavoce.connections.transport import TransportOptions, read_transport
from vivavoce.errors import ConfigurationError, VivavoceError
from vivavoce.protocol import ClientEvent, ServerEvent, Unknown
from vivavoce.protocol.codec import client_event_from
from vivavoce.providers.base import ApiKey, split_url


class RealtimeModelConfig(TypedDict, total=False):
    """How to reach the model, for one run. Every key may be left out, and may be written in camelCase.

    Attributes:
        api_key: the key, or a function, plain or async, that returns it whenever a connection is made.
        url: ``ws://``, ``wss://``, ``http://`` or ``https://``; one without a path, or that ends in ``/v1``,
            gets ``/realtime``; ``?model=`` is added where it names none.
        base_url: base of an API, to which ``/realtime`` is always added; `url` goes before it.
        headers: HTTP headers of the connection. They go before those made here; one that carries a key
            stands for any other key.
        call_id: a call to attach to, in the place of a new session with a model.
        initial_model_settings: session settings that go before those of the run.
        playback_tracker: a `RealtimePlaybackTracker`, where the application knows what was played.
        transport: limits of the WebSocket: `TransportOptions`, or a dictionary with some of the keys
            handshake_timeout, send_timeout, ping_interval, ping_timeout, close_timeout (seconds), max_size
            (bytes), max_queue (frames) and compression.
    """

    api_key: ApiKey
    url: str
    base_url: str
    headers: Mapping[str, str]
    call_id: str
    initial_model_settings: Mapping[str, Any]
    playback_tracker: Any
    transport: TransportOptions | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """The connection's state has changed.

    Attributes:
        status: what it is now; ``"disconnected"`` is the last event of a connection.
    """

    status: Literal["connecting", "connected", "disconnected"]
    type: Literal["connection_status"] = "connection_status"


@dataclass(frozen=True, slots=True)
class ConnectionFailed:
    """Something went wrong on the way: a frame that could not be read, or the connection itself.

    Attributes:
        error: a `RemoteProtocolError` for a bad frame (the connection lives on), a `ConnectionLostError` when
            the connection broke.
    """

    error: VivavoceError
    type: Literal["connection_error"] = "connection_error"


ModelEvent: TypeAlias = ServerEvent | Unknown | ConnectionStatus | ConnectionFailed


class RealtimeModelListener(Protocol):
    """Hears every event of a model."""

    def on_event(self, event: ModelEvent) -> Awaitable[None] | None:
        """Take one event. A plain method must be quick; a coroutine method gets a queue of its own."""
        ...


Listener: TypeAlias = RealtimeModelListener | Callable[[ModelEvent], Awaitable[None] | None]


class RealtimeModel(ABC):
    """A connection to one realtime model, for one session at a time."""

    def __init__(self) -> None:
        self._listeners = Listeners()

    @abstractmethod
    async def connect(self, config: RealtimeModelConfig) -> None:
        """Open the connection. `initial_model_settings["model_name"]` names the model.

        Raises:
            ConfigurationError: the configuration cannot work; the message says what to change.
            ConnectionLostError: the model could not be reached.
        """

    @abstractmethod
    async def send_event(self, event: ClientEvent) -> None:
        """Send one event.

        Raises:
            ConnectionLostError: there is no connection, or it broke.
        """

    async def send_raw(self, event: Mapping[str, Any]) -> None:
        """Send one event in its JSON form, with whatever it says beyond the Realtime API.

        A model that carries structs refuses what they cannot hold.

        Raises:
            RemoteProtocolError: it is no such event, and this model carries no other.
            ConnectionLostError: there is no connection, or it broke.
        """
        await self.send_event(client_event_from(event))

    @abstractmethod
    async def close(self) -> None:
        """Close the connection within a second, whatever the peer does; safe to call twice.

        An implementation also ends its listeners, at last: ``await self._listeners.aclose()``. Those that are
        async have tasks and queues of their own, which nobody else ends.
        """

    def add_listener(self, listener: Listener) -> None:
        """Have every event from now on delivered to a listener: a function, or an object with `on_event`."""
        self._listeners.add(listener)

    def remove_listener(self, listener: Listener) -> None:
        """Stop delivering to a listener; one that is not known is passed over."""
        self._listeners.remove(listener)

    def emit(self, event: ModelEvent) -> None:
        """Deliver an event to every listener. A listener that raises is logged and harms nobody else."""
        self._listeners.emit(event)


_ELSEWHERE = {
    "model": "name it as initial_model_settings={'model_name': …}",
    "context": "it is an argument of its own: runner.run(context=…)",
}
_KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "api_key": (
        lambda value: bool(value) if isinstance(value, str) else callable(value),
        "a text or a function",
    ),
    "url": (lambda value: isinstance(value, str), "a text"),
    "base_url": (lambda value: isinstance(value, str), "a text"),
    "headers": (lambda value: isinstance(value, Mapping), "a dictionary"),
    "call_id": (lambda value: isinstance(value, str) and bool(value), "a text that is not empty"),
    "initial_model_settings": (lambda value: isinstance(value, Mapping), "a dictionary"),
    "playback_tracker": (lambda value: hasattr(value, "on_play_ms"), "a RealtimePlaybackTracker"),
    "transport": (
        lambda value: isinstance(value, TransportOptions | Mapping),
        "TransportOptions or a dictionary",
    ),
}
_SECRET = frozenset({"api_key", "headers"})


def check_model_config(
    config: Mapping[str, Any] | None, *, path: str = "model_config"
) -> RealtimeModelConfig:
    """Return the configuration with its keys in snake_case, or say what is wrong with it.

    Args:
        config: as the user wrote it. A value of ``None`` counts as left out.
        path: what it is called, for messages.

    Raises:
        ConfigurationError: a key is not known or a value is not accepted; says what is.
    """
    config = {} if config is None else config
    if not isinstance(config, Mapping):
        raise ConfigurationError(f"{path} must be a dictionary, got {config!r}")
    checked: Any = {}
    for key, value in config.items():
        name = snake(str(key))
        if name in _ELSEWHERE:
            raise ConfigurationError(f"{path}.{key} is not accepted here: {_ELSEWHERE[name]}")
        if name not in _KINDS:
            raise unknown(f"{path}.{key}", key, list(_KINDS))
        if value is not None:
            checked[name] = _checked(name, value, f"{path}.{key}")
    return checked  # type: ignore[no-any-return]  # its keys were just checked


def _checked(name: str, value: Any, where: str) -> Any:
    accepts, wanted = _KINDS[name]
    if not accepts(value):
        shown = "a value of another kind" if name in _SECRET else repr(value)
        raise ConfigurationError(f"{where} must be {wanted}, got {shown}")
    if name in {"url", "base_url"}:
        split_url(value)
    if name == "headers":
        for header, text in value.items():
            if not isinstance(header, str) or not isinstance(text, str):
                raise ConfigurationError(f"{where}[{header!r}] must be a text")
    if name == "transport":
        read_transport(value, below=TransportOptions(), path=where)
    return value


def model_name_of(config: RealtimeModelConfig) -> str | None:
    """Return the name of the model that a configuration asks for, or ``None``."""
    name: str | None = config.get("initial_model_settings", {}).get("model_name")
    return name
