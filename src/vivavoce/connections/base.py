"""`RealtimeModel`: the port through which a session speaks to a realtime model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, TypedDict

from vivavoce.connections.listeners import Listeners
from vivavoce.errors import ConfigurationError, VivavoceError
from vivavoce.protocol import ClientEvent, ServerEvent, Unknown

ApiKey: TypeAlias = str | Callable[[], str | Awaitable[str]]


class RealtimeModelConfig(TypedDict, total=False):
    """How to reach the model, for one run. Every key may be left out.

    Attributes:
        api_key: the key, or a function, plain or async, that returns it when the connection is made.
        url: ``ws://``, ``wss://``, ``http://`` or ``https://``; a base URL gets ``/realtime``
            and ``?model=``.
        headers: HTTP headers of the connection; they go before those made here.
        initial_model_settings: session settings that go before those of the run.
        playback_tracker: a `RealtimePlaybackTracker`, where the application knows what was played.
    """

    api_key: ApiKey
    url: str
    headers: Mapping[str, str]
    initial_model_settings: Mapping[str, Any]
    playback_tracker: Any


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

    @abstractmethod
    async def close(self) -> None:
        """Close the connection within a second, whatever the peer does; safe to call twice."""

    def add_listener(self, listener: Listener) -> None:
        """Have every event from now on delivered to a listener: a function, or an object with `on_event`."""
        self._listeners.add(listener)

    def remove_listener(self, listener: Listener) -> None:
        """Stop delivering to a listener; one that is not known is passed over."""
        self._listeners.remove(listener)

    def emit(self, event: ModelEvent) -> None:
        """Deliver an event to every listener. A listener that raises is logged and harms nobody else."""
        self._listeners.emit(event)


def check_model_config(
    config: Mapping[str, Any] | None, *, path: str = "model_config"
) -> RealtimeModelConfig:
    """Return the configuration as it is, or say what is wrong with it.

    Raises:
        ConfigurationError: a key is not known or a value is of the wrong kind.
    """
    config = {} if config is None else config
    if not isinstance(config, Mapping):
        raise ConfigurationError(f"{path} must be a dictionary, got {config!r}")
    kinds: dict[str, Callable[[Any], bool]] = {
        "api_key": lambda value: isinstance(value, str) or callable(value),
        "url": lambda value: isinstance(value, str),
        "headers": lambda value: isinstance(value, Mapping),
        "initial_model_settings": lambda value: isinstance(value, Mapping),
        "playback_tracker": lambda value: hasattr(value, "on_play_ms"),
    }
    for key, value in config.items():
        if key not in kinds:
            raise ConfigurationError(f"{path}.{key} is not supported; supported are: {', '.join(kinds)}")
        if not kinds[key](value):
            shown = "a value of the wrong kind" if key == "api_key" else repr(value)
            raise ConfigurationError(f"{path}.{key} cannot be {shown}")
    checked: Any = dict(config)
    return checked  # type: ignore[no-any-return]  # its keys were just checked


def model_name_of(config: RealtimeModelConfig) -> str | None:
    """Return the name of the model that a configuration asks for, or ``None``."""
    return config.get("initial_model_settings", {}).get("model_name")
