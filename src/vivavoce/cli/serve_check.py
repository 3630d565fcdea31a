"""`vivavoce serve --check`: what would run, as a table, or the one line that says why nothing would."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from vivavoce.urls import shown_url

if TYPE_CHECKING:
    from pathlib import Path

    from vivavoce.engines.base import Engines
    from vivavoce.engines.speech_model import SpeechModel
    from vivavoce.server import RealtimeApp, ServerConfig
    from vivavoce.server.keys import ApiKey, KeyLimits

__all__ = ["check", "page_url", "webrtc_words"]

_WIDTH = 16


def check(config: ServerConfig, path: Path | None) -> str:
    """Make everything that a server is made of, close it again, and return what it was.

    Nobody outside is asked: whether a language model elsewhere answers shows when the server starts.

    Args:
        config: the settings.
        path: the file that they are from, or `None`.

    Raises:
        ConfigurationError: something could not be made.
    """
    from vivavoce.engines.base import Engines
    from vivavoce.engines.registry import build_engines
    from vivavoce.server import create_app

    engines = build_engines(config.engines)
    try:
        if not isinstance(engines, Engines):
            asyncio.run(engines.prewarm())  # an upstream: finds a missing key, and asks nobody
        app = create_app(config, engines)
        rows = [("settings", str(path) if path is not None else "no file; options and defaults")]
        rows += [*_access(config, app), *_engines(config, engines), *_rest(config, app), *_unasked(config)]
        warnings = [("warning", words) for words in _warnings(config, app.max_sessions)]
    finally:
        asyncio.run(engines.aclose())
    table = "".join(f"{name:<{_WIDTH}}{words}\n" for name, words in [*rows, *warnings])
    return table + ("it would run, with a warning\n" if warnings else "all is well\n")


def _access(config: ServerConfig, app: RealtimeApp) -> Iterator[tuple[str, str]]:
    host = f"[{config.host}]" if ":" in config.host else config.host
    url = f"ws://{host}:{config.port}/v1/realtime"
    yield "address", url
    yield "page", page_url(url) if config.playground else "none: switched off"
    if app.keys:
        for index, key in enumerate(app.keys):
            yield ("" if index else "keys"), _key(key)
    else:
        yield "keys", "none: only this machine may connect"
    shared = bool(config.secret_keys)
    yield "client secrets", "good in every process with the secret key" if shared else "good in one process"
    if config.origins:
        yield "web pages", ", ".join(config.origins)
    else:
        yield "web pages", "all that bring a key" if app.keys else "those of this machine"


def _key(key: ApiKey) -> str:
    own = _bounds(key.limits)
    return f"{key.name} ({own})" if own else key.name


def _bounds(limits: KeyLimits) -> str:
    bounds = (
        (limits.max_sessions, "session", "sessions", " at once"),
        (limits.max_minutes_per_day, "minute", "minutes", " a day"),
        (limits.max_audio_s_per_minute, "s", "s", " of audio a minute"),
    )
    return ", ".join(_counted(bound, one, many) + of for bound, one, many, of in bounds if bound is not None)


def _counted(number: float, one: str, many: str) -> str:
    return f"{number:g} {one if number == 1 else many}"


def _engines(config: ServerConfig, engines: Engines | SpeechModel) -> Iterator[tuple[str, str]]:
    for part, name in engines.names.items():
        yield part, str(name)
    for index, (name, voice) in enumerate(config.engines.voices.items()):
        yield ("" if index else "voices"), f"{name} is {voice}"
    if config.engines.prompts is not None:
        yield "prompts", config.engines.prompts


def _rest(config: ServerConfig, app: RealtimeApp) -> Iterator[tuple[str, str]]:
    minutes = config.session.max_session_s / 60
    yield "sessions", f"{app.max_sessions} at once, {_counted(minutes, 'minute', 'minutes')} each"
    if bounds := _bounds(config.limits.per_key):
        yield "each key", bounds
    yield "agent", f"model {config.session.model}, voice {config.session.voice}"
    yield "calls", webrtc_words(config)
    if config.webrtc is not None:
        for server in config.webrtc.ice_servers:
            yield server.address.kind, f"{server.url}: whether it answers shows with the first call"
    for index, endpoint in enumerate(config.webhooks):
        events = ", ".join(endpoint.events) or "all events of the API"
        yield ("" if index else "webhooks"), f"{shown_url(endpoint.url)}: {events}"
    if config.guardrails:
        yield "guardrails", ", ".join(str(spec.options.get("label", spec.name)) for spec in config.guardrails)
    if config.metrics is not None:
        yield "metrics", "/metrics, for everybody" if config.metrics.open else "/metrics"
    if config.tracing is not None:
        yield "traces", config.tracing.exporter or "as the variables OTEL_... say"
    if config.recording is not None:
        which = {"all": "all sessions", "asked": "sessions that ask for it"}[config.recording.sessions]
        yield "recordings", f"{which}, in {config.recording.folder}"


def page_url(url: str) -> str:
    """Return where the page to talk to a server is, from the URL of its WebSocket."""
    return url.replace("ws", "http", 1).removesuffix("v1/realtime")


def webrtc_words(config: ServerConfig) -> str:
    """Return whether a server takes WebRTC calls, and where their media come in."""
    from vivavoce.server.webrtc import webrtc_installed

    if config.webrtc is None:
        return "none by WebRTC: switched off"
    if not webrtc_installed():
        return "none by WebRTC: pip install 'vivavoce[webrtc]'"
    ports = "any free UDP port"
    if config.webrtc.udp_ports is not None:
        ports = "UDP ports {}-{}".format(*config.webrtc.udp_ports)
    where = ", ".join(config.webrtc.addresses) or "every address of this machine"
    known = config.webrtc.advertised_address
    return f"by WebRTC: media on {ports} of {where}" + (f", known as {known}" if known else "")


def _warnings(config: ServerConfig, max_sessions: int) -> Iterator[str]:
    """Yield what runs, but hardly as it was meant."""
    from vivavoce.server.webrtc import webrtc_installed
    from vivavoce.webrtc.config import RtcConfig

    webrtc = config.webrtc
    if webrtc is None:
        return
    if not webrtc_installed():
        if webrtc != RtcConfig():
            yield "[webrtc] is set, but no calls come in without the extra: pip install 'vivavoce[webrtc]'"
        return
    if webrtc.udp_ports is not None:
        first, last = webrtc.udp_ports
        ports = last - first + 1
        if ports < max_sessions:
            calls = _counted(ports, "call", "calls")
            sessions = _counted(max_sessions, "session", "sessions")
            yield (
                f"udp_ports {first}-{last} is enough for {calls} at once, one port each, but {sessions} may "
                "be: widen it, or lower max_sessions"
            )


def _unasked(config: ServerConfig) -> Iterator[tuple[str, str]]:
    """Yield which engines are elsewhere, so that "all is well" is not taken for more than was looked at."""
    from vivavoce.engines.registry import specs
    from vivavoce.providers.openai import OPENAI_BASE_URL

    places = []
    for part, spec in specs(config.engines).items():
        url = spec.options.get("base_url") or spec.options.get("url")
        if not url and spec.name == "upstream":
            azure = spec.options.get("provider") == "azure"
            named = os.environ.get("AZURE_OPENAI_ENDPOINT" if azure else "OPENAI_BASE_URL")
            url = named or ("Azure" if azure else OPENAI_BASE_URL)
        if url:
            places.append(f"{part} at {shown_url(str(url))}")
    if places:
        yield "not asked", f"{', '.join(places)}: whether it answers shows when the server runs"
