"""The settings of a server, frozen and checked once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from vivavoce.engines.registry import EngineChoice
from vivavoce.errors import ConfigurationError
from vivavoce.pipeline import SessionOptions
from vivavoce.server.auth import is_loopback
from vivavoce.server.limits import Limits

__all__ = ["ServerConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """How to serve.

    Attributes:
        host: address to listen on. Without an API key it must be a loopback address.
        port: TCP port; 0 takes any free one.
        api_keys: keys that clients must present one of; empty asks for none.
        limits: bounds on sessions, messages and queues.
        session: defaults of every session; its `model` answers when a client names none.
        engines: which engines `serve` builds.
        drain_s: seconds that sessions may go on after the first signal before `serve` closes them. New ones
            are refused meanwhile, and `/healthz` says so.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    limits: Limits = field(default_factory=Limits)
    session: SessionOptions = field(default_factory=SessionOptions)
    engines: EngineChoice = field(default_factory=EngineChoice)
    drain_s: float = 0.0

    def __post_init__(self) -> None:
        """Check the address against the keys, and the numbers.

        Raises:
            ConfigurationError: the port is out of range, the time is negative, or the address is public and
                there is no key.
        """
        if not 0 <= self.port <= 65535:
            raise ConfigurationError(f"port {self.port} is out of range; use 0 (any free port) to 65535")
        if not 0 <= self.drain_s < math.inf:
            raise ConfigurationError(f"drain_s is {self.drain_s:g}; it must be 0 or more seconds")
        if not self.api_keys and not is_loopback(self.host):
            raise ConfigurationError(
                f"refusing to listen on {self.host} without an API key, because everyone who can reach it "
                "could use it; give --api-key (or VIVAVOCE_API_KEY), or listen on 127.0.0.1"
            )
