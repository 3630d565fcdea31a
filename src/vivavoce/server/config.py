"""The settings of a server, frozen and checked once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vivavoce.engines.registry import EngineChoice
from vivavoce.errors import ConfigurationError
from vivavoce.pipeline import SessionOptions
from vivavoce.server.auth import is_loopback
from vivavoce.server.keys import ApiKey
from vivavoce.server.limits import Limits
from vivavoce.server.metrics import MetricsPolicy
from vivavoce.server.origins import Origins
from vivavoce.server.recording import RecordingPolicy
from vivavoce.server.tracing import TracingPolicy
from vivavoce.server.webhooks import WebhookEndpoint
from vivavoce.webrtc.config import RtcConfig

__all__ = ["GuardrailSpec", "ServerConfig"]


@dataclass(frozen=True, slots=True)
class GuardrailSpec:
    """One guardrail, by name.

    Attributes:
        name: as `make_guardrail` knows it: `"words"`, or one that another package brings.
        options: its settings by name.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """How to serve.

    Attributes:
        host: address to listen on. Without an API key it must be a loopback address.
        port: TCP port; 0 takes any free one.
        api_keys: keys that clients must present one of, each `KEY` or `NAME=KEY`. Where there are none at
            all, here or in the next two, nobody is asked for one.
        hashed_keys: keys of which only the hash is known.
        keys_file: TOML file with more of those, see `read_keys_file`; read again on SIGHUP.
        secret_keys: the operator's secrets that client secrets are made with, see `ClientSecrets`. Without
            one, each process has its own.
        origins: web pages that may connect, like `https://app.example.com`, or `*`. Where none are listed,
            with keys all may, without keys those of this machine.
        limits: bounds on sessions, messages and queues.
        session: defaults of every session; its `model` answers when a client names none.
        engines: which engines `serve` builds.
        webhooks: where events go that somebody is to be told of.
        guardrails: what no session may say, or be told.
        recording: which sessions are recorded; `None` for none.
        metrics: who may read the page of metrics; `None` for no such page.
        tracing: how traces are set up; `None` leaves that to the program that serves.
        webrtc: how calls by WebRTC reach this server; `None` takes none.
        drain_s: seconds that sessions may go on after the first signal before `serve` closes them. New ones
            are refused meanwhile, and `/readyz` says so.
        playground: whether there is a page at `/` to talk to the server.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    hashed_keys: tuple[ApiKey, ...] = ()
    keys_file: Path | None = None
    secret_keys: tuple[str, ...] = field(default=(), repr=False)
    origins: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    session: SessionOptions = field(default_factory=SessionOptions)
    engines: EngineChoice = field(default_factory=EngineChoice)
    webhooks: tuple[WebhookEndpoint, ...] = ()
    guardrails: tuple[GuardrailSpec, ...] = ()
    recording: RecordingPolicy | None = None
    metrics: MetricsPolicy | None = None
    tracing: TracingPolicy | None = None
    webrtc: RtcConfig | None = field(default_factory=RtcConfig)
    drain_s: float = 0.0
    playground: bool = True

    def __post_init__(self) -> None:
        """Check the address and the origins against the keys, and the numbers.

        Raises:
            ConfigurationError: the port is out of range, the time is negative, an origin is none, or the
                address or the origins are open to others and there is no key.
        """
        if not 0 <= self.port <= 65535:
            raise ConfigurationError(f"port {self.port} is out of range; use 0 (any free port) to 65535")
        if not 0 <= self.drain_s < math.inf:
            raise ConfigurationError(f"drain_s is {self.drain_s:g}; it must be 0 or more seconds")
        origins = Origins(self.origins)
        if not self.asks_for_keys and origins.all:
            raise ConfigurationError(
                "refusing to allow every web page without an API key, because any page that somebody on this "
                "machine opens could use the server; list the origins, or give --api-key"
            )
        if not self.asks_for_keys and not is_loopback(self.host):
            raise ConfigurationError(
                f"refusing to listen on {self.host} without an API key, because everyone who can reach it "
                "could use it; give --api-key (or VIVAVOCE_API_KEY, or --keys-file), or listen on 127.0.0.1"
            )

    @property
    def asks_for_keys(self) -> bool:
        """Whether clients must present a key."""
        return bool(self.api_keys or self.hashed_keys or self.keys_file)
