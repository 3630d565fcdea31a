"""From the tables of a configuration file to the settings of a server."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar, get_args

from vivavoce.engines.catalogue import Part
from vivavoce.engines.choice import EngineChoice, EngineSpec, Preset
from vivavoce.engines.configured import configured
from vivavoce.engines.registry import placed
from vivavoce.errors import ConfigurationError
from vivavoce.pipeline import SessionOptions
from vivavoce.server.config import GuardrailSpec
from vivavoce.server.config_webrtc import WebRtcSettings
from vivavoce.server.guardrails import make_guardrail
from vivavoce.server.keys_file import keys_from, nearest
from vivavoce.server.limits import Limits
from vivavoce.server.metrics import MetricsPolicy
from vivavoce.server.recording import RecordingPolicy
from vivavoce.server.tracing import TracingPolicy
from vivavoce.server.webhooks import EVENTS, WebhookEndpoint

__all__ = ["NOT_FOR_OPERATORS", "MisplacedError", "settings_from"]

T = TypeVar("T")
Table = Mapping[str, Any]

NOT_FOR_OPERATORS = frozenset(
    {
        "model_named",
        "voices",
        "knows_voice",
        "created_at",
        "transcription_only",
        "transcription_honours",
        "transcription_languages",
        "transcription_revised",
        "model_honours",
        "noise_reduction",
        "stored_prompt",
        "max_session_s",
    }
)
"""What `SessionOptions` holds that follows from the engines or the client, or is written in another unit."""


class MisplacedError(ConfigurationError):
    """A setting cannot be accepted.

    Args:
        message: what is wrong, naming table and setting.
        table: the path of the table.
        key: the setting in it, or `None` for the table itself.
        index: which one of several tables of this name.
    """

    def __init__(
        self, message: str, table: tuple[str, ...] = (), key: str | None = None, index: int = 0
    ) -> None:
        super().__init__(message)
        self.table = table
        self.key = key
        self.index = index


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    host: str = "127.0.0.1"
    port: int = 8000
    api_keys: tuple[str, ...] = ()
    keys_file: Path | None = None
    secret_keys: tuple[str, ...] = ()
    secret_keys_env: str | None = None
    origins: tuple[str, ...] = ()
    drain_seconds: float = 0.0
    playground: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prompts:
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class _Webhook:
    url: str
    secrets: tuple[str, ...] = ()
    secrets_env: str | None = None
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Metrics:
    enabled: bool = True
    open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tracing:
    enabled: bool = True
    exporter: str | None = None
    capture_content: bool = False


def settings_from(tables: Table, folder: Path) -> dict[str, Any]:
    """Return the arguments of `ServerConfig` that the tables of a file come to.

    Args:
        tables: the file as TOML is read.
        folder: what relative paths are seen from.

    Raises:
        MisplacedError: a table or setting is unknown, missing, or not accepted.
    """
    for name, table in tables.items():
        if name not in _READERS:
            raise MisplacedError(f"there is no table [{name}]{nearest(name, tuple(_READERS))}", (name,))
        if not isinstance(table, list if name in _LISTS else Mapping):
            shape = f"[[{name}]] tables" if name in _LISTS else f"a table: [{name}]"
            raise MisplacedError(f"{name} must be {shape}", (), name)
    settings: dict[str, Any] = {}
    for name, read in _READERS.items():
        if name in tables:
            settings |= read(tables[name], folder)
    return {**settings, "engines": _choice(tables, folder)}


def _server(table: Table, folder: Path) -> dict[str, Any]:
    given = _fit(_Server, table, ("server",))
    return {
        "host": given.host,
        "port": given.port,
        "api_keys": given.api_keys,
        "keys_file": folder / given.keys_file if given.keys_file is not None else None,
        "secret_keys": given.secret_keys + _from_environment(given.secret_keys_env, "secret_keys_env"),
        "origins": given.origins,
        "drain_s": given.drain_seconds,
        "playground": given.playground,
    }


def _from_environment(
    variable: str | None, key: str, table: str = "server", index: int = 0
) -> tuple[str, ...]:
    if variable is None:
        return ()
    values = tuple(part.strip() for part in os.environ.get(variable, "").split(",") if part.strip())
    if not values:
        message = f"[{table}] {key} names the variable {variable!r}, which is not set"
        raise MisplacedError(message, (table,), key, index)
    return values


def _session(table: Table, folder: Path) -> dict[str, Any]:
    table = dict(table)
    names = {field.name for field in fields(SessionOptions)} - NOT_FOR_OPERATORS
    _known(table, (*sorted(names), "instructions_file", "max_minutes"), ("session",))
    if "instructions_file" in table:
        table["instructions"] = _instructions(table, folder)
        del table["instructions_file"]
    if "max_minutes" in table:
        minutes = table.pop("max_minutes")
        if (
            isinstance(minutes, bool)
            or not isinstance(minutes, int | float)
            or not 0 < minutes <= 7 * 24 * 60
        ):
            message = f"[session] max_minutes is {minutes!r}; it must be above 0 and at most 10080, a week"
            raise MisplacedError(message, ("session",), "max_minutes")
        table["max_session_s"] = minutes * 60.0
    return {"session": _fit(SessionOptions, table, ("session",))}


def _instructions(table: Table, folder: Path) -> str:
    where = (("session",), "instructions_file")
    if "instructions" in table:
        raise MisplacedError("[session] has instructions and instructions_file; keep one of them", *where)
    name = table["instructions_file"]
    try:
        text = folder.joinpath(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, TypeError) as error:
        reason = getattr(error, "strerror", None) or error
        message = f"[session] instructions_file {name!r} cannot be read as UTF-8 text: {reason}"
        raise MisplacedError(message, *where) from error
    return text.strip()


def _limits(table: Table, _folder: Path) -> dict[str, Any]:
    return {"limits": _fit(Limits, table, ("limits",))}


def _keys(table: Table, _folder: Path) -> dict[str, Any]:
    for name, value in table.items():
        try:
            keys_from({name: value})
        except ConfigurationError as error:
            raise MisplacedError(f"[keys] {error}", ("keys",), name) from error
    return {"hashed_keys": keys_from(table)}


def _recording(table: Table, folder: Path) -> dict[str, Any]:
    table = dict(table)
    if isinstance(table.get("folder"), str):
        table["folder"] = folder / table["folder"]
    return {"recording": _fit(RecordingPolicy, table, ("recording",))}


def _metrics(table: Table, _folder: Path) -> dict[str, Any]:
    given = _fit(_Metrics, table, ("metrics",))
    return {"metrics": MetricsPolicy(given.open) if given.enabled else None}


def _tracing(table: Table, _folder: Path) -> dict[str, Any]:
    given = _fit(_Tracing, table, ("tracing",))
    policy = TracingPolicy(given.exporter, given.capture_content)
    return {"tracing": policy if given.enabled else None}


def _webrtc(table: Table, _folder: Path) -> dict[str, Any]:
    given = _fit(WebRtcSettings, table, ("webrtc",))
    secret = _from_environment(given.turn_credential_env, "turn_credential_env", "webrtc")
    try:
        config = given.rtc_config(secret[0] if secret else given.turn_credential)
    except ConfigurationError as error:
        key = next((name for name in table if str(error).startswith(name)), None)
        raise MisplacedError(f"[webrtc] {error}", ("webrtc",), key) from error
    return {"webrtc": config if given.enabled else None}


def _webhooks(tables: list[Table], _folder: Path) -> dict[str, Any]:
    endpoints = []
    for index, table in enumerate(tables):
        given = _fit(_Webhook, table, ("webhooks",), index)
        secrets = given.secrets + _from_environment(given.secrets_env, "secrets_env", "webhooks", index)
        if unknown := [event for event in given.events if event not in EVENTS]:
            message = f"[[webhooks]] there is no event {unknown[0]!r}{nearest(unknown[0], EVENTS)}"
            raise MisplacedError(message, ("webhooks",), "events", index)
        try:
            endpoints.append(WebhookEndpoint(given.url, secrets, given.events))
        except ConfigurationError as error:
            raise MisplacedError(f"[[webhooks]] {error}", ("webhooks",), None, index) from error
    return {"webhooks": tuple(endpoints)}


def _guardrails(tables: list[Any], _folder: Path) -> dict[str, Any]:
    specs = []
    for index, table in enumerate(tables):
        if not isinstance(table, Mapping) or not isinstance(table.get("name"), str):
            message = '[[guardrails]] needs a name: name = "words", or one that another package brings'
            raise MisplacedError(message, ("guardrails",), None, index)
        options = {name: option for name, option in table.items() if name != "name"}
        try:
            make_guardrail(table["name"], options)
        except ConfigurationError as error:
            raise MisplacedError(f"[[guardrails]] {error}", ("guardrails",), None, index) from error
        specs.append(GuardrailSpec(table["name"], options))
    return {"guardrails": tuple(specs)}


def _nothing_yet(_table: Table, _folder: Path) -> dict[str, Any]:
    """Read together with the engines."""
    return {}


def _choice(tables: Table, folder: Path) -> EngineChoice:
    parts = get_args(Part)
    engines = dict(tables.get("engines", {}))
    _known(engines, ("preset", *parts), ("engines",))
    preset = engines.get("preset", "embedded")
    if preset not in get_args(Preset):
        words = " or ".join(map(repr, get_args(Preset)))
        raise MisplacedError(f"[engines] preset is {preset!r}; it must be {words}", ("engines",), "preset")
    chosen: dict[str, Any] = {
        part: placed(part, _spec(part, engines[part]), folder) for part in parts if part in engines
    }
    voices = tables.get("voices", {})
    for name, voice in voices.items():
        if not isinstance(voice, str):
            raise MisplacedError(f"[voices] {name} must be the name of a voice, as text", ("voices",), name)
    if "prompts" in tables:
        chosen["prompts"] = str(folder / _fit(_Prompts, tables["prompts"], ("prompts",)).folder)
    return EngineChoice(preset=preset, **chosen, voices=dict(voices))


def _spec(part: str, value: object) -> EngineSpec:
    if isinstance(value, EngineSpec):
        return value
    if isinstance(value, str):
        return EngineSpec(value)
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        message = (
            f'[engines] {part} needs a name: {part} = "…", or a table [engines.{part}] with name = "…"; '
            "`vivavoce doctor` lists what there is"
        )
        raise MisplacedError(message, ("engines",), part)
    return EngineSpec(value["name"], {name: option for name, option in value.items() if name != "name"})


_READERS: dict[str, Callable[[Any, Path], dict[str, Any]]] = {
    "server": _server,
    "session": _session,
    "limits": _limits,
    "keys": _keys,
    "engines": _nothing_yet,
    "voices": _nothing_yet,
    "prompts": _nothing_yet,
    "recording": _recording,
    "metrics": _metrics,
    "tracing": _tracing,
    "webrtc": _webrtc,
    "webhooks": _webhooks,
    "guardrails": _guardrails,
}
_LISTS = ("webhooks", "guardrails")


def _fit(make: Callable[..., T], table: Table, path: tuple[str, ...], index: int = 0) -> T:
    """Make something of a table, or say which of its settings cannot be."""
    where = f"[{'.'.join(path)}]"
    _known(table, tuple(field.name for field in fields(make)), path, index)  # type: ignore[arg-type]
    try:
        return configured(make, table, where)
    except ConfigurationError as error:
        raise MisplacedError(str(error), path, _culprit(make, table, where), index) from error


def _culprit(make: Callable[..., T], table: Table, where: str) -> str | None:
    """Return the setting that is wrong by itself; `None` when some are wrong together, or one is missing."""
    needed = {
        field.name: table[field.name]
        for field in fields(make)  # type: ignore[arg-type]
        if field.default is field.default_factory is MISSING and field.name in table
    }
    for name, value in table.items():
        try:
            configured(make, {**needed, name: value}, where)
        except ConfigurationError as error:
            if " needs the option " not in str(error):
                return name
    return None


def _known(table: object, known: tuple[str, ...], path: tuple[str, ...], index: int = 0) -> None:
    where = f"[{'.'.join(path)}]"
    if not isinstance(table, Mapping):
        raise MisplacedError(f"{where} must be a table", path, None, index)
    for name in table:
        if name not in known:
            message = f"{where} has no setting {name!r}{nearest(name, known)}"
            raise MisplacedError(message, path, name, index)
